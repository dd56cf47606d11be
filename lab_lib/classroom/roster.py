"""Read the roster of a class: a CSV file with a line for each student.

pydantic reads the rows. All values stay text, so that an account keeps its zeros. A roster with a fault is refused as a
whole, and the error lists the faults with their lines.
"""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from lab_lib.calls.sessions import profiles
from lab_lib.classroom import deadline, spreadsheet
from lab_lib.classroom.students import Student
from lab_lib.errors import RosterError, UsageError
from lab_lib.pages.wording import shortened
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_REGION, SETTINGS, fitting, setting

_MOST_FAULTS = 20  # that are listed
# All other columns are parameters of the notebooks.
_OWN = ("account", "name", "id", "profile", "role_arn", "external_id", "handed_in")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+", re.ASCII)


class Row(BaseModel):
    """A student whose files are graded. The context of a validation is the roster's folder."""

    model_config = ConfigDict(extra="forbid")

    account: str = ""
    name: str
    id: str = ""
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    region: str = ""
    prefix: str = ""
    threshold: str = ""
    email: str = ""
    phone: str = ""
    data_file: str = ""
    processor_role: str = ""
    notifier_role: str = ""
    bucket: str = ""
    boundary: str = ""
    handed_in: str = ""

    @field_validator("*")
    @classmethod
    def _is_right(cls, value: str, info: ValidationInfo) -> str:
        try:
            return _right(str(info.field_name), value, info.data, Path(str(info.context))) if value else value
        except UsageError as error:
            raise PydanticCustomError("fault", "{what}", {"what": str(error).removesuffix(".")}) from None


class AccountRow(Row):
    """A student with an account."""

    account: str


def _right(name: str, value: str, before: dict[str, Any], folder: Path) -> str:
    """Return the value of a column. UsageError if it cannot be right, alone or with the right values before it."""
    account, region = before.get("account", ""), before.get("region") or DEFAULT_REGION
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise UsageError(f"{name} holds a control character: {value!a}")
    if name == "account" and re.fullmatch(r"[0-9.,]{1,11}([eE]\+?[0-9]+)?", value):
        digits = value.zfill(12) if value.isdecimal() else "all twelve digits"
        why = "A spreadsheet drops leading zeros, and rounds: format the column as text"
        raise UsageError(f"account is {value!r}. {why}, and write {digits}")
    if name == "profile" and value not in profiles():
        raise UsageError(f"there is no profile {value!r} in your AWS configuration: see `aws configure list-profiles`")
    if name == "role_arn" and before.get("profile", "a wrong one"):
        raise UsageError("there is a profile and a role_arn. Name one of them: your own credentials assume the role")
    if name == "role_arn" and not ((role := _ROLE_ARN.fullmatch(value)) and role[1] == (account or role[1])):
        raise UsageError(f"role_arn is {value!r}; wanted a role of this account, such as arn:…:role/Grader")
    if name == "data_file":
        return _data_file(folder, value)
    if name == "handed_in":
        deadline.moment(value, name)
    if name in SETTINGS:
        fitting(name, setting(name, value), account, region)
    return value


def _data_file(folder: Path, value: str) -> str:
    path = (folder / value).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UsageError(f"data_file is {value!r}, outside the roster's folder. Copy the file beside the roster")
    headless.check_data_file(path)
    return str(path)


def read(path: Path, accounts: bool = True) -> list[Student]:
    """Return the students of a roster, who need `accounts` unless their files are graded.

    RosterError, which lists the faults, if there are any.
    """
    model = AccountRow if accounts else Row
    columns, rows = spreadsheet.read(path)
    students, faults = list[Student](), list[str]()
    header = (1, dict.fromkeys(columns, ""))  # as a row of empty cells, so pydantic names missing and unknown columns
    for line, cells in [header, *rows]:
        try:
            values = model.model_validate(cells, context=path.parent).model_dump(exclude_unset=True)
            fields = {name: values.pop(name, "") for name in _OWN}
            students.append(Student(line=line, parameters=values, **fields))
        except ValidationError as error:
            faults += [f"line {line}: {_in_words(line, fault)}" for fault in error.errors()]
        if line == 1 and faults:
            break
    students = [student for student in students if student.line > 1]
    faults += _clashes(students)
    if not rows:
        faults.append("line 1: the header has no student below it")
    if faults:
        title = f"{path} has {len(faults):,} fault{'s' * (len(faults) > 1)}. Nothing was started."
        raise RosterError("\n  ".join([title, *shortened(faults, _MOST_FAULTS)]))
    return students


def _in_words(line: int, fault: ErrorDetails) -> str:
    if fault["type"] == "missing":
        return f"there is no {'column ' if line == 1 else ''}{fault['loc'][0]}"
    if fault["type"] == "extra_forbidden":
        return f"unknown column {fault['loc'][0]!r}; the columns are {', '.join(Row.model_fields)}"
    return fault["msg"]


def _clashes(students: list[Student]) -> Iterator[str]:
    """Yield a fault for each student who shares a key of `_keys` with an earlier one."""
    lines = dict[str, int]()
    for student in students:
        keys = _keys(student)
        if key := next((key for key in keys if key.casefold() in lines), None):
            yield f"line {student.line}: {key} is the same as in line {lines[key.casefold()]}. {keys[key]}"
        lines = {key.casefold(): student.line for key in keys} | lines


def _keys(student: Student) -> dict[str, str]:
    """Return what no two students may share, whatever its case, each with how to correct it."""
    region, prefix = student.parameters.get("region", DEFAULT_REGION), student.parameters.get("prefix", "(none)")
    keys = dict[str, str]()
    if student.account:
        keys[f"account {student.account}, Region {region}, prefix {prefix}"] = "Give each student a prefix"
    if student.id:
        keys[f"id {student.id}"] = "The grade book could not tell them apart: change one"
    else:
        keys[f"name {student.name}"] = "Give each of them an id, or change a name"
    keys[f"folder {student.folder}"] = "Change a name"
    if bucket := student.parameters.get("bucket"):
        keys[f"bucket {bucket}"] = "An upload can start the function of one student only"
    return keys
