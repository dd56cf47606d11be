"""Start, find and stop the embedded AWS: one ministack server per workspace, on 127.0.0.1, in a process of its own.

The first process that needs the server starts it. The server keeps running when that process ends. `lab local stop`
stops it, and everything made there is gone. Only the owner can read its folder, `home()`. The note `server.json` there
holds the port and the secret access key that signs every request (guard.py verifies the signatures). The server ends
if the note, its folder or the workspace is deleted, or another note is there (process.py), so there are never two for
a workspace.
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
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import BinaryIO, cast

import psutil
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from filelock import FileLock

from lab_lib.errors import BUILD_AGAIN, EmulatorError
from lab_lib.language import _
from lab_lib.processes import stopwatch
from lab_lib.processes.family import kill
from lab_lib.workspace.places import state_folder, workspace
from lab_lib.workspace.private_files import replace_file

HOST = "127.0.0.1"
FIRST_PORT = 4566  # the usual port of AWS emulators; if it is not free, the server uses another one
PROGRAM = "lab_lib.embedded.process"
NOTE = "server.json"
# The guard answers these paths itself.
WHO, WORK, COPY = "/_lab/who", "/_lab/work", "/_lab/copy"
OF_COPY = "x-lab-copy"  # the header of a request that is for a copy, whose number is its value
CLIENTS_PORT = "LAB_CLIENTS_PORT"  # the port where clients find this server: of a copy, that of its original
_LONGEST_ANSWER = 60  # seconds; an answer takes two milliseconds, and the first one a second: it waits for the start


@dataclass(frozen=True)
class Server:
    """A running embedded AWS. The secret is new at each start, so two runs on the same port are not equal."""

    pid: int
    port: int
    secret: str = field(repr=False)
    why_no_boxes: str = field(default="", compare=False)  # why functions run as the user; "" if they do not

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"


def home() -> Path:
    """Return the folder for the embedded AWS of this workspace, in the user's folder for the state of programs."""
    place = workspace()
    name = f"{place.name}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:12]}"
    return state_folder() / name


def running() -> Server | None:
    """Return the running server, or None. EmulatorError if it runs but does not answer."""
    note = read_note(home())
    return _ask(*note) if note else None


def start() -> Server:
    """Return the running server; start one if none runs. Say on stderr if an earlier server, and its content, is gone.

    EmulatorError if it cannot be started.
    """
    folder = home()
    place = workspace()
    try:
        for needed in (place, folder):
            needed.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        with FileLock(folder / "lock"):
            server = running()
            if server:
                return server
            last = read_note(folder)
            last_port = last[0] if last else FIRST_PORT
            started = _launch(folder, place, last_port)
    except OSError as error:
        raise EmulatorError(
            "The embedded AWS cannot use {path}: {reason}. Fix or move it, or name another folder: LAB_WORKSPACE for "
            "your work, XDG_STATE_HOME for its own files.",
            path=error.filename or folder,
            reason=_(str(error.strerror)),
        ) from None
    if last:
        message = _(
            "The embedded AWS has started anew, and everything made there before is gone. {build_again}",
            build_again=_(BUILD_AGAIN),
        )
        print(message, file=sys.stderr)
    return started


def stop() -> bool:
    """End the server and its functions; everything made there is gone. Return False if no server was running."""
    server = running()
    if not server:
        return False
    psutil.wait_procs(kill(server.pid), timeout=20)
    shutil.rmtree(home() / "tmp", ignore_errors=True)
    return True


@contextmanager
def another(secret: str = "", content: bytes = b"") -> Iterator[Server]:
    """Start a server beside the one of this workspace. It ends, and all that it holds, with the context.

    It also ends with the process, such as a kernel that is killed. A copy has the secret of this process's own server,
    and the content of an account.
    """
    with tempfile.TemporaryDirectory(prefix="lab-another-", ignore_cleanup_errors=True) as folder:
        owner = str(os.getpid())
        any_port = 0
        started = _launch(Path(folder), Path(folder), any_port, owner, secret, content)
        try:
            yield started
        finally:
            psutil.wait_procs(kill(started.pid)[:1], timeout=20)  # the computer takes a second to forget the others


