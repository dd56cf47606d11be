"""Act when a cell has ended. Runs in a kernel.

An answer is that of its cell: if this cell fails, its error takes the answer's place, so no earlier one is judged.
"""

import re
from contextlib import ExitStack
from typing import Any

from lab_lib.language import N_

FAILED = N_("Your cell has failed. Correct it, and run it again.")
_ANSWERS = re.compile(r"^\s*(my_\w+)[^=(\n]*=(?!=)", re.MULTILINE)  # the cell may be no Python
at_end = ExitStack()  # closed when the running cell has ended


def register(shell: Any) -> None:
    """Do it in this IPython shell."""

    def end(result: Any) -> None:
        at_end.close()
        error = result.error_before_exec or result.error_in_exec
        if error:
            for name in _ANSWERS.findall(result.info.raw_cell):
                shell.user_ns[name] = error

    shell.events.register("post_run_cell", end)
