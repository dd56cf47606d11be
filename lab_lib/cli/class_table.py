"""Draw what `lab class` shows: the progress of a class, who has less than full marks, and what a clean-up left."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab_lib.classroom import job, session
from lab_lib.classroom.job import Record, Work
from lab_lib.classroom.students import Student
from lab_lib.cli.terminal import err
from lab_lib.masking import without_accounts

_STYLES = {"failed": "red", "running": "bold", "waiting": "bright_black", "done": "green", "done before": "green"}
_ORDER = list(_STYLES)  # of the rows
_Row = tuple[str, str, str, str, str]


@contextmanager
def live(works: Sequence[Work], to_do: Sequence[Work]) -> Iterator[Callable[[Record], None]]:
    """Show the progress of a class; give the function to call with each student's record.

    A terminal shows a table that changes. Elsewhere, as in CI, each finished student is a line.
    """
    progress = _Progress(works, to_do)
    if not err.is_terminal:
        yield progress.print_line
        return
    with Live(get_renderable=progress.table, console=err, refresh_per_second=4, transient=True):
        yield progress.add


class _Progress:
    """The state of each student. A file in the student's draft folder names the notebook that runs now."""

    def __init__(self, works: Sequence[Work], to_do: Sequence[Work]) -> None:
        self.works, self.to_do = works, {each.folder.name for each in to_do}
        self.records: dict[str, Record] = {}
        self.started: dict[str, float] = {}

    def add(self, record: Record) -> None:
        self.records[record["folder"]] = record

    def print_line(self, record: Record) -> None:
        self.add(record)
        words = f"{len(self.records)}/{len(self.to_do)}  {record['state']}  {record['account']}  {record['name']}"
        why = f"  {record['error']}" if record["error"] else ""
        err.print(f"{words}  {record['seconds']:.0f} s{why}", soft_wrap=True)

    def table(self) -> Table:
        """Return a row for each student or, if the terminal has too few lines, for each step and state.

        Below it is a count of each state.
        """
        rows = sorted(map(self._row, self.works), key=lambda row: (_ORDER.index(row[3]), row[2]))
        counts = {state: sum(row[3] == state for row in rows) for state in _ORDER}
        caption = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        if len(rows) > err.height - 6:
            return _by_step(rows, caption)
        table = Table("account", "name", "step", "state", "seconds", header_style="bold", caption=caption)
        table.columns[4].justify = "right"
        for account, name, step, state, seconds in rows:
            table.add_row(account, Text(name), step, Text(state, _STYLES[state]), seconds)
        return table

    def _row(self, each: Work) -> _Row:
        account, name, folder = without_accounts(each.student.account), each.student.name, each.folder.name
        if record := self.records.get(folder):
            return account, name, _last_notebook(record), record["state"], f"{record['seconds']:.0f}"
        if folder not in self.to_do:
            return account, name, "", "done before", ""
        if step := job.step(each):
            seconds = time.monotonic() - self.started.setdefault(folder, time.monotonic())
            return account, name, step, "running", f"{seconds:.0f}"
        return account, name, "", "waiting", ""


def _by_step(rows: list[_Row], caption: str) -> Table:
    """Return a table with a line for all students who are in the same state at the same step."""
    table = Table("state", "step", "students", "names", header_style="bold", caption=caption)
    table.columns[2].justify = "right"
    for column in table.columns[:3]:
        column.no_wrap = True
    for (state, step), group in groupby(rows, key=lambda row: (row[3], row[2])):
        names = [name for _, name, *_ in group]
        table.add_row(
            Text(state, _STYLES[state]),
            step,
            str(len(names)),
            Text(", ".join(names), no_wrap=True, overflow="ellipsis"),
        )
    return table


def marked_down(students: Sequence[dict[str, Any]]) -> Table:
    """Return a table of these students: the points, the step where each is stuck, and what was found there."""
    table = Table("name", "account", "points", "stuck at", "found", header_style="bold")
    table.columns[4].overflow = "fold"
    for each in students:
        points = "–" if each["percent"] is None else f"{each['percent']:.0f} %"
        table.add_row(Text(each["name"]), each["account"], points, *map(Text, _stuck(each)))
    return table


def leaks(students: list[Student], found: list[session.Leak]) -> Table:
    """Return a table of what the clean-up of each account has deleted, left and kept, and why."""
    table = Table("name", "account", "deleted", "left: try again", "kept: not the lab's", header_style="bold")
    for student, leak in zip(students, found, strict=True):
        left = leak.error or without_accounts(", ".join(leak.left)) or "nothing"
        kept = without_accounts(", ".join(leak.kept)) or "nothing"
        row = (Text(student.name), without_accounts(student.account), str(len(leak.deleted)))
        table.add_row(*row, Text(left, "" if left == "nothing" else "red"), Text(kept))
    return table


def _stuck(student: dict[str, Any]) -> tuple[str, str]:
    """Return (step, what was found) of the first check that fails, else of the notebook that failed."""
    for check in student["checks"]:
        if check["weight"] and not check["right"] and not check["is_behind"]:
            return check["step"], f"{check['name']}: {check['found']}"
    return _last_notebook(student), student["error"] or student["state"]


def _last_notebook(record: Record) -> str:
    return str(record["steps"][-1]["notebook"]) if record["steps"] else ""
