"""Show a learner one sentence instead of a traceback. Runs in JupyterLab's kernels.

When a name is missing because the kernel has started anew, it says which cells to run. When AWS refuses a call, it
says why, and what to do. A cell that the learner has stopped says so.
"""

import os
import symtable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib.calls.refusals import in_one_line
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import edition
from lab_lib.language import _
from lab_lib.workspace.private_files import json_object, read_file


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
    return _advice(shell, error.name) if trace and trace.tb_frame.f_globals is shell.user_ns else ""


def _advice(shell: Any, name: str | None) -> str:
    """Return what to run so that the name is there; "" if that cannot be told from the notebook's file."""
    with suppress(KeyError, UsageError):  # it does not run in JupyterLab, or the file is damaged
        path = Path(os.environ["JPY_SESSION_NAME"])
        return read_file(path, lambda content: _cells_to_run(shell, str(name), json_object(content)), "")
    return ""


def _cells_to_run(shell: Any, name: str, notebook: dict[str, Any]) -> str:
    """Return what to run so that the name is there; "" if no cell above the running one defines it."""
    running = shell.get_parent().get("metadata", {}).get("cellId")
    headings = edition.headings(notebook)
    for cell in notebook["cells"]:
        if cell["id"] == running:
            break
        if cell["cell_type"] == "code" and _defines(shell.transform_cell("".join(cell["source"])), name):
            return _(
                "`{name}` is not there: the cell that defines it has not run since the kernel started. Run the cells "
                "from the top down to “{heading}”, or all of them with the menu Run > Run All Above Selected Cell. "
                "Then run this cell again.",
                name=name,
                heading=headings[cell["id"]],
            )
    return ""


def _defines(code: str, name: str) -> bool:
    try:
        symbol = symtable.symtable(code, "cell", "exec").lookup(name)
    except (KeyError, SyntaxError):
        return False
    return symbol.is_assigned() or symbol.is_imported()
