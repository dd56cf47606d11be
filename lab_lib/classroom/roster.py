"""Read the roster of a class: a CSV file with a line for each student, who is a Student here.

All values stay text, so that an account keeps its zeros. A roster with a fault is refused as a whole, and the error
lists the faults with their lines.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab_lib.calls.sessions import profiles
from lab_lib.classroom import spreadsheet
from lab_lib.errors import RosterError, UsageError
from lab_lib.lab import Lab, is_embedded, open_lab
from lab_lib.language import N_, _
from lab_lib.run import headless
from lab_lib.settings import DEFAULT_REGION, SETTINGS, VARIABLES, fitting, plain_text, setting

_OF_STUDENT = ("account", "name", "id", "profile", "role_arn", "external_id", "handed_in")
_COLUMNS = tuple(dict.fromkeys((*_OF_STUDENT, *SETTINGS, "data_file")))  # the others are parameters of the notebooks
_MAX_SLUG = 40  # characters: at most 160 bytes, and a file name may have 255


@dataclass(frozen=True)
class Student:
    """One line of the roster. `id` is the school's own id or login, for its grade book.

    A student whose files are graded needs no account.
    """

    name: str
    account: str = ""
    id: str = ""
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)  # of the notebooks, such as region, prefix, data_file
    handed_in: str = ""  # when, for a submission whose file has another time

    @property
    def folder(self) -> str:
        """Return the name of the student's folder: the name as a slug, and the account's last four digits.

        Without an account, the digits are those of a digest of the id, else of the name.
        """
        name = slug(self.name)
        digits = self.account[-4:]
        if not digits:
            digest = sha256((self.id or name).casefold().encode("utf-8", "backslashreplace"))
            digits = f"{int(digest.hexdigest(), 16) % 10**4:04}"
        return f"{name[:_MAX_SLUG].strip('-')}-{digits}"

    @property
    def is_embedded(self) -> bool:
        """Return True if the lab needs this computer's embedded AWS."""
        return is_embedded(self.profile, self.role_arn)

    @property
    def settings(self) -> dict[str, str]:
        """Return all settings of the lab, without credentials. One that the roster lacks is empty."""
        values = self.parameters | vars(self)
        return {name: values.get(name, "") for name in VARIABLES}

    @property
    def settings_in_sandbox(self) -> dict[str, Any]:
        """Return the settings that an account in a sandbox can have."""
        return {name: setting(name, self.settings[name]) for name in ("prefix", "threshold")}

    def open_lab(self) -> Lab:
        """Open the lab in the student's account."""
        return open_lab(**self.settings)


def slug(name: str) -> str:
    """Return letters and digits of any script, joined by "-", without Latin accents; "student" if there are none."""
    apart = unicodedata.normalize("NFKD", name.casefold())  # each accent behind its letter
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", apart)
    words = ""
    for letter in unicodedata.normalize("NFC", plain):
        is_mark = unicodedata.category(letter).startswith("M")  # such as a vowel in Hindi
        words += letter if is_mark or letter.isalnum() else " "
    return "-".join(words.split()) or "student"


def moment(text: str, name: str) -> datetime:
    """Return the local time; of a date alone, the end of that day. UsageError, with the name, if it is neither."""
    whole = text if ":" in text else f"{text} 23:59"
    try:
        return datetime.fromisoformat(whole).astimezone().replace(tzinfo=None)
    except ValueError:
        raise UsageError(
            "{name} is {text!r}; wanted 2026-12-01 18:00, for example, or the date alone.", name=name, text=text
        ) from None


def read(path: Path, accounts: bool = True) -> list[Student]:
    """Return the students of a roster, who need `accounts` unless their files are graded.

    RosterError, which lists the faults, if there are any.
    """
    columns, rows = spreadsheet.read(path)
    needed = ("account", "name") if accounts else ("name",)
    faults = [_("line 1: there is no column {name}", name=name) for name in needed if name not in columns]
    for name in columns:
        if name not in _COLUMNS:
            known = _(", ").join(_COLUMNS)
            faults.append(_("line 1: unknown column {name!r}; the columns are {columns}", name=name, columns=known))
    if not rows:
        faults.append(_("line 1: the header has no student below it"))
    if faults:
        rows = []  # their faults would follow from those of the header
    students = dict[int, Student]()  # by line
    for line, cells in rows:
        values, wrong = _values(cells, path.parent)
        wrong += [_("there is no {name}", name=name) for name in needed if name not in cells]
        faults += [_("line {line}: {fault}", line=line, fault=fault) for fault in wrong]
        if not wrong:
            fields = {name: values.pop(name, "") for name in _OF_STUDENT}
            students[line] = Student(parameters=values, **fields)
    faults += _clashes(students)
    if faults:
        title = _("{path} has these faults. Nothing was started.", path=path)
        listed = "\n  ".join([title, *faults])
        raise RosterError(listed)
    return [*students.values()]


def _values(cells: dict[str, str], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the right values of a row by column, and what is wrong with the others."""
    values = dict[str, str]()
    wrong = []
    for name in _COLUMNS:  # in this order: a value must fit those before it
        if name in cells:
            try:
                values[name] = _right(name, cells[name], values, folder)
            except UsageError as error:
                wrong.append(str(error).rstrip(".。"))
    return values, wrong


def _right(name: str, value: str, before: dict[str, str], folder: Path) -> str:
    """Return the value of a column. UsageError if it cannot be right, alone or with the right values before it."""
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
    if name == "data_file":
        value = str((folder / value).resolve())
        headless.check_data_file(Path(value))
    if name == "handed_in":
        moment(value, name)
    if name in SETTINGS:
        account = before.get("account", "")
        region = before.get("region", DEFAULT_REGION)
        fitting(name, setting(name, value), account, region)
    return value


def _clashes(students: dict[int, Student]) -> Iterator[str]:
    """Yield a fault for each student who shares a key of `_keys` with an earlier one."""
    told = N_(
        "line {line}: {key} is the same as in line {other}. Give each student an id or a name, and in one account a "
        "prefix, of their own"
    )
    lines = dict[str, int]()
    for line, student in students.items():
        for key in _keys(student):
            other = lines.setdefault(key.casefold(), line)
            if other != line:
                yield _(told, line=line, key=key, other=other)
                break


def _keys(student: Student) -> list[str]:
    """Return what no two students may share, whatever its case."""
    region = student.parameters.get("region", DEFAULT_REGION)
    prefix = student.parameters.get("prefix", '""')  # as the message shows none
    person = f"id {student.id}" if student.id else f"name {student.name}"
    keys = [person, f"--out/{student.folder}"]
    if student.account:
        keys.append(f"account {student.account}, region {region}, prefix {prefix}")
    if bucket := student.parameters.get("bucket"):
        keys.append(f"bucket {bucket}")
    return keys
