"""Run a submission in a sandbox, watch it, and talk to it by lines of JSON.

The sandbox is a box (processes/box.py) with the system's programs, Python, the lab's code and the notebooks' data. Only
a socket leads in, to its embedded AWS. docs/embedded-aws.md says what holds. With `trust`, the same program
runs without a sandbox.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from lab_lib import language
from lab_lib.classroom import tunnel
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import runner
from lab_lib.exercises.copies import OF_LEARNERS
from lab_lib.language import _
from lab_lib.processes import box, limits
from lab_lib.processes.family import family, kill
from lab_lib.processes.limits import Limits
from lab_lib.processes.stopwatch import Stopwatch
from lab_lib.workspace.places import DATA, NOTEBOOKS, PACKAGE, WORKSPACE

_INNER = f"{box.WORK}/work"
_MOST_FILES = 256 * box.MEGABYTE
_MOST_MEMORY, _MOST_TASKS = 2_500 * box.MEGABYTE, 400  # of all its processes; a right one has 900 MB and 100
_MOST_LINE = 10 * box.MEGABYTE
_LOOK_EVERY = 0.5  # seconds
_HIDDEN = ("/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kmsg", "/proc/timer_list")  # they tell of the host


def longest(seconds: int) -> int:
    """Return the seconds that a sandbox may spend, with what the judge lets it do, if the cells may spend so many."""
    return 2 * seconds + 60


class Ended(LabError):
    """The program in the sandbox has ended before it was done, or was stopped. The message says why."""


def refuse_without(trust: bool) -> None:
    """Raise UsageError if there is no sandbox on this computer, unless `trust`."""
    if trust:
        return
    if why := fault():
        raise UsageError(
            "There is no sandbox: {why}. Install bubblewrap 0.8 or newer, or say --trust: then the students' code "
            "runs as you do, and can read, change and send all that you can.",
            why=why,
        )


def fault() -> str:
    """Return why there is no sandbox here; "" if there is one."""
    return box.fault(_view_of_lab())


def _view_of_lab() -> box.View:
    """Return options that show processes, Python, the lab and the notebooks' data."""
    hidden = [path for path in _HIDDEN if Path(path).exists()]
    python = sorted({sys.prefix, sys.base_prefix})
    course = [str(NOTEBOOKS), str(DATA)]
    data = [DATA / name for name in OF_LEARNERS]
    return [
        ("--proc", "/proc"),
        *(("--ro-bind", "/dev/null", path) for path in hidden),
        ("--remount-ro", "/proc"),  # for root, the settings of the kernel in /proc/sys could be written to
        *box.shown(*box.SYSTEM, *python, PACKAGE),
        *(("--tmpfs", path) for path in course),  # no solutions, also where they are in the package
        *box.shown(*data),
        *(("--remount-ro", path) for path in course),
        ("--dir", _INNER, "--chdir", _INNER),
    ]


@contextmanager
def opened(seconds: int, trust: bool) -> Iterator["Sandbox"]:
    """Start the program in a sandbox. It is stopped on the way out, or when this process dies."""
    make = Limits if trust else limits.made  # only a box can join a cgroup
    most = make(_MOST_MEMORY, _MOST_TASKS)
    with (
        tempfile.TemporaryDirectory(prefix="lab-sandbox-", ignore_cleanup_errors=True) as folder,
        socket.socket() as outer,
        socket.socket(socket.AF_UNIX) as inner,
    ):
        outer.bind((server.HOST, 0))
        port = outer.getsockname()[1]
        command = [sys.executable, "-P", "-m", "lab_lib.classroom.sandboxed_run", str(port)]
        settings: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        settings |= {"cwd": folder, "start_new_session": True, "env": _environment(folder if trust else _INNER)}
        if trust:
            outer.close()  # the embedded AWS listens there itself
            process = subprocess.Popen(command, **settings)
        else:
            door = f"{folder}/door"
            inner.bind(door)
            inner.listen()
            outer.listen()
            tunnel.pass_on(outer, socket.AF_UNIX, door)
            number = inner.fileno()
            command.append(str(number))
            process = box.start(command, _view_of_lab(), _MOST_FILES, [number], most.groups, **settings)
        sandbox = Sandbox(process, port, longest(seconds), most)
        try:
            yield sandbox
        finally:
            sandbox.stop("It is done.")
            most.release()


def _environment(work: str) -> dict[str, str]:
    """Return the variables of the program: none of the user's own but the language."""
    return runner.environment(work) | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        WORKSPACE: work,
        language.VARIABLE: language.used(),
        "OPENBLAS_NUM_THREADS": "1",
    }


@dataclass
class Sandbox:
    """A program in a sandbox. Its messages are not trusted, since the student's code may send them."""

    process: Any
    port: int
    longest: float
    most: Limits
    _why: str = ""
    _over: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        Thread(target=self._watch, daemon=True).start()

    def say(self, message: dict[str, Any]) -> None:
        """Send a line. Ended if nobody reads it."""
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise self._ended() from None

    def hear(self) -> dict[str, Any]:
        """Return the next line. Ended if there is none, or if it is not an object of names and plain values."""
        line = self.process.stdout.readline(_MOST_LINE)
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise self._ended() from None
        if not isinstance(message, dict):
            raise self._ended()
        if any(isinstance(value, dict | list) for value in message.values()):
            raise self._ended()
        return message

    def require(self) -> None:
        """Raise Ended if the sandbox was stopped."""
        if self._over.is_set():
            raise self._ended()

    def stop(self, why: str) -> None:
        """Kill bubblewrap. All processes in the sandbox end with it."""
        self._why = self._why or why
        self._over.set()
        kill(self.process.pid)
        self.process.wait()

    def _ended(self) -> Ended:
        self.stop(self._too_much() or _("The process that ran the notebooks has ended. A cell may have killed it."))
        return Ended(self._why)

    def _watch(self) -> None:
        """Stop the sandbox when it exceeds a limit. The kernel's own limits would count all processes of the user.

        The time in which the judge waits for a processor does not count: meanwhile the sandbox waits for the judge.
        """
        watch = Stopwatch()
        while not self._over.wait(_LOOK_EVERY):
            if watch.spent() > self.longest:
                self.stop(_("The notebooks spent more than {longest:.0f} s.", longest=self.longest))
            elif why := self._too_much():
                self.stop(why)

    def _too_much(self) -> str:
        """Return what it takes, or has taken, too much of, in a sentence; "" if nothing."""
        match self.most.excess(family(self.process.pid)):
            case "memory":
                return _("The notebooks took more than {most} GB of memory.", most=self.most.memory / 1e9)
            case "tasks":
                return _("The notebooks started more than {most} processes and threads.", most=self.most.tasks)
        return ""
