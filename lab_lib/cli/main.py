"""The command `lab`. Each command calls one function of the packages below, which it imports itself: help is quick."""

import importlib.metadata
import json
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

import lab_lib
from lab_lib.cli import class_commands, local_commands, open_command, try_command
from lab_lib.cli.open_command import ROOT
from lab_lib.cli.progress import progress_bar
from lab_lib.cli.terminal import (
    Account,
    Boundary,
    Bucket,
    Email,
    NotifierRole,
    Phone,
    Prefix,
    ProcessorRole,
    Profile,
    Region,
    Threshold,
    Yes,
    err,
    handle_errors,
    out,
    relative_to_cwd,
)
from lab_lib.errors import UsageError

_STYLES = {"ok": "green", "not yet": "red", "cannot see": "yellow", "waits": "bright_black", "could be": "bright_black"}

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("open")(open_command.open_)
app.command("try")(try_command.try_)
app.add_typer(local_commands.app, name="local")
app.add_typer(class_commands.app, name="class")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"lab {importlib.metadata.version('serverless-lab-workbook')}", flush=True)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The Serverless Lab Workbook. Without --profile it runs on an embedded AWS, on this computer, for free."""


@app.command()
def run(
    account: Account = "",
    profile: Profile = "",
    region: Region = "",
    prefix: Prefix = "",
    data: Annotated[Path | None, typer.Option(help="The file to upload; data/transactions.txt by default.")] = None,
    threshold: Threshold = "",
    email: Email = "",
    phone: Phone = "",
    processor_role: ProcessorRole = "",
    notifier_role: NotifierRole = "",
    bucket: Bucket = "",
    boundary: Boundary = "",
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="The folder for the executed notebooks; runs/<time> by default.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Stop after this notebook, such as 04, and delete nothing.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Skip 99: leave everything in the account.")] = False,
    mine: Annotated[
        bool, typer.Option("--mine", help="Run your own copy, which `lab open` made, with its settings. Skips 99.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Run the notebooks in order, and write the result to result.json.

    The last one deletes everything that the lab made. On AWS you are asked before the first one.

    With --until you continue by hand: after `lab run --until 04` the whole chain exists, and 05 is the next notebook.

    Account, addresses and credentials are masked in all files.
    """
    from lab_lib.aws import cleanup
    from lab_lib.exercises import copies
    from lab_lib.run import costs, headless

    parameters: dict[str, Any] = {"account": account, "profile": profile, "region": region, "prefix": prefix}
    parameters |= {"threshold": threshold, "email": email, "phone": phone, "data_file": str(data or ""), "yes": True}
    parameters |= {"processor_role": processor_role, "notifier_role": notifier_role}
    parameters |= {"bucket": bucket, "boundary": boundary}
    with handle_errors():
        if mine:
            parameters = copies.settings() | {name: value for name, value in parameters.items() if value}
            err.print(copies.changes(), soft_wrap=True, end="")
        if (keep or mine) and until is None:
            until = headless.last_kept()
        notebooks = headless.notebooks(until)
        if mine:
            notebooks = [copies.existing(path.name) for path in notebooks]
        lab = headless.prepare(parameters)[1]
        if lab.is_real:
            err.print(costs.before([path.stem[:2] for path in notebooks]), soft_wrap=True)
        if until is None:  # ask here, since notebook 99 runs without a reader
            cleanup.confirm_run(lab, yes)
    with (
        handle_errors(),
        tempfile.NamedTemporaryFile() as file,
        costs.counted() as requests,
        progress_bar(waiting := Path(file.name)) as progress,
    ):
        folder = out_dir or ROOT / "runs" / datetime.now().strftime("%Y-%m-%d-%H%M%S")
        bar, steps = progress.add_task("starting", total=len(notebooks)), []

        def finished(step: headless.Step) -> None:
            steps.append(step)
            progress.advance(bar)

        def started(notebook: str) -> None:
            progress.update(bar, description=notebook)

        try:
            source = copies.folder() if mine else None
            result = headless.run(parameters, folder, until, started, finished, waiting=waiting, source=source)
        finally:
            if out_dir is None and folder.exists():
                _point(ROOT / "runs" / "latest", folder)
            progress.stop()
        out.print(_steps_table(steps, notebooks))
        out.print(_summary(result), soft_wrap=True)
        if lab.is_real:
            out.print(costs.after(requests(), [step.notebook[:2] for step in steps]), soft_wrap=True)
        out.print(f"Executed notebooks and result.json: {relative_to_cwd(folder)}", soft_wrap=True)
        if not result["ok"]:
            out.print("Everything made so far is still there. `lab clean` deletes it.", style="bold")
            raise typer.Exit(1)
        if until is not None:
            following = headless.notebooks()[len(notebooks)]
            out.print(_go_on(notebooks[-1], following, parameters), style="bold", soft_wrap=True)


