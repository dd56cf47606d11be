"""A kernel made clean for the next notebook. It runs in the kernel itself, beside what the notebooks do there."""

import gc
import os
import sys
import warnings
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

_at_first: dict[str, Any] = {}


def remember() -> None:
    """Note what the process is like before the first notebook."""
    gc.freeze()  # what is loaded now stays; searching it for rubbish would be most of what each cleaning costs
    _at_first.update(
        cwd=os.getcwd(),  # noqa: PTH109, a Path would be one more thing to convert back
        path=sys.path[:],
        environment=dict(os.environ),
        filters=warnings.filters[:],
    )


def restore() -> None:
    """Make the process like that again: no variable, figure, setting or directory of a notebook is left."""
    InteractiveShell.instance().reset()  # type: ignore[no-untyped-call]
    if pyplot := sys.modules.get("matplotlib.pyplot"):  # loading it only to close nothing takes longer than all this
        pyplot.close("all")
        pyplot.rcdefaults()
    os.chdir(_at_first["cwd"])
    sys.path[:] = _at_first["path"]
    os.environ.clear()
    os.environ.update(_at_first["environment"])
    warnings.filters[:] = _at_first["filters"]  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]
