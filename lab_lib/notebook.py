"""Give the notebooks one name for all but calls of AWS.

Each name leads to the module that does the work.
"""

# ruff: noqa: F401  # the notebooks take all names from here

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from IPython import get_ipython

from lab_lib.checks import STEPS, chain, checkpoint
from lab_lib.checks.readiness import wait_until_counted, wait_until_logged
from lab_lib.exercises import cells, made, questions, workbook
from lab_lib.exercises.earlier import require
from lab_lib.exercises.made import begin, changes, ready, solve
from lab_lib.exercises.pictures import picture
from lab_lib.exercises.questions import compare
from lab_lib.exercises.translation import source
from lab_lib.exercises.workbook import open_lab_to_delete, setting
from lab_lib.lab import Lab
from lab_lib.pages import live
from lab_lib.pages.shown_calls import shown
from lab_lib.trace import watch as trace
from lab_lib.transactions import preview

if shell := get_ipython():
    cells.register(shell)


def open_lab(settings: dict[str, Any], named: dict[str, Any] | None = None, step: str = "00") -> Lab:
    """Open the lab for the notebook of this step. StepMissing if something is missing that an earlier one makes."""
    lab = workbook.open_lab(settings, named)
    require(lab, *(earlier for earlier in STEPS if earlier < step))
    return lab


def enter_folder() -> None:
    """Let the cells write their files into the learner's copy, elsewhere into a temporary folder."""
    os.chdir(workbook.folder())


def judge(exercise: str, answer: Any, *values: Any) -> None:
    """Print whether an answer is right. Where something was to be made, the answer is the lab: its account is read."""
    if exercise in made.EXERCISES:
        made.look(answer, exercise)
    else:
        questions.judge(exercise, answer, *values)


def is_right(exercise: str, answer: Any, *values: Any) -> bool:
    """Return True if the answer is right, as `judge` says."""
    if exercise in made.EXERCISES:
        return not made.run_checks(answer, exercise).wrong  # what AWS does not let us see is no fault
    return questions.is_right(exercise, answer, *values)


def following(lab: Lab, path: str | Path) -> AbstractContextManager[None]:
    """Show the chain at work on the file that the block uploads, until all that is due is there."""
    return chain.following(lab, path, show=live.chain)
