"""Run a submission's notebooks on an embedded AWS. sandbox.py starts this program in the sandbox.

It talks to grading.py by lines of JSON, and stops for the judge after each notebook, and where something counts: an
exercise is its cell and the student's own cells right below it. The judge looks before the first and after the last.
Nothing here judges: the student's code has the same rights as this program.
"""

import ast
import asyncio
import json
import os
import socket
import sys
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from threading import Thread
from typing import Any

from jupyter_core.utils import ensure_event_loop, run_sync
from traitlets import Any as Anything
from traitlets import Dict

from lab_lib.classroom import lab_cells, tunnel
from lab_lib.embedded import server
from lab_lib.errors import LabError
from lab_lib.exercises import copies, workbook
from lab_lib.exercises.notebook_files import Cell, without_slow_import
from lab_lib.language import _
from lab_lib.processes.family import end_when
from lab_lib.processes.stopwatch import Stopwatch
from lab_lib.run import execution
from lab_lib.run.execution import Kernel, one_kernel
from lab_lib.workspace.places import STATE

papermill: Any = without_slow_import("papermill.clientwrap")
nbformat, exceptions = (without_slow_import(name) for name in ("nbformat", "nbclient.exceptions"))
_MOST_OUTPUT = 2_000_000  # characters of a notebook's outputs
_LONGEST_SILENT = 10  # seconds of an expression of ours
_LOOK_EVERY = 0.5  # seconds
_GRACE = 5  # seconds for a cell that was interrupted
_BEGIN = "__import__('lab_lib.exercises.made', fromlist=['']).is_missing(lab, {!r})"
_VALUE = "__import__('lab_lib.exercises.reading', fromlist=['']).as_text({})"
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
        self._in = os.fdopen(os.dup(0), "r")
        self._out = os.fdopen(os.dup(1), "w")
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)

    def hear(self) -> dict[str, Any]:
        return dict(json.loads(self._in.readline()))

    def ask(self, **message: Any) -> None:
        """Say something, and wait until the judge has looked."""
        print(json.dumps(message), file=self._out, flush=True)
        self.hear()


def run_all(copy: Path, judge: JudgePipe, request: dict[str, Any]) -> None:
    """Run the notebooks in one kernel, or in a new one after a notebook that did not come to its end."""
    with one_kernel(copy, workbook.KEEPING) as kernel:
        for name, course in request["course"].items():
            notebook, fault = _read(copy / name, request["settings"], course)
            options = {"longest": request["seconds"] / 5, "judge": judge, "course": course, "asked": request["asked"]}
            stopped = execution.run(name, notebook, kernel, Client, allow_errors=True, **options).stopped
            if stopped:
                fault = f"{type(stopped).__name__}: {stopped}"
            _renew(kernel, is_alive=not stopped)
            text = json.dumps(notebook)
            if len(text) > _MOST_NOTEBOOK:
                text = ""  # too long to be kept
            judge.ask(notebook=name, stopped=fault, text=text)


def _renew(kernel: Kernel, is_alive: bool) -> None:
    """Let the kernel forget the notebook. It is started again if it is not alive, or cannot be reset."""
    if is_alive:
        with suppress(LabError):
            kernel.reset()
            return
    run_sync(kernel.restart_kernel)(now=True)


def _read(path: Path, settings: dict[str, str], course: lab_cells.Course) -> tuple[Any, str]:
    """Return the notebook with the lab's cells that it lacks, and why it could not be read, or "".

    It has the settings of the roster, all others empty: the student's own account is not here.
    """
    fault = ""
    try:
        notebook = execution.load(path)
    except Exception as error:  # noqa: BLE001  # a student's file may hold anything
        fault = f"{type(error).__name__}: {error}"
        nbformat.write(nbformat.v4.new_notebook(), path)
        notebook = execution.load(path)
    notebook.cells = [nbformat.from_dict(cell) for cell in lab_cells.complete(notebook.cells, course)]
    for cell in notebook.cells:
        if lab_cells.is_settings(cell) and cell.cell_type == "code":
            cell.source = f"settings = {settings!r}"
    return notebook, fault


