"""Find out whose submissions a folder holds.

With a roster, the names of files and folders say so: a file can claim to be of anybody, so its claim decides nothing.
Without a roster, the name and the id that a file claims are a student. Where two clash, the instructor is told.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lab_lib.classroom import submission
from lab_lib.classroom.grading import Grading
from lab_lib.classroom.roster import Student, slug
from lab_lib.classroom.submission import Submission
from lab_lib.errors import UsageError
from lab_lib.language import _
from lab_lib.pages.lookalikes import visible


def find(folder: Path) -> list[Submission]:
    """Return the zip files in the folder and in the folders in it, without links. UsageError if there are none."""
    paths = sorted(path for path in folder.rglob("*.zip") if path.is_file() and not path.is_symlink())
    if not paths:
        raise UsageError(
            "{folder} holds no zip file. Put what `lab submit` writes there, a file a student.", folder=folder
        )
    return [submission.read(path, folder) for path in paths]


def match(
    files: list[Submission], roster: list[Student], out: Path, **how: Any
) -> tuple[list[Grading], list[Submission]]:
    """Return the work for each student, without a file where there is none, and the files of nobody in the roster.

    Without a roster, each claim of a file is a student. Of several files of one student the latest counts. `how` goes
    to each Grading.
    """
    everybody = {student.folder: student for student in roster}
    theirs, others = defaultdict[str, list[Submission]](list), list[Submission]()
    owner = _by_roster(roster) if roster else _by_claim
    for file in files:
        if student := owner(file):
            everybody.setdefault(student.folder, student)
            theirs[student.folder].append(file)
        else:
            others.append(file)
    are_drawn = any(file.data_id for file in files)
    claims = Counter(claim for student in everybody.values() for claim in _identity(student))
    works = list[Grading]()
    for folder, student in everybody.items():
        in_order = sorted(theirs[folder], key=lambda file: (file.handed_in, file.when, file.path))
        remarks = [*_remarks(student, in_order, are_drawn)]
        clash = next((value for value in _identity(student) if claims[value] > 1), "")
        if clash and not roster:
            remarks.append(
                _("Another student has the name or the id {value} too. A roster says who is who.", value=clash)
            )
        latest = in_order[-1] if in_order else None
        works.append(Grading(student, out, remarks=tuple(map(visible, remarks)), submitted=latest, **how))
    return works, others


def _by_roster(roster: list[Student]) -> Callable[[Submission], Student | None]:
    """Return a function that gives the student of a file: the one whose name, id or both its own names hold.

    The outermost name that fits counts: a school's platform puts its own before the student's.
    """
    fitting = defaultdict[str, list[Student]](list)
    for student in roster:
        both = [slug(text) for text in (student.name, student.id) if text]
        for form in {*both, "-".join(both), "-".join(reversed(both))}:
            fitting[form].append(student)

    def owner(file: Submission) -> Student | None:
        for name in (*file.place.parent.parts, file.place.stem):
            for part in _parts(name):
                if part in fitting:
                    return fitting[part][0] if len(fitting[part]) == 1 else None
        return None

    return owner


def _parts(name: str) -> list[str]:
    """Return the parts of a name that may be a student's, longest first: from "submission-" to a number or the end."""
    words = slug(name).split("-")
    starts, ends = [0], [len(words)]
    for place, word in enumerate(words):
        if word == "submission":
            starts.append(place + 1)
        if word.isdecimal():
            ends.append(place)
    parts = {"-".join(words[start:end]) for start in starts for end in ends if start < end}
    return sorted(parts, key=len, reverse=True)


def _by_claim(file: Submission) -> Student:
    """Return the student whom a file claims to be of. Without a name, the file's own and its folders' are taken."""
    return Student(visible(file.name or str(file.place.parent / file.place.stem)), id=visible(file.id))


def _remarks(student: Student, files: list[Submission], are_drawn: bool) -> Iterator[str]:
    """Yield what the instructor should know about the files of a student, of which the last one counts.

    Where transactions `are_drawn` for anybody, those of an id are expected from each student who has one.
    """
    if not files:
        return
    file = files[-1]
    if len(files) > 1:
        names = _(", ").join(str(each.place) for each in files)
        yield _(
            "{count} files: {names}. The latest counts: {latest}.", count=len(files), names=names, latest=file.place
        )
    name, id = file.name or student.name, file.id or student.id
    if slug(name) != slug(student.name) and id.casefold() != student.id.casefold():
        yield _(
            "{file} claims to be from {claim}. It counts for {name}, as its name says.",
            file=file.place,
            claim=file.claim,
            name=student.name,
        )
    if are_drawn and student.id and not file.fault and file.data_id.casefold() != student.id.casefold():
        yield _(
            "{file} was made with the transactions of {made_with}, not of {wanted}. It was judged by them.",
            file=file.place,
            made_with=file.data_id or _("the handout"),
            wanted=student.id,
        )


def _identity(student: Student) -> set[str]:
    """Return what should be one student's only."""
    return {slug(student.name), student.id.casefold()} - {""}
