"""Render the report of a class as one HTML file that loads nothing else. Nothing here calls AWS.

The grade book fills the template in templates/. The page works without its script too.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median, mode

from jinja2 import Template

from lab_lib.checks.reports import Check
from lab_lib.checks.rules import State
from lab_lib.classroom.points import WORTH, Book, Graded, share, title
from lab_lib.exercises import questions
from lab_lib.exercises.cases import CASES
from lab_lib.exercises.made import EXERCISES
from lab_lib.language import _, sentences
from lab_lib.pages import html
from lab_lib.pages.colours import LOOKS
from lab_lib.pages.wording import clauses, visible
from lab_lib.resources import heading

TEMPLATES = Path(__file__).parent / "templates"
_LONGEST_ANSWER = 80  # characters


def page(book: Book, when: str) -> str:
    """Return the page; `when` is printed at its top."""
    totals = [student.total for student in book.students if student.total is not None]
    return template("report.html.j2").render(
        book=book,
        when=when,
        median=median(totals) if totals else None,
        stuck=_stuck(book.students),
        questions=_right(book.students, "exercises"),
        wrong=_wrong(book.students),
        cases=_right(book.students, "function"),
        told={case.id: _(case.sentence) for case in CASES},
        style=html.style(TEMPLATES / "report.css"),
        **html.script((TEMPLATES / "report.js").read_text("utf-8")),
    )


@cache
def template(name: str) -> Template:
    """Return a template of the folder templates/."""
    environment = html.templates(TEMPLATES)
    environment.filters["number"] = "{:.4g}".format  # 10 for 10.0, and 6.67 for 6.67
    words = {"heading": heading, "title": title, "text_of": questions.of, "sentences": sentences, "clauses": clauses}
    environment.globals.update(words, looks=LOOKS, worth=WORTH, share=share)
    return environment.get_template(name)


def _stuck(students: list[Graded]) -> list[tuple[Check, list[Graded]]]:
    """Return the exercises and checks that fail, each with its students, the most frequent first.

    Each is as most of them have it. Checks that wait for others are left out.
    """
    failing = defaultdict[str, list[Check]](list)
    who = defaultdict[str, list[Graded]](list)
    for student in students:
        for check in (*_exercises_to_make(student), *student.wrong):
            failing[check.id].append(check)
            who[check.id].append(student)
    problems = [(mode(checks), who[id]) for id, checks in failing.items()]
    return sorted(problems, key=lambda problem: (-len(problem[1]), problem[0].step))


def _exercises_to_make(student: Graded) -> Iterator[Check]:
    """Yield each exercise in which the student has not made all, as a check that fails."""
    for answer in student.answers or []:
        if answer.question in EXERCISES and not answer.right:
            cell = questions.of(answer.question).cell
            hint = _("Look at the cell of the exercise in the feedback, and at the hints above it in the notebook.")
            yield Check(answer.question, cell[:2], heading(cell), State.NOT_YET, answer.note, "", hint)


def _right(students: list[Graded], column: str) -> dict[str, list[bool]]:
    """Return for each question or case whether it is right, of each student for whom it was judged."""
    right = defaultdict[str, list[bool]](list)
    for student in students:
        for one in student.judged:
            if one.column == column:
                right[one.id].append(one.right)
    return right


def _wrong(students: list[Graded]) -> dict[str, Counter[str]]:
    """Count the wrong answers to each question."""
    wrong = defaultdict[str, Counter[str]](Counter)
    for student in students:
        for answer in student.answers or []:
            words = visible(" ".join(answer.answer.split()), _LONGEST_ANSWER)
            if words and not answer.right:
                wrong[answer.question][words] += 1
    return wrong
