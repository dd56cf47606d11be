"""The roster of a class: who is in it, with which account and which settings. CSV or YAML.

Every value is read as text, so that no reader makes a number of an account. A roster with faults is refused as a
whole, with all its faults.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lab_lib.errors import RosterError, UsageError
from lab_lib.lab import DEFAULT_REGION, partition, setting
from lab_lib.run import headless

_OWN = {"name", "id", "role_arn", "external_id"}  # the columns that are no parameter of the notebooks
_NEEDED = ("account", "name")
_LONGEST = 40  # characters of a folder's slug: at most 160 bytes, and no file system takes more than 255
_ARN = re.compile(r"arn:(aws[a-z-]*):iam::([0-9]{12}):role/[\w+=,.@/-]+", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


class Entry(NamedTuple):
    """What stands in the roster at a line; what was left empty is not in it."""

    line: int
    values: dict[str, str]


class Fault(NamedTuple):
    line: int
    what: str


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
        """Where the results go: the name in letters that any file system takes, and the account's last four digits."""
        return f"{_slug(self.name)}-{self.account[-4:]}"


def read(path: str | Path) -> list[Student]:
    """The students of a roster; RosterError, with every fault and its line, if there is a single one."""
    path = Path(path)
    try:
        entries, faults = _parser(path)(_text(path))
        students = [_student(entry, path.parent) for entry in entries]
        faults += [fault for entry in entries for fault in _faults(entry, path.parent)]
        faults += _twice(students) + ([] if entries or faults else [Fault(1, "there is no student")])
    except _Unreadable as error:
        faults = [error.fault]
    if faults:
        listed = "".join(f"\n  line {line}: {what}" for line, what in sorted(faults))
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise RosterError(f"{path} has {count}. Nothing was begun.{listed}")
    return students


