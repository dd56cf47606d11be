"""Draw what `lab class` shows: the progress of a class, who has less than full marks, and what a clean-up left."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab_lib.classroom.class_run import CleanUp
from lab_lib.classroom.points import WORTH
from lab_lib.classroom.students import Student
from lab_lib.classroom.work import Record, Work
from lab_lib.cli.terminal import err
from lab_lib.looks import LOOKS
from lab_lib.masking import without_accounts

_ORDER = ["failed", "running", "waiting", "done", "done before"]  # of the rows, by their state
_FRAME = 6  # lines of a table around its rows
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
        self.works, self.to_do = works, {work.folder.name for work in to_do}
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
        """Return a row for each student, as many as the terminal has lines for. Below it is a count of each state."""
        rows = sorted(map(self._row, self.works), key=lambda row: (_ORDER.index(row[3]), row[2]))
        counts = Counter(row[3] for row in rows)
        caption = ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])
        table = Table("account", "name", "step", "state", "seconds", header_style="bold", caption=caption)
        table.columns[4].justify = "right"
        for account, name, step, state, seconds in rows[: max(err.height - _FRAME, 1)]:
            table.add_row(account, Text(name, no_wrap=True), step, Text(state, LOOKS[state].style), seconds)
        return table

    def _row(self, work: Work) -> _Row:
        account, name, folder = without_accounts(work.student.account), work.student.name, work.folder.name
        if record := self.records.get(folder):
            return account, name, _last_notebook(record), record["state"], f"{record['seconds']:.0f}"
        if folder not in self.to_do:
            return account, name, "", "done before", ""
        if step := work.step:
            seconds = time.monotonic() - self.started.setdefault(folder, time.monotonic())
            return account, name, step, "running", f"{seconds:.0f}"
        return account, name, "", "waiting", ""


def marked_down(students: Sequence[dict[str, Any]]) -> Table:
    """Return a table of these students: the points, the step where each is stuck, and what was found there."""
    table = Table("name", "account", "points", "stuck at", "found", header_style="bold")
    table.columns[4].overflow = "fold"
    for student in students:
        points = "–" if student["percent"] is None else f"{student['percent']:.0f} %"
        table.add_row(Text(student["name"]), student["account"], points, *map(Text, _stuck(student)))
    return table


def cleaned(students: list[Student], results: list[CleanUp]) -> Table:
    """Return a table of what the clean-up of each account has deleted, left and kept, and why."""
    table = Table("name", "account", "deleted", "left: try again", "kept: not the lab's", header_style="bold")
    for student, result in zip(students, results, strict=True):
        left = result.error or without_accounts(", ".join(result.left)) or "nothing"
        kept = without_accounts(", ".join(result.kept)) or "nothing"
        row = (Text(student.name), without_accounts(student.account), str(len(result.deleted)))
        table.add_row(*row, Text(left, "" if left == "nothing" else "red"), Text(kept))
    return table


def _stuck(student: dict[str, Any]) -> tuple[str, str]:
    """Return (step, what was found) of the first check that fails, else what has lost points, or the last notebook."""
    for check in student["checks"]:
        if check["weight"] and not check["right"] and not check["is_behind"]:
            return check["step"], f"{check['name']}: {check['found']}"
    lacking = [column for column, score in student["points"].items() if score is not None and score < WORTH[column]]
    if student["state"] == "done" and lacking:
        return lacking[0], f"{student['points'][lacking[0]]:g} of {WORTH[lacking[0]]} points"
    return _last_notebook(student), student["error"] or student["state"]


def _last_notebook(record: Record) -> str:
    return str(record["steps"][-1]["notebook"]) if record["steps"] else ""
