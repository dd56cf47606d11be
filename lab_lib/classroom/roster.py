"""Read the roster of a class: a CSV file with a line for each student.

All values stay text, so that an account keeps its zeros. A roster with a fault is refused as a whole, and the error
lists every fault with its line.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_lib.errors import RosterError, UsageError
from lab_lib.exercises import workbook
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_REGION, SETTINGS, fitting, setting

_NEEDED = ("account", "name")
_OWN = (*_NEEDED, "id", "profile", "role_arn", "external_id")  # all other columns are parameters of the notebooks
_MAX_SLUG = 40  # characters: at most 160 bytes, and a file name may have 255
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+", re.ASCII)

Fault = tuple[int, str]  # a line, and what is wrong there


@dataclass(frozen=True)
class Student:
    """One line of the roster. `id` is the school's own id or login, for its grade book."""

    line: int
    account: str
    name: str
    profile: str
    role_arn: str
    external_id: str
    parameters: dict[str, Any]  # of the notebooks, such as region, prefix, threshold, email, data_file
    id: str = ""

    @property
    def folder(self) -> str:
        """Return the name of the student's folder: the name as a slug, and the account's last four digits."""
        return f"{_slug(self.name)}-{self.account[-4:]}"


def read(path: str | Path) -> list[Student]:
    """Return the students of a roster; raise RosterError, which lists all faults, if there are any."""
    path = Path(path)
    (first, header), *rows = _rows(path) or [(1, [])]
    columns = _columns(header)
    faults = [(first, what) for what in _header_faults(columns)]
    students = []
    if {*_NEEDED} <= {*columns}:
        for line, cells in rows:
            values = _values(columns, cells)
            if any(cell.strip() for cell in cells[len(columns) :]):
                faults.append((line, "more cells than the header has. Put a cell that holds a comma in quotes"))
            faults += [(line, what) for what in _row_faults(values, path.parent)]
            students.append(_student(line, values, path.parent))
        faults += _clashes(students) if rows else [(first, "the header has no student below it")]
    if faults:
        raise _refusal(path, faults)
    return students


def _refusal(path: Path, faults: list[Fault]) -> RosterError:
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    listed = "".join(f"\n  line {line}: {what}" for line, what in sorted(faults))
    return RosterError(f"{path} has {count}. Nothing was started.{listed}")


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


def _header_faults(columns: list[str]) -> Iterator[str]:
    known = sorted({*_OWN, *workbook.SETTINGS})
    for name in dict.fromkeys(columns):
        if columns.count(name) > 1:
            yield f"the column {name!r} is there twice"
        if name not in known:
            yield f"unknown column {name!r}; the columns are {', '.join(known)}"
    for name in _NEEDED:
        if name not in columns:
            yield f"there is no column {name}"


def _values(columns: list[str], cells: list[str]) -> dict[str, str]:
    """Return the values that are not empty, each on one line."""
    tidy = {name: " ".join(cell.split()) for name, cell in zip(columns, cells, strict=False)}
    return {name: value for name, value in tidy.items() if value}


def _student(line: int, values: dict[str, str], folder: Path) -> Student:
    own = {name: values.get(name, "") for name in _OWN}
    parameters = {name: value for name, value in values.items() if name not in _OWN}
    if "data_file" in parameters:
        parameters["data_file"] = str((folder / parameters["data_file"]).resolve())
    return Student(line=line, parameters=parameters, **own)


def _row_faults(values: dict[str, str], folder: Path) -> Iterator[str]:
    """Yield the faults that one row has by itself."""
    for name in _NEEDED:
        if name not in values:
            yield f"there is no {name}"
    for name, value in values.items():
        if any(unicodedata.category(character) == "Cc" for character in value):
            yield f"{name} holds a control character: {value!a}"
        elif what := _value_fault(name, values, folder):
            yield what
    yield from _role_faults(values)


def _value_fault(name: str, values: dict[str, str], folder: Path) -> str:
    """Return what is wrong with a value, or an empty text."""
    value = values[name]
    try:
        if name == "data_file":
            headless.check_data_file(folder / value)
        elif name in SETTINGS and name != "profile":
            fitting(name, setting(name, value), values.get("account", ""), values.get("region", DEFAULT_REGION))
    except UsageError as error:
        return str(error).removesuffix(".") + (_account_hint(value) if name == "account" else "")
    return ""


def _account_hint(account: str) -> str:
    """Return how to mend an account that a spreadsheet has changed, or that the AWS console shows with hyphens."""
    if re.fullmatch(r"[0-9]{1,11}", account):
        return f". A spreadsheet drops leading zeros: format the column as text, and write {account.zfill(12)}"
    if re.fullmatch(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+", account):
        return ". A spreadsheet has rounded it: format the column as text, and write all twelve digits"
    digits = re.sub(r"[\s-]", "", account)
    return f". Write {digits}" if re.fullmatch(r"[0-9]{12}", digits) else ""


def _role_faults(values: dict[str, str]) -> Iterator[str]:
    account, role_arn = values.get("account", ""), values.get("role_arn", "")
    found = _ROLE_ARN.fullmatch(role_arn)
    if role_arn and "profile" in values:
        yield "there is a profile and a role_arn. Name one of them: your own credentials assume the role"
    if "external_id" in values and not role_arn:
        yield "there is an external_id without a role_arn"
    if role_arn and not found:
        yield f"role_arn is {role_arn!r}; wanted a role of this account, such as arn:…:role/Grader"
    if found and account and found[1] != account:
        yield f"role_arn is a role of account {found[1]}, and the account is {account}"


def _clashes(students: list[Student]) -> Iterator[Fault]:
    """Yield a fault for each student who would use the resources, or the folder, of an earlier one."""
    lines: dict[tuple[str, ...], int] = {}
    for student in students:
        region, prefix = student.parameters.get("region", DEFAULT_REGION), student.parameters.get("prefix", "")
        place = (student.account, region, prefix.lower())  # bucket names are lower case
        folder, bucket = (student.folder,), student.parameters.get("bucket", "")
        if student.account and place in lines:
            what = f"account {student.account}, Region {region}, prefix {prefix or '(none)'}"
            yield student.line, f"{what} is the same as in line {lines[place]}. Give each student a prefix"
        elif student.account and student.name and folder in lines:
            yield student.line, f"folder {student.folder} is the same as for line {lines[folder]}. Change a name"
        elif bucket and ("bucket", bucket) in lines:
            what = f"bucket {bucket} is the same as in line {lines['bucket', bucket]}"
            yield student.line, f"{what}. An upload can start the function of one student only"
        lines.setdefault(place, student.line)
        lines.setdefault(("bucket", bucket), student.line)
        lines.setdefault(folder, student.line)


def _slug(name: str) -> str:
    """Return letters and digits of any script, joined by "-", without Latin accents; "student" if there are none."""
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", unicodedata.normalize("NFKD", name.casefold()))
    letters = unicodedata.normalize("NFC", plain)
    kept = "".join(each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in letters)
    return "-".join(kept.split())[:_MAX_SLUG].strip("-") or "student"