class Client(papermill.PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Runs a notebook to its last cell.

    A cell that takes too long is interrupted. One that kills the kernel, or goes on, is left out: a new kernel runs the
    cells before it once more. Where a cell of the lab that is no exercise was emptied or fails, the lab's own runs
    after it.
    """

    longest = Anything()  # seconds of a cell, as a Stopwatch counts them
    judge = Anything()  # its `ask` waits until the judge has looked
    course = Dict()  # the lab's notebook, see lab_cells.py
    asked = Dict()  # by cell: the exercise, and the name of its answer, "" if something is made
    _printed = 0
    _under_way = ("", "")  # the exercise, and the name of its answer

    def papermill_execute_cells(self) -> None:
        super().papermill_execute_cells()
        self._end_exercise()

    def execute_cell(self, cell: Any, index: int) -> None:
        if cell.cell_type != "code":
            return
        is_of_lab = cell.id in self.course["texts"]
        if is_of_lab:
            self._end_exercise()
            self._under_way = self.asked.get(cell.id, ("", ""))
        exercise, name = self._under_way
        if exercise and not name:  # something is made
            if is_of_lab:
                self.judge.ask(exercise=exercise, is_before=True)
            self._value(_BEGIN.format(exercise))
        try:
            self._run(cell, index)
        except exceptions.DeadKernelError:
            self._leave_out(cell, index)
        self._repair(cell, index)

    def process_message(self, message: dict[str, Any], *cell: Any) -> Any:
        """Drop what the notebook prints after the first two million characters."""
        if message["msg_type"] not in ("status", "execute_input"):
            self._printed += len(str(message["content"]))
            if self._printed > _MOST_OUTPUT:
                return None
        return super().process_message(message, *cell)

    def _end_exercise(self) -> None:
        exercise, name = self._under_way
        self._under_way = ("", "")
        if exercise:
            answer = self._value(_VALUE.format(name)) if name else ""
            self.judge.ask(exercise=exercise, answer=answer)

    async def _watched(self, cell: Any, index: int) -> None:
        """Run a cell, and interrupt it when it has taken too long. DeadKernelError if it does not end then."""
        watch = Stopwatch()
        why = ""
        pause = _LOOK_EVERY
        run = asyncio.ensure_future(self.async_execute_cell(cell, index))
        while True:
            ended, _running = await asyncio.wait([run], timeout=pause)
            if ended:
                break
            if why:
                run.cancel()  # then nbclient says that the kernel has died
            elif watch.spent() >= self.longest:
                why = _("Stopped after {longest:.0f} s, the most that a cell may take.", longest=self.longest)
                pause = _GRACE
                await self.km.interrupt_kernel()
        if why:
            cell.outputs.insert(0, _error("TimeoutError", why))
        await run

    _run = run_sync(_watched)

    def _leave_out(self, cell: Any, index: int) -> None:
        """Start the kernel again, and run the cells before this one, without those that were left out before."""
        why = _("This cell has killed the kernel, or did not end. It was left out.")
        cell.outputs.append(_error("KernelDied", why))
        run_sync(self.km.restart_kernel)(now=True)
        run_sync(self.kc.wait_for_ready)(timeout=self.startup_timeout)
        for place, before in enumerate(self.nb.cells[:index]):
            errors = [output.get("ename") for output in before.get("outputs", [])]
            if "KernelDied" not in errors:
                self._run(deepcopy(before), place)

    def _repair(self, cell: Any, index: int) -> None:
        """Let the lab's own cell run next, if this one stands for it, and is no exercise, and did not do its work."""
        texts = self.course["texts"].get(cell.id)
        if texts is None or cell.source in texts:  # the student's own cell, or as the lab gave it
            return
        own = next(dict(one) for one in self.course["cells"] if one["id"] == cell.id)
        is_exercise = own["metadata"].get("nbgrader", {}).get("solution")
        is_setup = "setup" in own["metadata"].get("tags", [])
        has_failed = any(output["output_type"] == "error" for output in cell["outputs"])
        if not is_exercise and (is_setup or has_failed or _is_empty(cell)):
            own["metadata"] = {"papermill": {"status": "pending"}}
            self.nb.cells.insert(index + 1, nbformat.from_dict(own))

    def _value(self, expression: str) -> str:
        """Return the value of an expression of ours, which may have an effect; "" if that fails."""
        asked = {"value": expression}
        try:
            reply = self.kc.execute("", silent=True, user_expressions=asked, reply=True, timeout=_LONGEST_SILENT)
            content = ensure_event_loop().run_until_complete(reply)["content"]
            text = content["user_expressions"]["value"]["data"]["text/plain"]
            return str(ast.literal_eval(text))
        except (TimeoutError, LookupError, TypeError, ValueError, SyntaxError):
            return ""


def _error(name: str, why: str) -> Any:
    return nbformat.v4.new_output("error", ename=name, evalue=why, traceback=[why])


def _is_empty(cell: Cell) -> bool:
    """Return whether a cell holds nothing but comments and `pass`."""
    lines = [line.strip() for line in cell["source"].splitlines()]
    return all(line.startswith(("#", "pass")) for line in lines if line)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
