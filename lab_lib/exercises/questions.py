"""List the questions of all notebooks, from the solved ones, and judge a learner's answers again."""

import functools
import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

from lab_lib.exercises import answers, made, texts
from lab_lib.language import ENGLISH


@functools.cache
def asked() -> dict[str, texts.Text]:
    """Return the questions by their nbgrader ids, in the order of the notebooks."""
    known = {*made.EXERCISES, *answers.QUESTIONS}
    return {id: text for id, text in texts.in_language(ENGLISH).items() if id in known}


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
