"""The command `lab`. Thin: every command is one call into the rooms beside this file."""

import json
import os
import shlex
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text  # unlike a str, it is no markup: what a notebook says is shown as it is

from lab_lib.aws import user_policies
from lab_lib.cli import class_commands
from lab_lib.cli.terminal import (
    Account,
    Email,
    Phone,
    Prefix,
    Profile,
    Region,
    Threshold,
    Yes,
    err,
    out,
    said_in_one_line,
    shown,
)
from lab_lib.embedded import server
from lab_lib.lab import Lab, open_lab
from lab_lib.masking import masked

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
_ALIAS = """alias aws='aws --endpoint-url "$AWS_ENDPOINT_URL"'"""
_PRIVATE_KERNEL = "--KernelManager.transport_encryption=auto"  # nobody on this machine can listen in
_STYLES = {"ok": "green", "not yet": "red", "cannot see": "yellow", "waits": "bright_black", "could be": "bright_black"}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The Serverless Lab Workbook. Without --profile it runs on an embedded AWS, on this machine, for nothing.",
)
local = typer.Typer(no_args_is_help=True, help="The embedded AWS of this checkout.")
app.add_typer(local, name="local")
app.add_typer(class_commands.app, name="class")


@app.command()
def run(
    account: Account = "",
    profile: Profile = "",
    region: Region = "",
    prefix: Prefix = "",
    data: Annotated[Path | None, typer.Option(help="The file to upload; data/transactions.txt unless you say.")] = None,
    threshold: Threshold = "1500",
    email: Email = "",
    phone: Phone = "",
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Where the executed notebooks go; runs/<time> unless you say.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Stop after this notebook, such as 04, and keep what was made.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Skip 99: leave everything in the account.")] = False,
    yes: Yes = False,
) -> None:
    """Run the notebooks in order, and write what came of it to result.json.

    The last one deletes what the lab made; on AWS you are asked before the first one.

    With --until, you go on by hand: after `lab run --until 04` the whole chain is there, and 05 is the next notebook.

    Account, addresses and credentials are masked in all that is written.
    """
    from lab_lib.aws import cleanup
    from lab_lib.run import headless

    where = {"account": account, "profile": profile, "region": region, "prefix": prefix}
    told = {"threshold": threshold, "email": email, "phone": phone, "data_file": str(data or "")}
    parameters = {**where, **told, "yes": True}
    with said_in_one_line():
        if keep and until is None:
            until = headless.last_kept()
        notebooks = headless.notebooks(until)
        if until is None:  # asked for here, once: nobody can answer notebook 99
            cleanup.confirm_run(headless.prepare(parameters)[1], yes)
    with said_in_one_line(), _progress() as progress:
        folder = out_dir or ROOT / "runs" / datetime.now().strftime("%Y-%m-%d-%H%M%S")
        bar, steps = progress.add_task("getting ready", total=len(notebooks)), []

        def finished(step: headless.Step) -> None:
            steps.append(step)
            progress.advance(bar)

        def started(notebook: str) -> None:
            progress.update(bar, description=notebook)

        try:
            result = headless.run(parameters, folder, until, started, finished)
        finally:
            if out_dir is None and folder.exists():
                _point(ROOT / "runs" / "latest", folder)
            progress.stop()
        out.print(_steps_table(steps, notebooks))
        out.print(_summary(result), soft_wrap=True, markup=False)
        out.print(f"Executed notebooks and result.json: {shown(folder)}", soft_wrap=True)
        if not result["ok"]:
            out.print("What was made is still there to be looked at. `lab clean` deletes it.", style="bold")
            raise typer.Exit(1)
        if until is not None:
            following = headless.notebooks()[len(notebooks)]
            out.print(_go_on(notebooks[-1], following, where), style="bold", soft_wrap=True, markup=False)


@app.command("open")
def open_(account: Account = "", profile: Profile = "", region: Region = "", prefix: Prefix = "") -> None:
    """Open the lab in JupyterLab; on the embedded AWS, unless AWS is named."""
    with said_in_one_line():
        lab = open_lab(account=account, profile=profile, region=region, prefix=prefix)
        out.print(f"The lab is open: {lab}. Ctrl-C in this terminal ends JupyterLab.", soft_wrap=True)
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--ip=127.0.0.1",
            f"--ServerApp.root_dir={ROOT}",
            "--LabApp.default_url=/lab/tree/notebooks/00-start-here.ipynb",
            _PRIVATE_KERNEL,
            *(["--allow-root"] if os.geteuid() == 0 else []),  # as in a container
        ]
        chosen = {"LAB_ACCOUNT": account, "LAB_PROFILE": profile, "LAB_REGION": region, "LAB_PREFIX": prefix}
        raise typer.Exit(subprocess.run(command, cwd=ROOT, env={**os.environ, **chosen}, check=False).returncode)


