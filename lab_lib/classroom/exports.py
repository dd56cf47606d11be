"""Write the grade book for other programs: Canvas, Moodle, and GitHub's summary of a job, which is Markdown."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

Book = dict[str, Any]  # see gradebook.book
_TITLE = "Serverless lab {}"


def canvas(book: Book) -> str:
    """Return a CSV file that Canvas imports: each column after Section becomes an assignment.

    Canvas finds a student by SIS id or login, else by the name. An empty cell changes nothing.
    """
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *_titles(book)]
    possible = ["    Points Possible", *[""] * 4, *(str(each["worth"]) for each in book["columns"].values())]
    # The id may be a SIS id or a login: Canvas tries both.
    students = [
        [_harmless(each["name"]), "", *[_harmless(each["id"])] * 2, "", *_scores(each, "")] for each in book["students"]
    ]
    return "\ufeff" + _csv([header, possible, *students])  # the byte order mark lets Excel read all scripts


def moodle(book: Book) -> str:
    """Return a CSV file that Moodle imports: a column that identifies the student, then one for each grade item.

    Moodle gives the grades of a row without id to the student before it, so those without id are left out. A cell
    without a grade is "-".
    """
    students = [each for each in book["students"] if each["id"]]
    by_address = students and all("@" in each["id"] for each in students)
    header = ["Email address" if by_address else "ID number", *_titles(book)]
    return _csv([header, *([_harmless(each["id"]), *_scores(each, "-")] for each in students)])


def summary(book: Book, when: str) -> str:
    """Return a few lines on the class and a table of its students, as Markdown."""
    students = book["students"]
    full = sum(each["percent"] == 100 for each in students)
    ungraded = sum(each["percent"] is None for each in students)
    rows = [(each["name"], _percent(each), each["state"], each["error"] or "") for each in students]
    table = [("student", "points", "state", "last error"), ("---", "---:", "---", "---")]
    return "\n".join(
        [
            f"## Serverless lab {when}".rstrip(),
            "",
            f"Full marks: {full} of {len(students)}. Not graded: {ungraded}.",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
            *(f"| {' | '.join(map(_plain, row))} |" for row in rows),
            "",
        ]
    )


def _titles(book: Book) -> list[str]:
    return [_TITLE.format(each["title"]) for each in book["columns"].values()]


def _scores(student: dict[str, Any], blank: str) -> list[str]:
    """Return a student's points. An account that was not graded is left blank, not zero."""
    return [blank if score is None else f"{score:.2f}" for score in student["points"].values()]


def _percent(student: dict[str, Any]) -> str:
    if student["percent"] is None:
        return "–"
    return f"{student['percent']:.0f} %{'' if student['probed'] else ', not probed'}"


def _harmless(cell: str) -> str:
    """Return the text on one line; an apostrophe before =, +, - or @ stops a spreadsheet from making it a formula."""
    line = " ".join(cell.split())
    return f"'{line}" if line.startswith(tuple("=+-@＝＋－＠")) else line


def _plain(cell: str) -> str:
    """Return the text on one line, with all signs of Markdown and HTML escaped."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&@:-])", r"\\\1", " ".join(cell.split()))


def _csv(rows: Iterable[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerows(rows)
    return stream.getvalue()
