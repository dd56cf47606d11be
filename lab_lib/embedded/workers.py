"""ministack runs functions in processes that it calls workers, and logs their calls unlike AWS; goes when it is as AWS.

- It may miss what a function prints, waits for it if it prints nothing, and does not say why code cannot be loaded.
- It gives all lines of a call's log the time when it writes them.
- A change of a function ends the processes of other accounts' functions with this name, and takes half a second.

The timeout does not count the time for which the embedded AWS and its functions wait for a processor.
"""

import queue
import secrets
import threading
import time
from contextlib import suppress
from functools import partialmethod
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.lambda_runtime import Worker
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, lambda_svc

from lab_lib.embedded import replace, replace_in
from lab_lib.processes.stopwatch import Stopwatch

Line = dict[str, Any]

_dispatch = lambda_svc._execute_function_dispatch
_append, _invalidate = cloudwatch_logs._append_log_events, lambda_svc.invalidate_worker
_read, _spawn = Worker._read_stderr, Worker._spawn
_ANSWER = "        _real_stdout.flush()\n\nrun()"  # where a worker sends its answer
_END = f"end-of-output-{secrets.token_hex(20)}"  # the last line on a worker's stderr before its answer
_SAY_END = f'        sys.stderr.flush()\n        os.write(2, b"{_END}\\n")\n'
# A worker whose server was killed would go on with what it does.
_END_WITH_SERVER = """
import os, threading, time

def _end_with(server):
    while os.getppid() == server:
        time.sleep(1)
    os._exit(1)

threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
"""
_LONGEST, _LOOK_EVERY = 2, 0.05  # seconds for a function that has closed its stderr; between two looks at a call
_SHORT = 0.5  # seconds; a stopwatch would make such a call slower


class _State(threading.local):
    """The call that this thread waits for; times in seconds, 0 for what has not happened."""

    start = end = 0.0  # of the handler
    init = 0.0  # when the function's process began to start, if it is a cold start


_call = _State()


class Call(threading.Thread):
    """The thread that waits for the answer of a function. ministack joins it, with the function's timeout."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread ends, or the timeout is over."""
        super().join(_SHORT)
        if self.is_alive():
            watch = Stopwatch()
            seconds_left = (timeout or 0) - _SHORT
            while self.is_alive() and watch.wall() < seconds_left:
                super().join(_LOOK_EVERY)
        _call.end = time.time()  # the time in which its lines are read is not counted


def install() -> None:
    """Put these functions in the places of ministack's, and let a worker say where its output ends."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _ANSWER not in script:
        raise AttributeError(f"ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT has no {_ANSWER!r}")
    replace(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _END_WITH_SERVER + script.replace(_ANSWER, _SAY_END + _ANSWER))
    replace_in(lambda_runtime, "threading", Thread=Call)
    replace(Worker, "_read_stderr", read)
    replace(Worker, "_drain_stderr_bounded", printed)
    replace(Worker, "_spawn", spawn)
    replace(Worker, "invoke", partialmethod(called, Worker.invoke))
    replace(lambda_svc, "invalidate_worker", invalidate_own)
    replace(lambda_svc, "_LAMBDA_STATE_TRANSITION_DELAY", 0)
    replace(lambda_svc, "_execute_function_dispatch", dispatch)
    replace(cloudwatch_logs, "_append_log_events", append)


def called(worker: Any, invoke: Any, *call: Any, **settings: Any) -> Any:
    """Call a function. Its log says, as in Lambda, why code cannot be loaded."""
    try:
        return invoke(worker, *call, **settings)
    except RuntimeError as error:
        why = str(error).removeprefix("Worker init failed: ")
        return {"status": "error", "error": why, "trace": f"[ERROR] Runtime.ImportModuleError: {why}"}


def read(worker: Any) -> None:
    """Read what a function's process prints, until it ends, which ends the output of its last call."""
    lines = worker._stderr_queue  # the next process has another one
    _read(worker)
    lines.put(_END)


def printed(worker: Any) -> str:
    """Return what the function has printed in this call."""
    lines = [""]
    with suppress(queue.Empty):
        while not lines[-1].endswith(_END):  # it follows what was printed without an end of line
            lines.append(worker._stderr_queue.get(timeout=_LONGEST))
    return "\n".join(lines[1:]).removesuffix(_END)


def invalidate_own(name: str, qualifier: str | None = None, account: str = "", region: str = "") -> None:
    """End a function's processes in the caller's account only."""
    _invalidate(name, qualifier, account or get_account_id(), region or get_region())


def dispatch(function: Any, config: Any, event: Any, request: str, started: float) -> Any:
    """Call a function, and write its log."""
    _call.start = started
    _call.end = 0.0
    _call.init = 0.0
    try:
        return _dispatch(function, config, event, request, started)
    finally:
        _call.start = 0.0


def spawn(worker: Any) -> None:
    """Start a function's process: the handler is called after it."""
    _call.init = time.time()
    try:
        _spawn(worker)
    finally:
        _call.start = time.time()


def append(stream: Any, lines: list[Line]) -> None:
    """Add lines to a log stream: those of this thread's call with its times.

    What the function has printed has the time of its end.
    """
    if _call.start:
        ended = _call.end or time.time()
        start, *others = lines
        lines = [_at(_call.start, start)]
        lines += [_at(ended, line) for line in others]
        if _call.init:
            lines.insert(0, _at(_call.init, start) | {"message": "INIT_START"})
    _append(stream, lines)


def _at(seconds: float, line: Line) -> Line:
    return line | {"timestamp": int(seconds * 1000)}