class _Unreadable(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.fault = Fault(line, what)


def _parser(path: Path) -> Callable[[str], tuple[list[Entry], list[Fault]]]:
    parsers = {".csv": _from_csv, ".yaml": _from_yaml, ".yml": _from_yaml}
    if path.suffix.lower() not in parsers:
        raise UsageError(f"{path} ends in {path.suffix or 'nothing'}; a roster ends in .csv, .yaml or .yml.")
    return parsers[path.suffix.lower()]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Name a roster.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _Unreadable(line, 'this is not UTF-8. Save it as "CSV UTF-8", or as text in UTF-8') from None


def _from_csv(text: str) -> tuple[list[Entry], list[Fault]]:
    """The rows of a CSV file, with the delimiter that its header has: comma, semicolon or tab."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    rows = _rows(text, max(",;\t", key=first.count))
    line, cells = next(rows, (1, []))
    header = [cell.strip().lower() for cell in cells]
    faults = [Fault(line, what) for what in _wrong_header(header)]
    if not {*_NEEDED} <= {*header}:
        return [], faults
    entries = []
    for line, cells in rows:
        if any(cell.strip() for cell in cells[len(header) :]):
            faults.append(Fault(line, f"{len(cells)} cells, and the header has {len(header)}. Put a cell in quotes"))
        entries.append(Entry(line, _filled(dict(zip(header, cells, strict=False)))))
    return entries, faults


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line that it begins at: a cell in quotes may hold several."""
    reader, line = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _Unreadable(line, f"the quotes do not match from here on: {error}") from None


def _wrong_header(header: list[str]) -> Iterator[str]:
    for name in dict.fromkeys(name for name in header if header.count(name) > 1):
        yield f"the column {name or 'without a name'} is there twice"
    for name in _NEEDED:
        if name not in header:
            yield f"there is no column {name}"
    yield from (_unknown(name) for name in dict.fromkeys(header) if name and name not in _known())


def _from_yaml(text: str) -> tuple[list[Entry], list[Fault]]:
    """The mappings of a YAML list, as written: 000000000022 without quotes stays what it is, and is no number."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or "it holds a character that YAML does not allow"
        raise _Unreadable(mark.line + 1 if mark else 1, f"this is no YAML: {why}") from None
    if isinstance(node, yaml.MappingNode) and [key.value for key, _ in node.value] == ["students"]:
        node = node.value[0][1]
    if node is not None and not isinstance(node, yaml.SequenceNode):
        raise _Unreadable(node.start_mark.line + 1, "wanted a list of students: - name: …, account: …")
    entries, faults = [], []
    for item in node.value if node else []:
        entry, wrong = _from_node(item)
        entries.append(entry)
        faults += wrong
    return entries, faults


def _from_node(item: yaml.Node) -> tuple[Entry, list[Fault]]:
    line = item.start_mark.line + 1
    if not isinstance(item, yaml.MappingNode):
        return Entry(line, {}), [Fault(line, "wanted a student: name: …, account: …")]
    values: dict[str, str] = {}
    faults = []
    for key, value in item.value:
        name, at = str(key.value), key.start_mark.line + 1
        if name in values:
            faults.append(Fault(at, f"{name} is there twice"))
        elif name not in _known():
            faults.append(Fault(at, _unknown(name)))
        elif not isinstance(value, yaml.ScalarNode) or value.tag not in _PLAIN:
            faults.append(Fault(at, f"{name} is neither text nor a number"))
        values[name] = value.value if isinstance(value, yaml.ScalarNode) and value.tag != _NULL else ""
    return Entry(line, _filled(values)), faults


def _filled(values: dict[str, str]) -> dict[str, str]:
    """The values that are not empty, each on one line."""
    tidy = {name: " ".join(value.split()) for name, value in values.items()}
    return {name: value for name, value in tidy.items() if value}


def _known() -> set[str]:
    return _OWN | headless.known_parameters().keys()


def _unknown(name: str) -> str:
    return f"no notebook has a parameter {name}; the columns are {', '.join(sorted(_known()))}"


def _student(entry: Entry, folder: Path) -> Student:
    values = entry.values
    kinds = headless.known_parameters()
    parameters: dict[str, Any] = {name: values[name] for name in values if name not in _OWN | {"account", "profile"}}
    parameters |= {name: _TRUTH.get(value.lower()) for name, value in parameters.items() if kinds.get(name) == "bool"}
    if "data_file" in parameters:
        parameters["data_file"] = str((folder / parameters["data_file"]).resolve())
    own = {name: values.get(name, "") for name in ("account", "name", "profile", "role_arn", "external_id", "id")}
    return Student(line=entry.line, parameters=parameters, **own)


def _faults(entry: Entry, folder: Path) -> Iterator[Fault]:
    """What is wrong with one entry by itself."""
    values = entry.values
    for name in _NEEDED:
        if name not in values:
            yield Fault(entry.line, f"there is no {name}")
    for name in ("account", "region", "prefix", "threshold", "email", "phone", "data_file"):
        if name in values and (what := _wrong(name, values[name], folder)):
            yield Fault(entry.line, what)
    for name in (name for name, value in values.items() if {*map(unicodedata.category, value)} & {"Cc", "Cs"}):
        yield Fault(entry.line, f"{name} holds a character that is none of a text: {values[name]!a}")
    for name, kind in headless.known_parameters().items():
        if kind == "bool" and name in values and values[name].lower() not in _TRUTH:
            yield Fault(entry.line, f"{name} is {values[name]!r}; wanted true or false")
    yield from (Fault(entry.line, what) for what in _wrong_role(values))


def _wrong(name: str, value: str, folder: Path) -> str:
    try:
        if name == "data_file":
            headless.upload(folder / value)
        else:
            setting(name, value)
    except UsageError as error:
        return str(error).removesuffix(".") + (_what_happened(value) if name == "account" else "")
    return ""


def _what_happened(account: str) -> str:
    """What a spreadsheet, or the console, has made of an account."""
    if re.fullmatch(r"[0-9]{1,11}", account):
        return f". A spreadsheet drops leading zeros: format the column as text, and write {account.zfill(12)}"
    if re.fullmatch(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+", account):
        return ". A spreadsheet has rounded it: format the column as text, and write all twelve digits"
    digits = re.sub(r"[\s-]", "", account)
    return f". Write {digits}" if re.fullmatch(r"[0-9]{12}", digits) else ""


def _wrong_role(values: dict[str, str]) -> Iterator[str]:
    role, account = values.get("role_arn", ""), values.get("account", "")
    if role and "profile" in values:
        yield "there is a profile and a role_arn. Name one of them: a role is assumed with your own credentials"
    if "external_id" in values and not role:
        yield "there is an external_id without a role_arn"
    if "external_id" in values and not _EXTERNAL_ID.fullmatch(values["external_id"]):
        yield "external_id wants 2 to 1224 letters, digits and +=,.@:/-"
    if role:
        found = _ARN.fullmatch(role)
        if not found:
            yield f"role_arn is {role!r}; wanted a role of this account, such as arn:…:role/Grader"
        elif account and found[2] != account:
            yield f"role_arn is a role of account {found[2]}, and the account is {account}"
        elif found[1] != _partition_of(values, found[1]):
            yield f"role_arn is of partition {found[1]}, and Region {values['region']} is of another"


def _partition_of(values: dict[str, str], otherwise: str) -> str:
    try:
        return partition(values["region"]) if "region" in values else otherwise
    except UsageError:  # a fault of its own
        return otherwise


def _twice(students: list[Student]) -> list[Fault]:
    """Students who would build in the same place, or whose results would go to the same folder."""
    places: dict[tuple[str, ...], int] = {}
    faults = []
    for student in students:
        region, prefix = student.parameters.get("region", DEFAULT_REGION), student.parameters.get("prefix", "")
        # TransactionProcessor and transactionprocessor are two functions, but their buckets have one name
        place, folder = ("account", student.account, region, prefix.lower()), ("folder", student.folder)
        if student.account and place in places:
            what = f"account {student.account}, Region {region}"
            also = f" and prefix {prefix}" if prefix else ", without a prefix"
            faults.append(Fault(student.line, f"{what}{also} is that of line {places[place]} too"))
        elif student.account and student.name and folder in places:
            what = f"the results would go to {student.folder}, as those of line {places[folder]} do"
            faults.append(Fault(student.line, f"{what}. Tell the names apart"))
        places.setdefault(place, student.line)
        places.setdefault(folder, student.line)
    return faults


def _slug(name: str) -> str:
    """Letters and digits of any script, without Latin accents, joined by -; "student" if the name has none."""
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", unicodedata.normalize("NFKD", name.casefold()))
    letters = unicodedata.normalize("NFC", plain)
    kept = "".join(each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in letters)
    return "-".join(kept.split())[:_LONGEST].strip("-") or "student"


_TRUTH = {"true": True, "false": False}  # YAML's words, and a spreadsheet's
_NULL = "tag:yaml.org,2002:null"
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")}
