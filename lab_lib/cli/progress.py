"""Show a progress bar for the commands that take longer than two seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from lab_lib.calls.waiting import PROGRESS_FILE
from lab_lib.cli import terminal
from lab_lib.language import _
from lab_lib.workspace.private_files import file_named_by


def progress_bar(waiting: Path | None = None) -> Progress:
    """Return a progress bar. A notebook's cell writes into the file `waiting` what it waits for."""
    # The description may be long: it must leave room for the bar, the numbers and the time.
    described = _Description(
        "{task.description}", table_column=Column(no_wrap=True, max_width=max(terminal.err.width - 42, 10))
    )
    described.waiting = waiting
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), described, TimeElapsedColumn())
    return Progress(*columns, console=terminal.err, transient=True, disable=not terminal.err.is_terminal)


@contextmanager
def step_bar(total: int) -> Iterator[tuple[Progress, TaskID]]:
    """Show a bar of so many steps, and what is waited for in each."""
    with file_named_by(PROGRESS_FILE) as waiting, progress_bar(waiting) as progress:
        yield progress, progress.add_task(_("starting"), total=total)


class _Description(TextColumn):
    """The name of what is done or, while it waits, the notebook's number and what there is so far."""

    waiting: Path | None = None

    def render(self, task: Task) -> Text:
        line = self.waiting.read_text("utf-8") if self.waiting else ""
        so_far = line.split(" … ")[-1]  # "5 s, 18,050 of 20,000 rows", or a line that has no such part
        return Text(_(": ").join((task.description.split("-")[0], so_far))) if line else super().render(task)
