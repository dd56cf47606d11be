"""Make the learner's notebook from a solved one, as `nbgrader generate_assignment` does with docs/nbgrader_config.py.

A notebook is its JSON. The markers of solutions and hidden tests are nbgrader's.
"""

import re

from lab_lib import language
from lab_lib.exercises.notebook_files import Cell, Notebook
from lab_lib.language import N_

_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)
_HIDDEN_TESTS = re.compile(r"\n?^[ \t]*### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS$", re.DOTALL | re.MULTILINE)


def stub(name: str = "") -> str:
    """Return what stands in the place of a solution: a statement, since it may be all that an `if` has."""
    return "pass  # " + language.translations(name or language.used()).gettext(N_("Write your code here."))


def of_learner(notebook: Notebook, name: str = "") -> Notebook:
    """Return the notebook without outputs, solutions and hidden tests. Each solution in code becomes a stub.

    The stub is in the language of this name, or in the one that is used.
    """
    instead = stub(name)
    return {**notebook, "cells": [_cell(cell, instead) for cell in notebook["cells"]]}


def _cell(cell: Cell, instead: str) -> Cell:
    text = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return cell
    text = _HIDDEN_TESTS.sub("", _SOLUTION.sub(rf"\g<1>{instead}", text))
    return {**cell, "source": text.splitlines(keepends=True), "outputs": [], "execution_count": None}
