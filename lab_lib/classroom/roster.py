"""Read the roster of a class: a CSV file with a line for each student.

All values stay text, so that an account keeps its zeros. A roster with a fault is refused as a whole, and the error
lists the faults with their lines.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lab_lib.classroom.roster_row import OWN, AccountRow, Row
from lab_lib.classroom.students import Student
from lab_lib.errors import RosterError, UsageError
from lab_lib.sessions import profiles
from lab_lib.settings import DEFAULT_REGION
from lab_lib.wording import shortened

_MOST_FAULTS = 20  # that are listed
Fault = tuple[int, str]  # a line, and what is wrong there


def read(path: str | Path, accounts: bool = True) -> list[Student]:
    """Return the students of a roster, who need `accounts` unless their files are graded.

    RosterError, which lists the faults, if there are any.
    """
    path, model = Path(path), AccountRow if accounts else Row
    (first, header), *rows = _rows(path) or [(1, [])]
    columns, needed = _columns(header), {name for name, cell in model.model_fields.items() if cell.is_required()}
    faults = [(first, fault) for fault in _header_faults(columns, needed)]
    context = {"folder": path.parent, "profiles": profiles() if "profile" in columns else []}
    students = []
    for line, cells in rows if needed <= {*columns} else []:
        if any(cell.strip() for cell in cells[len(columns) :]):
            faults.append((line, "more cells than the header has. Put a cell that holds a comma in quotes"))
        values = _values(columns, cells)
        try:
            values = model.model_validate(values, context=context).model_dump(exclude_unset=True)
        except ValidationError as error:
            faults += [(line, _in_words(fault)) for fault in error.errors()]
        students.append(_student(line, values))
    faults += _clashes(students)
    if not rows:
        faults.append((first, "the header has no student below it"))
    if faults:
        raise _refusal(path, faults)
    return students


def _header_faults(columns: list[str], needed: set[str]) -> Iterator[str]:
    known = sorted(Row.model_fields)
    for name in dict.fromkeys(columns):
        if columns.count(name) > 1:
            yield f"the column {name!r} is there twice"
        if name not in known:
            yield f"unknown column {name!r}; the columns are {', '.join(known)}"
    for name in sorted(needed - {*columns}):
        yield f"there is no column {name}"


def _in_words(fault: ErrorDetails) -> str:
    return f"there is no {fault['loc'][0]}" if fault["type"] == "missing" else fault["msg"]


def _student(line: int, values: dict[str, str]) -> Student:
    fields = {name: values.get(name, "") for name in OWN}
    return Student(line=line, parameters={name: value for name, value in values.items() if name not in OWN}, **fields)


def _clashes(students: list[Student]) -> Iterator[Fault]:
    """Yield a fault for each student who shares a key of `_keys` with an earlier one."""
    lines: dict[tuple[str, ...], int] = {}
    for student in students:
        keys = list(_keys(student))
        if double := next((entry for entry in keys if entry[0] in lines), None):
            key, shared, advice = double
            yield student.line, f"{shared} is the same as in line {lines[key]}. {advice}"
        for key, _, _ in keys:
            lines.setdefault(key, student.line)


def _keys(student: Student) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield what no two students may share: a key, its name, and how to correct it."""
    region, prefix = student.parameters.get("region", DEFAULT_REGION), student.parameters.get("prefix", "")
    if student.account:
        account = f"account {student.account}, Region {region}, prefix {prefix or '(none)'}"
        place = (student.account, region, prefix.lower())  # bucket names are lower case
        yield place, account, "Give each student a prefix"
    if student.id:
        yield ("id", student.id.casefold()), f"id {student.id}", "The grade book could not tell them apart: change one"
    elif student.name:
        yield ("name", student.name.casefold()), f"name {student.name}", "Give each of them an id, or change a name"
    if student.name:
        yield ("folder", student.folder), f"folder {student.folder}", "Change a name"
    if bucket := student.parameters.get("bucket", ""):
        yield ("bucket", bucket), f"bucket {bucket}", "An upload can start the function of one student only"


def _refusal(path: Path, faults: list[Fault]) -> RosterError:
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = shortened((f"line {line}: {fault}" for line, fault in sorted(faults)), _MOST_FAULTS)
    return RosterError("\n  ".join([f"{path} has {count}. Nothing was started.", *lines]))


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, each with the line where it begins: a quoted cell may hold line breaks."""
    text = _text(path)
    header = next(iter(text.strip().splitlines()), "")
    delimiter = max(",;\t", key=header.count)
    reader, line, rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1, []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _refusal(path, [(line, f"the quotes do not match from here on: {error}")]) from None
    return rows


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Name a roster.") from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refusal(path, [(line, 'this is not UTF-8. Save the roster as "CSV UTF-8"')]) from None


def _columns(header: list[str]) -> list[str]:
    """Return the names of the columns, without the empty ones that a spreadsheet adds at the end."""
    names = [cell.strip().lower() for cell in header]
    while names and not names[-1]:
        names.pop()
    return names


def _values(columns: list[str], cells: list[str]) -> dict[str, str]:
    """Return the values that are not empty, each on one line."""
    tidy = {name: " ".join(cell.split()) for name, cell in zip(columns, cells, strict=False)}
    return {name: value for name, value in tidy.items() if value}
