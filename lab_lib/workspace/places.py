"""Say where the course is, which nothing writes to, and where the user works.

The course is the notebooks with their data: beside this package in a checkout, inside it where it was installed from a
wheel. The workspace holds the learner's copy, `my-lab`, and the folder `runs`.
"""

import os
from pathlib import Path

from platformdirs import user_state_path

WORKSPACE = "LAB_WORKSPACE"  # the variable that names another folder than the current one
STATE = ".lab"  # the folder in a copy by which it is known
PACKAGE = Path(__file__).parents[1]
_INSTALLED = PACKAGE / "course"
COURSE = _INSTALLED if _INSTALLED.is_dir() else PACKAGE.parent
NOTEBOOKS, DATA = COURSE / "notebooks", COURSE / "data"
DATA_FILE = DATA / "transactions.txt"  # the handout's


def workspace() -> Path:
    """Return the folder in which the user works, which may not exist. In a copy, and in `notebooks`, the one above."""
    here = Path.cwd()
    if is_copy(here) or here == NOTEBOOKS:
        here = here.parent
    return Path(os.path.realpath(os.environ.get(WORKSPACE) or here))  # resolve() fails on a loop of links


def state_folder() -> Path:
    """Return the lab's folder in the user's folder for the state of programs."""
    return user_state_path("serverless-lab-workbook").resolve()


def copy() -> Path:
    """Return the folder of the learner's copy of the notebooks, which may not exist."""
    return workspace() / "my-lab"


def is_copy(folder: Path) -> bool:
    """Return True if the folder is a learner's copy of the notebooks."""
    return folder != COURSE and os.path.lexists(folder / STATE)
