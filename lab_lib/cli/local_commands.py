"""`lab local`: start, stop and use the embedded AWS of this workspace."""

import os
import shlex

import typer

import lab_lib
from lab_lib.cli.setting_options import Settings, takes
from lab_lib.cli.terminal import out
from lab_lib.errors import BUILD_AGAIN
from lab_lib.language import _, sentences
from lab_lib.workspace.places import workspace

app = typer.Typer(no_args_is_help=True, help="The embedded AWS of this workspace.")


@app.command()
def start() -> None:
    """Start the embedded AWS, if it does not run yet."""
    from lab_lib.embedded import server

    server.start()
    status()


@app.command()
def stop() -> None:
    """Stop the embedded AWS. Everything made there is gone: `lab run --mine` builds it again from your notebooks."""
    from lab_lib.embedded import server

    if server.stop():
        told = _(
            "The embedded AWS of {workspace} has stopped, and everything made there is gone.", workspace=workspace()
        )
        out.say(sentences(told, _(BUILD_AGAIN)))
    else:
        out.say(_("The embedded AWS of {workspace} was not running.", workspace=workspace()))


@app.command()
def status() -> None:
    """Print the address of the embedded AWS; exit status 1 if it does not run."""
    from lab_lib.embedded import server

    if not (running := server.running()):
        idle = _("The embedded AWS of {workspace} does not run, so it holds nothing.", workspace=workspace())
        out.say(sentences(idle, _(BUILD_AGAIN)))
        raise typer.Exit(1)
    out.say(
        _(
            "The embedded AWS of {workspace} runs at {server.endpoint} (process {server.pid}).",
            workspace=workspace(),
            server=running,
        )
    )
    out.say(_where_functions_run(running.why_no_boxes))


@app.command()
@takes("account", "region")
def env(settings: Settings) -> None:
    """Print the variables with which the aws command calls the embedded AWS: eval "$(lab local env)".

    They hold its secret access key, which is new at each start: run it again after a stop.

    The alias is for the aws command that pip installs: its `aws sqs` ignores AWS_ENDPOINT_URL and calls the real SQS.
    """
    for name in ("AWS_ENDPOINT_URL", "LAB_PROFILE"):  # this command, or `lab open`, may have set them
        os.environ.pop(name, None)
    lab = lab_lib.open_lab(**settings)
    exports = {
        "AWS_ENDPOINT_URL": lab.endpoint,
        "AWS_ACCESS_KEY_ID": lab.account,
        "AWS_SECRET_ACCESS_KEY": lab.session.get_credentials().secret_key,
        "AWS_DEFAULT_REGION": lab.region,
    }
    alias = """alias aws='aws --endpoint-url "$AWS_ENDPOINT_URL"'"""
    lines = [f"export {name}={shlex.quote(str(value))}" for name, value in exports.items()]
    print("unset AWS_PROFILE AWS_SESSION_TOKEN", *lines, alias, sep="\n", flush=True)


def _where_functions_run(why_no_boxes: str) -> str:
    from lab_lib.processes import box

    if not why_no_boxes:
        return _("Each function runs in a box: it sees Python, boto3 and its own files, and no file of yours.")
    return _(
        "Functions run as you, like any program that you start: deploy only code that you trust. On Linux with "
        "bubblewrap, each runs in a box. Here none can be made: {why}. See docs/embedded-aws.md.",
        why=box.fault_of_functions() or why_no_boxes,  # the server speaks English
    )
