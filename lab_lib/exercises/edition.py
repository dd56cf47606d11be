"""Make the learner's notebook from a solved one, as `nbgrader generate_assignment` does with docs/nbgrader_config.py.

A notebook is its JSON. The markers of solutions and hidden tests are nbgrader's.
"""

import hashlib
import re
from typing import Any

Cells = dict[str, tuple[str, str]]  # by the cell's id: the heading above it, and a digest of its content

STUB = "pass  # Write your code here."  # a statement, since it may be all that an `if` has
_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)
_HIDDEN_TESTS = re.compile(r"\n?^[ \t]*### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def of_learner(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook without outputs, solutions and hidden tests. Each solution in code becomes a stub."""
    return {**notebook, "cells": [_cell(cell) for cell in notebook["cells"]]}


def cells(notebook: dict[str, Any]) -> Cells:
    """Return what tells whether a cell has changed, and where it stands."""
    found, heading = Cells(), ""
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = (_HEADING.findall(text) or [heading])[-1]
        found[cell["id"]] = heading, hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


def changes(before: Cells, now: Cells) -> list[str]:
    """Return the headings above the cells that are new, changed or gone."""
    different = [each for each in [*now, *before] if before.get(each) != now.get(each)]
    return list(dict.fromkeys((now.get(each) or before[each])[0] for each in different))


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    text = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return cell
    text = _HIDDEN_TESTS.sub("", _SOLUTION.sub(rf"\g<1>{STUB}", text))
    return {**cell, "source": text.splitlines(keepends=True), "outputs": [], "execution_count": None}
