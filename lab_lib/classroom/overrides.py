"""Read overrides.csv, in which an instructor sets points by hand, says what was late, and excuses students.

It is in the folder of the results. Its columns are student, column, points, comment, late and excused. A student is an
id, or a name that only one student has. Without a column, a row is about all columns of the student.
"""

from contextlib import suppress
from pathlib import Path

from lab_lib.classroom import spreadsheet
from lab_lib.classroom.points import WORTH
from lab_lib.classroom.record import Override, Record
from lab_lib.errors import UsageError
from lab_lib.language import N_, _
from lab_lib.workspace.private_files import exists

FILE = "overrides.csv"
_HEADER = [*Override.model_fields]
_EXCUSED = {"": False, "no": False, "yes": True, "x": True}


def merge(out: Path, records: list[Record]) -> None:
    """Add the overrides to the records of a class; of two for a column the last counts.

    UsageError, with the line, for a row that is wrong.
    """
    path = out / FILE
    columns, rows = spreadsheet.read(path) if exists(path) else (_HEADER, [])
    if sorted(columns) != sorted(_HEADER):
        raise _refused(
            path, 1, _("the header is {found!r}; wanted {wanted!r}", found=",".join(columns), wanted=",".join(_HEADER))
        )
    for line, cells in rows:
        row = dict.fromkeys(_HEADER, "") | cells
        try:
            record = _record(row["student"], records)
            record.overrides = [*record.overrides, _override(row)]
        except ValueError as error:
            raise _refused(path, line, error) from None


def _refused(path: Path, line: int, fault: object) -> UsageError:
    return UsageError(
        "{path}, line {line}: {fault}. Correct it, then run the command again.", path=path, line=line, fault=fault
    )


def _record(wanted: str, records: list[Record]) -> Record:
    """Return the record of the student with this id, or else this name."""
    told = N_("{count} students have the {key} {wanted!r}; wanted an id that only one has")
    for key in ("id", "name"):
        found = [record for record in records if wanted and getattr(record, key) == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(_(told, count=len(found), key=key, wanted=wanted))
    raise ValueError(_("student is {wanted!r}; wanted an id or a name of the class", wanted=wanted))


def _override(row: dict[str, str]) -> Override:
    if row["column"] not in ("", *WORTH):
        told = N_("column is {column!r}; wanted one of {columns}, or nothing for all")
        raise ValueError(_(told, column=row["column"], columns=_(", ").join(WORTH)))
    if row["excused"].lower() not in _EXCUSED:
        raise ValueError(_("excused is {excused!r}; wanted yes or no", excused=row["excused"]))
    points = _points(row["points"], row["column"])
    return Override.model_validate({**row, "points": points, "excused": _EXCUSED[row["excused"].lower()]})


def _points(text: str, column: str) -> float | None:
    """Return the number; None if there is none."""
    if not text:
        return None
    if not column:
        told = N_("points is {points!r} without a column; wanted a column, one of {columns}")
        raise ValueError(_(told, points=text, columns=_(", ").join(WORTH)))
    with suppress(ValueError):
        if 0 <= (points := float(text.replace(",", "."))) <= WORTH[column]:
            return points
    told = N_("points is {points!r}; wanted a number from 0 to {most}, as column {column} gives")
    raise ValueError(_(told, points=text, most=WORTH[column], column=column))