@app.command()
def check(
    account: Account = "",
    profile: Profile = "",
    region: Region = "",
    prefix: Prefix = "",
    threshold: Threshold = "",
    email: Email = "",
    phone: Phone = "",
    processor_role: ProcessorRole = "",
    notifier_role: NotifierRole = "",
    bucket: Bucket = "",
    step: Annotated[
        list[str] | None, typer.Option(help='Only this step, such as 02, or "further"; can be repeated.')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Grade an account that was built with the notebooks or by hand: what holds, what does not, and what to do.

    Nothing is changed.

    The exit status is 0 if all holds, 1 if not. What goes further than the handout is shown, but not counted.
    """
    from lab_lib import checks
    from lab_lib.masking import masked

    with handle_errors(), progress_bar() as progress:
        bar = progress.add_task("checking", total=checks.number_of(*(step or [])))
        lab = lab_lib.open_lab(
            account=account,
            profile=profile,
            region=region,
            prefix=prefix,
            threshold=threshold,
            email=email,
            phone=phone,
            processor_role=processor_role,
            notifier_role=notifier_role,
            bucket=bucket,
        )
        report = checks.run(lab, *(step or []), done=lambda check: progress.advance(bar))
        progress.stop()
        if as_json:
            print(masked(json.dumps(report.as_dicts(), indent=2, ensure_ascii=False), lab), flush=True)
        else:
            out.print(f"{str(lab)[0].upper()}{str(lab)[1:]}", soft_wrap=True)
            out.print(_checks_table(report, every=bool(step)))
        raise typer.Exit(1 if report.failed else 0)


@app.command()
def policy(
    person: Annotated[
        Literal["grader", "learner", "boundary"],
        typer.Argument(
            help="grader: what `lab check` needs. learner: what all notebooks need, and `lab check` too. "
            "boundary: the most that the roles of the two functions need."
        ),
    ] = "grader",
    boundary: Boundary = "",
    account: Account = "",
    profile: Profile = "",
    region: Region = "",
    prefix: Prefix = "",
) -> None:
    """Print the IAM policy that a grader or a learner needs, with no more permissions than that.

    The grader only reads. The learner makes, repairs and deletes resources with the lab's names. Attach the learner's
    policy as a managed policy: it is too long for an inline policy of a user (2,048 characters) or a group (5,120).

    A learner writes the policies of the lab's roles, and can use through a function what a role may do. In an account
    of the learner's own, this needs no care. In a shared account, use a permissions boundary: create a managed policy
    from `lab policy boundary`, then attach what `lab policy learner --boundary NAME` prints. Then a role of the
    learner's can do no more than the lab's functions need, whatever its policies say.
    """
    from lab_lib.aws import policies, user_policies

    with handle_errors():
        if boundary and person != "learner":
            raise UsageError(
                f"--boundary goes with the learner's policy, not with {person}: lab policy learner --boundary NAME"
            )
        lab = lab_lib.open_lab(account=account, profile=profile, region=region, prefix=prefix, boundary=boundary)
        policy_of = {"grader": user_policies.grader, "learner": user_policies.learner, "boundary": policies.boundary}
        print(json.dumps(policy_of[person](lab), indent=2), flush=True)


@app.command()
def data(
    rows: Annotated[int, typer.Argument(min=1, help="The number of transactions.")],
    customers: Annotated[int, typer.Option(min=1, help="The number of customers.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed gives other transactions.")] = 0,
) -> None:
    """Print a large transactions file: `lab data 300000 --customers 20000 > march.txt`.

    The same numbers give the same file.
    """
    from lab_lib import transactions
    from lab_lib.waiting import with_progress

    with handle_errors(stopped="Stopped. The file is incomplete."):
        transactions.write(sys.stdout, with_progress(transactions.make_up(rows, customers, seed), "rows"))
        sys.stdout.flush()


@app.command()
def clean(
    account: Account = "",
    profile: Profile = "",
    region: Region = "",
    prefix: Prefix = "",
    processor_role: ProcessorRole = "",
    notifier_role: NotifierRole = "",
    bucket: Bucket = "",
    yes: Yes = False,
) -> None:
    """Delete everything that the lab made in the account. On AWS you are asked first.

    Only resources with the tag lab=serverless-lab are deleted.
    """
    from lab_lib.aws import cleanup

    with handle_errors():
        lab = lab_lib.open_lab(
            account=account,
            profile=profile,
            region=region,
            prefix=prefix,
            processor_role=processor_role,
            notifier_role=notifier_role,
            bucket=bucket,
        )
        cleanup.confirm(lab, yes)
        for name in cleanup.delete_all(lab):
            out.print(f"deleted {name}", soft_wrap=True)
        out.print(f"Nothing of the lab is left in {lab}.", soft_wrap=True)
        if kept := cleanup.kept(lab):
            out.print(f"Kept, since the lab did not make it: {', '.join(kept)}", soft_wrap=True)


def _steps_table(steps: list[Any], notebooks: list[Path]) -> Table:
    table = Table("step", "seen", "seconds", header_style="bold")
    table.columns[0].no_wrap = True
    table.columns[2].justify = "right"
    done = {step.notebook: step for step in steps}
    for name in (path.stem for path in notebooks):
        if step := done.get(name):
            mark = ("✔", "green") if step.ok else ("✘", "red")
            table.add_row(Text.assemble(mark, f" {name}"), step.error or step.seen, f"{step.seconds:.1f}")
        else:
            table.add_row(f"– {name}", "not run", "")
    table.add_section()
    table.add_row("all", "", f"{sum(step.seconds for step in steps):.1f}")
    return table


def _go_on(last: Path, following: Path, parameters: dict[str, Any]) -> str:
    """Return a sentence on how to continue by hand. It shows the options of this run without their private values."""
    where = ("account", "profile", "region", "prefix", "processor_role", "notifier_role", "bucket")
    options = "".join(f" --{name.replace('_', '-')} …" for name in where if parameters.get(name))
    return (
        f"Everything up to {last.stem} is there now. Go on with {following.stem} in `lab open{options}`. "
        f"`lab clean{options}` deletes it."
    )


def _checks_table(report: Any, every: bool) -> Table:
    """Return a table of the steps, with every check if `every`, else with the checks that do not hold."""
    table = Table("state", "check", "found", header_style="bold")
    table.columns[0].no_wrap, table.columns[2].overflow = True, "fold"
    for step in dict.fromkeys(check.step for check in report.checks):
        of_step = [check for check in report.checks if check.step == step]
        states = [check.state for check in of_step]
        hold, waiting, unseen = (states.count(state) for state in ("ok", "waits", "cannot see"))
        title = _titles().get(step, "going further: what this workbook adds to the handout")
        wrong = ("○", "bright_black") if step == "further" else ("✘", "red")
        mark = wrong if hold + unseen < len(of_step) else ("?", "yellow") if unseen else ("✔", "green")
        table.add_section()
        count = f"{hold} of {len(of_step)} hold{f', {waiting} wait' if waiting else ''}"
        count += f", {unseen} cannot be seen" if unseen else ""
        table.add_row(Text(*mark), Text(title, "bold"), count)
        for check in of_step:
            if every or check.state in ("not yet", "cannot see"):
                table.add_row(Text(check.mark, _STYLES[check.state]), check.name, _finding(check))
    return table


def _finding(check: Any) -> Text:
    """Return what the check found and, if it does not hold, what it wanted and what to do."""
    if check.ok or check.state == "waits":
        return Text(check.found, "" if check.ok else "bright_black")
    wanted = f"; wanted: {check.wanted}" if check.state != "cannot see" else ""
    return Text.assemble(f"{check.found}{wanted}\n", (f"→ {check.hint}", "italic"))


def _titles() -> dict[str, str]:
    """Return each step's title, from the name of its notebook: "02" has the title "02 add triggers"."""
    from lab_lib.exercises import copies

    return {path.stem[:2]: path.stem.replace("-", " ") for path in copies.solved()}


def _summary(result: dict[str, Any]) -> str:
    """Return a few lines on what the account holds."""
    from lab_lib.checks.rules import number

    def listed(amounts: dict[str, Any]) -> str:
        first = [f"{name} {amount}" for name, amount in list(amounts.items())[:8]]
        return ", ".join(first) + (f" and {len(amounts) - 8} more" if len(amounts) > 8 else "") or "none"

    alerts = {alert["customerID"]: alert["accountBalance"] for alert in result["alerts"]}
    return (
        f"Totals:    {listed(result['totals'])} ({number(result['transactions'], 'transaction')})\n"
        f"Alerts:    {listed(alerts)}\n"
        f"Messages:  {listed(result['queues'])}\n"
        f"Rejected:  {number(len(result['rejected']), 'row')}"
    )


def _point(link: Path, folder: Path) -> None:
    """Replace `link` by a link to the newest run, in one step."""
    draft = link.with_name(f".{link.name}-{os.getpid()}")
    draft.symlink_to(folder.name)
    draft.replace(link)
