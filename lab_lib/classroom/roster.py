"""Read the roster of a class: a CSV file with a line for each student.

All values stay text, so that an account keeps its zeros. A roster with a fault is refused as a whole, and the error
lists the faults with their lines.
"""

import csv
import io
from pathlib import Path

from lab_lib.classroom import roster_faults
from lab_lib.classroom.roster_faults import NEEDED, OWN, Fault
from lab_lib.classroom.students import Student as Student
from lab_lib.errors import RosterError, UsageError

_MOST_FAULTS = 20  # that are listed


def read(path: str | Path) -> list[Student]:
    """Return the students of a roster; raise RosterError, which lists the faults, if there are any."""
    path = Path(path)
    (first, header), *rows = _rows(path) or [(1, [])]
    columns = _columns(header)
    faults = [(first, what) for what in roster_faults.of_header(columns)]
    students = []
    if {*NEEDED} <= {*columns}:
        for line, cells in rows:
            values = _values(columns, cells)
            if any(cell.strip() for cell in cells[len(columns) :]):
                faults.append((line, "more cells than the header has. Put a cell that holds a comma in quotes"))
            faults += [(line, what) for what in roster_faults.of_row(values, path.parent)]
            students.append(_student(line, values, path.parent))
        faults += [*roster_faults.clashes(students), *roster_faults.missing_profiles(students)]
        if not rows:
            faults.append((first, "the header has no student below it"))
    if faults:
        raise _refusal(path, faults)
    return students


def _refusal(path: Path, faults: list[Fault]) -> RosterError:
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    listed = "".join(f"\n  line {line}: {what}" for line, what in sorted(faults)[:_MOST_FAULTS])
    more = f"\n  and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
    return RosterError(f"{path} has {count}. Nothing was started.{listed}{more}")


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


def _student(line: int, values: dict[str, str], folder: Path) -> Student:
    own = {name: values.get(name, "") for name in OWN}
    parameters = {name: value for name, value in values.items() if name not in OWN}
    if "data_file" in parameters:
        parameters["data_file"] = str((folder / parameters["data_file"]).resolve())
    return Student(line=line, parameters=parameters, **own)
