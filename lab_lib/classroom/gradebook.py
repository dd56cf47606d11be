"""Gather the records of a class, and write the grade book, the report and the feedback. Nothing here calls AWS."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from lab_lib.classroom import exports, feedback, graded, report, shards
from lab_lib.classroom.record import Record
from lab_lib.errors import UsageError
from lab_lib.pages.wording import now
from lab_lib.workspace.private_files import make_folder, write_file

FEEDBACK, EARLIER = feedback.FOLDER, "earlier"  # folders in `out` that are nobody's
# These are in `out` besides the folders of the students.
FILES = ["gradebook.csv", "gradebook.json", "moodle.csv", "report.html", "summary.md", FEEDBACK]


def write(out: Path, records: Iterable[Record]) -> graded.Book:
    """Write the grade book, for people and for programs, and the feedback for each student. Return the book."""
    book, when = graded.book(records), now()
    texts = {
        "gradebook.json": json.dumps(book.as_dict(), indent=2, ensure_ascii=False) + "\n",
        "gradebook.csv": exports.canvas(book),
        "moodle.csv": exports.moodle(book),
        "report.html": report.page(book, when),
        "summary.md": exports.summary(book, when),
    }
    make_folder(out)
    feedback.write(out, book)
    for name, text in texts.items():
        write_file(out / name, text)
    return book


def gather(out: Path, blank: list[Record]) -> tuple[list[Record], list[str]]:
    """Return the students' records from their folders in `out`, and the names of the folders of nobody in the class.

    The folders of a class in parts are in those of the parts. `blank` has a record for each student of the class. It
    stays where a student has no grade.json. If it is empty, whoever has one is in the class. A grade.json says itself
    whose it is, so a renamed folder is found too.
    UsageError if two folders of one student disagree, if a grade.json cannot be read, or if there is nobody.
    """
    found = defaultdict[str, dict[str, Record]](dict)  # the student's folder, then each folder that says so
    parts = [path for path in out.glob(shards.FOLDERS) if not (path / "grade.json").exists()]
    paths = {path for place in (out, *parts) for path in _folders(place)}.difference(parts)
    folders = sorted(str(path.relative_to(out)) for path in paths)
    for folder in folders:
        if (path := out / folder / "grade.json").exists():
            record = Record.read(path)
            found[record.folder][folder] = record
    records, known = list[Record](), set[str]()
    if not (blank or found):
        raise UsageError(f"{out} holds no results. Name the folder of a class that was run or graded.")
    for student in blank or [next(iter(theirs.values())) for theirs in found.values()]:
        theirs = found[student.folder] or {student.folder: student}
        folder, record = next(iter(theirs.items()))
        if any(other != record for other in theirs.values()):
            raise UsageError(
                f"{out} has folders of one student with different results. Nothing was written. "
                f"Keep one of them, and delete or move the others:\n  {record.name}: {', '.join(theirs)}"
            )
        known |= {student.folder, *theirs}
        record.part, _, record.folder = folder.rpartition("/")
        record.id = student.id
        records.append(record)
    return records, [folder for folder in folders if known.isdisjoint({folder, folder.rpartition("/")[2]})]


def _folders(place: Path) -> list[Path]:
    """Return the folders that may be a student's."""
    nobodys = (FEEDBACK, EARLIER)
    return [path for path in place.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in nobodys]
