"""Run a submission in a sandbox, watch it, and talk to it by lines of JSON.

The sandbox is bubblewrap's: processes, network, users and keys of its own, no capability, and nothing of this computer
to see but the system's programs, Python, the lab's code and the notebooks' data. It writes to memory only. Only a
socket leads in, to its embedded AWS. docs/sandbox.md says line by line what holds. With `trust`, the same program
runs without a sandbox.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Event, Thread
from typing import Any, BinaryIO, cast

from lab_lib import language
from lab_lib.classroom import tunnel
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import runner
from lab_lib.exercises.copies import OF_LEARNERS
from lab_lib.processes import system_calls
from lab_lib.processes.family import family, kill, total
from lab_lib.processes.stopwatch import Stopwatch
from lab_lib.workspace.places import COURSE, DATA, NOTEBOOKS, PACKAGE, WORKSPACE

_INNER = "/tmp/work"  # noqa: S108  # the folder in the sandbox, which has a /tmp of its own
_FUNCTION = "/function"  # the folder of a student's function, in a sandbox of its own
_MOST_FILES, _MOST_SHARED = 256_000_000, 64_000_000  # bytes, in the memory of the sandbox
_MOST_MEMORY, _MOST_PROCESSES = 2_500_000_000, 150  # of all its processes; a right one has 0.9 GB and 15
_MOST_LINE = 10_000_000  # bytes
_LOOK_EVERY = 0.5  # seconds
_HIDDEN = ("/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kmsg", "/proc/timer_list")  # they tell of the host
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
_OPTIONS = (
    "--unshare-user --unshare-all --die-with-parent --new-session --disable-userns --cap-drop ALL"
    f" --uid 65534 --gid 65534 --hostname lab --dev /dev --size {_MOST_SHARED} --tmpfs /dev/shm"
    f" --size {_MOST_FILES} --tmpfs /tmp"
)

View = list[tuple[str, ...]]  # options of bubblewrap


def longest(seconds: int) -> int:
    """Return the seconds that a sandbox may spend, with what the judge lets it do, if the cells may spend so many."""
    return 2 * seconds + 60


class Ended(LabError):
    """The program in the sandbox has ended before it was done, or was stopped. The message says why."""


def refuse_without(trust: bool) -> None:
    """Raise UsageError if there is no sandbox on this computer, unless `trust`."""
    if not trust and (why := _fault()):
        raise UsageError(
            f"There is no sandbox: {why}. Install bubblewrap 0.8 or newer, or say --trust: then the students' code "
            "runs as you do, and can read, change and send all that you can."
        )


def _fault() -> str:
    """Return why bubblewrap cannot be used here; "" if it can."""
    if not shutil.which("bwrap"):
        return "bubblewrap (bwrap), which is for Linux, is not installed"
    try:
        with _sandboxed(["/usr/bin/true"], stderr=subprocess.PIPE) as tried:
            said = tried.communicate()[1].decode(errors="replace").strip()
    except OSError as error:
        return f"libseccomp is not installed ({error})"
    return "" if tried.returncode == 0 else f"bubblewrap does not work here ({said})"


def _sandboxed(
    command: list[str], pass_fds: tuple[int, ...] = (), view: View | None = None, **settings: Any
) -> "subprocess.Popen[bytes]":
    """Start a command in a sandbox. `view` are bubblewrap's options for what it sees; `settings` are subprocess's."""
    bwrap = [shutil.which("bwrap") or "bwrap", *_OPTIONS.split(), *chain(*(view or _view_of_lab()))]
    with system_calls.filter_file() as rules:
        number = rules.fileno()
        bwrap += ["--remount-ro", "/dev", "--remount-ro", "/", "--seccomp", str(number)]
        whole = system_calls.without_keyring([*bwrap, *command])
        return subprocess.Popen(whole, pass_fds=(*pass_fds, number), **settings)


def launched(folder: Path, control: socket.socket) -> "subprocess.Popen[bytes]":
    """Start the program that runs a student's function, with its folder, boto3 and Python's library, and no more."""
    python = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    settings = runner.SILENT | {"env": runner.environment("/tmp"), "cwd": "/"}  # noqa: S108
    with system_calls.filter_file(for_function=True) as rules:
        numbers = control.fileno(), rules.fileno()
        runtime = f"{_FUNCTION}/{runner.RUNTIME.name}"
        command = [python, "-I", "-S", "-B", runtime, *map(str, numbers), "/tmp"]  # noqa: S108
        return _sandboxed(command, numbers, _view_of_function(folder, python), **settings)


def _view_of_function(folder: Path, python: str) -> View:
    """Return options that show Python without what is installed there, and the folder with boto3 for it.

    There is no /proc, which tells of other processes and earlier starts. Python finds its library by the link there.
    """
    shown = [Path(path) for path in (*_SYSTEM, sys.base_prefix)]
    prefixes = Path(sys.base_prefix), Path("/usr"), Path("/usr/local")
    installed = {path.resolve() for prefix in prefixes for path in prefix.glob("lib*/python3*/*-packages")}
    installed |= {COURSE, PACKAGE.parent}
    # /lib may be /usr/lib under another name.
    hidden = {
        str(top / path.relative_to(top.resolve()))
        for top in shown
        for path in installed
        if path.is_relative_to(top.resolve())
    }
    files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return [
        ("--as-pid-1", "--symlink", python, "/proc/self/exe", "--remount-ro", "/dev/shm"),  # noqa: S108
        *(("--ro-bind-try", str(path), str(path)) for path in shown),
        *(("--tmpfs", path, "--remount-ro", path) for path in sorted(hidden)),
        *(("--ro-bind", str(path.resolve()), f"{_FUNCTION}/{path.relative_to(folder)}") for path in files),
        ("--chdir", "/tmp"),  # noqa: S108
    ]


def _view_of_lab() -> View:
    """Return options that show processes, Python, the lab and the notebooks' data."""
    hidden = [path for path in _HIDDEN if Path(path).exists()]
    shown = [*_SYSTEM, *sorted({sys.prefix, sys.base_prefix}), str(PACKAGE)]
    course, data = [str(NOTEBOOKS), str(DATA)], [str(DATA / name) for name in OF_LEARNERS]
    return [
        ("--proc", "/proc"),
        *(("--ro-bind", "/dev/null", path) for path in hidden),
        ("--remount-ro", "/proc"),  # for root, the settings of the kernel in /proc/sys could be written to
        *(("--ro-bind-try", path, path) for path in shown),
        *(("--tmpfs", path) for path in course),  # no solutions, also where they are in the package
        *(("--ro-bind-try", path, path) for path in data),
        *(("--remount-ro", path) for path in course),
        ("--dir", _INNER, "--chdir", _INNER),
    ]


