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
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, BinaryIO, cast

import psutil

from lab_lib.classroom import system_calls, tunnel
from lab_lib.embedded import server
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import runner
from lab_lib.exercises.copies import ROOT
from lab_lib.waiting import busy, load_of_computer

PROGRAM = "lab_lib.classroom.sandboxed_run"
_INNER = "/tmp/work"  # noqa: S108  # the folder in the sandbox, which has a /tmp of its own
_FUNCTION = "/function"  # the folder of a student's function, in a sandbox of its own
_MOST_FILES, _MOST_SHARED = 256_000_000, 64_000_000  # bytes, in the memory of the sandbox
_MOST_MEMORY, _MOST_PROCESSES = 2_500_000_000, 150  # of all its processes; a right one has 0.9 GB and 15
_MOST_LINE = 10_000_000  # bytes
_LOOK_EVERY = 0.5  # seconds
_HIDDEN = ("/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kmsg", "/proc/timer_list")  # they tell of the host
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
_DATA = ("transactions.txt", "break-it.txt", "break-it-corrected.txt", "wrong")  # the rest may be of the instructor
_OF_LAB = ("lab_lib", *(f"data/{name}" for name in _DATA))


@dataclass(frozen=True)
class Limits:
    """The seconds that a submission may take."""

    whole: float = 120  # for the notebooks that build the lab

    @property
    def cell(self) -> float:
        return self.whole / 5

    @property
    def notebook(self) -> float:
        return self.whole / 2

    @property
    def last(self) -> float:
        """Return the seconds after which the sandbox is stopped in any case."""
        return 2 * self.whole + 60


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
        return "bubblewrap (bwrap) is not installed" if sys.platform == "linux" else "bubblewrap is for Linux only"
    if why := system_calls.fault():
        return why
    with _sandboxed(["/usr/bin/true"], stderr=subprocess.PIPE) as tried:
        said = tried.communicate()[1].decode(errors="replace").strip()
    return "" if tried.returncode == 0 else f"bubblewrap does not work here ({said})"


def _sandboxed(
    command: list[str], pass_fds: tuple[int, ...] = (), view: list[str] | None = None, **settings: Any
) -> "subprocess.Popen[bytes]":
    """Start a command in a sandbox. `view` are bubblewrap's options for what it sees; `settings` are subprocess's."""
    with system_calls.filter_file() as rules:
        number = rules.fileno()
        whole = system_calls.without_keyring([*_bwrap(view), "--seccomp", str(number), *command])
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


