"""List the questions of all notebooks, from the solved ones, and judge a learner's answers again."""

import ast
import functools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.exercises import answers, copies


class Asked(NamedTuple):
    """A question as a notebook asks it.

    `checks` has the ids of the checks that answer it, if code is the answer; then the first one is the question.
    """

    question: str
    notebook: str
    cell: str  # the id of the cell that judges the answer
    checks: tuple[str, ...]


@functools.cache
def asked() -> tuple[Asked, ...]:
    """Return the questions, in the order of the notebooks."""
    return tuple(each for path in copies.solved() for each in _of_notebook(path.stem, path.read_text("utf-8")))


def is_right(question: str, answer: Any, totals: list[dict[str, Any]], threshold: Decimal) -> bool:
    """Judge an answer again. `totals` are the rows of TransactionTotal that the learner saw.

    The answer is text, or a list of texts, as workbook.py has kept it.
    """
    given: dict[str, tuple[Any, ...]] = {
        "a message that any program can read": ('O"Hara', "1750"),
        "room below the threshold": ({name: [row.get(name) for row in totals] for name in _TOTALS}, threshold),
    }
    return answers.is_right(question, answer, *given.get(question, ()))


_TOTALS = ("CustomerId", "accountBalance")


def _of_notebook(name: str, text: str) -> Iterator[Asked]:
    for cell in json.loads(text)["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            names: dict[str, Any] = {}
            for node in ast.parse("".join(cell["source"])).body:
                if isinstance(node, ast.Assign):
                    names[ast.unparse(node.targets[0])] = node.value
                elif isinstance(node, ast.Expr):
                    yield from _of_call(name, cell["id"], ast.unparse(node.value), node.value, names)


def _of_call(notebook: str, cell: str, code: str, call: Any, names: dict[str, Any]) -> Iterator[Asked]:
    """Yield the question of a call such as answers.look(lab, "table-Customer"), or answers.look(lab, *wanted)."""
    if code.startswith("answers.judge("):
        yield Asked(ast.literal_eval(call.args[0]), notebook, cell, ())
    if code.startswith("answers.look("):
        starred = isinstance(call.args[1], ast.Starred)
        found = ast.literal_eval(names[call.args[1].value.id]) if starred else map(ast.literal_eval, call.args[1:])
        checks = tuple(found)
        yield Asked(checks[0], notebook, cell, checks)
