"""List the questions of all notebooks, from the solved ones, and judge a learner's answers again."""

import functools
import json
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.exercises import answers, copies, made


class Asked(NamedTuple):
    """A question as a notebook asks it, by its nbgrader id. If something is to be made, the account is the answer."""

    question: str
    cell: str  # the id of the cell that the learner writes
    answer: str  # the name that the cell gives to the answer; "" if something is made
    points: int  # by nbgrader and, as a share of its column, in the grade book

    @property
    def is_made(self) -> bool:
        return not self.answer


@functools.cache
def asked() -> dict[str, Asked]:
    """Return the questions by their nbgrader ids, in the order of the notebooks."""
    questions, cells = dict[str, Asked](), dict[str, str]()
    for path in copies.solved_notebooks():
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            marked = cell["metadata"].get("nbgrader", {})
            question = marked.get("grade_id", "").removesuffix("-check")  # that judges the cell with the question's id
            if not marked.get("grade"):
                cells[question] = cell["id"]
            elif question in made.EXERCISES:
                questions[question] = Asked(question, cells[question], "", marked["points"])
            elif question in answers.QUESTIONS:
                name = "".join(cell["source"]).split(", ")[1].partition(")")[0]  # of notebook.judge("actions", name)
                questions[question] = Asked(question, cells[question], name, marked["points"])
    return questions


def solved(text: str) -> set[str]:
    """Return the exercises that notebook.solve has made, by a copy's record. A line that cannot be read is skipped."""
    exercises = set[str]()
    for line in text.splitlines():
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            entry = json.loads(line)
            if entry["kind"] == "solved":
                exercises.add(str(entry["question"]))
    return exercises


def judge_again(question: str, answer: Any, totals: dict[str, Any], threshold: Decimal) -> bool:
    """Return True if an answer of a learner is right. `totals` has each customer's balance, as the learner saw it.

    The answer is text, or a list of texts, as `workbook.as_json` gives it.
    """
    contexts: dict[str, tuple[Any, ...]] = {
        "message": ('O"Hara', "1750"),
        "room": (
            {"CustomerId": sorted(totals), "accountBalance": [totals[name] for name in sorted(totals)]},
            threshold,
        ),
    }
    return answers.is_right(question, answer, *contexts.get(question, ()))
