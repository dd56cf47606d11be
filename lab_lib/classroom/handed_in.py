"""Find out whose submissions a folder holds: the roster and the names of files and folders say so.

A file can claim to be of anybody, so its claim decides nothing. Where it differs, the instructor is told.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from lab_lib.checks.visible import visible
from lab_lib.classroom import submission
from lab_lib.classroom.grading import Grading
from lab_lib.classroom.students import Student, slug
from lab_lib.errors import UsageError

_COUNTER = re.compile(r" ?\(\d{1,3}\)$|[-_]\d{1,2}$")  # what a browser or a student adds to a second file


@dataclass(frozen=True)
class HandedIn:
    """A file, the names of its folders and of itself, outermost first, and whose it claims to be."""

    path: Path
    names: tuple[str, ...]
    changed: int  # nanoseconds
    claimed_name: str = ""
    claimed_id: str = ""
    when: str = ""  # as it claims, too

    @property
    def claim(self) -> str:
        """Return whose the file claims to be, such as "Ana García (ana1)"; "" if it claims nothing."""
        return f"{self.claimed_name}{f' ({self.claimed_id})' if self.claimed_id else ''}".strip()


def find(folder: Path) -> list[HandedIn]:
    """Return the zip files in the folder and in the folders in it, without links. UsageError if there are none."""
    paths = sorted(path for path in folder.rglob("*.zip") if path.is_file() and not path.is_symlink())
    if not paths:
        raise UsageError(f"{folder} holds no zip file. Put what `lab submit` writes there, a file a student.")
    return [_handed_in(path, path.relative_to(folder)) for path in paths]


def match(
    files: list[HandedIn], roster: list[Student], out: Path, trust: bool, seconds: float, seed: str
) -> tuple[list[Grading], list[HandedIn]]:
    """Return the work for each student, without a file where there is none, and the files of nobody in the roster.

    Without a roster, each name of a file is a student. Of several files of one student the latest counts.
    """
    everybody = {each.folder: replace(each, parameters={}) for each in roster}
    theirs, others = defaultdict[str, list[HandedIn]](list), list[HandedIn]()
    owner = _by_roster(roster) if roster else _by_name(files)
    for each in files:
        if student := owner(each):
            everybody.setdefault(student.folder, student)
            theirs[student.folder].append(each)
        else:
            others.append(each)
    works = []
    for folder, student in everybody.items():
        in_order = sorted(theirs[folder], key=lambda each: (each.changed, each.when, each.names))
        path = in_order[-1].path if in_order else None
        remarks = _remarks(student, in_order)
        works.append(Grading(student, out, path=path, trust=trust, seconds=seconds, remarks=remarks, seed=seed))
    return works, others


def _handed_in(path: Path, inside: Path) -> HandedIn:
    names, changed = (*inside.parts[:-1], inside.name.removesuffix(".zip")), path.stat().st_mtime_ns
    try:
        found = submission.read(path, only=submission.MANIFEST)
    except UsageError:  # its grading tells why
        return HandedIn(path, names, changed)
    return HandedIn(path, names, changed, found.name, found.id, found.when)


def _by_roster(roster: list[Student]) -> Callable[[HandedIn], Student | None]:
    """Return a function that gives the student of a file: the one whose name, id or both its own names hold.

    The outermost name that fits counts: a school's platform puts its own before the student's.
    """
    fitting = defaultdict[str, list[Student]](list)
    for student in roster:
        name, own = slug(student.name), slug(student.id) if student.id else ""
        for form in {name, own, f"{name}-{own}", f"{own}-{name}"} if own else {name}:
            fitting[form].append(student)

    def owner(file: HandedIn) -> Student | None:
        found = (fitting[part] for name in file.names for part in _parts(name) if part in fitting)
        students = next(found, [])
        return students[0] if len(students) == 1 else None

    return owner


def _parts(name: str) -> list[str]:
    """Return the parts of a name that may be a student's, longest first: from "submission-" to a number or the end."""
    words = slug(name, longest=None).split("-")
    starts = [0, *(place for place, word in enumerate(words, 1) if word == "submission")]
    ends = [*(place for place, word in enumerate(words) if word.isdecimal()), len(words)]
    found = {"-".join(words[start:end]) for start in starts for end in ends if start < end}
    return sorted(found, key=len, reverse=True)


def _by_name(files: list[HandedIn]) -> Callable[[HandedIn], Student]:
    """Return a function that makes a student of the name of a file, without the number of a second one."""
    there = {_key(_said(each)) for each in files}

    def owner(file: HandedIn) -> Student:
        said = _said(file)
        base = _COUNTER.sub("", said)
        if base and (_key(base) in there or said.endswith(")")):
            said = base
        claimed = file.claimed_name if file.claimed_name.isprintable() else ""
        name = claimed if claimed and slug(claimed) == slug(said) else visible(said)
        number = int(sha256(_key(said).encode()).hexdigest(), 16) % 10**12
        return Student(0, f"{number:012}", name, "", "", "", {})

    return owner


def _key(said: str) -> str:
    """Return what is equal for names that differ in spaces, case or accents only."""
    return slug(said, longest=None) if any(map(str.isalnum, said)) else ascii(said)


def _said(file: HandedIn) -> str:
    """Return the name of a file without what `lab submit` puts before the student's; else that of its folder."""
    *folders, stem = file.names
    return re.sub("^submission[-_ ]?", "", stem).strip() or (folders or [ascii(stem)])[-1]


def _remarks(student: Student, files: list[HandedIn]) -> tuple[str, ...]:
    """Return what the instructor should know about the files of a student, of which the last one counts."""
    remarks = list[str]()
    if len(files) > 1:
        listed = ", ".join(each.path.name for each in files)
        remarks.append(f"{len(files)} files: {listed}. The latest counts: {files[-1].path.name}.")
    for each in files[-1:]:
        other_name = each.claimed_name and slug(each.claimed_name) != slug(student.name)
        other_id = student.id and each.claimed_id and each.claimed_id.casefold() != student.id.casefold()
        if other_name or other_id:
            claimed = f"{each.path.name} claims to be from {each.claim}"
            remarks.append(f"{claimed}. It counts for {student.name}, as its name says.")
    return tuple(map(visible, remarks))
