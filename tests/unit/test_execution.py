"""The error of a notebook that failed: what an exercise had not made right before that comes first."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from lab_lib.exercises.workbook import NOT_RIGHT
from lab_lib.run.execution import _error_of_a_cell

WRONG = "archive of TotalNotifier: another one; wanted: the one of this cell."


@pytest.mark.parametrize(
    ("metadata", "evalue", "told"),
    [
        ({}, "not there", "KeyError: not there"),
        ({NOT_RIGHT: WRONG}, "not there", f"{WRONG} Later: KeyError: not there"),
        ({NOT_RIGHT: WRONG}, WRONG, f"KeyError: {WRONG}"),  # said once
    ],
)
def test_the_first_exercise_that_was_not_right_leads(metadata, evalue, told):
    shown = new_output("display_data", metadata=metadata)
    error = new_output("error", ename="KeyError", evalue=evalue, traceback=[])
    notebook = new_notebook(cells=[new_code_cell("", outputs=[output]) for output in (shown, error)])

    assert _error_of_a_cell(notebook) == told
