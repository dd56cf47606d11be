"""Write the grade book for Canvas and for Moodle."""

import csv
import io
from collections.abc import Iterable, Sequence

from lab_lib.classroom.points import TITLES, WORTH, Book, Graded


def canvas(book: Book) -> str:
    """Return a CSV file that Canvas imports: each column after Section becomes an assignment.

    Canvas finds a student by SIS id or login, else by the name. It takes an empty cell over a score as a change, so the
    students of `not_for_canvas` are left out. EX is a cell that is excused.
    """
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *_titles(book)]
    possible = ["    Points Possible", *[""] * 4, *(str(WORTH[column]) for column in book.columns)]
    # The id may be a SIS id or a login: Canvas tries both.
    students = [
        [_harmless(student.name), "", *[_harmless(student.id)] * 2, "", *_scores(student, "EX")]
        for student in book.students
        if not _has_blank(student)
    ]
    return "\ufeff" + _csv_text([header, possible, *students])  # the byte order mark lets Excel read all scripts


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
    header = ["Email address" if by_address else "ID number", *_titles(book)]
    return _csv_text([header, *([_harmless(student.id), *_scores(student, "-")] for student in students)])


def _titles(book: Book) -> list[str]:
    return [f"Serverless lab {TITLES[column]}" for column in book.columns]


def _scores(student: Graded, none: str) -> list[str]:
    """Return a student's points, and `none` in the place of those that are not there."""
    return [none if score is None else f"{score:.2f}" for score in student.points.values()]


def _harmless(cell: str) -> str:
    """Return the text on one line; an apostrophe before =, +, - or @ stops a spreadsheet from making it a formula."""
    line = " ".join(cell.split())
    return f"'{line}" if line.startswith(tuple("=+-@＝＋－＠")) else line


def _csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Return these rows as the text of a CSV file."""
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue()
