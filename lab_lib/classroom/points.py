"""Say what each step and each check is worth, what a student has earned, and what is in the grade book of a class.

Points have two decimals; None where nothing was judged. Nothing here calls AWS.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import Field

from lab_lib.checks.reports import Check
from lab_lib.checks.rules import PROBE, RULES, State
from lab_lib.classroom.record import Record
from lab_lib.exercises.cases import CASES
from lab_lib.language import N_
from lab_lib.resources import CHANGES, heading, in_chain, messages
from lab_lib.run import headless

# Of 100: 30 for the settings, 50 for what becomes of an upload, 20 for the student's own answers and function.
WORTH = {"00": 5, "01": 8, "02": 8, "03": 2, "04": 7, "05": 15, PROBE: 35, "exercises": 10, "function": 10}

# Of the columns, such as "02": "02 add triggers", and of all of them, as files have them.
TITLES = {path.stem[:2]: path.stem.replace("-", " ") for path in headless.notebooks(headless.BREAK_IT)}
TITLES |= {PROBE: N_("probe"), "exercises": N_("exercises"), "function": N_("function"), "": N_("All")}

_NEEDED = 4  # exercises, more than half of those in which something is made
_FREE = {case.id for case in CASES if case.free}


def title(column: str) -> str:
    """Return the title of a column as people read it, such as "02 · Add the triggers"."""
    return heading(f"{column}-01", TITLES[column])


class Weighed(NamedTuple):
    """A check, an answer or a case that was judged, and its weight in its column. A weight of 0 gives no points."""

    column: str
    id: str
    weight: int
    right: bool
    check: Check | None = None


def columns_of(records: list[Record]) -> list[str]:
    """Return the columns of this class: the steps, the probe, and what else was judged or set by hand."""
    needed = set[str]()
    for record in records:
        needed.update(column for column in WORTH if record.has_judged(column))
        needed.update(override.column for override in record.overrides)
    return [column for column in WORTH if column in needed]


def earned(record: Record, columns: Collection[str]) -> dict[str, float | None]:
    """Return the points in each of these columns. Without a probe, step 05 counts for it too. Overrides come last."""
    judged = weighed(record)
    points = {column: _points(column, record, judged) for column in columns}
    for override in record.overrides:
        if override.points is not None:
            points[override.column] = rounded(override.points)
    return points | {column: None for column in columns if record.is_excused(column)}


def share(record: Record) -> float:
    """Return the share, from 0 to 1, with which the steps and the probe count: how much of the chain the student made.

    Of the six exercises in which something is made, _NEEDED make a whole. It is 1 where nobody has handed in any.
    """
    held = [answer.held for answer in record.answers or [] if answer.held is not None]
    return min(sum(held) / _NEEDED, 1) if held else 1


def weighed(record: Record) -> list[Weighed]:
    """Return each check, answer and case of a record with its weight.

    Checks that this version of the lab does not have are left out: an earlier one may have made the record.
    """
    made = [check for check in record.checks if check.id in RULES]
    proven = _proven(made)
    judged = []
    for check in made:
        rule = RULES[check.id]
        counts = check.step in WORTH and check.counts
        weight = rule.weight if counts else 0
        is_right = check.ok or (rule.by_upload and rule.link in proven)
        judged.append(Weighed(check.step, check.id, weight, is_right, check))
    for answer in record.answers or []:
        judged.append(Weighed("exercises", answer.question, answer.points, answer.right))
    for case in record.trial or []:
        weight = 0 if case.case in _FREE else 1
        judged.append(Weighed("function", case.case, weight, case.state == "passed"))
    return judged


def rounded(number: float) -> float:
    """Return the number with two decimals. A half goes up, also if the float is a little below it."""
    return round(number + 1e-9, 2)


def _proven(made: list[Check]) -> set[str | None]:
    """Return the links that the probe has come through. TotalNotifier has shown all that it does if an alert came."""
    passed = set[str | None]()
    failed = set[str | None]()
    for check in made:
        if check.step == PROBE:
            link = RULES[check.id].link
            if check.ok:
                passed.add(link)
            else:
                failed.add(link)
    proven = passed - failed
    if proven.isdisjoint(map(messages, in_chain("queue"))):  # no alert came
        proven.discard(CHANGES)
    return proven


def _points(column: str, record: Record, everything: list[Weighed]) -> float | None:
    """Return the points for the part of a column that is right; None if nothing was graded.

    In what was handed in, all that could not be judged gives 0.
    """
    if not record.has_judged(column):
        return None
    step = column
    if column == PROBE and not record.probed:
        step = "05"
    judged = [one for one in everything if one.column == step]
    is_seen = any(check.state is not State.CANNOT_SEE for check in record.checks)
    if record.answers is None and not (judged and is_seen):
        return None  # an account of which nothing can be seen was not graded
    earned = sum(one.weight for one in judged if one.right)
    possible = sum(one.weight for one in judged) or 1  # of 0 none is earned
    part = 1 if column in ("exercises", "function") else share(record)
    return rounded(part * WORTH[column] * earned / possible)


class Graded(Record):
    """A student's record and the points for it, which are None where nothing was graded."""

    judged: list[Weighed] = Field(exclude=True)
    wrong: list[Check]  # which cost points, and do not wait for another one
    waiting: list[Check]  # which cost points, since they wait for another one
    has_feedback: bool
    points: dict[str, float | None]  # by column
    excused: list[str]  # columns
    possible: int
    total: float | None
    percent: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of gradebook.json: the record, with what each check is worth, and the points."""
        checks = {}
        for one in self.judged:
            if one.check:
                worth = {"is_behind": one.check.is_behind, "weight": one.weight, "right": one.right}
                checks[one.id] = one.check._asdict() | worth
        wrong = [checks[check.id] for check in self.wrong]
        return super().as_dict() | {"checks": [*checks.values()], "wrong": wrong, "waiting": len(self.waiting)}


@dataclass(frozen=True)
class Book:
    """The grade book of a class; `full` and `ungraded` count students."""

    columns: list[str]
    possible: int
    students: list[Graded]
    full: int
    ungraded: int

    def as_dict(self) -> dict[str, Any]:
        """Return the content of gradebook.json."""
        columns = {column: {"title": TITLES[column], "worth": WORTH[column]} for column in self.columns}
        students = [student.as_dict() for student in self.students]
        return vars(self) | {"columns": columns, "students": students}


def book(records: Iterable[Record]) -> Book:
    """Return the grade book of these records, in the order of the names. An id that two of them have is left out."""
    ordered = sorted(records, key=lambda record: (record.name.casefold(), record.folder))
    columns = columns_of(ordered)
    students = [_graded(record, columns) for record in ordered]
    ids = Counter(student.id.casefold() for student in students)
    for student in students:
        if ids[student.id.casefold()] > 1:
            student.id = ""
    return Book(
        columns=columns,
        possible=sum(WORTH[column] for column in columns),
        students=students,
        full=sum(student.percent == 100 for student in students),
        ungraded=sum(student.percent is None for student in students),
    )


def _graded(record: Record, columns: list[str]) -> Graded:
    points = earned(record, columns)
    excused = [column for column in columns if record.is_excused(column)]
    scores = [score for score in points.values() if score is not None]
    possible = sum(WORTH[column] for column in columns if column not in excused)
    total = None
    percent = None
    if scores:
        total = rounded(sum(scores))
        percent = rounded(100 * sum(scores) / possible)
    judged = weighed(record)
    wrong = []
    waiting = []
    for one in judged:
        if one.check and one.weight and not one.right:
            if one.check.is_behind:
                waiting.append(one.check)
            else:
                wrong.append(one.check)
    return Graded(
        **record.as_dict(),
        judged=judged,
        wrong=wrong,
        waiting=waiting,
        has_feedback=record.state in ("done", "failed") or bool(record.overrides),
        points=points,
        excused=excused,
        possible=possible,
        total=total,
        percent=percent,
    )
