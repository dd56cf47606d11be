"""Run a submission's notebooks on an embedded AWS. sandbox.py starts this program in the sandbox.

It talks to the judge by lines of JSON, and stops after each cell that the judge wants to look at. Nothing here judges:
the student's code has the same rights as this program.
"""

import asyncio
import json
import os
import socket
import sys
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import ensure_event_loop
from nbclient import NotebookClient

from lab_lib.classroom import tunnel
from lab_lib.embedded import server
from lab_lib.exercises import copies, workbook
from lab_lib.run import headless
from lab_lib.run.kernels import Kernel, one_kernel
from lab_lib.waiting import busy, load_of_computer

_MOST_OUTPUT = 2_000_000  # characters of a notebook's outputs
_MOST_NOTEBOOK, _MOST_ANSWERS = 4_000_000, 1_000_000  # characters


def main() -> None:
    """Run the notebooks that the judge sends, and report how each ended."""
    judge = JudgePipe()
    request = judge.hear()
    copy = Path(os.environ["LAB_COPY"])
    _lay(copy, request["files"])
    home = server.home()
    home.mkdir()
    server.write_note(home, request["port"], "")  # it takes its last port again
    emulator = server.start()
    try:
        if len(sys.argv) > 1:
            tunnel.pass_on(socket.socket(fileno=int(sys.argv[1])), emulator.port)
        judge.ask(is_open=True, port=emulator.port, secret=emulator.secret)
        with closing(Notebooks(copy, judge, request)) as notebooks:
            for name in request["notebooks"]:
                judge.say(**notebooks.run(name), answers=_tail(copy))
                if name == request["last"]:
                    judge.ask(is_built=True)
                    notebooks.allow_more()
        judge.say(is_done=True)
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

    def say(self, **message: Any) -> None:
        print(json.dumps(message), file=self._out, flush=True)

    def ask(self, **message: Any) -> None:
        """Say something, and wait until the judge has looked."""
        self.say(**message)
        self.hear()


class Notebooks:
    """The notebooks of a copy, in one kernel as long as that answers, else in a new one."""

    def __init__(self, copy: Path, judge: JudgePipe, request: dict[str, Any]) -> None:
        self._copy, self._judge, self._stops = copy, judge, set(request["stops"])
        self._settings = request["settings"]
        self._limits, self._end = request["limits"], time.monotonic() + request["limits"]["whole"]
        self._kernel: Kernel | None = None
        self._stack = ExitStack()

    def close(self) -> None:
        """End the kernel."""
        self._stack.close()
        self._kernel = None

    def allow_more(self) -> None:
        """Allow the time of one notebook from now on: what builds the lab has run."""
        self._end = time.monotonic() + self._limits["notebook"]

    def run(self, name: str) -> dict[str, Any]:
        """Run a notebook to its end, whatever its cells do. Return it, and why it did not get there."""
        begun, stopped, notebook = time.monotonic(), "", None
        seconds = max(min(self._limits["notebook"], self._end - begun), 0)
        try:
            notebook = _read(self._copy / name, self._settings)
            self._execute(notebook, seconds)
        except Exception as error:  # noqa: BLE001  # such as a kernel that died, or a file that is no notebook
            is_late = time.monotonic() - begun >= seconds  # nbclient says then that the kernel died
            late = f"stopped after {seconds:.0f} s. {busy(load_of_computer())}".rstrip()
            stopped = late if is_late else f"{type(error).__name__}: {error}"[:500]
            stopped = stopped.replace("DeadKernelError: Kernel died", "a cell has killed the kernel")
        if stopped:
            self.close()
        text = json.dumps(notebook) if notebook else ""
        return {
            "notebook": name,
            "seconds": round(time.monotonic() - begun, 2),
            "stopped": stopped,
            "failed": _first_error(notebook) if notebook else "",
            "text": text if len(text) <= _MOST_NOTEBOOK else "",
        }

    def _execute(self, notebook: Any, seconds: float) -> None:
        if self._kernel:
            self._kernel.reset()
        else:
            keeping = {workbook.HEADLESS: workbook.KEEPING}
            self._kernel = self._stack.enter_context(one_kernel(self._copy, variables=keeping))
        client = _Client(
            notebook,
            km=self._kernel,
            allow_errors=True,
            timeout=round(self._limits["cell"]),
            interrupt_on_timeout=True,
            on_cell_executed=self._look,
            coalesce_streams=True,
        )
        run = asyncio.wait_for(client.async_execute(), seconds)
        ensure_event_loop().run_until_complete(run)

    def _look(self, cell: Any, **_: Any) -> None:
        if cell.get("id") in self._stops:
            self._judge.ask(cell=cell.id)


class _Client(NotebookClient):
    """Drops what a notebook prints after the first two million characters."""

    _printed = 0

    def process_message(self, message: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if message["msg_type"] != "status":
            self._printed += len(str(message["content"]))
            if self._printed > _MOST_OUTPUT:
                return None
        return super().process_message(message, cell, cell_index)


def _lay(copy: Path, files: dict[str, str]) -> None:
    (copy / copies.STATE).mkdir(parents=True)  # so that it is a copy
    for name, text in files.items():
        (copy / name).write_text(text, encoding="utf-8", errors="replace")


def _read(path: Path, settings: dict[str, str]) -> Any:
    """Return the notebook with the settings of the roster, all others empty: the student's own account is not here."""
    notebook: Any = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        if {"parameters", "injected-parameters"} & {*cell.metadata.get("tags", [])} and cell.cell_type == "code":
            names = [f'{name} = ""' for name in workbook.PARAMETERS]
            cell.source = "\n".join([*names, f"settings = {settings!r}"])
    if path.stem[:2] == headless.CLEAN_UP:
        _keep_answers(notebook)
    return notebook


def _keep_answers(notebook: Any) -> None:
    """Let only the cells of the exercises run, so that nothing is deleted."""
    for cell in notebook.cells:
        if "checkpoint" in cell.metadata.get("nbgrader", {}).get("grade_id", "checkpoint"):
            cell.metadata["tags"] = [NotebookClient.skip_cells_with_tag.default_value]
    code = "from lab_lib import notebook\nfrom lab_lib.exercises import answers"  # the latter in older copies
    imports: Any = nbformat.v4.new_code_cell(code)  # type: ignore[no-untyped-call]
    notebook.cells.insert(0, imports)


def _first_error(notebook: Any) -> str:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("output_type") == "error":
                return f"{output.get('ename')}: {output.get('evalue')}"[:500]
    return ""


def _tail(copy: Path) -> str:
    """Return the answers so far, or the last of them if there are too many."""
    with suppress(OSError):
        return (copy / copies.STATE / workbook.ANSWERS).read_text("utf-8", errors="replace")[-_MOST_ANSWERS:]
    return ""


if __name__ == "__main__":
    main()
