"""Find the faults of a roster: in its header, in a row by itself, and between two rows."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from lab_lib.classroom.students import Student
from lab_lib.errors import UsageError
from lab_lib.exercises import workbook
from lab_lib.run import headless
from lab_lib.sessions import profiles
from lab_lib.settings import DEFAULT_REGION, SETTINGS, fitting, setting

NEEDED = ("account", "name")
OWN = (*NEEDED, "id", "profile", "role_arn", "external_id")  # all other columns are parameters of the notebooks
Fault = tuple[int, str]  # a line, and what is wrong there
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols without a mark
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+", re.ASCII)


def of_header(columns: list[str]) -> Iterator[str]:
    known = sorted({*OWN, *workbook.SETTINGS})
    for name in dict.fromkeys(columns):
        if columns.count(name) > 1:
            yield f"the column {name!r} is there twice"
        if name == "yes":
            yield "yes is not a column: nobody is asked in the middle of a class. Give --yes to the command"
        elif name not in known:
            yield f"unknown column {name!r}; the columns are {', '.join(known)}"
    for name in NEEDED:
        if name not in columns:
            yield f"there is no column {name}"


def of_row(values: dict[str, str], folder: Path) -> Iterator[str]:
    """Yield the faults that one row has by itself."""
    for name in NEEDED:
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
    if name in ("name", "id") and not _is_visible(value):
        return f"{name} has no visible character: {value!a}"
    try:
        if name == "data_file":
            if not (folder / value).resolve().is_relative_to(folder.resolve()):
                return f"data_file is {value!r}, outside the roster's folder. Copy the file beside the roster"
            headless.check_data_file(folder / value)
        elif name in SETTINGS and name != "profile":
            fitting(name, setting(name, value), values.get("account", ""), values.get("region", DEFAULT_REGION))
    except UsageError as error:
        return str(error).removesuffix(".") + (_account_hint(value) if name == "account" else "")
    return ""


def _is_visible(text: str) -> bool:
    return any(unicodedata.category(each)[0] in "LNPS" and each not in _FILLERS for each in text)


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


def missing_profiles(students: list[Student]) -> Iterator[Fault]:
    known = profiles() if any(student.profile for student in students) else []
    for student in students:
        if student.profile and student.profile not in known:
            what = f"there is no profile {student.profile!r} in your AWS configuration"
            yield student.line, f"{what}. `aws configure list-profiles` shows those that are there"


def clashes(students: list[Student]) -> Iterator[Fault]:
    """Yield a fault for each student who shares what only one may have with an earlier one."""
    lines: dict[tuple[str, ...], int] = {}
    for student in students:
        keys = list(_keys(student))
        if found := next((each for each in keys if each[0] in lines), None):
            key, what, why = found
            yield student.line, f"{what} is the same as in line {lines[key]}. {why}"
        for key, _, _ in keys:
            lines.setdefault(key, student.line)


def _keys(student: Student) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield what only one student may have: a key, what it is, and what to do about two."""
    region, prefix = student.parameters.get("region", DEFAULT_REGION), student.parameters.get("prefix", "")
    if student.account:
        what = f"account {student.account}, Region {region}, prefix {prefix or '(none)'}"
        place = (student.account, region, prefix.lower())  # bucket names are lower case
        yield place, what, "Give each student a prefix"
    if student.id:
        yield ("id", student.id.casefold()), f"id {student.id}", "The grade book could not tell them apart: change one"
    elif student.name:
        yield ("name", student.name.casefold()), f"name {student.name}", "Give each of them an id, or change a name"
    if student.account and student.name:
        yield ("folder", student.folder), f"folder {student.folder}", "Change a name"
    if bucket := student.parameters.get("bucket", ""):
        yield ("bucket", bucket), f"bucket {bucket}", "An upload can start the function of one student only"
