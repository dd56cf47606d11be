"""ministack gives all lines of a call's log the time when it writes them; goes when they have AWS's times.

The timeout does not count the time for which the embedded AWS and its functions wait for a processor.
"""

import math
import re
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
_spawn = lambda_runtime.Worker._spawn
_SHORT = 0.5  # seconds; a stopwatch would make such a call slower
_DURATIONS = re.compile(r"Duration: .* ms(?=\tMemory)")


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


def append(stream: Any, lines: list[Line]) -> None:
    """Add lines to a log stream: those of this thread's call with its times."""
    _append(stream, _timed(lines) if _call.runs else lines)


def _timed(lines: list[Line]) -> list[Line]:
    """Return the lines of a call with its times. The lines of the function have the time of its end."""
    begun, ended = _call.start, _call.end or time.time()
    start, *rest = lines
    timed = [_at(begun, start), *(_at(ended, line) for line in rest)]
    init = 1000 * (begun - _call.init) if _call.init else 0
    duration = 1000 * (ended - begun)
    # Lambda bills whole milliseconds, and the init too.
    durations = f"Duration: {duration:.2f} ms\tBilled Duration: {math.ceil(init + duration)} ms"
    timed[-1]["message"] = _DURATIONS.sub(durations, timed[-1]["message"])
    if not init:
        return timed
    timed[-1]["message"] += f"\tInit Duration: {init:.2f} ms"
    return [_at(_call.init, start) | {"message": "INIT_START"}, *timed]


def _at(seconds: float, line: Line) -> Line:
    return line | {"timestamp": int(seconds * 1000)}
