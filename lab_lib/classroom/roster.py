"""Read the roster of a class: a CSV file with a line for each student.

All values stay text, so that an account keeps its zeros. A roster with a fault is refused as a whole, and the error
lists the faults with their lines.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from lab_lib.calls.sessions import profiles
from lab_lib.classroom import deadline, spreadsheet
from lab_lib.classroom.students import Student
from lab_lib.errors import RosterError, UsageError
from lab_lib.language import N_, _
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_REGION, SETTINGS, fitting, plain_text, setting

_OF_STUDENT = ("account", "name", "id", "profile", "role_arn", "external_id", "handed_in")
_COLUMNS = (*dict.fromkeys((*_OF_STUDENT, *SETTINGS, "data_file")),)  # the others are parameters of the notebooks
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+", re.ASCII)


def _right(name: str, value: str, before: dict[str, str], folder: Path) -> str:
    """Return the value of a column. UsageError if it cannot be right, alone or with the right values before it."""
    account, region = before.get("account", ""), before.get("region") or DEFAULT_REGION
    plain_text(name, value)
    if name == "account" and re.fullmatch(r"[0-9.,]{1,11}([eE]\+?[0-9]+)?", value):
        raise UsageError(
            "account is {value!r}. A spreadsheet drops leading zeros, and rounds: format the column as text, and write "
            "all twelve digits",
            value=value,
        )
    if name == "profile" and value not in profiles():
        raise UsageError(
            "there is no profile {value!r} in your AWS configuration: see `aws configure list-profiles`", value=value
        )
    if name == "role_arn" and before.get("profile"):
        raise UsageError("there is a profile and a role_arn. Name one of them: your own credentials assume the role")
    if name == "role_arn" and not ((role := _ROLE_ARN.fullmatch(value)) and role[1] == (account or role[1])):
        raise UsageError("role_arn is {value!r}; wanted a role of this account, such as arn:…:role/Grader", value=value)
    if name == "data_file":
        path = (folder / value).resolve()
        headless.check_data_file(path)
        return str(path)
    if name == "handed_in":
        deadline.moment(value, name)
    if name in SETTINGS:
        fitting(name, setting(name, value), account, region)
    return value


def _values(cells: dict[str, str], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the right values of a row by column, and what is wrong with the others."""
    values, wrong = dict[str, str](), list[str]()
    for name in filter(cells.get, _COLUMNS):  # in this order: a value must fit those before it
        try:
            values[name] = _right(name, cells[name], values, folder)
        except UsageError as error:
            wrong.append(str(error).rstrip(".。"))
    return values, wrong


def read(path: Path, accounts: bool = True) -> list[Student]:
    """Return the students of a roster, who need `accounts` unless their files are graded.

    RosterError, which lists the faults, if there are any.
    """
    columns, rows = spreadsheet.read(path)
    needed = ("account", "name") if accounts else ("name",)
    faults = [_("line 1: there is no column {name}", name=name) for name in needed if name not in columns]
    unknown = [name for name in columns if name not in _COLUMNS]
    told = N_("line 1: unknown column {name!r}; the columns are {columns}")
    faults += [_(told, name=name, columns=_(", ").join(_COLUMNS)) for name in unknown]
    students = dict[int, Student]()  # by line
    for line, cells in [] if faults else rows:
        values, wrong = _values(cells, path.parent)
        wrong += [_("there is no {name}", name=name) for name in needed if name not in cells]
        faults += [_("line {line}: {fault}", line=line, fault=fault) for fault in wrong]
        if not wrong:
            fields = {name: values.pop(name, "") for name in _OF_STUDENT}
            students[line] = Student(parameters=values, **fields)
    faults += _clashes(students)
    if not rows:
        faults.append(_("line 1: the header has no student below it"))
    if faults:
        title = _("{path} has these faults. Nothing was started.", path=path)
        listed = "\n  ".join([title, *faults])
        raise RosterError(listed)
    return [*students.values()]


def _clashes(students: dict[int, Student]) -> Iterator[str]:
    """Yield a fault for each student who shares a key of `_keys` with an earlier one."""
    told = N_(
        "line {line}: {key} is the same as in line {other}. Give each student an id or a name, and in one account a "
        "prefix, of their own"
    )
    lines = dict[str, int]()
    for line, student in students.items():
        keys = _keys(student)
        if key := next((key for key in keys if key.casefold() in lines), None):
            yield _(told, line=line, key=key, other=lines[key.casefold()])
        lines = {key.casefold(): line for key in keys} | lines


def _keys(student: Student) -> list[str]:
    """Return what no two students may share, whatever its case."""
    region, prefix = student.parameters.get("region", DEFAULT_REGION), student.parameters.get("prefix", '""')
    keys = [f"id {student.id}" if student.id else f"name {student.name}", f"--out/{student.folder}"]
    if student.account:
        keys.append(f"account {student.account}, region {region}, prefix {prefix}")
    if bucket := student.parameters.get("bucket"):
        keys.append(f"bucket {bucket}")
    return keys
