"""Define the command `lab`. Each command imports the packages that it calls itself, so that help is quick."""

import functools
import importlib.metadata
import json
from typing import Annotated, Literal

import typer

import lab_lib
from lab_lib.cli import (
    check_command,
    class_commands,
    local_commands,
    open_command,
    run_command,
    submit_command,
    trace_command,
    try_command,
)
from lab_lib.cli.command_line import CommandLine
from lab_lib.cli.setting_options import Settings, in_workspace, takes
from lab_lib.cli.terminal import Yes, out
from lab_lib.errors import UsageError
from lab_lib.language import _
from lab_lib.settings import PLACE

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
app.command("try")(try_command.try_)


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
        if kept := cleanup.kept(lab):
            out.say(_("Kept, since the lab did not make it:"), *kept, sep="\n- ")


app.command("submit", rich_help_panel=_MORE)(submit_command.submit)
app.command("trace", rich_help_panel=_MORE)(trace_command.trace)


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

    if settings["boundary"] and person != "learner":
        raise UsageError(
            "--boundary goes with the learner's policy, not with {person}: lab policy learner --boundary NAME",
            person=person,
        )
    lab = lab_lib.open_lab(**settings)
    policy_of = policies.boundary if person == "boundary" else getattr(user_policies, person)
    print(json.dumps(policy_of(lab), indent=2), flush=True)


for commands in (app, local_commands.app, class_commands.app):
    for command in commands.registered_commands:
        command.callback = in_workspace(command.callback)  # type: ignore[arg-type]  # each has one
