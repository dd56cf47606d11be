"""List the questions of all notebooks, from the solved ones, and judge a learner's answers again."""

import ast
import functools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.exercises import answers, copies, made, workbook


class Asked(NamedTuple):
    """A question as a notebook asks it, by its nbgrader id. If something is to be made, the account is the answer."""

    question: str
    notebook: str
    cell: str  # the id of the cell that judges the answer
    is_made: bool
    points: int  # by nbgrader and, as a share of its column, in the grade book


@functools.cache
def asked() -> tuple[Asked, ...]:
    """Return the questions, in the order of the notebooks."""
    solved = copies.solved_notebooks()
    return tuple(question for path in solved for question in _of_notebook(path.stem, path.read_text("utf-8")))


def is_right(question: str, answer: Any, totals: list[dict[str, Any]], threshold: Decimal) -> bool:
    """Judge an answer again. `totals` are the rows of TransactionTotal that the learner saw.

    The answer is text, or a list of texts, as workbook.py has kept it.
    """
    if isinstance(answer, list) and len(answer) == workbook.MOST_PARTS:
        totals = totals[: workbook.MOST_PARTS]  # of a longer answer, the rest was not kept
    contexts: dict[str, tuple[Any, ...]] = {
        "message": ('O"Hara', "1750"),
        "room": ({name: [row.get(name) for row in totals] for name in _TOTALS}, threshold),
    }
    return answers.is_right(question, answer, *contexts.get(question, ()))


_TOTALS = ("CustomerId", "accountBalance")


def _of_notebook(name: str, text: str) -> Iterator[Asked]:
    for cell in json.loads(text)["cells"]:
        marked = cell["metadata"].get("nbgrader", {})
        if marked.get("grade"):
            for node in ast.parse("".join(cell["source"])).body:
                call = node.value if isinstance(node, ast.Expr) else None
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "notebook.judge":
                    question = ast.literal_eval(call.args[0])
                    yield Asked(question, name, cell["id"], question in made.EXERCISES, marked["points"])
