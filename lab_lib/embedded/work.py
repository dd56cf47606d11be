"""ministack does not say what it still has to do for an account; goes when it does.

With nothing to do, an incomplete chain stands still. Work is an event on its way, a call that runs, or a record of a
stream. What one leads to begins before it ends, and nothing begins or ends while it is counted: that needs the lock of
streams.py, which counts the records. A message in a queue that starts a function counts once the call runs.
"""

import threading
from collections import Counter
from contextvars import Context
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import lambda_svc, s3, sns

from lab_lib.embedded import replace, replace_in, streams

_LAST = 2  # an event or batch that has failed so often may fail for ever, so nobody waits for its next try
_execute = lambda_svc._execute_function
_events = set["Event"]()
_calls = Counter[str]()  # those that are no part of an event's, by account


class Event(threading.Thread):
    """An event on its way, with all calls of the function that it leads to: the thread that ministack starts for it."""

    failed = 0  # calls

    def __init__(self, target: Any, **settings: Any) -> None:
        super().__init__(target=target, **settings)
        self.account: str = target.__self__.run(get_account_id)

    def start(self) -> None:
        """Count the event from now on: its request is not answered yet."""
        with streams.lock:
            _events.add(self)
        super().start()

    def run(self) -> None:
        """Count the event until its thread ends."""
        try:
            super().run()
        finally:
            with streams.lock:
                _events.discard(self)


def _thread(target: Any, **settings: Any) -> threading.Thread:
    """Return an event if the thread continues a request, whose context it has; else a thread as ministack wants it."""
    is_event = isinstance(getattr(target, "__self__", None), Context)
    if is_event:
        return Event(target, **settings)
    return threading.Thread(target=target, **settings)


def install() -> None:
    """Count all calls of functions, and the threads in which ministack continues requests."""
    replace(lambda_svc, "_execute_function", execute)
    replace_in(lambda_svc, "threading", Thread=_thread)
    replace_in(s3, "threading", Thread=_thread)
    replace_in(sns, "_threading", Thread=_thread)


def execute(function: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Call a function, and count the call; if it is a part of an event's, only whether it fails."""
    thread = threading.current_thread()
    account = get_account_id()
    if isinstance(thread, Event):
        if function["config"]["FunctionName"] not in lambda_svc._functions:  # it was deleted before the next try
            return {}
        answer: dict[str, Any] = _execute(function, event)
        thread.failed += bool(answer.get("error"))
        return answer
    with streams.lock:
        _calls[account] += 1
    try:
        return dict(_execute(function, event))
    finally:
        with streams.lock:
            _calls[account] -= 1


def count(account: str) -> dict[str, int]:
    """Return how much there is to do."""
    with streams.lock:
        failures = streams.failures(account)
        for event in _events:
            if event.account == account:
                failures.append(event.failed)
        first_tries = [times for times in failures if times < _LAST]
        return {"busy": len(first_tries) + _calls[account]}
