"""The kernels that run notebooks headlessly: a fresh one for each, or one for all that is made clean between them.

A kernel takes a second to start and as long again to load what notebooks import. A class would pay that for each
account. So its kernels are copies (fork) of a process that has loaded all of it, and has done nothing else.
"""

import asyncio
import multiprocessing
import os
import queue
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import ensure_event_loop, run_sync
from zmq.asyncio import Context

from lab_lib.errors import LabError

_NO_HISTORY = "--HistoryManager.hist_file=:memory:"  # the user's own would keep what is private
_CLEANING = "__import__('lab_lib.run.cleaning').cleaning"  # runs in the kernel
_LONGEST_START = _LONGEST_CLEANING = 60  # seconds
_LONGEST_FOLDER = 70  # characters
_AHEAD = 2  # so many kernels start while a notebook works; more would only take the processor from it
_LOADED = ["__main__", "ipykernel.kernelapp", "lab_lib.run.kernels", "lab_lib.run.cleaning"]


class Kernel(AsyncKernelManager):
    """A kernel that is handed to one notebook after the other, with one client for all of them.

    It is spoken to through sockets in a folder that only the user may enter. A port of TCP, which jupyter_client would
    choose, is free when it is chosen, and may be another's by the time when the kernel listens to it.

    All kernels share one ZeroMQ context, which is never ended. That would wait for all of its sockets, and for ever if
    Ctrl-C came while one was being made.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lab-kernel-", dir=_folder_for_sockets())
        channel = f"{self._folder.name}/channel"
        sockets = {"transport": "ipc", "ip": channel, "connection_file": f"{channel}.json"}
        super().__init__(kernel_name="python3", client_factory=Client, context=Context.instance(), **sockets)
        self._client: AsyncKernelClient | None = None

    def start(self, folder: Path, *lines: str) -> None:
        """Start it in this folder, with these lines of Python."""
        first = f"--IPKernelApp.exec_lines={'; '.join(lines)}"
        run_sync(self.start_kernel)(cwd=str(folder), extra_arguments=[_NO_HISTORY, first])

    def client(self, **settings: Any) -> AsyncKernelClient:  # type: ignore[override]  # as jupyter_client's own
        self._client = self._client or super().client(context=self.context, **settings)
        return self._client

    def end(self) -> None:
        if self._client:
            self._client.stop_channels()
        if self.has_kernel:
            run_sync(self.shutdown_kernel)(now=True)
        self._folder.cleanup()


class Client(AsyncKernelClient):
    """Connects once, and listens to nothing but what it waits for.

    It sends no heartbeats, since whether the process lives is asked of the system.

    nbclient tells the answers to its cells from all others, so there is no need to hear them out before each notebook,
    for a fifth of a second, as jupyter_client does.
    """

    _is_ready = False

    def start_channels(self, *args: Any, **settings: Any) -> None:
        if not self.channels_running:
            super().start_channels(*args, **{**settings, "hb": False})

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers, and what it prints arrives here; DeadKernelError if it never does."""
        end = time.monotonic() + (timeout or _LONGEST_START)
        while not self._is_ready:
            self.kernel_info()
            try:
                await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=1)
                self._is_ready = True
            except queue.Empty:
                if time.monotonic() > end or not await self.is_alive():
                    from nbclient.exceptions import DeadKernelError  # slow to load before papermill

                    raise DeadKernelError("Kernel died") from None


Kernels = Callable[[list[Path]], Generator[Kernel]]


def fresh_kernels(paths: list[Path]) -> Generator[Kernel]:
    """A fresh kernel for each notebook. The next ones start while the present one works."""
    kernels: list[Kernel] = []
    try:
        for number in range(len(paths)):
            for path in paths[len(kernels) : number + 1 + _AHEAD]:
                kernels.append(Kernel())
                kernels[-1].start(path.parent, *_load_ahead([path]))
            yield kernels[number]
            kernels[number].end()
    finally:
        _end_tasks()
        for kernel in kernels:
            kernel.end()


