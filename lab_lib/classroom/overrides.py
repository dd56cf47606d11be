"""Read overrides.csv, in which an instructor sets points by hand, says what was late, and excuses students.

It is in the folder of the results. Its columns are student, column, points, comment, late and excused. A student is an
id of the roster, or a name that only one student has. Without a column, a row is about all columns of the student.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from lab_lib.classroom.points import WORTH
from lab_lib.errors import UsageError
from lab_lib.private_files import exists, read_file

Record = dict[str, Any]  # of a student, see gradebook.py
Override = dict[str, Any]  # the entries of a row, by its header; points is a number or None, excused is a bool

FILE = "overrides.csv"
_HEADER = ("student", "column", "points", "comment", "late", "excused")
_EXCUSED = {"": False, "no": False, "yes": True, "x": True}


def merge(out: Path, records: list[Record]) -> list[Record]:
    """Return the records of a class, each with its overrides. UsageError, with the line, for a row that is wrong."""
    theirs = defaultdict[str, dict[str, Override]](dict)  # by folder, then by column
    for line, row in _rows(out / FILE):
        try:
            folder, override = _student(row["student"], records), _override(row)
            if override["column"] in theirs[folder]:
                raise ValueError("the student and the column are in an earlier line; wanted one row for both")
        except ValueError as error:
            raise _refusal(out / FILE, line, str(error)) from None
        theirs[folder][override["column"]] = override
    return [{**record, "overrides": [*theirs[record["folder"]].values()]} for record in records]


def excused(overrides: list[Override], column: str) -> bool:
    """Return whether a student need not have points in this column."""
    return any(override["excused"] and override["column"] in ("", column) for override in overrides)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows that are not empty, each with its line. There are none if the file is not there."""
    if not exists(path):
        return
    text = read_file(path, lambda content: content.decode("utf-8-sig"), 'Save it as "CSV UTF-8".')
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = tuple(name.strip().lower() for name in next(reader, []))
    if header != _HEADER:
        raise _refusal(path, 1, f"the header is {','.join(header)!r}; wanted {','.join(_HEADER)!r}")
    line = 2
    for cells in reader:
        if len(cells) > len(_HEADER):
            wanted = f"wanted {len(_HEADER)}, so put a cell that holds a comma in quotes"
            raise _refusal(path, line, f"it has {len(cells)} cells; {wanted}")
        if any(map(str.strip, cells)):
            yield line, dict.fromkeys(_HEADER, "") | dict(zip(_HEADER, map(str.strip, cells), strict=False))
        line = reader.line_num + 1  # a cell may hold line breaks


def _refusal(path: Path, line: int, fault: str) -> UsageError:
    return UsageError(f"{path}, line {line}: {fault}. Correct it, then run the command again.")


def _student(wanted: str, records: list[Record]) -> str:
    """Return the folder of the student with this id, or else this name."""
    for key in ("id", "name"):
        folders = [record["folder"] for record in records if record[key] and record[key] == wanted]
        if len(folders) == 1:
            return str(folders[0])
        if folders:
            raise ValueError(f"{len(folders)} students have the {key} {wanted!r}; wanted an id that only one has")
    raise ValueError(f"student is {wanted!r}; wanted an id or a name of the roster")


def _override(row: dict[str, str]) -> Override:
    if row["column"] not in ("", *WORTH):
        raise ValueError(f"column is {row['column']!r}; wanted one of {', '.join(WORTH)}, or nothing for all")
    if row["excused"].lower() not in _EXCUSED:
        raise ValueError(f"excused is {row['excused']!r}; wanted yes or no")
    return {**row, "points": _points(row["points"], row["column"]), "excused": _EXCUSED[row["excused"].lower()]}


def _points(text: str, column: str) -> float | None:
    """Return the number; None if there is none."""
    if not text:
        return None
    if not column:
        raise ValueError(f"points is {text!r} without a column; wanted a column, one of {', '.join(WORTH)}")
    try:
        points = Decimal(text.replace(",", "."))
        if 0 <= points <= WORTH[column]:
            return float(points)
    except InvalidOperation:  # also of a comparison with NaN
        pass
    raise ValueError(f"points is {text!r}; wanted a number from 0 to {WORTH[column]}, as column {column} gives")
