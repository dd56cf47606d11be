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

FILE = "overrides.csv"
_HEADER = [*Override.model_fields]
_EXCUSED = {"": False, "no": False, "yes": True, "x": True}


def merge(out: Path, records: list[Record]) -> None:
    """Add the overrides to the records of a class; of two for a column the last counts.

    UsageError, with the line, for a row that is wrong.
    """
    path = out / FILE
    if not path.exists():
        return
    columns, rows = spreadsheet.read(path)
    told = N_("{path}, line {line}: {fault}. Correct it, then run the command again.")
    if sorted(columns) != sorted(_HEADER):
        fault = _("the header is {found!r}; wanted {wanted!r}", found=",".join(columns), wanted=",".join(_HEADER))
        raise UsageError(told, path=path, line=1, fault=fault)
    for line, cells in rows:
        row = dict.fromkeys(_HEADER, "") | cells
        try:
            record = _record(row["student"], records)
            record.overrides = [*record.overrides, _override(row)]
        except UsageError as error:
            raise UsageError(told, path=path, line=line, fault=error) from None


def _record(wanted: str, records: list[Record]) -> Record:
    """Return the record of the student with this id, or else this name."""
    by_id = [record for record in records if wanted and record.id == wanted]
    by_name = [record for record in records if record.name == wanted]
    found = by_id or by_name
    if len(found) != 1:
        raise UsageError("student is {wanted!r}; wanted an id of the class, or a name that only one has", wanted=wanted)
    return found[0]


def _override(row: dict[str, str]) -> Override:
    column = row["column"]
    excused = row["excused"].lower()
    is_about_all = not column and not row["points"]
    if column not in WORTH and not is_about_all:
        raise UsageError(
            "column is {column!r}; wanted one of {columns}, or nothing where no points are set",
            column=column,
            columns=_(", ").join(WORTH),
        )
    if excused not in _EXCUSED:
        raise UsageError("excused is {excused!r}; wanted yes or no", excused=excused)
    points = _points(row["points"], column) if row["points"] else None
    return Override.model_validate({**row, "points": points, "excused": _EXCUSED[excused]})


def _points(text: str, column: str) -> float:
    with suppress(ValueError):
        points = float(text.replace(",", "."))
        if 0 <= points <= WORTH[column]:
            return points
    raise UsageError(
        "points is {points!r}; wanted a number from 0 to {most}, as column {column} gives",
        points=text,
        most=WORTH[column],
        column=column,
    )
