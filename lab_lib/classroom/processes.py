"""Do the work of a student in a process of its own, which ends with the class."""

import os
import shutil
import signal
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from lab_lib.calls.waiting import QUIET
from lab_lib.errors import LabError
from lab_lib.language import N_
from lab_lib.processes.family import family, kill

if TYPE_CHECKING:  # they take seconds to load, in which a new process would not yet stop with the class
    from lab_lib.classroom.record import Record
    from lab_lib.classroom.work import Work

_SAFE_PATH = "PYTHONSAFEPATH"  # with it, a new process imports no module of the working folder
_DIED = N_("The process that did this has died. What it had not judged yet gives no points. Go on with --resume.")


def in_process(work: "Work", watched: Connection) -> "Record":
    """Do the work in a new process, and return its record. The process stops when the pipe `watched` closes.

    The other end of the pipe closes with the process that holds it, even if that is killed. LabError if the new process
    dies.
    """
    place = "/tmp"  # noqa: S108  # mkdtemp makes the folder in it; its path is short, so kernels have their sockets there
    with tempfile.TemporaryDirectory(prefix="lab-class-", dir=place, ignore_cleanup_errors=True) as temporary_folder:
        # Many wait at once, so nobody could read the progress.
        variables = {f"LAB_{name.upper()}": value for name, value in work.student.settings.items()}
        variables |= {"TMPDIR": temporary_folder, QUIET: "1"}
        with ProcessPoolExecutor(1, get_context("spawn"), _begin, (variables, watched)) as process:
            # The new process inherits that: a terminal's Ctrl-C waits until it has a session of its own.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            os.environ[_SAFE_PATH] = "1"
            try:
                return process.submit(work.do).result()
            except BrokenProcessPool:
                raise LabError(_DIED) from None


def _begin(variables: dict[str, str], watched: Connection) -> None:
    """Give this process a session and variables of its own, and let it stop with the class."""
    os.setsid()
    threading.Thread(target=_stop_with, args=[watched, variables["TMPDIR"]], daemon=True).start()
    os.environ |= variables
    os.environ.pop(_SAFE_PATH)  # a kernel imports what a learner has written
    tempfile.tempdir = None  # a library has asked for it already
    # Kernels inherit both: they are interrupted by Ctrl-C, which a job in the background of a shell ignores.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def _stop_with(watched: Connection, temporary_folder: str) -> None:
    """End this process, and all that it started, once the pipe closes. The draft stays as it is."""
    watched.poll(None)
    for process in family(os.getpid())[1:]:
        kill(process.pid)
    shutil.rmtree(temporary_folder, ignore_errors=True)  # a class that was killed leaves it
    os._exit(130)
