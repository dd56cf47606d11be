"""Show a learner one sentence instead of a traceback. Runs in JupyterLab's kernels.

When a name is missing in the notebook, it says which cells to run. When AWS refuses a call, it says why, and what to
do. A cell that the learner has stopped says so.
"""

from types import TracebackType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib.calls.refusals import in_one_line
from lab_lib.errors import LabError
from lab_lib.language import _


def register(shell: Any) -> None:
    """Replace these tracebacks in this IPython shell."""
    shell.set_custom_exc((NameError, KeyboardInterrupt, BotoCoreError, ClientError), _show)


def _show(
    shell: Any, kind: type, error: BaseException, trace: TracebackType | None, tb_offset: int | None = None
) -> None:
    if isinstance(error, BotoCoreError | ClientError):
        kind = type(kind.__name__, (LabError,), {})
        error = kind(in_one_line(error))
    elif sentence := _sentence(shell, error, trace):
        error._render_traceback_ = lambda: [sentence]  # type: ignore[attr-defined]  # IPython calls it
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _sentence(shell: Any, error: Any, trace: TracebackType | None) -> str:
    """Return what to show; "" for the traceback, as for a name that is missing in a module and not in the notebook."""
    if isinstance(error, KeyboardInterrupt):
        return _("Stopped.")
    while trace and trace.tb_next:
        trace = trace.tb_next
    if not trace or trace.tb_frame.f_globals is not shell.user_ns:
        return ""
    return _(
        "`{name}` is not there. Is it spelled as in the cell that defines it? If the kernel has started since, run the "
        "cells above this one, with the menu Run > Run All Above Selected Cell. Then run this cell again.",
        name=error.name,
    )
