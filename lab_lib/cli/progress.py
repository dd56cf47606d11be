"""Show a progress bar for the commands that take longer than two seconds."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from lab_lib.cli import terminal


def progress_bar() -> Progress:
    """Return a progress bar, which only a terminal shows."""
    # The description may be long: it must leave room for the bar, the numbers and the time.
    width = max(terminal.err.width - 42, 10)
    return Progress(
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=width)),
        TimeElapsedColumn(),
        console=terminal.err,
        transient=True,
        disable=not terminal.err.is_terminal,
    )