def _view_of_function(folder: Path, python: str) -> list[str]:
    """Return options that show Python without what is installed there, and the folder with boto3 for it.

    There is no /proc, which tells of other processes and earlier starts. Python finds its library by the link there.
    """
    shown = [Path(path) for path in (*_SYSTEM, sys.base_prefix)]
    prefixes = Path(sys.base_prefix), Path("/usr"), Path("/usr/local")
    installed = {path.resolve() for prefix in prefixes for path in prefix.glob("lib*/python3*/*-packages")} | {ROOT}
    # /lib may be /usr/lib under another name.
    hidden = {
        str(top / path.relative_to(top.resolve()))
        for top in shown
        for path in installed
        if path.is_relative_to(top.resolve())
    }
    files = {path: path.resolve() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    start = ["--as-pid-1", "--symlink", python, "/proc/self/exe", "--remount-ro", "/dev/shm"]  # noqa: S108
    show = _options("--ro-bind-try", {str(path): str(path) for path in shown})
    hide = [argument for path in sorted(hidden) for argument in ("--tmpfs", path, "--remount-ro", path)]
    give = _options("--ro-bind", {str(path): f"{_FUNCTION}/{link.relative_to(folder)}" for link, path in files.items()})
    return [*start, *show, *hide, *give, "--chdir", "/tmp"]  # noqa: S108


def _view_of_lab() -> list[str]:
    """Return options that show processes, Python, the lab and the notebooks' data."""
    hidden = [argument for path in _HIDDEN if Path(path).exists() for argument in ("--ro-bind", "/dev/null", path)]
    folders = [*_SYSTEM, *sorted({sys.prefix, sys.base_prefix}), *(str(ROOT / name) for name in _OF_LAB)]
    # For root, the settings of the kernel in /proc/sys could be written to.
    processes = ["--proc", "/proc", *hidden, "--remount-ro", "/proc"]
    show = _options("--ro-bind-try", {folder: folder for folder in folders})
    return [*processes, *show, "--dir", _INNER, "--chdir", _INNER]


def _options(option: str, paths: dict[str, str]) -> list[str]:
    return [argument for source, place in paths.items() for argument in (option, source, place)]


def _bwrap(view: list[str] | None = None) -> list[str]:
    """Return bubblewrap's command line, without the command that it runs."""
    options = (
        "--unshare-user --unshare-all --die-with-parent --new-session --disable-userns --cap-drop ALL"
        f" --uid 65534 --gid 65534 --hostname lab --dev /dev --size {_MOST_SHARED} --tmpfs /dev/shm"
        f" --size {_MOST_FILES} --tmpfs /tmp"
    )
    command = [shutil.which("bwrap") or "bwrap", *options.split()]
    return [*command, *(view or _view_of_lab()), "--remount-ro", "/dev", "--remount-ro", "/"]


@contextmanager
def opened(limits: Limits, trust: bool) -> Iterator["Sandbox"]:
    """Start the program in a sandbox. It is stopped on the way out, or when this process dies."""
    with tempfile.TemporaryDirectory(prefix="lab-sandbox-", ignore_cleanup_errors=True) as folder:
        outer, inner = socket.socket(), socket.socket(socket.AF_UNIX)
        with outer, inner:
            outer.bind((server.HOST, 0))
            port, door = outer.getsockname()[1], str(Path(folder) / "door")
            if trust:
                outer.close()  # the embedded AWS listens there itself
            else:
                inner.bind(door)
                inner.listen()
                outer.listen()
                tunnel.pass_on(outer, door)
            box = Sandbox(_start(folder, None if trust else inner.fileno()), port, limits)
            try:
                yield box
            finally:
                box.stop("It is done.")


def _start(folder: str, door: int | None) -> "subprocess.Popen[bytes]":
    work = folder if door is None else _INNER
    program = [sys.executable, "-P", "-m", PROGRAM, *([] if door is None else [str(door)])]
    settings: dict[str, Any] = {"env": _environment(work), "cwd": folder, "start_new_session": True}
    settings |= {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    if door is None:
        return subprocess.Popen(program, **settings)
    return _sandboxed(program, (door,), **settings)


def _environment(work: str) -> dict[str, str]:
    """Return the variables of the program: none of the user's own."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": work,
        "LANG": "C.UTF-8",
        "LAB_EMULATOR_HOME": f"{work}/aws",
        "LAB_COPY": f"{work}/copy",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "OPENBLAS_NUM_THREADS": "1",
    }


class Sandbox:
    """A program in a sandbox. Its messages are not trusted, since the student's code may send them."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, limits: Limits) -> None:
        self.port, self._process, self._limits = port, process, limits
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
        server.kill(self._process.pid)
        self._process.wait()

    def _ended(self) -> Ended:
        return Ended(self._why or "The process that ran the notebooks has ended. A cell may have killed it.")

    def _watch(self) -> None:
        """Stop the sandbox when it exceeds a limit. The kernel's own limits would count all processes of the user."""
        end = time.monotonic() + self._limits.last
        while not self._over.wait(_LOOK_EVERY):
            if why := self._excess(end):
                self.stop(why)

    def _excess(self, end: float) -> str:
        family, memory = server.family(self._process.pid), 0
        for process in family:
            with suppress(psutil.Error):  # it has ended meanwhile
                memory += process.memory_info().rss
        if time.monotonic() > end:
            return f"The notebooks did not end within {self._limits.last:.0f} s. {busy(load_of_computer())}".rstrip()
        if len(family) > _MOST_PROCESSES:
            return f"The notebooks started more than {_MOST_PROCESSES} processes."
        return f"The notebooks took more than {_MOST_MEMORY / 1e9} GB of memory." if memory > _MOST_MEMORY else ""
