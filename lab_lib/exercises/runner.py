"""Start a learner's function, deliver batches to it, and stop it when it takes too much.

trial_runtime.py runs it, in a process of its own, which may be in a sandbox. What counts against the function is its
work: CPU time, calls and items. A limit in seconds only stops a hang; waiting for a processor does not count there.
"""

import json
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from lab_lib.aws.json_text import count, json_object
from lab_lib.aws.streams import Record
from lab_lib.errors import LabError
from lab_lib.exercises.proxy import Proxy
from lab_lib.language import N_, _
from lab_lib.pages.lookalikes import visible
from lab_lib.processes import box, limits, system_calls
from lab_lib.processes.family import cpu_seconds, family, kill, total
from lab_lib.processes.stopwatch import Stopwatch

MODULE = "my_notifier.py"
PACKAGES = "packages"  # the folder with boto3 and what it needs, as in Lambda
RUNTIME = Path(__file__).parents[1] / "handlers" / "trial_runtime" / "trial_runtime.py"
SILENT: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
_LOOK_EVERY = 0.1  # seconds
_LONGEST = 20  # seconds for a case; a right one takes less than three
_LONGEST_LOADING = 60  # seconds; loading boto3 takes a third of one
_MOST_MEMORY, _MOST_THREADS = 2**30, 100  # bytes, and threads, of all its processes; a right one has 0.2 GB and 5
_MOST_FILES = 256 * box.MEGABYTE  # that it writes
_ISOLATED = "-I", "-S", "-B"  # Python without the user's settings, installed packages, and files that it would write
_FUNCTION = "/function"  # the folder of the program in its box
_LONGEST_LINE = 10_000  # bytes of an answer
_START, _KILL = b"s", b"k"
_PART = re.compile(r"my_\w+\.py", re.ASCII)
_NAMED = N_("it named records as failed")  # in the words of RUNTIME
_FREE = 400  # AWS calls, and items, for whatever number of records; the lab's function takes 20 calls for 30 records


class TooMuch(Exception):
    """The function took more than a right one needs: the message, and of what, if that is work."""


class Limits(NamedTuple):
    """How much the function may take for a case: CPU time, as a multiple of that of loading boto3; calls, and items.

    The calls and items are for each record that is delivered. There are _FREE more.
    """

    loads: float
    calls: float
    items: float


class Outcome(NamedTuple):
    """The end of a start: how many batches are processed, why the next one is not, and from which record on."""

    done: int
    why: str = ""
    place: int = 0
    cut: str = ""  # the call at which the function was killed


def is_part(name: str) -> bool:
    """Return True if a function may consist of a file with this name, beside others: my_*.py, as Python can import."""
    return bool(_PART.fullmatch(name))


def function_files(folder: Path) -> list[Path]:
    """Return the files of the function in this folder. They go wherever it goes, whether it imports them or not."""
    return sorted(path for path in folder.iterdir() if is_part(path.name))


