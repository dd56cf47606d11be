"""Find out whose submissions a folder holds: the roster and the names of files and folders say so.

A file can claim to be of anybody, so its claim decides nothing. Where it differs, the instructor is told.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab_lib.checks.lookalikes import visible
from lab_lib.classroom import submission
from lab_lib.classroom.grading import Grading
from lab_lib.classroom.students import Student, slug
from lab_lib.classroom.submission import Submission
from lab_lib.errors import UsageError


def find(folder: Path) -> list[Submission]:
    """Return the zip files in the folder and in the folders in it, without links. UsageError if there are none."""
    paths = sorted(path for path in folder.rglob("*.zip") if path.is_file() and not path.is_symlink())
    if not paths:
        raise UsageError(f"{folder} holds no zip file. Put what `lab submit` writes there, a file a student.")
    return [submission.read(path, path.relative_to(folder).parent.parts) for path in paths]


def match(
    files: list[Submission], roster: list[Student], out: Path, **how: Any
) -> tuple[list[Grading], list[Submission]]:
    """Return the work for each student, without a file where there is none, and the files of nobody in the roster.

    Without a roster, each name of a file is a student. Of several files of one student the latest counts. `how` goes
    to each Grading.
    """
    everybody = {student.folder: student for student in roster}
    theirs, others = defaultdict[str, list[Submission]](list), list[Submission]()
    owner = _by_roster(roster) if roster else _by_name
    for file in files:
        if student := owner(file):
            everybody.setdefault(student.folder, student)
            theirs[student.folder].append(file)
        else:
            others.append(file)
    works = []
    for folder, student in everybody.items():
        in_order = sorted(theirs[folder], key=lambda file: (file.path.stat().st_mtime_ns, file.when, file.path))
        latest = in_order[-1] if in_order else None
        works.append(Grading(student, out, remarks=_remarks(student, in_order), submitted=latest, **how))
    return works, others


def _by_roster(roster: list[Student]) -> Callable[[Submission], Student | None]:
    """Return a function that gives the student of a file: the one whose name, id or both its own names hold.

    The outermost name that fits counts: a school's platform puts its own before the student's.
    """
    fitting = defaultdict[str, list[Student]](list)
    for student in roster:
        name, id = slug(student.name), slug(student.id) if student.id else ""
        for form in {name, id, f"{name}-{id}", f"{id}-{name}"} if id else {name}:
            fitting[form].append(student)

    def owner(file: Submission) -> Student | None:
        owners = (fitting[part] for name in (*file.folders, file.path.stem) for part in _parts(name) if part in fitting)
        students = next(owners, [])
        return students[0] if len(students) == 1 else None

    return owner


def _parts(name: str) -> list[str]:
    """Return the parts of a name that may be a student's, longest first: from "submission-" to a number or the end."""
    words = slug(name, longest=None).split("-")
    starts = [0, *(place for place, word in enumerate(words, 1) if word == "submission")]
    ends = [*(place for place, word in enumerate(words) if word.isdecimal()), len(words)]
    parts = {"-".join(words[start:end]) for start in starts for end in ends if start < end}
    return sorted(parts, key=len, reverse=True)


def _by_name(file: Submission) -> Student:
    """Return a student of the name of a file, without what `lab submit` puts before it; else of that of its folder."""
    stem = file.path.stem
    said = re.sub(r"^submission[-_ ]?| ?\(\d{1,3}\)$", "", stem).strip()  # a browser adds (1) to a second file
    said = said or (file.folders or [ascii(stem)])[-1]
    claimed = file.name or said
    name = claimed if slug(claimed) == slug(said) else said
    return Student(visible(name))


def _remarks(student: Student, files: list[Submission]) -> tuple[str, ...]:
    """Return what the instructor should know about the files of a student, of which the last one counts."""
    remarks = list[str]()
    if len(files) > 1:
        listed = ", ".join(file.path.name for file in files)
        remarks.append(f"{len(files)} files: {listed}. The latest counts: {files[-1].path.name}.")
    for file in files[-1:]:
        name, id = file.name or student.name, file.id or student.id
        if slug(name) != slug(student.name) or (student.id and id.casefold() != student.id.casefold()):
            claimed = f"{file.path.name} claims to be from {file.claim}"
            remarks.append(f"{claimed}. It counts for {student.name}, as its name says.")
    return tuple(map(visible, remarks))
