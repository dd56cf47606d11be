"""Run a submission's notebooks on an embedded AWS. sandbox.py starts this program in the sandbox.

It talks to judge.py by lines of JSON, and stops after each notebook and each cell that the judge wants to look at.
Nothing here judges: the student's code has the same rights as this program.
"""

import asyncio
import json
import math
import os
import socket
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_event_loop
from traitlets import Float

from lab_lib.calls.waiting import busy, load_of_computer
from lab_lib.classroom import tunnel
from lab_lib.embedded import server
from lab_lib.exercises import copies, workbook
from lab_lib.exercises.notebook_files import without_slow_import
from lab_lib.run import execution, headless
from lab_lib.run.kernels import Kernel, one_kernel
from lab_lib.workspace.places import STATE

_PAPERMILL: Any = without_slow_import("papermill.clientwrap")
_MOST_OUTPUT = 2_000_000  # characters of a notebook's outputs
_MOST_NOTEBOOK, _MOST_ANSWERS = 4_000_000, 1_000_000  # characters


def main(port: int, door: int | None = None) -> None:
    """Run the notebooks that the judge sends, and report how each ended. `door` is a socket that leads in."""
    judge = JudgePipe()
    request = judge.hear()
    copy = copies.folder()
    (copy / STATE).mkdir(parents=True)  # so that it is a copy
    for name, text in request["files"].items():
        (copy / name).write_text(text, "utf-8", errors="replace")
    home = server.home()
    home.mkdir(parents=True)
    server.write_note(home, port, "")  # it takes its last port again
    emulator = server.start()
    if door:
        tunnel.pass_on(socket.socket(fileno=door), socket.AF_INET, (server.HOST, emulator.port))
    try:
        judge.ask(secret=emulator.secret)
        with ExitStack() as stack:
            notebooks = Notebooks(copy, judge, request, stack)
            end = time.monotonic() + request["seconds"]
            for name in request["files"]:
                until = end if name < headless.BREAK_IT else math.inf  # these build the lab
                judge.ask(**notebooks.run(name, until), answers=_tail(copy))
    finally:
        server.stop()


class JudgePipe:
    """The judge outside. Kernels must not inherit the pipes to it, so these are moved away from stdin and stdout."""

    def __init__(self) -> None:
        self._in, self._out = (os.fdopen(os.dup(number), mode) for number, mode in ((0, "r"), (1, "w")))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in range(2):
            os.dup2(nowhere, number)

    def hear(self) -> dict[str, Any]:
        return dict(json.loads(self._in.readline()))

    def ask(self, **message: Any) -> None:
        """Say something, and wait until the judge has looked."""
        print(json.dumps(message), file=self._out, flush=True)
        self.hear()


@dataclass
class Notebooks:
    """The notebooks of a copy, in one kernel as long as that answers, else in a new one."""

    copy: Path
    judge: JudgePipe
    request: dict[str, Any]
    stack: ExitStack  # closes the kernel
    kernel: Kernel | None = None

    def run(self, name: str, end: float) -> dict[str, Any]:
        """Run a notebook to its end, whatever its cells do. Return it, and why it did not get there."""
        seconds = max(min(self.request["seconds"] / 2, end - time.monotonic()), 0)
        notebook, stopped, end = {}, "", time.monotonic() + seconds
        try:
            notebook = _read(self.copy / name, self.request["settings"])
            error = execution.run(
                name,
                notebook,
                self._fresh_kernel(),
                _Client,
                end=end,
                allow_errors=True,
                timeout=round(self.request["seconds"] / 5),
                interrupt_on_timeout=True,
                raise_on_iopub_timeout=False,
                on_cell_executed=self._ask_judge,
            ).stopped
        except Exception as failure:  # noqa: BLE001  # such as a file that is no notebook
            error = failure
        if error:
            is_late = time.monotonic() >= end  # nbclient says then that the kernel died
            late = f"stopped after {seconds:.0f} s. {busy(load_of_computer())}".rstrip()
            stopped = late if is_late else f"{type(error).__name__}: {error}"
            stopped = stopped.replace("DeadKernelError: Kernel died", "a cell has killed the kernel")
            self.stack.close()
            self.kernel = None
        text = json.dumps(notebook) if notebook else ""
        return {"notebook": name, "stopped": stopped, "text": text if len(text) <= _MOST_NOTEBOOK else ""}

    def _fresh_kernel(self) -> Kernel:
        if self.kernel:
            self.kernel.reset()
        else:
            self.kernel = self.stack.enter_context(one_kernel(self.copy, workbook.KEEPING))
        return self.kernel

    def _ask_judge(self, cell: Any, **_: Any) -> None:
        if cell.get("id") in self.request["stops"]:
            self.judge.ask(cell=cell.id)


class _Client(_PAPERMILL.PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Ends a notebook at its time, and drops what it prints after the first two million characters."""

    end = Float()
    _printed = 0

    def execute_cell(self, cell: Any, index: int) -> None:
        run = asyncio.wait_for(self.async_execute_cell(cell, index), self.end - time.monotonic())
        ensure_event_loop().run_until_complete(run)

    def process_message(self, message: dict[str, Any], *cell: Any) -> Any:
        if message["msg_type"] not in ("status", "execute_input"):
            self._printed += len(str(message["content"]))
            if self._printed > _MOST_OUTPUT:
                return None
        return super().process_message(message, *cell)


def _read(path: Path, settings: dict[str, str]) -> Any:
    """Return the notebook with the settings of the roster, all others empty: the student's own account is not here."""
    notebook: Any = execution.load(path)
    for cell in notebook.cells:
        if {"parameters", "injected-parameters"} & {*cell.metadata.tags} and cell.cell_type == "code":
            names = [f'{name} = ""' for name in workbook.PARAMETERS]
            cell.source = "\n".join([*names, f"settings = {settings!r}"])
    return notebook


def _tail(copy: Path) -> str:
    """Return the answers so far, or the last of them if there are too many."""
    with suppress(OSError):
        return (copy / STATE / workbook.ANSWERS).read_text("utf-8", errors="replace")[-_MOST_ANSWERS:]
    return ""


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
