"""ministack runs functions with all rights of its user; goes when it gives each execution environment a box.

The box (processes/box.py) has a network of its own. It opens the port of the embedded AWS there, and hands the listener
out, so that hypercorn serves it too: the function finds its AWS at the usual address, and nothing else.
"""

import asyncio
import inspect
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.core import lambda_runtime

from lab_lib.embedded import replace, replace_in
from lab_lib.embedded.server import CLIENTS_PORT, HOST
from lab_lib.processes import box, limits

_LIBRARY = "/var/runtime"  # where Lambda has boto3
_MOST_FILES = 512 * box.MEGABYTE  # of /tmp, as in Lambda
_MORE_MEMORY = 1_100 * box.MEGABYTE  # than the function is to have: those files, and Python with boto3
_MOST_TASKS = 256
_VARIABLES = {
    "HOME": box.WORK,
    "TMPDIR": box.WORK,
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": _LIBRARY,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def install(app: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Start each function's process in a box, whose requests `app` answers in this loop."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    replace(lambda_runtime, "_PYTHON_WORKER_SCRIPT", f"{inspect.getsource(open_door)}\n\nopen_door()\n{script}")
    replace_in(lambda_runtime, "subprocess", Popen=partial(start, app, loop))


def open_door() -> None:
    """Hand out a listener, and limit this process. It runs in the box, before everything else."""
    import gc
    import os
    import resource
    import socket

    gc.set_threshold(100_000)  # objects: boto3 makes so many that Python's 700 cost a tenth of a cold start
    outside, port, tasks, files = map(int, os.environ.pop("_LAB_DOOR").split())
    with socket.create_server(("127.0.0.1", port), backlog=64) as door, socket.socket(fileno=outside) as life:
        socket.send_fds(life, [b"d"], [door.fileno()])
        life.detach()  # so that it closes when the box ends
    data = 2**20 * (512 + int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_NPROC, (tasks, tasks))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def start(
    app: Any, loop: asyncio.AbstractEventLoop, command: list[str], cwd: str, env: dict[str, str], **settings: Any
) -> "Popen[Any]":
    """Start a function's process in a box, with the folder that ministack has made for it."""
    folder = Path(cwd).parent
    packages = {f"{_LIBRARY}/{path.name}": path for path in box.boto3_packages()}
    view = box.view_of_function({str(folder): folder} | packages, cwd)
    own = {name: value for name, value in env.items() if value != os.environ.get(name)}  # none of the server's
    memory = box.MEGABYTE * int(env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
    bounds = limits.made(memory + _MORE_MEMORY, _MOST_TASKS)
    ours, theirs = socket.socketpair()
    with theirs:
        inside = theirs.fileno()
        port = os.environ[CLIENTS_PORT]  # also in a copy, so that no address in there leads to nowhere
        door = f"{inside} {port} {_MOST_TASKS} {box.MOST_OPEN}"
        this_server = f"http://{HOST}:{os.environ['GATEWAY_PORT']}"
        if own["AWS_ENDPOINT_URL"] == this_server:
            own["AWS_ENDPOINT_URL"] = f"http://{HOST}:{port}"
        variables = {**_VARIABLES, **own, "_LAB_DOOR": door}
        run = [box.python(), "-s", "-B", command[1]]
        process = box.start(run, view, _MOST_FILES, [inside], bounds.groups, box.MORE_OPEN, env=variables, **settings)
    _, doors, _, _ = socket.recv_fds(ours, 1, 1)  # none if it did not start
    asyncio.run_coroutine_threadsafe(_answer_box(app, ours, doors, bounds), loop)
    return process


async def _answer_box(app: Any, life: socket.socket, doors: list[int], bounds: limits.Limits) -> None:
    """Answer requests at the listener that a box has handed out, until the box ends."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":  # the embedded AWS has begun already
            await app(scope, receive, send)

    async def ended() -> None:
        with suppress(OSError):
            while await asyncio.get_running_loop().sock_recv(life, 1024):
                pass

    with life:
        life.setblocking(False)
        await answer_at([f"fd://{door}" for door in doors], answer, ended)
    await asyncio.to_thread(bounds.release)


async def answer_at(addresses: list[str], app: Any, ended: Callable[[], Awaitable[Any]]) -> None:
    """Answer requests at these addresses, as hypercorn spells them, until `ended` returns."""
    config = Config()
    config.bind = addresses
    config.keep_alive_timeout = 75
    config.loglevel = "ERROR"
    await serve(app, config, shutdown_trigger=ended)
