"""Put the records of a class and the points for them together, as the grade book has them. Nothing here calls AWS."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import Field

from lab_lib.checks.reports import Check
from lab_lib.checks.rules import PROBE
from lab_lib.classroom import points
from lab_lib.classroom.points import WORTH, Weighed
from lab_lib.classroom.record import Record
from lab_lib.language import N_
from lab_lib.resources import heading
from lab_lib.run import headless

# Of the columns, such as "02": "02 add triggers", and of all of them, as files have them.
TITLES = {path.stem[:2]: path.stem.replace("-", " ") for path in headless.notebooks(headless.BREAK_IT)}
TITLES |= {PROBE: N_("probe"), "exercises": N_("exercises"), "function": N_("function"), "": N_("All")}


def title(column: str) -> str:
    """Return the title of a column as people read it, such as "02 · Add the triggers"."""
    return heading(f"{column}-01", TITLES[column])


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
        checks = {
            one.id: one.check._asdict() | {"is_behind": one.check.is_behind, "weight": one.weight, "right": one.right}
            for one in self.judged
            if one.check
        }
        counted = {"checks": [*checks.values()], "wrong": [checks[check.id] for check in self.wrong]}
        return super().as_dict() | counted | {"waiting": len(self.waiting)}


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
        return vars(self) | {"columns": columns, "students": [student.as_dict() for student in self.students]}


def book(records: Iterable[Record]) -> Book:
    """Return the grade book of these records, in the order of the names. An id that two of them have is left out."""
    ordered = sorted(records, key=lambda record: (record.name.casefold(), record.folder))
    columns = points.columns(ordered)
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
    earned = points.earned(record, columns)
    excused = [column for column in columns if record.is_excused(column)]
    scores = [score for score in earned.values() if score is not None]
    total, possible = Decimal(str(sum(scores))), sum(WORTH[column] for column in columns if column not in excused)
    judged = points.weighed(record)
    costly = [one.check for one in judged if one.check and one.weight and not one.right]
    return Graded(
        **{name: getattr(record, name) for name in record.model_fields_set},
        judged=judged,
        wrong=[check for check in costly if not check.is_behind],
        waiting=[check for check in costly if check.is_behind],
        has_feedback=record.state in ("done", "failed") or bool(record.overrides),
        points=earned,
        excused=excused,
        possible=possible,
        total=points.rounded(total) if scores else None,
        percent=points.rounded(100 * total / possible) if scores else None,
    )