def one_kernel(paths: list[Path]) -> Generator[Kernel]:
    """One kernel for all notebooks, made clean between them: what they share is the modules that were loaded."""
    kernel = Kernel()
    try:
        if _can_copy():
            _start_what_is_copied([*_LOADED, *_rooms(paths)])
            kernel.provisioner = Copied(parent=kernel, kernel_spec=kernel.kernel_spec)
        kernel.start(paths[0].parent, *_load_ahead(paths), f"{_CLEANING}.remember()")
        for number in range(len(paths)):
            if number:
                run_sync(_clean)(kernel)
            yield kernel
    finally:
        _end_tasks()
        kernel.end()


@contextmanager
def environment(settings: dict[str, str]) -> Iterator[None]:
    """Let this process, and those that it starts, have these variables too; afterwards all is as before."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Copied(LocalProvisioner):
    """Makes a kernel of a copy of the process that has loaded all, where jupyter_client would start a new Python."""

    async def launch_kernel(self, cmd: list[str], **settings: Any) -> KernelConnectionInfo:
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        copy = _Copy(target=_be_a_kernel, args=(arguments, settings["cwd"], settings["env"]), daemon=True)
        copy.start()
        self.process = copy  # type: ignore[assignment]
        self.pid = self.pgid = copy.pid
        return self.connection_info


class _Copy(ForkServerProcess):
    """A copy, with what jupyter_client asks of a process of subprocess beside what it has."""

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self) -> int | None:
        self.join()
        return self.exitcode

    def send_signal(self, signum: int) -> None:
        with suppress(ProcessLookupError):  # it may have ended just now, which subprocess passes over too
            if self.pid:
                os.kill(self.pid, signum)


def end_with_parent() -> None:
    """Let this process end when the one that has started it does, however that came."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _folder_for_sockets() -> str:
    """The temporary folder, unless its name is so long that a socket's in it would be over 103 characters (macOS)."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108  # the folder in it is made by mkdtemp


def _can_copy() -> bool:
    """Fork is safe on Linux only; and a process that Dask has made must not have processes of multiprocessing."""
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def _start_what_is_copied(modules: list[str]) -> None:
    """Start it without the present folder on its path: a file six.py that lies there is no module of anybody's."""
    multiprocessing.set_forkserver_preload(modules)
    with environment({"PYTHONSAFEPATH": "1"}):
        forkserver.ensure_running()


def _be_a_kernel(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    import matplotlib
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()  # as jupyter_client has it: the terminal's Ctrl-C is not for kernels
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # ipykernel says so itself, but matplotlib is loaded already, and would not hear it
    matplotlib.use(environment.get("MPLBACKEND") or "module://matplotlib_inline.backend_inline")
    end_with_parent()
    IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


def _load_ahead(paths: list[Path]) -> list[str]:
    """Python that loads the rooms that notebooks will import, without giving them names in the kernel."""
    return [f"__import__({room!r})" for room in _rooms(paths)]


def _rooms(paths: list[Path]) -> list[str]:
    """The rooms of lab_lib that notebooks will import."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    text = text.replace("import checks, open_lab", "import checks")
    found = re.findall(r"from (lab_lib[.\w]*) import ([\w, ]+)", text)
    rooms = [f"{package}.{name}" for package, names in found for name in re.findall(r"\w+", names)]
    return list(dict.fromkeys(rooms or ["lab_lib.lab"]))


async def _clean(kernel: Kernel) -> None:
    reply = await kernel.client().execute(f"{_CLEANING}.restore()", silent=True, reply=True, timeout=_LONGEST_CLEANING)
    if (answer := reply["content"])["status"] != "ok":
        raise LabError(f"The kernel could not be made clean: {answer['ename']}: {answer['evalue']}.")


def _end_tasks() -> None:
    """End what Ctrl-C left unfinished in the event loop: it would go on later, and complain that its kernel is dead."""
    loop = ensure_event_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
