"""Write a page of feedback for each student, to print or to read on a phone. It loads nothing, and runs no script.

The notebooks on it are the student's. They are rendered in the process that ran them.
"""

from collections import defaultdict
from pathlib import Path

from markupsafe import Markup

from lab_lib.checks.reports import Check
from lab_lib.classroom import report, safe_cells
from lab_lib.classroom.points import Book, Graded
from lab_lib.exercises.made import EXERCISES
from lab_lib.exercises.results import rows
from lab_lib.pages import html
from lab_lib.workspace.private_files import make_folder, write_file

FOLDER = "feedback"
_RENDERED = "notebooks.html"  # in the student's folder


def render(folder: Path) -> None:
    """Render the notebooks in this folder into one piece of HTML, beside them."""
    notebooks = [(path.stem, safe_cells.runs(path)) for path in sorted(folder.glob("*.ipynb"))]
    if notebooks:
        rendered = report.template("notebooks.html.j2").render(notebooks=notebooks)
        write_file(folder / _RENDERED, rendered)


def write(out: Path, book: Book) -> None:
    """Write feedback/FOLDER.html for each student of the grade book who has results, or points by hand."""
    for student in book.students:
        if student.has_feedback:
            make_folder(out / FOLDER)
            path = out / student.folder / _RENDERED
            notebooks = path.read_text("utf-8") if path.exists() else ""
            write_file(out / FOLDER / f"{student.folder}.html", page(book, student, notebooks))


def page(book: Book, student: Graded, notebooks: str) -> str:
    """Return the page of one student, with rendered notebooks."""
    by_cause = _by_cause(student)
    faults = [checks for cause, checks in by_cause.items() if cause not in EXERCISES]
    return report.template("feedback.html.j2").render(
        book=book,
        student=student,
        rows=rows,
        by_cause=by_cause,
        faults=faults,
        notebooks=Markup(notebooks),  # noqa: S704  # rendered by us, see above
        style=html.style(report.TEMPLATES / "report.css", report.TEMPLATES / "feedback.css"),
    )


def _by_cause(student: Graded) -> dict[str, list[Check]]:
    """Return the checks that cost points by their cause: an exercise that is not right, else the first of its list."""
    exercise_of = dict[str, str]()  # by check
    for answer in student.answers or []:
        if answer.question in EXERCISES and not answer.right:
            for id in EXERCISES[answer.question].checks.split():
                exercise_of[id] = answer.question
    by_cause = defaultdict[str, list[Check]](list)
    for check in (*student.wrong, *student.waiting):
        cause = check.cause or check.id
        by_cause[exercise_of.get(cause, cause)].append(check)
    return by_cause
