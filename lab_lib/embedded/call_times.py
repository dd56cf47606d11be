"""ministack gives all lines of a call's log the time when it writes them; goes when they have AWS's times.

It also makes the log group of a deleted function anew, if a call of it still runs. AWS does if its role may do that.
The timeout does not count the time for which the embedded AWS and its functions wait for a processor.
"""

import threading
import time
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

from lab_lib.embedded import replace
from lab_lib.processes.stopwatch import Stopwatch

Line = dict[str, Any]
_dispatch, _append = lambda_svc._execute_function_dispatch, cloudwatch_logs._append_log_events
_emit = lambda_svc._emit_lambda_logs
_spawn = lambda_runtime.Worker._spawn
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
            while self.is_alive() and (left := seconds - _SHORT - watch.wall()) > 0:
                super().join(min(left, 1))
        _call.end = time.time()  # the time in which its lines are read is not counted


threads = SimpleNamespace(**{**vars(threading), "Thread": Call})  # for ministack, instead of the module `threading`


def install() -> None:
    """Note when a function's process starts, its handler is called, and it answers."""
    replace(lambda_runtime, "threading", threads)
    replace(lambda_runtime.Worker, "_spawn", spawn)
    replace(lambda_svc, "_execute_function_dispatch", dispatch)
    replace(cloudwatch_logs, "_append_log_events", append)
    replace(lambda_svc, "_emit_lambda_logs", emit)


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
    begun, ended = _call.start, _call.end or time.time()
    start, *rest = lines
    timed = [_at(begun, start), *(_at(ended, line) for line in rest)]
    return [_at(_call.init, start) | {"message": "INIT_START"}, *timed] if _call.init else timed


def _at(seconds: float, line: Line) -> Line:
    return line | {"timestamp": int(seconds * 1000)}
