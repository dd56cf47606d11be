"""The kernel that runs the notebooks of one account, one after the other, and is reset between them.

Starting a kernel and importing boto3, pandas and matplotlib takes longer than running a notebook.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop, run_sync

from lab_lib.calls.sessions import RETRIES
from lab_lib.calls.waiting import PROGRESS_FILE
from lab_lib.errors import LabError
from lab_lib.exercises.workbook import HEADLESS
from lab_lib.language import _

_NO_HISTORY = "--HistoryManager.hist_file=:memory:"  # the user's own history would keep private values
_CLEANING = "__import__('lab_lib.run.cleaning').run.cleaning"  # gives no name to the notebooks
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
        try:
            reply = client.execute(f"{_CLEANING}.reset()", silent=True, reply=True, timeout=_LONGEST_RESET)
            answer = ensure_event_loop().run_until_complete(reply)["content"]
        except TimeoutError:
            answer = {"status": "error", "evalue": _("it does not answer")}
        if answer["status"] != "ok":
            raise LabError("The kernel cannot be reset: {error}. Run the notebooks again.", error=answer["evalue"])


@contextmanager
def one_kernel(folder: Path, headless: str = "1", retries: str = "") -> Iterator[Kernel]:
    """Start a kernel in this folder; end it on the way out. Only their owner can connect to its sockets.

    HEADLESS is set to `headless` in it, and RETRIES to the path `retries`. What a cell waits for is not shown.
    """
    usual = tempfile.gettempdir()
    parent = usual if len(usual) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108  # mkdtemp makes the folder in it
    with tempfile.TemporaryDirectory(prefix="lab-kernel-", dir=parent, ignore_cleanup_errors=True) as sockets:
        kernel = Kernel(
            kernel_name="python3", transport="ipc", ip=f"{sockets}/channel", connection_file=f"{sockets}/kernel.json"
        )
        arguments = [_NO_HISTORY, f"--IPKernelApp.exec_lines={_CLEANING}"]
        # A killed kernel leaves files in TMPDIR.
        own = {PROGRESS_FILE: os.devnull, HEADLESS: headless, RETRIES: retries, "TMPDIR": sockets}
        try:
            run_sync(kernel.start_kernel)(cwd=str(folder), env=os.environ | own, extra_arguments=arguments)
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
