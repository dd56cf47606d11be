"""Start a learner's function, deliver batches to it, and stop it when it takes too much.

trial_runtime.py runs it, in a process of its own, which may be in a sandbox. What counts against the function is its
AWS calls, and the seconds of a case, without those in which it waited for a processor.
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

from lab_lib.aws.json_text import count, json_object
from lab_lib.aws.streams import Record
from lab_lib.errors import LabError
from lab_lib.exercises.proxy import Proxy
from lab_lib.language import _
from lab_lib.pages.wording import visible
from lab_lib.processes import box, limits, system_calls
from lab_lib.processes.family import family, kill
from lab_lib.processes.stopwatch import Stopwatch

MODULE = "my_notifier.py"
PACKAGES = "packages"  # the folder with boto3 and what it needs, as in Lambda
RUNTIME = Path(__file__).parents[1] / "handlers" / "trial_runtime" / "trial_runtime.py"
SILENT: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
_LOOK_EVERY = 0.1  # seconds
_LONGEST = 20  # seconds for a case; a right one takes less than three
_LONGEST_WAIT = 60  # seconds, for a word of the program; loading boto3 takes a third of one
_MOST_MEMORY, _MOST_THREADS = 2**30, 100  # bytes, and threads, of all its processes; a right one has 0.2 GB and 5
_MOST_FILES = 256 * box.MEGABYTE  # that it writes
_ISOLATED = "-I", "-S", "-B"  # Python without the user's settings, installed packages, and files that it would write
_FUNCTION = "/function"  # the folder of the program in its box
_LONGEST_LINE = 10_000  # bytes of an answer
_START, _KILL = b"s", b"k"
_FREE = 400  # AWS calls for whatever number of records; the lab's function makes 20 for 30 records


class TooMuch(Exception):
    """The function took more than a right one needs: the cause, in words without numbers, and what was found."""


class Outcome(NamedTuple):
    """The end of a start: how many batches are processed, and why the next one is not."""

    done: int
    why: str = ""
    cut: str = ""  # the call at which the function was killed


def is_part(name: str) -> bool:
    """Return True if a function may consist of a file with this name, beside others: my_*.py, as Python can import."""
    return bool(re.fullmatch(r"my_\w+\.py", name, re.ASCII))


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

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._temporary.cleanup()

    def begin(self, calls: float) -> None:
        """Begin a case. The function may make so many AWS calls for each record that is delivered, and _FREE more."""
        self._calls_a_record = calls
        self._records = 0
        self._calls = 0
        self._clock = Stopwatch()

    def start(self, variables: dict[str, str], endpoint: str, batches: list[list[Record]], kill_at: int = 0) -> Outcome:
        """Start the function with these environment variables, and let it process the batches in turn.

        It is killed at the call of the number `kill_at`; 0 is none. TooMuch if it takes more than the limits.
        """
        if not self._process:
            self._launch_program()
        self._records += sum(map(len, batches))
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                door = self._door(theirs)
            proxy = Proxy(door, endpoint, kill_at, partial(_send, self._control, _KILL))
            try:
                ours.settimeout(_LONGEST_WAIT)
                _send(ours, json.dumps({"variables": variables, "batches": batches}).encode() + b"\n")
                self._watch(proxy, ours)
                self._require_little(proxy)
            except BaseException:
                self._stop()
                raise
            finally:
                proxy.close()
            self._calls += proxy.calls
            answer = b""
            if not proxy.cut:
                with suppress(OSError):  # the first line counts, and nobody writes any more
                    answer = ours.recv(_LONGEST_LINE).partition(b"\n")[0]
        report = json_object(answer)
        why = str(report.get("why", _("its process ended before it returned")))
        done = count(report.get("done")) or 0
        return Outcome(done, visible(why), visible(proxy.cut))

    def _watch(self, proxy: Proxy, answer: socket.socket) -> None:
        """Serve the function until it answers, ends, is cut off, or has taken too much. Then let it be killed."""
        looked = time.monotonic()
        waiting = [self._control, answer]
        while True:
            ready = select.select(waiting, [], [], _LOOK_EVERY)[0]
            if self._control in ready:
                with suppress(ConnectionResetError):  # it has ended before it took the word
                    self._control.recv(1)
                return
            if answer in ready:
                waiting.remove(answer)
                _send(self._control, _KILL)
            if time.monotonic() - looked >= _LOOK_EVERY:
                self._require_little(proxy)
                looked = time.monotonic()

    def _require_little(self, proxy: Proxy) -> None:
        """Raise TooMuch if the function has taken, or tried to take, more than a right one needs."""
        cause = _("it takes too much")
        found = ""
        most = _FREE + self._calls_a_record * self._records
        if self._process and self._most.excess(family(self._process.pid)):
            found = _(
                "it took more than {memory:.0f} GB of memory, or more than {threads} threads or processes",
                memory=_MOST_MEMORY / 2**30,
                threads=_MOST_THREADS,
            )
        elif self._calls + proxy.calls > most:
            cause = _("it makes too many AWS calls")
            found = _(
                "it made more than {most:,.0f} AWS calls for {records:,} records", most=most, records=self._records
            )
        elif self._clock.wall() > _LONGEST:
            found = _("it did not return within {seconds} s", seconds=_LONGEST)
        if found:
            raise TooMuch(cause, found)

    def _launch_program(self) -> None:
        """Start the program, which loads boto3 before it starts the function."""
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_LONGEST_WAIT)
        launch = self._as_the_user if box.fault_of_functions() else self._in_a_box
        with theirs:
            self._process = launch(theirs)

    def _as_the_user(self, control: socket.socket) -> "subprocess.Popen[bytes]":
        """Start the program where no box can be made, with the socket `control`."""
        work = tempfile.mkdtemp(dir=self._folder)
        runtime = str(self._folder / RUNTIME.name)
        no_rules = ""  # for system calls: only a box has some
        command = [sys.executable, *_ISOLATED, runtime, str(control.fileno()), no_rules, work]
        # With a session of its own it ends by itself, and the function before it, when this process ends.
        settings = SILENT | {"cwd": work, "env": environment(work), "start_new_session": True}
        return subprocess.Popen(command, pass_fds=[control.fileno()], **settings)

    def _in_a_box(self, control: socket.socket) -> "subprocess.Popen[bytes]":
        self._most = limits.made(_MOST_MEMORY, _MOST_THREADS)
        files = {}
        for path in self._folder.rglob("*"):
            if path.is_symlink() or path.is_file():
                files[f"{_FUNCTION}/{path.relative_to(self._folder)}"] = path
        view = box.view_of_function(files)
        with system_calls.filter_file(for_function=True) as rules:
            numbers = control.fileno(), rules.fileno()
            command = [box.python(), *_ISOLATED, f"{_FUNCTION}/{RUNTIME.name}", *map(str, numbers), box.WORK]
            settings = SILENT | {"cwd": "/", "env": environment(box.WORK)}
            return box.start(command, view, _MOST_FILES, numbers, self._most.groups, box.MORE_OPEN, **settings)

    def _door(self, conversation: socket.socket) -> socket.socket:
        """Ask for a start with this socket, and return the one at which the function's calls arrive."""
        with suppress(OSError):
            socket.send_fds(self._control, [_START], [conversation.fileno()])
            descriptors = socket.recv_fds(self._control, 1, 1)[1]
            if descriptors:
                return socket.socket(fileno=descriptors[0])
        self._stop()
        raise LabError("The program that runs your function has ended. Try again.")

    def _stop(self) -> None:
        if self._process:
            kill(self._process.pid)
            self._process.wait()
            self._process = None
            self._most.release()
            self._control.close()


def _send(to: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # the program has ended; who reads next is told
        to.sendall(data)
