"""Reset the kernel between two notebooks. This module runs in the kernel, and remembers its state when imported.

An error of AWS is one sentence here too: it becomes a line of the result.
"""

import gc
import os
import sys
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from lab_lib.exercises import short_errors

_FOLDER, _PATH = os.getcwd(), sys.path[:]  # noqa: PTH109, a Path would have to be converted back
_ENVIRONMENT = dict(os.environ)
short_errors.register(InteractiveShell.instance())


def reset() -> None:
    """Delete the notebook's variables and figures; restore settings, working folder, environment and import path."""
    InteractiveShell.instance().reset()  # type: ignore[no-untyped-call]
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot:
        pyplot.close("all")
        pyplot.rcdefaults()
    os.chdir(_FOLDER)
    sys.path[:] = _PATH
    os.environ.clear()
    os.environ.update(_ENVIRONMENT)
    gc.freeze()  # what is left is loaded for good: IPython's next reset need not look through it
