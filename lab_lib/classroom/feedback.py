"""Write a page of feedback for each student, to print or to read on a phone. It loads nothing, and runs no script.

The notebooks on it are the student's. They are rendered in the process that ran them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lab_lib.classroom import report, safe_cells
from lab_lib.exercises import texts
from lab_lib.private_files import make_folder, write_file

FOLDER = "feedback"
_RENDERED = "notebooks.html"  # in the student's folder


def render(folder: Path) -> None:
    """Render the notebooks in this folder into one piece of HTML, beside them."""
    notebooks = [(path.stem, safe_cells.runs(path)) for path in sorted(folder.glob("*.ipynb"))]
    if notebooks:
        write_file(folder / _RENDERED, report.template("notebooks.html.j2").render(notebooks=notebooks))


def rendered(folder: Path) -> str:
    """Return what `render` has written for the student with this folder; "" if there is none."""
    path = folder / _RENDERED
    return path.read_text(encoding="utf-8") if path.exists() else ""


def write(out: Path, book: dict[str, Any], notebooks: Callable[[str], str] | None = None) -> None:
    """Write feedback/FOLDER.html for each student of the grade book who has results, or points by hand.

    `notebooks` returns what is rendered for a student's folder. By default, that is what stands there.
    """
    for student in book["students"]:
        if student["state"] in ("done", "failed") or student.get("overrides"):
            make_folder(out / FOLDER)
            folder = student["folder"]
            html = notebooks(folder) if notebooks else rendered(out / folder)
            write_file(out / FOLDER / f"{folder}.html", page(book, student, html))


def page(book: dict[str, Any], student: dict[str, Any], notebooks: str = "") -> str:
    """Return the page of one student; `notebooks` is what `render` has written."""
    costly = [check for check in student["checks"] if check["weight"] and not check["right"]]
    wrong = [check for check in costly if not check["is_behind"]]
    answers = student["answers"]
    style = "".join((report.TEMPLATES / f"{name}.css").read_text(encoding="utf-8") for name in ("report", "feedback"))
    return report.template("feedback.html.j2").render(
        columns=book["columns"],
        student=report.with_defaults(student, book["columns"]) | {"answers": answers and [*map(_titled, answers)]},
        trial=student["trial"] or [],
        wrong=wrong,
        waiting=len(costly) - len(wrong),
        notebooks=Markup(notebooks),  # noqa: S704  # rendered by us, see above
        style=Markup(style),  # noqa: S704  # ours
    )


def _titled(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with the heading of its exercise in the place of its id."""
    return {**answer, "question": texts.of(answer["question"]).heading or answer["question"]}
