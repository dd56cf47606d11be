"""What all commands share: the two consoles, the options that several have, and how an error is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from lab_lib.errors import LabError
from lab_lib.lab import DEFAULT_REGION

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended
STOPPED = "Stopped. What was made so far is still there: run the same command again, or `lab clean`."
out, err = Console(), Console(stderr=True)

Account = Annotated[str, typer.Option(help="The account's twelve digits. Must be named with --profile.")]
Profile = Annotated[
    str, typer.Option(help="A profile of your AWS configuration: run on AWS itself, which costs money.")
]
Region = Annotated[str, typer.Option(help=f"The AWS Region; {DEFAULT_REGION} unless you say.")]
Prefix = Annotated[str, typer.Option(help="Put before every name, to share an account.")]

Threshold = Annotated[str, typer.Option(help="Alerts go out when a total reaches this amount.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before deleting on AWS.")]
Email = Annotated[str, typer.Option(help="Alerts go to this e-mail address too.")]
Phone = Annotated[str, typer.Option(help="Alerts go to this number too, by SMS.")]


@contextmanager
def said_in_one_line(stopped: str = STOPPED) -> Iterator[None]:
    """An error of ours is one clear line on stderr, and its exit status."""
    try:
        yield
    except LabError as error:
        err.print(f"[bold red]{type(error).__name__}[/]: ", end="")
        err.print(str(error), soft_wrap=True, markup=False, highlight=False)
        raise typer.Exit(error.exit_status) from None
    except (BotoCoreError, ClientError) as error:
        err.print("[bold red]AWS[/]: ", end="")
        err.print(str(error), soft_wrap=True, markup=False, highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print(stopped, soft_wrap=True, markup=False)
        raise typer.Exit(INTERRUPTED) from None


def shown(folder: Path) -> Path:
    """The folder as seen from where the user stands, if it lies below."""
    folder = folder.resolve()
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
