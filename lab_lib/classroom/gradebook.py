"""Gather the records of a class, and write the grade book, the report and the feedback. Nothing here calls AWS."""

from collections.abc import Iterable
from pathlib import Path

from lab_lib.classroom import exports, feedback, points, report
from lab_lib.classroom.record import Record
from lab_lib.errors import UsageError
from lab_lib.pages.wording import now
from lab_lib.workspace.private_files import json_text, write_file

# These are in `out` besides the folders of the students.
FILES = ["gradebook.csv", "gradebook.json", "moodle.csv", "report.html", feedback.FOLDER]


def write(out: Path, records: Iterable[Record]) -> points.Book:
    """Write the grade book, for people and for programs, and the feedback for each student. Return the book."""
    book, when = points.book(records), now()
    texts = {
        "gradebook.json": json_text(book.as_dict()),
        "gradebook.csv": exports.canvas(book),
        "moodle.csv": exports.moodle(book),
        "report.html": report.page(book, when),
    }
    feedback.write(out, book)
    for name, text in texts.items():
        write_file(out / name, text)
    return book


def gather(out: Path, blank: list[Record]) -> tuple[list[Record], list[str]]:
    """Return the students' records from their folders in `out`, and the names of the folders of nobody in the class.

    `blank` has a record for each student of the class. It stays where a student has no grade.json. If it is empty,
    whoever has one is in the class. UsageError if a grade.json cannot be read, or if there is nobody.
    """
    found = dict[str, Record]()
    for path in sorted(out.glob("[!.]*/grade.json")):
        record = Record.read(path)
        record.folder = path.parent.name
        found[record.folder] = record
    if not (blank or found):
        raise UsageError("{out} holds no results. Name the folder of a class that was run or graded.", out=out)
    if not blank:
        return [*found.values()], []
    records = list[Record]()
    for student in blank:
        records.append(record := found.pop(student.folder, student))
        record.id = student.id
    return records, [*found]
