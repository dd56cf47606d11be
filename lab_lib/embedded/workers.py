"""ministack runs functions in processes that it calls workers, and logs their calls unlike AWS; goes when it is as AWS.

- It may miss what a function prints, waits for it if it prints nothing, and does not say why code cannot be loaded.
- It gives all lines of a call's log the time when it writes them.
- A change of a function ends the processes of other accounts' functions with this name, and takes half a second.
- It makes the log group of a deleted function anew, if a call of it still runs. AWS does if its role may do that.

The timeout does not count the time for which the embedded AWS and its functions wait for a processor.
"""

import queue
import secrets
import threading
import time
from contextlib import suppress
from functools import partialmethod
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.lambda_runtime import Worker
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, lambda_svc

from lab_lib.embedded import replace
from lab_lib.processes.stopwatch import Stopwatch

Line = dict[str, Any]

_dispatch, _emit = lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_logs
_append, _invalidate = cloudwatch_logs._append_log_events, lambda_svc.invalidate_worker
_spawn = Worker._spawn
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
_LONGEST, _LOOK_EVERY = 2, 0.02  # seconds for a function that has closed its stderr; until one is known to be dead
_SHORT = 0.5  # seconds; a stopwatch would make such a call slower


class _State(threading.local):
    """The call that this thread waits for; times in seconds. A handler runs from `start` to `end`."""

    runs = False
    start = end = 0.0
    init = 0.0  # when the function's process began to start, if it is a cold start


_call = _State()


class Call(threading.Thread):
    """The thread that waits for the answer of a function. ministack joins it, with the function's timeout."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread ends, or the timeout is over."""
        seconds = timeout or 0
        super().join(min(seconds, _SHORT))
        if self.is_alive():
            watch = Stopwatch()
            left = seconds - _SHORT
            while self.is_alive() and left > 0:
                super().join(min(left, 1))
                left = seconds - _SHORT - watch.wall()
        _call.end = time.time()  # the time in which its lines are read is not counted


threads = SimpleNamespace(**{**vars(threading), "Thread": Call})  # for ministack, instead of the module `threading`


def install() -> None:
    """Put these functions in the places of ministack's, and let a worker say where its output ends."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _ANSWER not in script:
        raise AttributeError(f"ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT has no {_ANSWER!r}")
    replace(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _END_WITH_SERVER + script.replace(_ANSWER, _SAY_END + _ANSWER))
    replace(lambda_runtime, "threading", threads)
    replace(Worker, "_drain_stderr_bounded", printed)
    replace(Worker, "_spawn", spawn)
    replace(Worker, "invoke", partialmethod(called, Worker.invoke))
    replace(lambda_svc, "invalidate_worker", invalidate_own)
    replace(lambda_svc, "_LAMBDA_STATE_TRANSITION_DELAY", 0)
    replace(lambda_svc, "_execute_function_dispatch", dispatch)
    replace(lambda_svc, "_emit_lambda_logs", emit)
    replace(cloudwatch_logs, "_append_log_events", append)


def called(worker: Any, invoke: Any, *call: Any, **settings: Any) -> Any:
    """Call a function. Its log says, as in Lambda, why code cannot be loaded."""
    try:
        return invoke(worker, *call, **settings)
    except RuntimeError as error:
        why = str(error).removeprefix("Worker init failed: ")
        return {"status": "error", "error": why, "trace": f"[ERROR] Runtime.ImportModuleError: {why}"}


def printed(worker: Any) -> str:
    """Return what the function has printed in this call."""
    lines = list[str]()
    with suppress(queue.Empty):
        line = _next_line(worker)
        while not line.endswith(_END):
            lines.append(line)
            line = _next_line(worker)
        rest = line.removesuffix(_END)  # was printed without an end of line
        if rest:
            lines.append(rest)
    return "\n".join(lines)


def _next_line(worker: Any) -> str:
    """Return the next line that a function has printed. queue.Empty if it is dead, or prints nothing for long."""
    end = time.monotonic() + _LONGEST
    while True:
        # ministack forgets the process of a failed call, but its thread still reads what the process has printed.
        is_last = not worker._stderr_thread.is_alive() or time.monotonic() > end
        try:
            return str(worker._stderr_queue.get(timeout=_LOOK_EVERY))
        except queue.Empty:
            if is_last:
                raise


def invalidate_own(name: str, qualifier: str | None = None, account: str = "", region: str = "") -> None:
    """End a function's processes in the caller's account only."""
    _invalidate(name, qualifier, account or get_account_id(), region or get_region())


def dispatch(function: Any, config: Any, event: Any, request: str, started: float) -> Any:
    """Call a function, and write its log."""
    _call.runs, _call.start, _call.end, _call.init = True, started, 0.0, 0.0
    try:
        return _dispatch(function, config, event, request, started)
    finally:
        _call.runs = False


def spawn(worker: Any) -> None:
    """Start a function's process: the handler is called after it."""
    _call.init = time.time()
    try:
        _spawn(worker)
    finally:
        _call.start = time.time()


def emit(function: Any, *log: Any, **more: Any) -> None:
    """Write the log of a call, unless its function is deleted: the log group would be there again."""
    if function["config"]["FunctionName"] in lambda_svc._functions:
        _emit(function, *log, **more)


def append(stream: Any, lines: list[Line]) -> None:
    """Add lines to a log stream: those of this thread's call with its times."""
    _append(stream, _timed(lines) if _call.runs else lines)


def _timed(lines: list[Line]) -> list[Line]:
    """Return the lines of a call with its times. The lines of the function have the time of its end."""
    ended = _call.end or time.time()
    start, *rest = lines
    timed = [_at(_call.start, start), *(_at(ended, line) for line in rest)]
    return [_at(_call.init, start) | {"message": "INIT_START"}, *timed] if _call.init else timed


def _at(seconds: float, line: Line) -> Line:
    return line | {"timestamp": int(seconds * 1000)}
