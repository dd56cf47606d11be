"""Repeat the calls that AWS refuses, or answers wrongly, only because something is not ready yet."""

import math
import time
from typing import Any

from botocore.exceptions import ConnectionError, HTTPClientError, SSLError

from lab_lib.calls import outcomes, waiting
from lab_lib.calls.recent import Call, Journal
from lab_lib.language import _

Params = dict[str, Any]  # of a call, and what botocore tells of one
_PAUSE, _SHORT_PAUSE = 2, 0.2  # seconds, on AWS and elsewhere
_CALL = "serverless-lab"  # the entry of a call in botocore's context of a request


class Retry:
    """Lets botocore repeat a call after a pause, which AWS refuses or answers only because something is not ready.

    waiting.NOT_READY lists the reasons of a refusal. With a journal, which a lab has on AWS, a call is repeated too
    while its answer does not show what this process has just made or deleted, and while the network is away. So neither
    the helpers nor a call of the learner's own need a loop. A mistake that AWS words like what is not ready yet is told
    after the time that this may take.
    """

    def __init__(self, journal: Journal | None) -> None:
        self._line, self._journal = waiting.Line(), journal

    def register(self, events: Any) -> None:
        """Let botocore ask here about each call of a client that emits these events."""
        events.register("before-parameter-build", _keep)
        events.register("needs-retry", self)

    def __call__(
        self,
        operation: Any,
        response: tuple[Any, Params] | None,
        request_dict: Params,
        caught_exception: Exception | None = None,
        **_unused: Any,
    ) -> float | None:
        params, begun = request_dict["context"][_CALL]
        http, answer = response or (None, {})
        call = Call(operation.service_model.service_name, operation.name, params, answer)
        is_spared = http is not None and outcomes.correct(http, call)
        what, on_aws, longest = waiting.NOTHING if is_spared else self._reason(call, caught_exception)
        if (seconds := time.monotonic() - begun) >= longest:
            self._line.end()
            return None
        self._line.wait(what, on_aws, _("{seconds:.0f} s", seconds=seconds))
        return _PAUSE if self._journal else _SHORT_PAUSE

    def _reason(self, call: Call, exception: Exception | None) -> tuple[str, str, float]:
        """Return what a call waits for, how long that takes on AWS, and for how many seconds at most."""
        if exception:
            is_away = isinstance(exception, ConnectionError | HTTPClientError) and not isinstance(exception, SSLError)
            return waiting.OFFLINE if self._journal and is_away else waiting.NOTHING
        if self._journal and (late := self._journal.read(call)):
            return str(late), "a few seconds", math.inf
        reason = waiting.reason(call, bool(self._journal))
        return reason[:3] if reason else waiting.NOTHING


def _keep(params: Params, context: Params, **_unused: Any) -> None:
    """Keep what `Retry` wants to know of a call: its parameters, and when it began."""
    context[_CALL] = dict(params), time.monotonic()