def proof(secret: str, nonce: str) -> str:
    """Return the answer to `nonce`, which only a process that knows the secret can give."""
    return hmac.new(secret.encode(), nonce.encode(), hashlib.sha256).hexdigest()


def read_note(folder: Path) -> tuple[int, str] | None:
    """Return port and secret of the server that was started last in this folder, None if there is no note."""
    try:
        note = json.loads((folder / NOTE).read_bytes())
        return int(note["port"]), str(note["secret"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_note(folder: Path, port: int, secret: str) -> None:
    """Write the note, which only the owner can read."""
    replace_file(folder / NOTE, json.dumps({"port": port, "secret": secret}))


def _launch(
    folder: Path, place: Path, last_port: int, owner: str = "", secret: str = "", content: bytes = b""
) -> Server:
    """Start ministack on its last port, else on the usual one, else on any free port. It ends with either folder."""
    secret = secret or secrets.token_hex(20)
    with _listener(last_port) as door:  # of this process until ministack has it, so no other program takes the port
        port = int(door.getsockname()[1])
        write_note(folder, port, secret)
        process = _spawn(folder, place, owner, door.fileno())
    started = None
    try:
        with suppress(BrokenPipeError), cast(BinaryIO, process.stdin) as pipe:
            pipe.write(content)
        started = _ask(port, secret)
    finally:
        if not started:  # after Ctrl-C, for instance
            process.kill()
            process.wait()
    if not started:
        raise EmulatorError("The embedded AWS did not start. Its log says why: {log}", log=folder / "server.log")
    process.returncode = 0  # Python would warn that the process still runs
    return started


def _listener(last_port: int) -> socket.socket:
    """Return a socket that listens at the last port, at the usual one or, if both are taken, at any."""
    for port in (last_port, FIRST_PORT):
        with suppress(OSError):
            return socket.create_server((HOST, port))
    return socket.create_server((HOST, 0))


def _spawn(folder: Path, place: Path, owner: str, door: int) -> "subprocess.Popen[bytes]":
    """Start the process. It reads port and secret from the note, so no command line or environment holds them."""
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    (folder / "tmp").mkdir()
    environment = {
        # The functions inherit this environment, so it has none of the user's variables.
        "PATH": os.defpath,
        "HOME": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder / "tmp"),
    }
    if CLIENTS_PORT in os.environ:
        environment[CLIENTS_PORT] = os.environ[CLIENTS_PORT]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", PROGRAM, str(place), owner, str(door)],
            env=environment,
            cwd=folder,
            pass_fds=[door],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # so Ctrl-C in a notebook or a terminal does not stop it
        )


def _ask(port: int, secret: str) -> Server | None:
    """Return the server on this port if it knows this secret, else None. EmulatorError if there is no answer in time.

    The secret is not sent: it signs the question, and the answer proves that the server knows it too.
    """
    nonce = secrets.token_hex(16)
    path = f"{WHO}?nonce={nonce}"
    signed = AWSRequest("GET", f"http://{HOST}:{port}{path}")
    credentials = Credentials("0" * 12, secret)  # of any account
    SigV4Auth(credentials, "sts", "us-east-1").add_auth(signed)
    try:
        with closing(HTTPConnection(HOST, port, timeout=_LONGEST_ANSWER)) as connection:
            connection.request("GET", path, headers=dict(signed.headers))
            answer = json.loads(connection.getresponse().read(2_000))  # another program may answer without an end
        if not hmac.compare_digest(answer["proof"], proof(secret, nonce)):
            return None
        pid = int(answer["pid"])
        stopwatch.servers.add(pid)
        return Server(pid, port, secret, str(answer["why_no_boxes"]))
    except TimeoutError:  # a second server would be another AWS
        raise EmulatorError(
            "The embedded AWS on port {port} does not answer. End its process, `{program}`; everything made "
            "there is gone then. {build_again}",
            port=port,
            program=PROGRAM,
            build_again=_(BUILD_AGAIN),
        ) from None
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None
