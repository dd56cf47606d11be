"""Gather the records of a class, and write the grade book, the report and the feedback. Nothing here calls AWS.

The grade book is for people, for programs, and for the grade books of Canvas and Moodle.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from lab_lib.classroom import feedback, points, report
from lab_lib.classroom.points import TITLES, WORTH, Book, Graded
from lab_lib.classroom.record import Record
from lab_lib.errors import UsageError
from lab_lib.pages.wording import now
from lab_lib.workspace.private_files import json_text, write_file

# These are in `out` besides the folders of the students.
FILES = ["gradebook.csv", "gradebook.json", "moodle.csv", "report.html", feedback.FOLDER]


def gather(out: Path) -> list[Record]:
    """Return the records in the folders of `out`. UsageError if one cannot be read, or if there is none."""
    records = [Record.read(path) for path in sorted(out.glob("[!.]*/grade.json"))]
    if not records:
        raise UsageError("{out} holds no results. Name the folder of a class that was run or graded.", out=out)
    return records


def write(out: Path, records: Iterable[Record]) -> Book:
    """Write the grade book, for people and for programs, and the feedback for each student. Return the book."""
    book = points.book(records)
    feedback.write(out, book)
    write_file(out / "gradebook.json", json_text(book.as_dict()))
    write_file(out / "gradebook.csv", canvas(book))
    write_file(out / "moodle.csv", moodle(book))
    write_file(out / "report.html", report.page(book, now()))
    return book


def canvas(book: Book) -> str:
    """Return a CSV file that Canvas imports: each column after Section becomes an assignment.

    Canvas finds a student by SIS id or login, else by the name. It takes an empty cell over a score as a change, so the
    students of `not_for_canvas` are left out. EX is a cell that is excused.
    """
    worth = [str(WORTH[column]) for column in book.columns]
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *_titles(book)],
        ["    Points Possible", "", "", "", "", *worth],
    ]
    for student in book.students:
        if not _has_blank(student):
            id = _harmless(student.id)  # it may be a SIS id or a login: Canvas tries both
            name = _harmless(student.name)
            rows.append([name, "", id, id, "", *_scores(student, "EX")])
    return "\ufeff" + _csv_text(rows)  # the byte order mark lets Excel read all scripts


def not_for_canvas(book: Book) -> list[str]:
    """Return the names of the students who would have an empty cell in the file for Canvas."""
    return [student.name for student in book.students if _has_blank(student)]


def _has_blank(student: Graded) -> bool:
    return any(score is None and column not in student.excused for column, score in student.points.items())


def moodle(book: Book) -> str:
    """Return a CSV file that Moodle imports: a column that identifies the student, then one for each grade item.

    Moodle gives the grades of a row without id to the student before it, so those without id are left out. A cell
    without a grade is "-".
    """
    students = [student for student in book.students if student.id]
    by_address = students and all("@" in student.id for student in students)
    identity = "Email address" if by_address else "ID number"
    rows = [[identity, *_titles(book)]]
    for student in students:
        rows.append([_harmless(student.id), *_scores(student, "-")])
    return _csv_text(rows)


def _titles(book: Book) -> list[str]:
    return [f"Serverless lab {TITLES[column]}" for column in book.columns]


def _scores(student: Graded, blank: str) -> list[str]:
    """Return a student's points, and `blank` in the place of those that are not there."""
    scores = []
    for score in student.points.values():
        scores.append(blank if score is None else f"{score:.2f}")
    return scores


def _harmless(cell: str) -> str:
    """Return the text on one line; an apostrophe before =, +, - or @ stops a spreadsheet from making it a formula."""
    line = " ".join(cell.split())
    return f"'{line}" if line.startswith(tuple("=+-@＝＋－＠")) else line


def _csv_text(rows: Iterable[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue()