@contextmanager
def opened(seconds: int, trust: bool) -> Iterator["Sandbox"]:
    """Start the program in a sandbox. It is stopped on the way out, or when this process dies."""
    settings: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with (
        tempfile.TemporaryDirectory(prefix="lab-sandbox-", ignore_cleanup_errors=True) as folder,
        socket.socket() as outer,
        socket.socket(socket.AF_UNIX) as inner,
    ):
        outer.bind((server.HOST, 0))
        settings |= {"cwd": folder, "start_new_session": True, "env": _environment(folder if trust else _INNER)}
        port = outer.getsockname()[1]
        program = [sys.executable, "-P", "-m", "lab_lib.classroom.sandboxed_run", str(port)]
        if trust:
            outer.close()  # the embedded AWS listens there itself
            process = subprocess.Popen(program, **settings)
        else:
            inner.bind(door := f"{folder}/door")
            inner.listen()
            outer.listen()
            tunnel.pass_on(outer, socket.AF_UNIX, door)
            process = _sandboxed([*program, str(inner.fileno())], (inner.fileno(),), **settings)
        box = Sandbox(process, port, longest(seconds))
        try:
            yield box
        finally:
            box.stop("It is done.")


def _environment(work: str) -> dict[str, str]:
    """Return the variables of the program: none of the user's own but the language."""
    return runner.environment(work) | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        WORKSPACE: work,
        language.VARIABLE: language.used(),
        "OPENBLAS_NUM_THREADS": "1",
    }


class Sandbox:
    """A program in a sandbox. Its messages are not trusted, since the student's code may send them."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, longest: float) -> None:
        self.port, self._process, self._longest = port, process, longest
        self._to, self._from = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
        self._why, self._over = "", Event()
        Thread(target=self._watch, daemon=True).start()

    def say(self, message: dict[str, Any]) -> None:
        """Send a line. Ended if nobody reads it."""
        try:
            self._to.write(json.dumps(message).encode() + b"\n")
            self._to.flush()
        except OSError:
            raise self._ended() from None

    def hear(self) -> dict[str, Any]:
        """Return the next line. Ended if there is none, or if it is not an object of names and plain values."""
        line = self._from.readline(_MOST_LINE)
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise self._ended() from None
        if not isinstance(message, dict) or any(isinstance(value, dict | list) for value in message.values()):
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
        kill(self._process.pid)
        self._process.wait()

    def _ended(self) -> Ended:
        return Ended(self._why or "The process that ran the notebooks has ended. A cell may have killed it.")

    def _watch(self) -> None:
        """Stop the sandbox when it exceeds a limit. The kernel's own limits would count all processes of the user."""
        watch = Stopwatch(self._process.pid)
        while not self._over.wait(_LOOK_EVERY):
            if why := self._excess(watch):
                self.stop(why)

    def _excess(self, watch: Stopwatch) -> str:
        members = family(self._process.pid)
        memory = total(members, lambda process: process.memory_info().rss)
        if watch.spent(members) > self._longest:
            return f"The notebooks spent more than {self._longest:.0f} s."
        if len(members) > _MOST_PROCESSES:
            return f"The notebooks started more than {_MOST_PROCESSES} processes."
        return f"The notebooks took more than {_MOST_MEMORY / 1e9} GB of memory." if memory > _MOST_MEMORY else ""
