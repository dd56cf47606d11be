"""Find out whose submissions a folder holds."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from lab_lib.classroom import submission
from lab_lib.classroom.grading import Grading
from lab_lib.classroom.students import Student, slug
from lab_lib.errors import UsageError


class HandedIn(NamedTuple):
    """A file, and whose it says that it is. If it cannot be read, its name counts."""

    path: Path
    name: str
    id: str


def find(folder: Path) -> list[HandedIn]:
    """Return the zip files in the folder, and in the folders in it. UsageError if there are none."""
    found = [_owner(path) for path in sorted(folder.rglob("*.zip"))]
    if not found:
        raise UsageError(f"{folder} holds no zip file. Put what `lab submit` writes there, a file a student.")
    return found


def students(files: list[HandedIn]) -> list[Student]:
    """Return a student for each file of somebody else. A number stands in the place of the account."""
    owners = {each.id.casefold() or slug(each.name): each for each in reversed(files)}
    named = sorted(owners.values(), key=lambda each: each.name.casefold())
    return [
        Student(number, f"{number:012}", each.name, "", "", "", {}, each.id) for number, each in enumerate(named, 1)
    ]


def match(
    files: list[HandedIn], everybody: list[Student], out: Path, trust: bool, seconds: float
) -> tuple[list[Grading], list[Path]]:
    """Return the work for each student, without a file where there is none, and the files of nobody in the class.

    UsageError if there are two files of one student.
    """
    theirs, others = defaultdict[str, list[Path]](list), list[Path]()
    for each in files:
        student = _student(each, everybody)
        (theirs[student.folder] if student else others).append(each.path)
    if twice := {name: paths for name, paths in theirs.items() if len(paths) > 1}:
        listed = "".join(f"\n  {name}: {', '.join(str(path) for path in paths)}" for name, paths in twice.items())
        raise UsageError(f"Students have handed in two files. Nothing was graded. Keep one of each student:{listed}")
    paths = {each.folder: next(iter(theirs[each.folder]), None) for each in everybody}
    students = [replace(each, parameters={}) for each in everybody]
    return [Grading(each, out, path=paths[each.folder], trust=trust, seconds=seconds) for each in students], others


def _owner(path: Path) -> HandedIn:
    stem = path.stem.removeprefix("submission-")
    try:
        found = submission.read(path, only=submission.MANIFEST)
        return HandedIn(path, found.name or stem, found.id)
    except UsageError:  # its grading tells why
        return HandedIn(path, stem, "")


def _student(file: HandedIn, everybody: list[Student]) -> Student | None:
    """Return the student with the file's id, else the only one with its name."""
    by_id = [each for each in everybody if file.id and each.id.casefold() == file.id.casefold()]
    found = by_id or [each for each in everybody if slug(each.name) == slug(file.name)]
    return found[0] if len(found) == 1 else None
