"""Run a submission's notebooks on an embedded AWS. sandbox.py starts this program in the sandbox.

It talks to judge.py by lines of JSON, and stops after each notebook, and where cell_client.py stops for the judge.
Nothing here judges: the student's code has the same rights as this program.
"""

import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from jupyter_core.utils import run_sync

from lab_lib.classroom import lab_cells, tunnel
from lab_lib.classroom.cell_client import Client, Seconds
from lab_lib.embedded import server
from lab_lib.embedded.process import end_when
from lab_lib.errors import LabError
from lab_lib.exercises import copies, workbook
from lab_lib.exercises.notebook_files import without_slow_import
from lab_lib.run import execution, headless
from lab_lib.run.execution import Kernel, one_kernel
from lab_lib.workspace.places import STATE

nbformat: Any = without_slow_import("nbformat")
_MOST_NOTEBOOK = 4_000_000  # characters


def main(port: int, door: int | None = None) -> None:
    """Run the notebooks that the judge sends, and report how each ended. `door` is a socket that leads in."""
    parent = os.getppid()  # without bubblewrap, nothing else ends this with it
    Thread(target=end_when, args=[lambda: os.getppid() != parent], daemon=True).start()
    judge = JudgePipe()
    request = judge.hear()
    copy = copies.folder()
    (copy / STATE).mkdir(parents=True)  # so that it is a copy
    copies.give_data(request["data_id"])
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
        if request["files"]:
            run_all(copy, judge, request)
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


def run_all(copy: Path, judge: JudgePipe, request: dict[str, Any]) -> None:
    """Run the notebooks in one kernel, or in a new one after a notebook that did not come to its end."""
    seconds = Seconds(request["seconds"], request["seconds"])
    with one_kernel(copy, workbook.KEEPING) as kernel:
        for name in request["files"]:
            if name.startswith(headless.BREAK_IT):
                seconds.left = request["seconds"]  # the lab is built, so what follows has as many again
            notebook, fault = _read(copy / name, request["settings"], request["course"][name])
            stopped = _run(name, notebook, kernel, judge, request, seconds)
            text = json.dumps(notebook)
            text = text if len(text) <= _MOST_NOTEBOOK else ""
            judge.ask(notebook=name, stopped=stopped or fault, text=text)


def _run(name: str, notebook: Any, kernel: Kernel, judge: JudgePipe, request: dict[str, Any], seconds: Seconds) -> str:
    """Run a notebook to its end, whatever its cells do. Return why it did not get there, or ""."""
    error = execution.run(
        name,
        notebook,
        kernel,
        Client,
        seconds=seconds,
        judge=judge,
        course=request["course"][name],
        asked=request["asked"],
        allow_errors=True,
        raise_on_iopub_timeout=False,
    ).stopped
    with suppress(LabError):  # or it cannot be reset
        if not error:
            kernel.reset()
            return ""
    run_sync(kernel.restart_kernel)(now=True)
    return f"{type(error).__name__}: {error}" if error else ""


def _read(path: Path, settings: dict[str, str], course: lab_cells.Course) -> tuple[Any, str]:
    """Return the notebook with the lab's cells that it lacks, and why it could not be read, or "".

    It has the settings of the roster, all others empty: the student's own account is not here.
    """
    try:
        notebook, fault = execution.load(path), ""
    except Exception as error:  # noqa: BLE001  # a student's file may hold anything
        nbformat.write(nbformat.v4.new_notebook(), path)
        notebook, fault = execution.load(path), f"{type(error).__name__}: {error}"
    notebook.cells = [nbformat.from_dict(cell) for cell in lab_cells.complete(notebook.cells, course)]
    for cell in notebook.cells:
        if {"parameters", "injected-parameters"} & {*cell.metadata.get("tags", [])} and cell.cell_type == "code":
            names = [f'{name} = ""' for name in workbook.PARAMETERS]
            cell.source = "\n".join([*names, f"settings = {settings!r}"])
    return notebook, fault


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