def environment(work: str) -> dict[str, str]:
    """Return the variables of the program: none of the user's own."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": work,
        "TMPDIR": work,
        "LANG": "C.UTF-8",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


class Runner:
    """The program that starts the function, as a context manager. It is started again if the function has killed it."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._temporary = tempfile.TemporaryDirectory(prefix="lab-trial-", ignore_cleanup_errors=True)
        self._folder = Path(self._temporary.name)
        for name, content in files.items():
            (self._folder / name).write_bytes(content)
        shutil.copy(RUNTIME, self._folder)
        (self._folder / PACKAGES).mkdir()
        for path in box.boto3_packages():
            (self._folder / PACKAGES / path.name).symlink_to(path)
        self._most = limits.Limits(_MOST_MEMORY, _MOST_THREADS)
        self._launch_program()

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._temporary.cleanup()

    def begin(self, limits: Limits) -> None:
        """Begin a case with these limits."""
        self._limits, self._records, self._taken, self._calls, self._items = limits, 0, 0.0, 0, 0
        self._clock = Stopwatch()

    def start(self, variables: dict[str, str], endpoint: str, batches: list[list[Record]], last: int = 0) -> Outcome:
        """Start the function with these environment variables, and let it process the batches in turn.

        It is killed at the call of the number `last`. TooMuch if it takes more than the limits.
        """
        self._require_loaded()
        self._records += sum(map(len, batches))
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                door = self._door(theirs)
            before = self._used()
            proxy = Proxy(door, endpoint, last, partial(_send, self._control, _KILL))
            try:
                ours.settimeout(self._control.gettimeout())
                _send(ours, json.dumps({"variables": variables, "batches": batches}).encode() + b"\n")
                ended = json_object(self._watch(before, proxy, ours))
            except BaseException:
                self._stop()
                raise
            finally:
                proxy.close()
            self._calls, self._items = self._calls + proxy.calls, self._items + proxy.items
            self._taken += max(self._used() - before, 0)
            self._require_little_memory(self._program)
            if not ended:
                self._stop()
            self._require_little_work(self._taken, self._calls, self._items)
            answer = b"" if proxy.cut or not ended else _received(ours)
        return _outcome(answer, ended.get("status"), proxy.cut)

    def _watch(self, before: float, proxy: Proxy, answer: socket.socket) -> bytes:
        """Serve the function until it answers, ends, is cut off, or has taken too much. Then let it be killed.

        Return the line that says so.
        """
        last, ends = time.monotonic(), [answer]
        while True:
            ready = select.select([self._control, proxy.socket, *ends], [], [], _LOOK_EVERY)[0]
            if proxy.socket in ready:
                proxy.handle_request()
            if self._control in ready:
                with suppress(ConnectionResetError):  # it has ended before it took the word
                    return self._lines.readline(_LONGEST_LINE)
                return b""
            if answer in ready:
                ends = []
                _send(self._control, _KILL)
            if time.monotonic() - last >= _LOOK_EVERY:
                self._require_little(before, proxy)
                last = time.monotonic()

    def _require_little(self, before: float, proxy: Proxy) -> None:
        """Raise TooMuch if the function has exceeded a limit."""
        members = self._family()
        self._require_little_memory(members)
        taken = self._taken + total(members, cpu_seconds) - before
        self._require_little_work(taken, self._calls + proxy.calls, self._items + proxy.items)
        if self._clock.wall() > _LONGEST:
            raise TooMuch(_("it did not return within {seconds} s", seconds=_LONGEST))

    def _require_little_memory(self, members: list[psutil.Process]) -> None:
        """Raise TooMuch if the function has, or has tried to have, too much memory or too many threads."""
        if excess := self._most.excess(members):
            self._stop()
            if excess == "memory":
                raise TooMuch(_("it took more than {most:.0f} GB of memory", most=_MOST_MEMORY / 2**30))
            raise TooMuch(_("it started more than {most} threads or processes", most=_MOST_THREADS))

    def _require_little_work(self, seconds: float, calls: int, items: int) -> None:
        """Raise TooMuch if this is more than a right function needs for the records that were delivered."""
        limits = self._limits
        told = N_("it took more than {most:,.0f} {what} for {records:,} records")
        for what, amount, most in (
            (_("seconds of CPU time"), seconds, limits.loads * self._unit),
            (_("AWS calls"), calls, _FREE + limits.calls * self._records),
            (_("items in its AWS calls"), items, _FREE + limits.items * self._records),
        ):
            if amount > most:
                raise TooMuch(_(told, most=most, what=what, records=self._records), what)

    def _launch_program(self) -> None:
        """Start the program, which takes a while to load boto3."""
        self._control, theirs = socket.socketpair()
        with theirs:
            launch = self._as_the_user if box.fault_of_functions() else self._in_a_box
            self._process = launch(theirs)
        self._lines, self._unit = self._control.makefile("rb"), 0.0

    def _as_the_user(self, control: socket.socket) -> "subprocess.Popen[bytes]":
        """Start the program where no box can be made, with the socket `control`."""
        work, runtime = tempfile.mkdtemp(dir=self._folder), str(self._folder / RUNTIME.name)
        command = [sys.executable, *_ISOLATED, runtime, str(control.fileno()), "", work]
        # With a session of its own it ends by itself, and the function before it, when this process ends.
        settings = SILENT | {"cwd": work, "env": environment(work), "start_new_session": True}
        return subprocess.Popen(command, pass_fds=[control.fileno()], **settings)

    def _in_a_box(self, control: socket.socket) -> "subprocess.Popen[bytes]":
        self._most = limits.made(_MOST_MEMORY, _MOST_THREADS)
        files = [path for path in self._folder.rglob("*") if path.is_symlink() or path.is_file()]
        view = box.view_of_function({f"{_FUNCTION}/{path.relative_to(self._folder)}": path for path in files})
        with system_calls.filter_file(for_function=True) as rules:
            numbers = control.fileno(), rules.fileno()
            command = [box.python(), *_ISOLATED, f"{_FUNCTION}/{RUNTIME.name}", *map(str, numbers), box.WORK]
            settings = SILENT | {"cwd": "/", "env": environment(box.WORK)}
            return box.start(command, view, _MOST_FILES, numbers, self._most.groups, box.MORE_OPEN, **settings)

    def _require_loaded(self) -> None:
        """Wait until the program has loaded boto3; start it again if it has ended."""
        if not self._process:
            self._launch_program()
        self._control.settimeout(_LONGEST_LOADING)
        try:
            if not self._unit:
                self._unit = float(json_object(self._lines.readline(_LONGEST_LINE))["seconds"])
                self._program = self._family()  # its sandbox, too
        except (OSError, KeyError, TypeError, ValueError):
            self._stop()
            raise LabError("The program that runs your function did not start. Try again.") from None

    def _door(self, conversation: socket.socket) -> socket.socket:
        """Ask for a start with this socket, and return the one at which the function's calls arrive."""
        with suppress(OSError):
            socket.send_fds(self._control, [_START], [conversation.fileno()])
            descriptors = socket.recv_fds(self._control, 1, 1)[1]
            if descriptors:
                return socket.socket(fileno=descriptors[0])
        self._stop()
        raise LabError("The program that runs your function has ended. Try again.")

    def _family(self) -> list[psutil.Process]:
        return family(self._process.pid) if self._process else []

    def _used(self) -> float:
        """Return the CPU time used so far, when no start is under way and none has left a process."""
        return total(self._program, cpu_seconds)

    def _stop(self) -> None:
        if self._process:
            kill(self._process.pid)
            self._process.wait()
            self._process = None
            self._most.release()
            self._lines.close()
            self._control.close()


def _send(to: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # the program has ended; who reads next is told
        to.sendall(data)


def _received(answer: socket.socket) -> bytes:
    """Return the line that the function has written, which nobody does any more. The first one counts."""
    with suppress(OSError):
        return answer.recv(_LONGEST_LINE).partition(b"\n")[0]
    return b""


def _outcome(answer: bytes, status: Any, cut: str) -> Outcome:
    report, why = json_object(answer), _("it killed the program that runs it")
    if type(status) is int:
        ended = N_("its process ended, with status {status}, before it returned")
        killed = N_("its process was killed by signal {signal}")
        why = _(killed if status < 0 else ended, signal=-status, status=status)
    done, place = (count(report.get(name)) or 0 for name in ("done", "place"))
    said = str(report.get("why", why))
    return Outcome(done, _(said) if said == _NAMED else visible(said), place, visible(cut))
