"""Define the command `lab`. Each command imports the packages that it calls itself, so that help is quick."""

import functools
import importlib.metadata
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

import lab_lib
from lab_lib.cli import check_command, class_commands, local_commands, open_command, run_command
from lab_lib.cli.command_line import CommandLine
from lab_lib.cli.setting_options import Settings, in_workspace, takes
from lab_lib.cli.terminal import FoldingTable, Yes, handle_errors, out, progress_bar, relative_to_cwd
from lab_lib.errors import UsageError
from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS, marked
from lab_lib.settings import PLACE
from lab_lib.workspace.private_files import write_file

app = typer.Typer(
    cls=CommandLine,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_MORE, _TEACH = "More", "Teach"
app.command("open")(open_command.open_)
app.command("run")(run_command.run)
app.command("check")(check_command.check)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"lab {importlib.metadata.version('serverless-lab-workbook')}", flush=True)
        raise typer.Exit


@app.callback()
@functools.partial(in_workspace, before_all=True)
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The Serverless Lab Workbook. Without --profile it runs on an embedded AWS, on this computer, for free."""


@app.command("try")
def try_(
    file: Annotated[Path, typer.Argument(help="The file with your function, such as my-lab/my_notifier.py.")],
    seed: Annotated[
        str, typer.Option(help="Draw the same transactions again: the seed that an earlier try named.")
    ] = "",
    only: Annotated[str, typer.Option(help="The cases to try, such as poison,crash. By default all.")] = "",
) -> None:
    """Try your own TotalNotifier with many cases, such as a batch that comes twice.

    Your function is lambda_handler(event, context). It gets records of the stream of Transactions.

    It finds TOTAL_TABLE, MARKER_TABLE, TOPIC_ARN, THRESHOLD and DEAD_LETTER_QUEUE in os.environ, as TotalNotifier does.

    Customers, amounts and batches are drawn anew each time. --seed draws those of an earlier try again.

    Cases that fail for one cause stand together. For the first cause you see what was sent, and what differed.

    --only shows that of another case, such as --only poison.

    It runs on another embedded AWS, which is deleted afterwards. Your lab is not touched.

    Your function runs in a box. Where none can be made, it runs as you: try only code that you trust.

    The exit status is 0 if all cases are passed, 1 if not, and 2 if the file has no such function.
    """
    from lab_lib.exercises import cases, trial

    ids = only.replace(",", " ").split()
    with handle_errors(stopped=N_("Stopped. Nothing is left of the trial.")):
        with progress_bar() as progress:
            bar = progress.add_task(_("starting another embedded AWS"), total=len(cases.chosen(ids)))
            tried = trial.judge(
                file, ids, seed, lambda result: progress.update(bar, advance=1, description=result.case)
            )
        table = FoldingTable(_("state"), _("case"))
        for state, title, text in tried.rows:
            mark = Text(marked(state), LOOKS[state].style)
            table.add_row(mark, Text.assemble((title, "bold"), _(": ") + text))
        out.print(table)
        out.say(tried.summary, style="bold")
        raise typer.Exit(0 if tried.passed else 1)


@app.command()
@takes(*PLACE)
def clean(settings: Settings, yes: Yes = False) -> None:
    """Delete everything that the lab made in the account. On AWS you are asked first.

    Only resources with the tag lab=serverless-lab are deleted.
    """
    from lab_lib.aws import cleanup
    from lab_lib.workspace.one_command import alone

    lab = lab_lib.open_lab(**settings)
    with alone(lab, "lab clean"):
        cleanup.confirm(lab, yes)
        for name in cleanup.delete_all(lab):
            out.say(_("deleted {name}", name=name))
        out.say(_("Nothing of the lab is left in {lab}.", lab=lab))
        _own, kept = cleanup.survey(lab)
        if kept:
            out.say(_("Kept, since the lab did not make it:"), *kept, sep="\n- ")


@app.command(rich_help_panel=_MORE)
def submit(
    name: Annotated[str, typer.Option(help="Your name, as your instructor knows it.")] = "",
    student_id: Annotated[
        str, typer.Option("--id", help="Your id or login at the school; by default that of `lab open`.")
    ] = "",
    out_file: Annotated[
        Path | None, typer.Option("--out", help="The file; by default submission-NAME-ID.zip in this folder.")
    ] = None,
) -> None:
    """Write your own work into one file, for your instructor. Nothing is sent.

    It holds your notebooks with your answers, and your function (all my_*.py).

    Accounts, addresses and credentials are masked.
    """
    from lab_lib.classroom import submission
    from lab_lib.classroom.roster import slug
    from lab_lib.exercises import copies

    with handle_errors(N_("Stopped. To write the file, run the command again.")):
        student_id = student_id or copies.data_id(copies.folder())
        parts = [slug(part) for part in (name, student_id) if part]
        path = out_file or Path(f"{'-'.join(['submission', *parts])}.zip")
        held = submission.write(path, name, student_id)
        out.say(
            _(
                "Written: {path} ({size:,.0f} kB). It was not sent anywhere.",
                path=relative_to_cwd(path),
                size=path.stat().st_size / 1000,
            )
        )
        out.say(_("It holds: {names}", names=_(", ").join(held)))
        if submission.FUNCTION not in held:
            out.say(
                _("It lacks {name}, which notebook 06 writes, and which gives points too.", name=submission.FUNCTION)
            )
        if not any(part in slug(path.stem) for part in parts):
            out.say(_("The file's name must say whose it is: give --name and --id, and no --out."))
        out.say(_("Hand in this file."))


@app.command("trace", rich_help_panel=_MORE)
@takes(*PLACE)
def trace_(
    settings: Settings,
    customer: Annotated[str, typer.Argument(help="The id of a customer.", show_default=False)] = "",
    transaction: Annotated[str, typer.Argument(help="The id of a transaction.", show_default=False)] = "",
    file: Annotated[str, typer.Option(help="With --line, in their place: the key of an upload.")] = "",
    line: Annotated[int, typer.Option(min=1, help="A line of it; the header is line 1.", show_default=False)] = 1,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that plays it too.")] = None,
) -> None:
    """Follow one transaction through the chain: `lab trace CUSTOMER TRANSACTION`.

    Or one line of a file: `lab trace --file march.txt --line 7`.

    It begins with the file, and ends with the messages, or with what stopped it, why, and what to do.

    All is read from the account: bucket, tables, queues, logs (14 days), stream (24 hours) and markers (48 hours).
    """
    from lab_lib import trace
    from lab_lib.workspace.masking import masked

    with handle_errors(N_("Stopped. Nothing was changed.")):
        is_incomplete = bool(customer) != bool(transaction)
        is_both_or_none = bool(customer) == bool(file)
        if is_incomplete or is_both_or_none:
            raise UsageError("Name a customer and a transaction, or --file and --line.")
        lab = lab_lib.open_lab(**settings)
        followed = trace.follow_line(lab, file, line) if file else trace.follow(lab, customer, transaction)
        followed = followed.mapped(lambda text: masked(text, lab))
        out.say(followed.heading, style="bold")
        for change in followed.changes:
            out.print(_of_change(change))
        if html:
            write_file(html, followed.page)
            out.say(_("Page: {path}", path=relative_to_cwd(html)))


app.add_typer(local_commands.app, name="local", rich_help_panel=_MORE)
app.add_typer(class_commands.app, name="class", rich_help_panel=_TEACH)


@app.command(rich_help_panel=_TEACH)
@takes("boundary", *PLACE)
def policy(
    settings: Settings,
    person: Annotated[
        Literal["grader", "probe", "learner", "boundary"],
        typer.Argument(
            help="grader: what `lab check` needs. probe: what `lab check --probe` needs beside it. "
            "learner: what all notebooks need, and `lab check` too. "
            "boundary: the most that the lab's roles need."
        ),
    ] = "grader",
) -> None:
    """Print the IAM policy that a grader or a learner needs, with no more permissions than that.

    The grader only reads. On AWS a probe uploads files, and reads.

    The learner makes, repairs and deletes resources with the lab's names.

    Attach the learner's policy as a managed policy: it is too long for a user (2,048 characters) or a group (5,120).

    A learner writes the policies of the lab's roles, and so can give a role any permission, and use it by a function.

    In a shared account, set a limit: create a managed policy NAME from what `lab policy boundary` prints.

    Then attach what `lab policy learner --boundary NAME` prints. It lets the learner create no role without NAME.
    """
    from lab_lib.aws import policies, user_policies

    lab = lab_lib.open_lab(**settings)
    policy_of = policies.boundary if person == "boundary" else getattr(user_policies, person)
    print(json.dumps(policy_of(lab), indent=2), flush=True)


def _of_change(change: Any) -> Table:
    """Return the table of one change of a transaction."""
    from lab_lib.trace.trace import TITLES

    table = FoldingTable(*map(_, TITLES))
    for event in change:
        mark = Text(event.mark, LOOKS[event.state].style)
        table.add_row(mark, Text(event.words("\n→ ")), event.clock)
    return table


for commands in (app, local_commands.app, class_commands.app):
    for command in commands.registered_commands:
        command.callback = in_workspace(command.callback)  # type: ignore[arg-type]  # each has one
