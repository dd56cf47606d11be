"""Tell the instructor which functions and answers are nearly those of somebody else. It is never a verdict.

Statements are compared, each once and in any order. They have no comments, type hints and layout, and names by their
order in the statement. What everybody is given, such as the naive function, is left out first. Nothing is run.
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
from lab_lib.checks.visible import visible
from lab_lib.classroom import submission
from lab_lib.classroom.grading import Grading
from lab_lib.errors import UsageError
from lab_lib.exercises import copies
from lab_lib.private_files import json_object

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
    given, ours, answers = _ours()
    own, remarks = list[Statements](), list[tuple[str, ...]]()
    for work in works:
        files = _files(work)
        mine = statements(files.get(submission.FUNCTION, b"")) - given
        like = _said([(name, share(mine, each)) for name, each in ours.items()])
        own.append(Statements() if like else mine)  # two who have taken ours are like each other, too
        codes = _codes(files)
        is_ours = all(statements(codes.get(each, "")) == wanted for each, wanted in answers.items())
        remarks.append((*work.remarks, *like, *([_ANSWERS] if is_ours else [])))
    others = defaultdict[int, list[tuple[str, float]]](list)
    for one, another, part in pairs(own):
        others[one].append((f"that of {works[another].student.name}", part))
        others[another].append((f"that of {works[one].student.name}", part))
    return [replace(work, remarks=(*remarks[place], *_said(others[place]))) for place, work in enumerate(works)]


def statements(code: str | bytes) -> Statements:
    """Return the statements of the code without what is easily changed; none if it is too long, or not Python."""
    with suppress(SyntaxError, RecursionError, ValueError):
        if len(code) <= _MOST_BYTES:
            tree = parsed(code)
            tree.body = [*{getattr(each, "name", each): each for each in tree.body}.values()]  # the last definitions
            return Statements(map(str.strip, ast.unparse(_Plain().visit(tree)).splitlines())) - {""}
    return Statements()


def share(one: Statements, another: Statements) -> float:
    """Return the share of the longer one's statements that both have; 0 if one has too few to tell."""
    shorter, longer = sorted((len(one), len(another)))
    return len(one & another) / longer if shorter >= _FEWEST else 0


def pairs(own: list[Statements]) -> Iterator[tuple[int, int, float]]:
    """Yield the places of two that are alike, and their share.

    Each is compared with the few before it that have the most of its rare statements. Of each statement the last
    holders are kept, so twice as many functions take twice as long.
    """
    holders = Counter(each for mine in own for each in mine)
    last = defaultdict[str, deque[int]](lambda: deque(maxlen=_HOLDERS))
    for place, mine in enumerate(own):
        held = defaultdict[int, float](float)
        for each in mine:
            for other in last[each]:
                held[other] += 1 / holders[each]
            last[each].append(place)
        for other in sorted(held, key=held.__getitem__, reverse=True)[:_COMPARED]:
            if (part := share(mine, own[other])) >= _LIKE:
                yield place, other, part


class _Plain(ast.NodeTransformer):
    """Leave out type hints, docstrings and what else has no effect. Give names by their order in each statement."""

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
        found = super().visit(node)
        self._names = outer
        return found


def _said(likes: list[tuple[str, float]]) -> list[str]:
    """Return the remark about what the function is like, closest first."""
    likes = sorted((each for each in likes if each[1] >= _LIKE), key=lambda each: -each[1])[:_COMPARED]
    listed = ", ".join(f"{name} ({part:.0%} of its statements)" for name, part in likes)
    return [visible(f"{submission.FUNCTION} is like {listed}.")] if listed else []


def _ours() -> tuple[Statements, dict[str, Statements], dict[str, Statements]]:
    """Return what everybody is given, the lab's functions without it, and the long answers by their cells' ids."""
    solved = _codes({path.name: path.read_bytes() for path in copies.solved()})
    written = _writing(solved)
    given = Statements().union(*(statements(_SOLUTION.sub("", text)) for text in written))
    total_notifier = [path.read_text("utf-8") for path in functions.source_files("TotalNotifier")]
    texts = {"the solved edition's": written, "the lab's own TotalNotifier": total_notifier}
    is_long = {each: any(answer.count("\n") > 1 for answer in _SOLUTION.findall(solved[each])) for each in solved}
    answers = {each: found for each in solved if is_long[each] and (found := statements(solved[each]))}
    return given, {name: statements("\n".join(each)) - given for name, each in texts.items()}, answers


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
    found = dict[str, str]()
    for name, content in files.items():
        with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            if name.endswith(".ipynb") and len(content) <= _MOST_BYTES_OF_NOTEBOOK:
                found |= {each.get("id"): "".join(each["source"]) for each in json_object(content)["cells"]}
    return found
