"""Tell the instructor which functions and answers are nearly the same as somebody else's. It is never a verdict.

Statements are compared, each once and in any order. Comments, type hints and layout are ignored. Names are
numbered in the order of each statement. Statements that everybody starts with, such as the naive function's, are left
out first. Nothing is run.
"""

import ast
import builtins
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lab_lib.aws import functions
from lab_lib.checks.function_code import parsed
from lab_lib.checks.lookalikes import visible
from lab_lib.classroom import submission
from lab_lib.classroom.grading import Grading
from lab_lib.errors import UsageError
from lab_lib.private_files import json_object
from lab_lib.run import headless

Statements = frozenset[str]

_LIKE = 0.75  # of the statements of the longer one; two that were written independently share half at most
_FEWEST = 12  # statements; a smaller change to the naive function has one natural form
_HOLDERS, _COMPARED = 20, 5  # of a statement, with a function
_MOST_BYTES, _MOST_BYTES_OF_NOTEBOOK = 100_000, 2_000_000  # a right function has 4 KB, a notebook 300 KB
_BUILT_IN = frozenset(dir(builtins))
_SOLUTION = re.compile("### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
_ANSWERS = "Each exercise whose answer is several lines of code is as in the solved edition."


def remarked(works: list[Grading]) -> list[Grading]:
    """Return the work with a remark for each function that is like another one, and for answers that are all ours."""
    starting, ours, answers = _ours()
    functions, remarks = list[Statements](), list[tuple[str, ...]]()
    for work in works:
        files = _files(work)
        mine = statements(files.get(submission.FUNCTION, b"")) - starting
        like = _said([(name, share(mine, function)) for name, function in ours.items()])
        functions.append(Statements() if like else mine)  # two who have taken ours are like each other, too
        codes = _codes(files)
        is_ours = all(statements(codes.get(cell, "")) == wanted for cell, wanted in answers.items())
        remarks.append((*work.remarks, *like, *([_ANSWERS] if is_ours else [])))
    others = defaultdict[int, list[tuple[str, float]]](list)
    for one, another, part in pairs(functions):
        others[one].append((f"that of {works[another].student.name}", part))
        others[another].append((f"that of {works[one].student.name}", part))
    return [replace(work, remarks=(*remarks[place], *_said(others[place]))) for place, work in enumerate(works)]


def statements(code: str | bytes) -> Statements:
    """Return the statements of the code in a plain form; none if it is too long, or not Python."""
    with suppress(SyntaxError, RecursionError, ValueError):
        if len(code) <= _MOST_BYTES:
            tree = parsed(code)
            tree.body = [*{getattr(node, "name", node): node for node in tree.body}.values()]  # the last definitions
            return Statements(map(str.strip, ast.unparse(_Plain().visit(tree)).splitlines())) - {""}
    return Statements()


def share(one: Statements, another: Statements) -> float:
    """Return the share of the longer one's statements that both have; 0 if one has too few to tell."""
    shorter, longer = sorted((len(one), len(another)))
    return len(one & another) / longer if shorter >= _FEWEST else 0


def pairs(functions: list[Statements]) -> Iterator[tuple[int, int, float]]:
    """Yield the places of two functions that are like each other, and their share.

    Each is compared with the few before it that have the most of its rare statements. Of each statement the last
    holders are kept, so twice as many functions take twice as long.
    """
    holders = Counter(statement for mine in functions for statement in mine)
    last = defaultdict[str, deque[int]](lambda: deque(maxlen=_HOLDERS))
    for place, mine in enumerate(functions):
        held = defaultdict[int, float](float)
        for statement in mine:
            for other in last[statement]:
                held[other] += 1 / holders[statement]
            last[statement].append(place)
        for other in sorted(held, key=held.__getitem__, reverse=True)[:_COMPARED]:
            if (part := share(mine, functions[other])) >= _LIKE:
                yield place, other, part


class _Plain(ast.NodeTransformer):
    """Leave out type hints, docstrings and what else has no effect. Number the names of each statement."""

    def __init__(self) -> None:
        self._names = dict[str, str]()

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.AnnAssign):
            node = ast.Assign([node.target], node.value, lineno=0) if node.value else ast.Pass()
        if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return None
        outer, self._names = self._names, {} if isinstance(node, ast.stmt) else self._names
        for field in {"annotation", "returns"}.intersection(node._fields):
            setattr(node, field, None)
        for field in {"name", "id", "arg"}.intersection(node._fields):
            name = getattr(node, field)
            if name and name not in _BUILT_IN and not isinstance(node, ast.keyword):
                setattr(node, field, self._names.setdefault(name, f"v{len(self._names)}"))
        plain = super().visit(node)
        self._names = outer
        return plain


def _said(likes: list[tuple[str, float]]) -> list[str]:
    """Return the remark that names similar functions, the most similar first."""
    likes = sorted((like for like in likes if like[1] >= _LIKE), key=lambda like: -like[1])[:_COMPARED]
    listed = ", ".join(f"{name} ({part:.0%} of its statements)" for name, part in likes)
    return [visible(f"{submission.FUNCTION} is like {listed}.")] if listed else []


def _ours() -> tuple[Statements, dict[str, Statements], dict[str, Statements]]:
    """Return the statements that all start with, the lab's functions without them, and the long answers by cell id."""
    solved = _codes({path.name: path.read_bytes() for path in headless.notebooks()})
    written = _writing(solved)
    starting = Statements().union(*(statements(_SOLUTION.sub("", text)) for text in written))
    total_notifier = [path.read_text("utf-8") for path in functions.source_files("TotalNotifier")]
    texts = {"the solved edition's": written, "the lab's own TotalNotifier": total_notifier}
    is_long = {cell: any(answer.count("\n") > 1 for answer in _SOLUTION.findall(solved[cell])) for cell in solved}
    answers = {cell: wanted for cell in solved if is_long[cell] and (wanted := statements(solved[cell]))}
    return starting, {name: statements("\n".join(codes)) - starting for name, codes in texts.items()}, answers


def _writing(codes: dict[str, str]) -> list[str]:
    """Return what each cell writes to my_notifier.py. A later definition takes the place of an earlier one."""
    parts = (code.partition("\n") for code in codes.values())
    return [text for magic, _, text in parts if magic.startswith("%%") and submission.FUNCTION in magic]


def _files(work: Grading) -> dict[str, bytes]:
    """Return the files of the submission; none if it cannot be read, which its grading says."""
    with suppress(UsageError, OSError):
        return submission.read(work.path).files if work.path else {}
    return {}


def _codes(files: dict[str, bytes]) -> dict[str, str]:
    """Return the text of each cell by its id, of the notebooks that can be read."""
    codes = dict[str, str]()
    for name, content in files.items():
        with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            if name.endswith(".ipynb") and len(content) <= _MOST_BYTES_OF_NOTEBOOK:
                codes |= {cell.get("id"): "".join(cell["source"]) for cell in json_object(content)["cells"]}
    return codes
