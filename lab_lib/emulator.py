"""The embedded AWS: one ministack server a checkout, on 127.0.0.1 only, as a process of its own.

Whoever needs it first starts it; it outlives that process, and `lab local stop` ends it. Everything it owns lies in
`home()`: its state, its private temporary folder, its log, and `server.json`, which says where it listens.
"""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from lab_lib import state
from lab_lib.errors import EmulatorError
from lab_lib.waiting import wait_until

HOST = "127.0.0.1"
FIRST_PORT = 4566  # the port that AWS emulators are usually found at; another one is taken if it is not free
ACCOUNT = "000000000000"
_LONGEST_LOCKED = 60  # seconds; a start takes one or two
SERVICES = "s3,lambda,dynamodb,dynamodbstreams,sns,sqs,iam,sts,logs,cloudwatch,tagging"


@dataclass(frozen=True)
class Server:
    """A running embedded AWS; `started` (seconds since 1970) tells its process from a later one with the same id."""

    pid: int
    started: float
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"


OnceUp = Callable[[Server, list[tuple[str, str]]], None]


def home() -> Path:
    """The folder of this checkout's embedded AWS; LAB_EMULATOR_HOME names another one."""
    return Path(os.environ.get("LAB_EMULATOR_HOME") or Path(__file__).parents[1] / ".lab").resolve()


def running() -> Server | None:
    """The server that runs now, or None."""
    try:
        server = Server(**json.loads((home() / "server.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return server if _process(server) else None


def start(once_up: OnceUp = lambda server, places: None) -> Server:
    """The running server, started if there is none. A line on stderr says what is lost if the last one was killed.

    `once_up(server, places)` is called when a server was started on kept state, before anyone else sees it; `places`
    are the (account, region) pairs that `remember` was told of.
    """
    if server := running():
        return server
    folder = home()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "tmp").mkdir(exist_ok=True)
    with _alone():
        if server := running():  # another process was quicker
            return server
        return _launch_settled(folder, once_up)


def stop() -> bool:
    """Stop the server and let it save its state; False if none was running."""
    if not (server := running()) or not (process := _process(server)):
        return False
    workers = process.children(recursive=True)
    process.terminate()
    try:
        process.wait(timeout=20)
    except psutil.TimeoutExpired:
        raise EmulatorError(f"The embedded AWS (process {server.pid}) is still saving its state. Try again.") from None
    for worker in workers:
        if worker.is_running():
            worker.kill()
    (home() / "server.json").unlink(missing_ok=True)
    return True


def remember(account: str, region: str) -> None:
    """Note that this account was used in this Region, so that a restart finds its mappings."""
    if (account, region) in places():
        return
    with _alone():
        _write(home() / "places.json", sorted({*places(), (account, region)}))


def places() -> list[tuple[str, str]]:
    """The (account, region) pairs that were used here."""
    try:
        return [(account, region) for account, region in json.loads((home() / "places.json").read_text())]
    except FileNotFoundError:
        return []


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time start the server, or write down what it must know."""
    try:
        held = FileLock(home() / "lock", timeout=_LONGEST_LOCKED).acquire()
    except Timeout:
        raise EmulatorError(
            "Another process has been starting the embedded AWS for a minute. End that process, then try again."
        ) from None
    with held:
        yield


def recreate_mappings(lambda_: Any) -> None:
    """Make each event source mapping anew, with the same settings.

    After a restart the server remembers how far it had read a stream, but not the records, and would skip as many new
    records as it had read before.
    """
    for page in lambda_.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
            wanted = lambda_.meta.service_model.operation_model("CreateEventSourceMapping").input_shape.members
            settings = {key: value for key, value in mapping.items() if key in wanted and value not in (None, [], {})}
            lambda_.create_event_source_mapping(
                **settings, FunctionName=mapping["FunctionArn"], Enabled=mapping["State"] == "Enabled"
            )


def _launch_settled(folder: Path, once_up: OnceUp) -> Server:
    """Start it on what the last clean stop left."""
    lost = state.lost(folder / "state", folder / "server.json")
    state.settle_buckets(folder / "state", lost)
    server = _launch(folder, once_up)
    if lost:
        print(lost, file=sys.stderr)
    return server


def _launch(folder: Path, once_up: OnceUp) -> Server:
    """Start ministack at the port it had before, else at the usual one, else at any that is free."""
    last = folder / "port"
    wishes = [int(last.read_text()) if last.exists() else FIRST_PORT, FIRST_PORT, 0, 0, 0]
    for port in map(_free_port, wishes):
        if port is None:
            continue
        process, known = _spawn(folder, port), False
        try:
            if _answers(process, port):
                server = Server(process.pid, psutil.Process(process.pid).create_time(), port)
                once_up(server, places())
                last.write_text(str(port))
                _write(folder / "server.json", asdict(server))
                process.returncode = 0  # it outlives this process, and Python shall not warn of it
                known = True
                return server
        finally:
            if not known:  # as after Ctrl-C: a server that nobody knows would share its state with the next one
                process.kill()
                process.wait()
    raise EmulatorError(f"The embedded AWS did not start. Its log says why: {folder / 'server.log'}")


def _spawn(folder: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {
        # Nothing of the user's environment may reach the functions, which inherit the server's.
        "PATH": os.defpath,
        "HOME": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder / "tmp"),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "ERROR",  # a warning would tell what a function was given and printed
        "SERVICES": SERVICES,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "state" / "s3"),
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.5",  # then twice that; AWS waits a minute, then two
        # These two would listen on every interface, whatever BIND_HOST says.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "lab_lib.embedded"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in a notebook or a terminal must not reach it
        )


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """True when the server answers; False when it ended, as it does when the port was taken after all."""

    def probe() -> str | None:
        if process.poll() is not None:
            return "ended"
        try:
            with _LOCAL.open(f"http://{HOST}:{port}/_ministack/ready", timeout=1) as reply:
                ready = json.load(reply)["status"] == "completed"
            return "up" if ready and _listens(process.pid, port) else None
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None

    return wait_until(probe, "the embedded AWS to start", timeout=60) == "up"


def _listens(pid: int, port: int) -> bool:
    """True if it is this process that listens there: another checkout's server may have been quicker."""
    ends = psutil.Process(pid).net_connections("tcp")
    return any(end.status == psutil.CONN_LISTEN and end.laddr.port == port for end in ends)


def _free_port(wish: int) -> int | None:
    """`wish` if nothing listens there, any free port for 0, else None."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wish))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _process(server: Server) -> psutil.Process | None:
    try:
        process = psutil.Process(server.pid)
        alive = process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - server.started) < 1
        return process if alive else None
    except psutil.NoSuchProcess:
        return None


def _write(path: Path, content: Any) -> None:
    """Write so that a reader sees the old or the new content, never half of it."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content))
    draft.replace(path)


_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine's loopback
