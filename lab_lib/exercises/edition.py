"""Make the learner's notebook from a solved one, as `nbgrader generate_assignment` does with docs/nbgrader_config.py.

A notebook is its JSON. The markers of solutions and hidden tests are nbgrader's.
"""

import re
from typing import Any

from lab_lib import language
from lab_lib.exercises import translation
from lab_lib.language import N_
from lab_lib.resources import HEADING

Cells = dict[str, tuple[str, str]]  # by the cell's id: the heading above it, and a digest of its content

_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)
_HIDDEN_TESTS = re.compile(r"\n?^[ \t]*### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS$", re.DOTALL | re.MULTILINE)


def stub(name: str = "") -> str:
    """Return what stands in the place of a solution: a statement, since it may be all that an `if` has."""
    return "pass  # " + language.translations(name or language.used()).gettext(N_("Write your code here."))


def of_learner(notebook: dict[str, Any], name: str = "") -> dict[str, Any]:
    """Return the notebook without outputs, solutions and hidden tests. Each solution in code becomes a stub.

    The stub is in the language of this name, or in the one that is used.
    """
    instead = stub(name)
    return {**notebook, "cells": [_cell(cell, instead) for cell in notebook["cells"]]}


def cells(notebook: dict[str, Any]) -> Cells:
    """Return for each cell the heading above it, and a digest that tells whether it has changed."""
    digests, heading = Cells(), ""
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = (HEADING.findall(text) or [heading])[-1]
        digests[cell["id"]] = heading, translation.digest(text)
    return digests


def changes(before: Cells, now: Cells) -> list[str]:
    """Return the headings above the cells that are new, changed or gone."""
    different = [id for id in [*now, *before] if before.get(id) != now.get(id)]
    return list(dict.fromkeys((now.get(id) or before[id])[0] for id in different))


def _cell(cell: dict[str, Any], instead: str) -> dict[str, Any]:
    text = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return cell
    text = _HIDDEN_TESTS.sub("", _SOLUTION.sub(rf"\g<1>{instead}", text))
    return {**cell, "source": text.splitlines(keepends=True), "outputs": [], "execution_count": None}
