"""Start, find and stop the embedded AWS: one ministack server a checkout, on 127.0.0.1, as a process of its own.

The first process that needs the server starts it. It outlives that process. `lab local stop` ends it, and everything
made there is gone. Only the owner can read its folder, `home()`: the note `server.json` says where the server listens,
and holds the secret access key that signs every request (guard.py verifies the signatures).
"""

import hashlib
import hmac
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from filelock import FileLock, Timeout

from lab_lib.errors import EmulatorError
from lab_lib.waiting import wait_until

HOST = "127.0.0.1"
FIRST_PORT = 4566  # the usual port of AWS emulators; another one is taken if it is not free
ACCOUNT = "000000000000"
PROGRAM = "lab_lib.embedded.process"
WHO = "/_lab/who"  # the guard answers this path itself
_LONGEST_LOCKED = 60  # seconds; a start takes one or two
_LONGEST_ANSWER = 10  # seconds; an answer takes two milliseconds
_EMPTY = (
    "The embedded AWS has started anew, and everything made there before is gone. `lab run --until 04` builds it again."
)


@dataclass(frozen=True)
class Server:
    """A running embedded AWS. The secret is new at each start, so it tells two runs at one port apart."""

    pid: int
    port: int
    secret: str = field(repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"


def home() -> Path:
    """Return the folder of this checkout's embedded AWS; LAB_EMULATOR_HOME names another one."""
    return Path(os.environ.get("LAB_EMULATOR_HOME") or Path(__file__).parents[2] / ".lab").resolve()


def running() -> Server | None:
    """Return the server that runs now, or None.

    EmulatorError if the server is there and does not answer; a second one beside it would be another AWS.
    """
    note = _note()
    return _ask(*note) if note else None


def start() -> Server:
    """Return the running server; start it if there is none. If there was one before, say on stderr what is gone."""
    if found := running():
        return found
    folder = _own_folder()
    with _alone(folder):
        if found := running():  # another process was quicker
            return found
        last = _note()
        started = _launch(folder, last[0] if last else FIRST_PORT)
    if last:
        print(_EMPTY, file=sys.stderr)
    return started


def stop() -> bool:
    """End the server and its functions; everything made there is gone. False if none was running."""
    if not (found := running()):
        return False
    process = psutil.Process(found.pid)
    family = [process, *process.children(recursive=True)]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(family, timeout=20)
    shutil.rmtree(home() / "tmp", ignore_errors=True)
    return True


def proof(secret: str, nonce: str) -> str:
    """Return the answer to `nonce` that only a holder of the secret can give."""
    return hmac.new(secret.encode(), nonce.encode(), hashlib.sha256).hexdigest()


def _own_folder() -> Path:
    """Make the folder, and let nobody else in."""
    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise EmulatorError(
            f"The embedded AWS needs the folder {folder} for itself: {error.strerror}. "
            "Name another one in LAB_EMULATOR_HOME."
        ) from None
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time start the server."""
    try:
        held = FileLock(folder / "lock", timeout=_LONGEST_LOCKED).acquire()
    except Timeout:
        raise EmulatorError(
            "Another process has been starting the embedded AWS for a minute. End that process, then try again."
        ) from None
    with held:
        yield


def _note() -> tuple[int, str] | None:
    """Return port and secret of the server that was started last, whether it still runs or not."""
    try:
        note = json.loads((home() / "server.json").read_text())
        return int(note["port"]), str(note["secret"])
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


def _write_note(folder: Path, port: int, secret: str) -> None:
    """Write the note so that only its owner can read it, and nobody reads half of it."""
    draft = folder / "server.draft"
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps({"port": port, "secret": secret}))
    draft.replace(folder / "server.json")


def _launch(folder: Path, last: int) -> Server:
    """Start ministack at the port that it had last, else at the usual one, else at any that is free."""
    secret = secrets.token_hex(20)
    for port in map(_free_port, [last, FIRST_PORT, 0, 0, 0]):
        if port is None:
            continue
        _write_note(folder, port, secret)
        process, known = _spawn(folder), False
        try:
            if server := _first_answer(process, port, secret):
                process.returncode = 0  # it outlives this process; Python would warn of that
                known = True
                return server
        finally:
            if not known:  # after Ctrl-C, for instance: nobody would know of this server
                process.kill()
                process.wait()
    raise EmulatorError(f"The embedded AWS did not start. Its log says why: {folder / 'server.log'}")


def _spawn(folder: Path) -> subprocess.Popen[bytes]:
    """Start the process. It reads port and secret from the note, so that no command line or environment holds them."""
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    (folder / "tmp").mkdir()
    environment = {
        # The functions inherit the server's environment, so nothing of the user's may be in it.
        "PATH": os.defpath,
        "HOME": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder / "tmp"),
    }
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", PROGRAM],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in a notebook or a terminal must not reach it
        )


def _first_answer(process: "subprocess.Popen[bytes]", port: int, secret: str) -> Server | None:
    """Wait until the server answers; None if it ended, as it does when the port was taken after all."""

    def probe() -> Server | str | None:
        return "ended" if process.poll() is not None else _ask(port, secret)

    answer = wait_until(probe, "the embedded AWS to start", timeout=60, longest_pause=0.1)
    return answer if isinstance(answer, Server) else None


def _ask(port: int, secret: str) -> Server | None:
    """Ask the server at the port who it is; None if none listens there, or another one than that of this secret.

    The secret is not sent: the question is signed with it, and the answer proves that the server knows it too.
    """
    nonce = secrets.token_hex(16)
    signed = AWSRequest("GET", f"http://{HOST}:{port}{WHO}?nonce={nonce}")
    SigV4Auth(Credentials(ACCOUNT, secret), "sts", "us-east-1").add_auth(signed)
    question = urllib.request.Request(signed.url, headers=dict(signed.headers))  # noqa: S310  # http, as above
    try:
        with _LOCAL.open(question, timeout=_LONGEST_ANSWER) as reply:
            answer = json.load(reply)
        right = hmac.compare_digest(str(answer["proof"]), proof(secret, nonce))
        return Server(int(answer["pid"]), port, secret) if right else None
    except TimeoutError:
        if (pid := _silent()) is None:
            return None
        raise EmulatorError(
            f"The embedded AWS (process {pid}) does not answer. End that process, then try again."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _silent() -> int | None:
    """Return the process id of a server of this folder that does not answer; None if there is no such process."""
    for process in psutil.process_iter():
        try:
            if PROGRAM in process.cmdline() and Path(process.cwd()) == home():
                return int(process.pid)
        except psutil.Error:  # it has ended, or belongs to somebody else
            continue
    return None


def _free_port(wish: int) -> int | None:
    """Return `wish` if nothing listens there, any free port for 0, else None."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wish))
        except OSError:
            return None
        return int(probe.getsockname()[1])


_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine's loopback
