"""What `lab class` shows: the table of who is where, a line for each who is through, and who was marked down."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab_lib.classroom import job, session
from lab_lib.classroom.job import Record, Work
from lab_lib.classroom.roster import Student
from lab_lib.cli.terminal import err
from lab_lib.masking import without_accounts

_STYLES = {"done": "green", "failed": "red", "running": "bold", "waiting": "bright_black", "done before": "green"}


@contextmanager
def live(works: list[Work], to_do: list[Work]) -> Iterator[Callable[[Record], None]]:
    """Show the class while it is at work; what is given must be called with each record when it is there.

    On a terminal this is a table that changes; elsewhere, as in CI, a line for each student who is through.
    """
    view = _View(works, to_do)
    if not err.is_terminal:
        yield view.say
        return
    with Live(get_renderable=view.table, console=err, refresh_per_second=4, transient=True):
        yield view.note


class _View:
    """Who is where. What runs now is read from the folders that the work is done in, wherever that is."""

    def __init__(self, works: list[Work], to_do: list[Work]) -> None:
        self.works, self.to_do = works, {each.folder.name for each in to_do}
        self.records: dict[str, Record] = {}
        self.begun: dict[str, float] = {}

    def note(self, record: Record) -> None:
        self.records[record["folder"]] = record

    def say(self, record: Record) -> None:
        self.note(record)
        words = f"{len(self.records)}/{len(self.to_do)}  {record['state']}  {record['account']}  {record['name']}"
        why = f"  {record['error']}" if record["error"] else ""
        err.print(f"{words}  {record['seconds']:.0f} s{why}", soft_wrap=True, markup=False, highlight=False)

    def table(self) -> Table:
        """As many rows as the terminal has room for: those at work first, then those who failed."""
        rows = sorted(map(self._row, self.works), key=lambda row: _ORDER.index(row[3]))
        counts = {state: sum(row[3] == state for row in rows) for state in _ORDER}
        told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        table = Table("account", "name", "step", "state", "seconds", header_style="bold", caption=told)
        table.columns[4].justify = "right"
        for account, name, step, state, seconds in rows[: max(err.height - 6, 1)]:
            table.add_row(account, Text(name), step, Text(state, _STYLES[state]), seconds)
        return table

    def _row(self, each: Work) -> tuple[str, str, str, str, str]:
        account, name = without_accounts(each.student.account), each.student.name
        folder = each.folder.name
        if record := self.records.get(folder):
            return account, name, _last(record), record["state"], f"{record['seconds']:.0f}"
        if folder not in self.to_do:
            return account, name, "", "done before", ""
        if step := job.step(each):
            seconds = time.monotonic() - self.begun.setdefault(folder, time.monotonic())
            return account, name, step, "running", f"{seconds:.0f}"
        return account, name, "", "waiting", ""


def marked_down(students: Sequence[dict[str, Any]]) -> Table:
    """Those without full marks: the step where they are stuck, and what was found there."""
    table = Table("name", "account", "points", "stuck at", "found", header_style="bold")
    table.columns[4].overflow = "fold"
    for each in students:
        points = "–" if each["percent"] is None else f"{each['percent']:.0f} %"
        table.add_row(Text(each["name"]), each["account"], points, *map(Text, _stuck(each)))
    return table


def leaks(students: list[Student], found: list[session.Leak]) -> Table:
    """What the clean-up of each account has deleted, what it has left and what it has kept."""
    table = Table("name", "account", "deleted", "left", "given, and kept", header_style="bold")
    for student, leak in zip(students, found, strict=True):
        left = leak.error or ", ".join(leak.left) or "nothing"
        row = (Text(student.name), without_accounts(student.account), str(len(leak.deleted)))
        table.add_row(*row, Text(left, "" if left == "nothing" else "red"), ", ".join(leak.kept) or "nothing")
    return table


def _stuck(student: dict[str, Any]) -> tuple[str, str]:
    """(step, what was found): of the first check that does not hold, else of the notebook that failed."""
    for check in student["checks"]:
        if check["state"] in ("not yet", "cannot see") and check["step"] != "further":
            return check["step"], f"{check['name']}: {check['found']}"
    return _last(student), student["error"] or student["state"]


def _last(record: Record) -> str:
    steps = record["steps"]
    return str(steps[-1]["notebook"]) if steps else ""


_ORDER = ["running", "failed", "waiting", "done", "done before"]
