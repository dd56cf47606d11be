"""Run the learner's function for `lab try`, each start in a new process, as after a cold start.

The process is a copy of this one, which has loaded boto3 already. What it prints is dropped. What
it leaves behind is gone before the next start. runner.py starts this program, and asks for a start
by handing over a socket. In a sandbox this is process 1 there, which the function cannot end or
stop. It imports nothing but boto3 and the standard library, and knows nothing of the cases.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "packages")]

import boto3  # noqa: E402  # which is found only now

MODULE = "my_notifier"
MEMORY = 2**29  # bytes; Lambda's limit is half of it
LONGEST_ERROR = 160  # characters
FILES = 256  # that are open at once; each may hold memory of the kernel's
LIBC = ctypes.CDLL(None)
SECCOMP, SECCOMP_FILTER = 22, 2  # PR_SET_SECCOMP
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
NOT_DUMPABLE = 4  # PR_SET_DUMPABLE: no process of the function's may read or change this one


class Context:
    """The context that Lambda gives a function with each call."""

    function_name = "TotalNotifier"
    function_version = "$LATEST"
    memory_limit_in_mb = 256
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self):
        return 20_000


def main():
    """Load boto3, and start the function when asked."""
    control, rules, folder = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no signal without a handler reaches process 1
    if sys.platform == "linux":
        LIBC.prctl(NOT_DUMPABLE, 0, 0, 0, 0)
    asked = socket.socket(fileno=int(control))
    filter_ = os.fdopen(int(rules), "rb").read() if rules else b""
    for service in ("dynamodb", "sns", "sqs"):
        boto3.resource(service)  # the copies share what boto3 reads here
    gc.freeze()  # so that a copy shares what is loaded
    while (heard := socket.recv_fds(asked, 1, 1))[0]:
        if heard[1]:  # else the word to kill it came too late
            start(heard[1][0], asked, filter_)
            empty(folder)
            asked.sendall(b"\n")


def start(given, asked, filter_):
    """Start the function, and kill it when a word comes.

    Hand over the socket at which its calls arrive. It gets its batches from the socket `given`, and
    answers there: in this process, from which it is copied, nothing of an earlier start is left.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=64) as door:
        socket.send_fds(asked, [b"\n"], [door.fileno()])
        process = os.fork()
        if not process:
            run_and_exit(given, f"http://127.0.0.1:{door.getsockname()[1]}", filter_)
    os.close(given)
    with contextlib.suppress(ConnectionResetError):  # runner.py has ended
        asked.recv(1)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)  # also what it started; in a sandbox it starts nothing
    os.kill(process, signal.SIGKILL)  # it may not be the leader of its group yet
    os.waitpid(process, 0)


def empty(folder):
    """Empty the folder, whose time could hold something too. If that fails, this program ends."""
    for path in Path(folder).iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    os.utime(folder, (0, 0))


def run_and_exit(given, proxy, filter_):
    """Run the function in the copied process, which must never go back to `main`."""
    try:
        if sys.platform == "linux":
            LIBC.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        os.setpgid(0, 0)
        os.dup2(given, 3)
        for stream in range(3):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        os.closerange(4, 4096)  # such as the socket to runner.py
        for limit, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_NOFILE, FILES)):
            with contextlib.suppress(ValueError, OSError):  # not every system has this limit
                resource.setrlimit(limit, (most, most))
        if filter_:
            obey(filter_)
        with os.fdopen(3, "rb", closefd=False) as lines:
            asked = json.loads(lines.readline())
        os.environ.update(asked["variables"], HTTP_PROXY=proxy)
        done = 0
        why = ""
        for batch in asked["batches"]:
            why = fault(batch)
            if why:
                break
            done += 1
        os.write(3, json.dumps({"done": done, "why": why}).encode() + b"\n")
    finally:
        os._exit(0)


def obey(filter_):
    """Let the kernel refuse system calls to this process: it is a struct sock_fprog."""
    code = ctypes.create_string_buffer(filter_, len(filter_))
    program = struct.pack("HP", len(filter_) // 8, ctypes.addressof(code))
    if LIBC.prctl(SECCOMP, SECCOMP_FILTER, program, 0, 0):
        raise OSError("The kernel did not take the filter.")


def fault(records):
    """Return why the batch has failed, or ""."""
    try:
        answer = importlib.import_module(MODULE).lambda_handler({"Records": records}, Context())
        json.dumps(answer)  # Lambda fails if it cannot
        if isinstance(answer, dict) and answer.get("batchItemFailures"):
            return "it named records as failed"
        return ""
    except BaseException as error:  # noqa: BLE001  # sys.exit also fails a batch
        told = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(Path(frame.filename).name, frame.lineno) for frame in frames]
        theirs = [f" ({name}, line {line})" for name, line in lines if name.startswith("my_")]
        if theirs and not isinstance(error, SyntaxError):  # which names its place itself
            told += theirs[-1]
        return told


if __name__ == "__main__":
    main()