@app.command()
def check(
    account: Account = "",
    profile: Profile = "",
    region: Region = "",
    prefix: Prefix = "",
    threshold: Threshold = "1500",
    email: Email = "",
    phone: Phone = "",
    step: Annotated[
        list[str] | None, typer.Option(help='Only this step, such as 02, or "further"; may be given more than once.')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Grade the account, whoever built it: what holds, what does not, and what to do. Nothing is changed.

    The exit status is 0 if all holds, 1 if not. What only goes further than the handout is shown, and not counted.
    """
    from lab_lib import checks

    with said_in_one_line(), _progress() as progress:
        bar = progress.add_task("looking", total=checks.number_of(*(step or [])))
        lab = open_lab(
            account=account,
            profile=profile,
            region=region,
            prefix=prefix,
            threshold=threshold,
            email=email,
            phone=phone,
        )
        report = checks.run(lab, *(step or []), done=lambda made: progress.advance(bar))
        progress.stop()
        if as_json:
            print(masked(json.dumps(report.as_dicts(), indent=2, ensure_ascii=False), lab))
        else:
            out.print(f"{str(lab)[0].upper()}{str(lab)[1:]}", soft_wrap=True, highlight=False)
            out.print(_checks_table(report, whole=bool(step)))
        raise typer.Exit(1 if report.failed else 0)


@app.command()
def policy(
    person: Annotated[
        Literal["grader", "learner"],
        typer.Argument(help="grader: what `lab check` needs. learner: what all notebooks need, and `lab check` too."),
    ] = "grader",
    account: Account = "",
    profile: Profile = "",
    region: Region = "",
    prefix: Prefix = "",
) -> None:
    """Print the IAM policy that a grader or a learner needs, and nothing beyond it.

    The grader only reads. The learner makes, mends and deletes what carries the lab's names.

    Who says what a role may do, may do much: give the learner's policy in an account of the learner's own.
    """
    with said_in_one_line():
        lab = open_lab(account=account, profile=profile, region=region, prefix=prefix)
        print(json.dumps(user_policies.learner(lab) if person == "learner" else user_policies.grader(lab), indent=2))


@app.command()
def clean(
    account: Account = "",
    profile: Profile = "",
    region: Region = "",
    prefix: Prefix = "",
    yes: Yes = False,
) -> None:
    """Delete everything that the lab made in the account. On AWS it asks first.

    Only what carries the tag lab=serverless-lab is deleted.
    """
    from lab_lib.aws import cleanup

    with said_in_one_line():
        lab = open_lab(account=account, profile=profile, region=region, prefix=prefix)
        cleanup.confirm(lab, yes)
        for what in cleanup.delete_all(lab):
            out.print(f"deleted {what}")
        out.print(f"Nothing of the lab is left in {lab}.", soft_wrap=True)
        if kept := cleanup.kept(lab):
            out.print(f"Kept, since the lab did not make it: {', '.join(kept)}", soft_wrap=True)


@local.command()
def start() -> None:
    """Start the embedded AWS, if it does not run yet."""
    with said_in_one_line():
        out.print(f"The embedded AWS runs at {server.start().endpoint}")


@local.command()
def stop() -> None:
    """Stop the embedded AWS. Everything that was made there is gone."""
    with said_in_one_line():
        out.print(
            "The embedded AWS has stopped, and everything made there is gone. `lab run --until 04` builds it again."
            if server.stop()
            else "The embedded AWS was not running.",
            soft_wrap=True,
        )


@local.command()
def status() -> None:
    """Say whether the embedded AWS runs; exit status 1 if it does not."""
    with said_in_one_line():
        if found := server.running():
            out.print(f"The embedded AWS runs at {found.endpoint} (process {found.pid}).")
            return
        out.print("The embedded AWS does not run. `lab local start` starts it.")
        raise typer.Exit(1)


@local.command()
def env(account: Account = "", region: Region = "") -> None:
    """Print the exports with which the aws command talks to the embedded AWS: eval "$(lab local env)".

    They hold its secret access key, which is new at each start: run it again after a stop. The alias is for the aws
    command that pip installs: its `aws sqs` goes to the real SQS, whatever AWS_ENDPOINT_URL says.
    """
    with said_in_one_line():
        lab = _embedded(account, region)
        exports = {
            "AWS_ENDPOINT_URL": lab.endpoint,
            "AWS_ACCESS_KEY_ID": lab.account,
            "AWS_SECRET_ACCESS_KEY": lab.session.get_credentials().secret_key,
            "AWS_DEFAULT_REGION": lab.region,
        }
        print("unset AWS_PROFILE AWS_SESSION_TOKEN")
        for name, value in exports.items():
            print(f"export {name}={shlex.quote(str(value))}")
        print(_ALIAS)
        err.print(
            "Note: the `aws sqs` of pip's awscli goes to the real SQS, whatever AWS_ENDPOINT_URL says. "
            f"In this terminal an alias keeps it here: {_ALIAS}",
            soft_wrap=True,
            markup=False,
            highlight=False,
        )


def _embedded(account: str, region: str) -> Lab:
    """The lab on the embedded AWS, even where these very exports, or a profile of `lab open`, are already set."""
    for name in ("AWS_ENDPOINT_URL", "LAB_PROFILE"):
        os.environ.pop(name, None)
    return open_lab(account=account, region=region)


def _progress() -> Progress:
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def _steps_table(steps: list[Any], notebooks: list[Path]) -> Table:
    table = Table("step", "seen", "seconds", header_style="bold")
    table.columns[0].no_wrap = True
    table.columns[2].justify = "right"
    done = {step.notebook: step for step in steps}
    for name in (path.stem for path in notebooks):
        if step := done.get(name):
            mark = "[green]✔[/]" if step.ok else "[red]✘[/]"
            table.add_row(f"{mark} {name}", Text(step.error or step.seen), f"{step.seconds:.1f}")
        else:
            table.add_row(f"– {name}", "not run", "")
    table.add_section()
    table.add_row("all", "", f"{sum(step.seconds for step in steps):.1f}")
    return table


def _go_on(last: Path, following: Path, where: dict[str, str]) -> str:
    """Return what is there after the last notebook, and how to go on.

    The options of this run stand there without their values, as the account is private.
    """
    options = "".join(f" --{name} …" for name, value in where.items() if value)
    return (
        f"Everything up to {last.stem} is there now. Go on with {following.stem} in `lab open{options}`. "
        f"`lab clean{options}` deletes it."
    )


def _checks_table(report: Any, whole: bool) -> Table:
    """The steps and how many of their checks hold; each check if `whole`, else those that need something done."""
    table = Table("state", "check", "found", header_style="bold")
    table.columns[0].no_wrap, table.columns[2].overflow = True, "fold"
    for step in dict.fromkeys(check.step for check in report.checks):
        of_step = [check for check in report.checks if check.step == step]
        hold = sum(check.ok for check in of_step)
        title = _titles().get(step, "going further: what this workbook adds to the handout")
        mark = "[green]✔[/]" if hold == len(of_step) else "[bright_black]○[/]" if step == "further" else "[red]✘[/]"
        table.add_section()
        waiting = sum(check.state == "waits" for check in of_step)
        table.add_row(
            mark, Text(title, "bold"), f"{hold} of {len(of_step)} hold{f', {waiting} wait' if waiting else ''}"
        )
        for check in of_step:
            if whole or check.state in ("not yet", "cannot see"):
                table.add_row(Text(check.mark, _STYLES[check.state]), Text(check.name), _told(check))
    return table


def _told(check: Any) -> Text:
    """What was found, and below it what was wanted and what to do."""
    if check.ok or check.state == "waits":
        return Text(check.found, "" if check.ok else "bright_black")
    wanted = f"; wanted: {check.wanted}" if check.state != "cannot see" else ""
    return Text.assemble(f"{check.found}{wanted}\n", (f"→ {check.hint}", "italic"))


def _titles() -> dict[str, str]:
    """The steps' titles, from the names of the notebooks: "02" is "02 add triggers"."""
    return {path.stem[:2]: path.stem.replace("-", " ") for path in NOTEBOOKS.glob("[0-9][0-9]-*.ipynb")}


def _summary(result: dict[str, Any]) -> str:
    """What the account held at the end, in a few lines."""

    def listed(amounts: dict[str, Any]) -> str:
        shown = [f"{name} {amount}" for name, amount in list(amounts.items())[:8]]
        return ", ".join(shown) + (f" and {len(amounts) - 8} more" if len(amounts) > 8 else "") or "none"

    alerts = {alert["customerID"]: alert["accountBalance"] for alert in result["alerts"]}
    return (
        f"Totals:    {listed(result['totals'])} ({result['transactions']} transactions)\n"
        f"Alerts:    {listed(alerts)}\n"
        f"Messages:  {listed(result['queues'])}\n"
        f"Rejected:  {len(result['rejected'])} rows"
    )


def _point(link: Path, folder: Path) -> None:
    """Let `link` point at the newest run, replaced in one go."""
    draft = link.with_name(f".{link.name}-{os.getpid()}")
    draft.symlink_to(folder.name)
    draft.replace(link)
