"""Execute a notebook with papermill, which gives a Step, in a kernel that is reset between the notebooks of an account.

Starting a kernel and importing boto3, pandas and matplotlib takes longer than running a notebook.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop, run_sync

from lab_lib.calls.waiting import QUIET
from lab_lib.errors import LabError
from lab_lib.exercises.notebook_files import Notebook, without_slow_import
from lab_lib.exercises.workbook import HEADLESS
from lab_lib.language import _

_KERNEL_RESET = "__import__('lab_lib.run.kernel_reset').run.kernel_reset"  # gives no name to the notebooks
_LONGEST_START = 240  # seconds; a kernel starts in one
_LONGEST_RESET = 60  # seconds
_LONGEST_FOLDER = 70  # characters; the path of a socket has at most 103 on macOS


class Kernel(AsyncKernelManager):
    """A kernel for several notebooks. Each notebook connects a client of its own, and `reset` uses the last one."""

    _client: AsyncKernelClient | None = None

    def client(self, **settings: Any) -> AsyncKernelClient:  # type: ignore[override]  # as jupyter_client
        self.disconnect()
        self._client = super().client(**settings)
        return self._client

    def disconnect(self) -> None:
        if self._client:
            self._client.stop_channels()

    def reset(self) -> None:
        """Forget the notebook that ran; LabError if the kernel does not answer, or reports an error."""
        client = self._client or self.client()
        reply = client.execute(f"{_KERNEL_RESET}.reset()", silent=True, reply=True, timeout=_LONGEST_RESET)
        status = ""
        with suppress(TimeoutError):
            status = ensure_event_loop().run_until_complete(reply)["content"]["status"]
        if status != "ok":
            raise LabError("The kernel cannot be reset. Run the notebooks again.")


@contextmanager
def one_kernel(folder: Path, headless: str = "1") -> Iterator[Kernel]:
    """Start a kernel in this folder; end it on the way out. Only their owner can connect to its sockets.

    HEADLESS is set to `headless` in it. What a cell waits for is not shown.
    """
    usual = tempfile.gettempdir()
    parent = usual if len(usual) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108  # mkdtemp makes the folder in it
    with tempfile.TemporaryDirectory(prefix="lab-kernel-", dir=parent, ignore_cleanup_errors=True) as sockets:
        kernel = Kernel(
            kernel_name="python3", transport="ipc", ip=f"{sockets}/channel", connection_file=f"{sockets}/kernel.json"
        )
        history = "--HistoryManager.hist_file=:memory:"  # the user's own would keep private values
        arguments = [history, f"--IPKernelApp.exec_lines={_KERNEL_RESET}"]
        # A killed kernel leaves files in TMPDIR.
        variables = os.environ | {QUIET: "1", HEADLESS: headless, "TMPDIR": sockets}
        try:
            run_sync(kernel.start_kernel)(cwd=str(folder), env=variables, extra_arguments=arguments)
            yield kernel
        finally:
            _cancel_tasks()
            kernel.disconnect()
            if kernel.has_kernel:
                run_sync(kernel.shutdown_kernel)(now=True)


def _cancel_tasks() -> None:
    """Cancel what Ctrl-C left in the event loop: it would go on later, and report that its kernel is dead."""
    loop = ensure_event_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


class Step(NamedTuple):
    """A notebook that was executed."""

    notebook: str  # its name
    content: Notebook  # with the outputs, and what papermill has noted
    error: str | None  # why it failed
    stopped: Exception | None = None  # what has ended it, if not the error of a cell: a kernel that died, for example

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return float(self.content["metadata"]["papermill"]["duration"])

    def printed(self, tag: str = "", stream: str = "stdout") -> str:
        """Return what the cells with this tag have printed, or all cells."""
        texts = []
        for cell in self.content["cells"]:
            if tag and tag not in cell["metadata"].get("tags", []):
                continue
            for output in cell.get("outputs", []):
                if output.get("name") == stream:
                    texts.append("".join(output["text"]))
        return "".join(texts).strip()

    def as_dict(self) -> dict[str, Any]:
        return {"notebook": self.notebook, "ok": self.ok, "seconds": round(self.seconds, 2), "error": self.error}


def load(path: Path, parameters: dict[str, Any] | None = None) -> Any:
    """Return a notebook as papermill prepares it, with a cell for the parameters, if there are any."""
    papermill = without_slow_import("papermill.execute")
    notebook = papermill.load_notebook_node(str(path))
    if parameters:
        notebook = papermill.parameterize_notebook(notebook, parameters, kernel_name="python3", language="python")
    return papermill.prepare_notebook_metadata(notebook, str(path), None)


def run(name: str, notebook: Notebook, kernel: Kernel, client: Any = None, **options: Any) -> Step:
    """Run a notebook from `load` in this kernel; it gets its outputs, also if Ctrl-C ends it.

    The first error of a cell ends it, unless `allow_errors` is among the options of papermill's `client`.
    """
    papermill = without_slow_import("papermill.engines")
    client = client or papermill.PapermillNotebookClient
    options |= {"startup_timeout": _LONGEST_START, "coalesce_streams": True, "log": papermill.logger}
    notes = papermill.NotebookExecutionManager(notebook, progress_bar=False)
    notes.notebook_start()
    try:
        client(notes, kernel, **options).execute()
    except Exception as stopped:  # noqa: BLE001  # whatever it was, the outputs until then count
        error = _("{error}. Run the notebook in JupyterLab to see where.", error=str(stopped).rstrip("."))
        return Step(name, notebook, error, stopped)
    finally:
        notes.notebook_complete()
    if options.get("allow_errors"):
        return Step(name, notebook, None)
    return Step(name, notebook, _error_of_a_cell(notebook))


def _error_of_a_cell(notebook: Notebook) -> str | None:
    """Return the error that papermill finds, and let it put its mark above that cell."""
    papermill = without_slow_import("papermill.execute")
    try:
        papermill.raise_for_execution_errors(notebook, None)
    except papermill.PapermillExecutionError as error:
        return f"{error.ename}: {error.evalue}".removesuffix(": ")
    return None
