"""Share the two consoles, their tables and bars, the question before AWS is changed, and the printing of errors."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.containers import Lines
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from lab_lib.calls.refusals import in_one_line
from lab_lib.errors import LabError, UsageError
from lab_lib.language import N_, _, line_breaks

STOPPED = N_("Stopped. What was made so far is still there: run the same command again, or `lab clean`.")


class Terminal(Console):
    def say(self, *texts: str | Text, **how: Any) -> None:
        """Print text, and let the terminal break its lines: what is copied from there has no other breaks."""
        self.print(*texts, soft_wrap=True, **how)

    def on_broken_pipe(self) -> None:
        """Leave the error to `handle_errors`; rich would exit with status 1, like a check that does not hold."""
        raise


def _console(stderr: bool = False) -> Terminal:
    """Return a console that prints text as it is: no emoji, no markup, and on a terminal only, colours."""
    stream = sys.stderr if stderr else sys.stdout
    is_terminal = stream.isatty()
    has_width = is_terminal or "COLUMNS" in os.environ
    return Terminal(
        stderr=stderr,
        force_terminal=is_terminal,
        width=None if has_width else 100,  # a table in a file
        emoji=False,
        markup=False,
        highlight=False,
    )


out, err = _console(), _console(stderr=True)

NOT_GRADED = 3  # the exit status if an account could not be graded
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before something is made or deleted on AWS.")]


@contextmanager
def handle_errors(stopped: str = STOPPED, failed: int = 1) -> Iterator[None]:
    """Print an expected error as one line on stderr, and exit with 2 for a wrong request, with `failed` for others.

    `stopped` is printed, translated, after Ctrl-C, SIGTERM or a closed terminal.
    """
    try:
        yield
    except BrokenPipeError:
        raise typer.Exit(128 + signal.SIGPIPE) from None
    except (LabError, OSError) as error:  # or a full disk
        status = 2 if isinstance(error, UsageError) else failed
        raise fail(type(error).__name__, str(error), status) from None
    except (BotoCoreError, ClientError) as error:
        raise fail("AWS", in_one_line(error), failed) from None
    except KeyboardInterrupt as stop:
        with suppress(OSError):  # the terminal may be closed
            err.say(_(stopped))
        number = stop.args[0] if stop.args else signal.SIGINT  # or the signal that `__main__` turned into Ctrl-C
        raise typer.Exit(128 + number) from None


def fail(kind: str, message: str, status: int) -> typer.Exit:
    """Print the error, and return the exception that ends the command."""
    with suppress(OSError):
        err.say(Text.assemble((kind, "bold red"), f": {message}"))
    return typer.Exit(status)


def confirm(told: str, region: str, numbers: list[str], rows: int, yes: bool) -> None:
    """Say what is done on AWS, and that it takes what these notebooks take. Ask, unless `yes`."""
    from lab_lib.calls import asking
    from lab_lib.run import costs

    err.say(f"{told}\n{costs.before(numbers, rows, region)}")
    if not yes:
        asking.ask(_("Go on?"))


class FoldingTable(Table):
    """A table that breaks the lines of all columns but the first, as their language does."""

    def __init__(self, first: str, *others: str) -> None:
        super().__init__(Column(first, no_wrap=True), *others, header_style="bold")

    def add_row(self, *cells: Any, **how: Any) -> None:
        """Add a row of these cells, text each."""
        first, *others = cells
        folding = [_Folding().append(cell) for cell in others]
        super().add_row(first, *folding, **how)


class _Folding(Text):
    """Text that rich would break at spaces only, and Chinese has none."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        """Return the lines."""
        lines = Lines()
        for line in self.split(allow_blank=True):
            for part in line.divide(line_breaks(line.plain, width)):
                part.rstrip()
                lines.extend(Text.wrap(part, console, width, **how | {"overflow": "fold"}))
        return lines


def progress_bar() -> Progress:
    """Return a progress bar, which only a terminal shows."""
    # The description may be long: it must leave room for the bar, the numbers and the time.
    width = max(err.width - 42, 10)
    return Progress(
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=width)),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def relative_to_cwd(path: Path) -> Path:
    """Return the path relative to the current folder if it lies below, else the whole path."""
    whole = path.resolve()
    here = Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole
