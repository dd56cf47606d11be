"""Run a class: lock the folder of the results, select students, resume, and work side by side, in a process each.

The work of a student writes to that student's draft only, which becomes the student's folder once it has a grade.json.
So a class can be stopped at any time, and `--resume` runs the students who are not done.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from functools import cache, partial
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import NamedTuple

import psutil
from botocore.exceptions import BotoCoreError, ClientError
from filelock import AcquireReturnProxy, FileLock, Timeout

from lab_lib.aws import cleanup
from lab_lib.calls import sessions
from lab_lib.calls.waiting import QUIET
from lab_lib.classroom import gradebook
from lab_lib.classroom.record import Record
from lab_lib.classroom.roster import Student
from lab_lib.classroom.work import Work, in_words
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError
from lab_lib.language import N_, _
from lab_lib.processes.family import end_when
from lab_lib.workspace import one_command
from lab_lib.workspace.masking import without_accounts
from lab_lib.workspace.private_files import make_folder

_CORES = os.cpu_count() or 1
JOBS = 2 * _CORES  # accounts at a time on the embedded AWS, which needs the other half of the cores' time
# Accounts at a time on AWS: a run waits there for more than 90 % of its time, but all kernels start at once.
JOBS_ON_AWS = 16 * _CORES
MEMORY = 300_000_000  # bytes of a student's process and kernel, of which 245 MB were measured
_SAFE_PATH = "PYTHONSAFEPATH"  # with it, a new process imports no module of the working folder


def lock(out: Path) -> AcquireReturnProxy:
    """Make and lock the folder of the results. UsageError if it cannot hold them, or if another class has locked it.

    The lock is a context, and ends with this process.
    """
    make_folder(out)
    try:
        return FileLock(out / ".lock", mode=0o600, blocking=False).acquire()
    except Timeout:
        raise UsageError(
            "Another class is at work in {out}. Wait for its end, or name another --out.", out=out
        ) from None


def select(students: list[Student], only: str) -> list[Student]:
    """Return the students, or those of them whose account, id or name `only` lists.

    UsageError for an entry of `only` that fits nobody.
    """
    names = {name.strip().casefold() for name in only.split(",")} - {""}
    if not names:
        return students
    unknown = names.difference(*map(_names, students))
    if unknown:
        raise UsageError("--only: nobody has the account, id or name {name}.", name=min(unknown))
    return [student for student in students if names & _names(student)]


def _names(student: Student) -> set[str]:
    return {text.casefold() for text in (student.account, student.id, student.name)}


def archive_results(out: Path) -> Path | None:
    """Move the results in `out` to a folder of their own there, named by their time. Return it; None without results.

    The folders of the students move as a whole, so that the links of the earlier report still lead to them.
    """
    results = []
    for path in out.iterdir():
        if path.name in gradebook.FILES or (path / "grade.json").exists():
            results.append(path)
    if not results:
        return None
    last_change = max(path.stat().st_mtime for path in results)
    when = datetime.fromtimestamp(last_change)
    place = out / "earlier" / f"{when:%Y-%m-%d-%H%M%S-%f}"
    make_folder(place)
    for path in results:
        path.replace(place / path.name)
    return place


def unfinished(works: Sequence[Work], resume: bool) -> list[Work]:
    """Return the work that is not done, or was done with other settings or another file.

    UsageError if there are results and not `resume`.
    """
    if works and not resume and any(works[0].out.glob("*/grade.json")):
        raise UsageError("{out} holds results already. Go on with --resume, or name another --out.", out=works[0].out)
    return [work for work in works if not work.is_done()]


def records(works: Sequence[Work]) -> list[Record]:
    """Return the record of each student. Without one, the student is unfinished or not run."""
    found = []
    for work in works:
        state = N_("unfinished") if work.draft.exists() else "not run"
        found.append(work.read() or work.record(state))
    return found


def in_process(work: Work, watched: Connection) -> Record:
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
                raise LabError(
                    "The process that did this has died. What it had not judged yet gives no points. Go on with "
                    "--resume."
                ) from None


def _begin(variables: dict[str, str], watched: Connection) -> None:
    """Give this process a session and variables of its own, and let it stop with the class."""
    os.setsid()
    # A class that was killed leaves the folder. The draft stays as it is.
    forget = partial(shutil.rmtree, variables["TMPDIR"], ignore_errors=True)
    Thread(target=end_when, args=[watched.poll, forget], daemon=True).start()
    os.environ |= variables
    os.environ.pop(_SAFE_PATH)  # a kernel imports what a learner has written
    tempfile.tempdir = None  # a library has asked for it already
    # Kernels inherit both: they are interrupted by Ctrl-C, which a job in the background of a shell ignores.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def do_all(
    works: Sequence[Work],
    at_once: int,
    finished: Callable[[Record], None],
    do: Callable[[Work, Connection], Record] = in_process,
) -> None:
    """Do so many at once, and hand over each student's record when it is written. A failure stops nobody else.

    On the way out, all processes are stopped: they watch a pipe, which closes here, or when this process dies.
    """
    if any(work.is_embedded for work in works):
        server.start()
    for work in works:
        work.forget()
    turns = iter(works)  # gives each work to one thread
    # Ctrl-C amid a call of a pool of threads would leave a lock taken for ever.
    ended = SimpleQueue[Record | Exception]()
    is_over = Event()
    watched, held = Pipe(duplex=False)

    def attempt(work: Work) -> Record:
        """Do the work, and write its record, unless it was stopped."""
        begun = time.monotonic()
        try:
            record = do(work, watched)
        except Exception as error:  # whatever failed, the instructor reads it in the report
            if is_over.is_set():
                raise
            record = work.failed(error)
        record.seconds = round(time.monotonic() - begun, 1)
        work.write(record)
        return record

    def take_turns() -> None:
        for work in turns:
            if is_over.is_set():
                return
            try:
                ended.put(attempt(work))
            except Exception as error:  # noqa: BLE001  # it is raised below
                ended.put(error)

    threads = [Thread(target=take_turns) for _ in range(at_once)]
    try:
        for thread in threads:
            thread.start()
        for _work in works:
            result = ended.get()
            if isinstance(result, Exception):
                raise result
            finished(result)
    finally:
        is_over.set()
        held.close()
        for thread in threads:
            if thread.is_alive():
                thread.join()
        watched.close()


def jobs_for(students: list[Student]) -> int:
    """Return how many accounts to work on at a time: on AWS as many as the memory holds, else as the cores can do."""
    all_on_aws = len(on_aws(students)) == len(students)
    most = JOBS
    if all_on_aws:
        fit_in_memory = psutil.virtual_memory().available // MEMORY
        most = min(JOBS_ON_AWS, fit_in_memory)
    return max(min(len(students), most), 1)


class CleanUp(NamedTuple):
    """The result of a clean-up: how much was deleted, what is left and why, and what others made and was kept."""

    deleted: int
    left: str
    kept: str


def clean(students: list[Student]) -> list[CleanUp]:
    """Delete what the lab made in each of these accounts."""
    with ThreadPoolExecutor(jobs_for(students)) as threads:
        return list(threads.map(_clean, students))


def _clean(student: Student) -> CleanUp:
    try:
        lab = student.open_lab()
        with one_command.alone(lab, "lab class clean"):
            deleted = len(list(cleanup.delete_all(lab)))
            left, kept = cleanup.survey(lab)
            comma = _(", ")
            return CleanUp(deleted, without_accounts(comma.join(left)), without_accounts(comma.join(kept)))
    except (LabError, BotoCoreError, ClientError) as error:
        return CleanUp(0, in_words(error), "")


def on_aws(students: list[Student]) -> list[Student]:
    """Return the students whose accounts are on AWS."""
    endpoint = cache(sessions.endpoint)  # many students may have one profile
    found = []
    for student in students:
        if not student.is_embedded:
            address, _region = endpoint(student.profile)
            if not address:
                found.append(student)
    return found
