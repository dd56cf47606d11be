"""Show a progress bar for the commands that take longer than two seconds."""

from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from lab_lib.cli import terminal


def progress_bar(waiting: Path | None = None) -> Progress:
    """Return a progress bar. A notebook's cell writes into the file `waiting` what it waits for."""
    # The description may be long: it must leave room for the bar, the numbers and the time.
    described = _Description(
        "{task.description}", table_column=Column(no_wrap=True, max_width=max(terminal.err.width - 42, 10))
    )
    described.waiting = waiting
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), described, TimeElapsedColumn())
    return Progress(*columns, console=terminal.err, transient=True, disable=not terminal.err.is_terminal)


class _Description(TextColumn):
    """The name of what is done or, while a cell waits, the notebook's number and what there is so far."""

    waiting: Path | None = None

    def render(self, task: Task) -> Text:
        line = self.waiting.read_text(encoding="utf-8") if self.waiting else ""
        so_far = line.split(" … ")[-1]  # "5 s, 18,050 of 20,000 rows", or a line that has no such part
        return Text(f"{task.description[:2]}: {so_far}") if line else super().render(task)
