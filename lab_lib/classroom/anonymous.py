"""Write the grade book of a class without names, ids and accounts.

Each student has an anonymous id, drawn once for a roster. The key to the ids is a file beside the roster, which only
its owner can read. In all texts, names, ids, accounts, addresses and prefixes become "…". What a student tells about
herself in other words stays.
"""

import csv
import io
import secrets
from pathlib import Path
from typing import Any

from lab_lib.classroom import exports, feedback, gradebook
from lab_lib.classroom.identity import without_identity
from lab_lib.private_files import exists, read_file, write_file

Record = dict[str, Any]  # of a student, see gradebook.py
_HEADER = ("id", "folder", "name")
_FIXED = {"id", "step", "state", "cause", "notebook", "question", "case", "column"}  # entries that no student writes


def key_file(roster: Path) -> Path:
    """Return the file with the key to the anonymous ids of a roster."""
    return roster.with_name(f"{roster.stem}.anonymous.csv")


def write(roster: Path, out: Path, records: list[Record], when: str) -> tuple[Path, list[Record]]:
    """Write the grade book into a folder of `out`; return this folder, and the records without names."""
    ids, place = _ids(key_file(roster), records), out / gradebook.ANONYMOUS
    for record in records:
        if rendered := feedback.rendered(out, record):
            feedback.keep(place / ids[record["folder"]], without_identity(rendered, record))
    anonymous = [_record(record, ids[record["folder"]]) for record in records]
    gradebook.write(place, anonymous, when)
    return place, anonymous


def _ids(path: Path, records: list[Record]) -> dict[str, str]:
    """Return the anonymous id of each student by folder. New ones are added to the file."""
    rows = read_file(path, _rows, "Move it away: all students then get new ids.") if exists(path) else {}
    for record in records:
        rows.setdefault(record["folder"], (f"student-{secrets.token_hex(4)}", record["folder"], record["name"]))
    write_file(path, exports.csv_text([_HEADER, *rows.values()]))
    return {folder: anonymous for folder, (anonymous, *_) in rows.items()}


def _rows(content: bytes) -> dict[str, tuple[str, str, str]]:
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return {row["folder"]: (row["id"], row["folder"], row["name"]) for row in reader}


def _record(record: Record, student: str) -> Record:
    identity = {"name": student, "id": student, "folder": student, "part": "", "account": "", "prefix": "", "own": []}
    # These are left out: names of files, a time, and a digest of the roster.
    return {**_hide_all(record, record), **identity, "remarks": [], "submitted": None, "fingerprint": ""}


def _hide_all(value: Any, record: Record) -> Any:
    """Return a value of a record without the student's identity in its texts."""
    if isinstance(value, dict):
        return {name: part if name in _FIXED else _hide_all(part, record) for name, part in value.items()}
    if isinstance(value, list):
        return [_hide_all(part, record) for part in value]
    return without_identity(value, record) if isinstance(value, str) else value
