"""Repeat the calls that AWS refuses, or answers wrongly, only because something is not ready yet."""

import math
import time
from typing import Any

from lab_lib.calls import waiting
from lab_lib.calls.recent import Call, Journal

Params = dict[str, Any]  # of a call, and what botocore tells of one
_PAUSE = 2  # seconds
_CALL = "serverless-lab"  # the entry of a call in botocore's context of a request


class Retry:
    """Lets botocore repeat a call every two seconds, which AWS refuses or answers only because something is not ready.

    waiting.NOT_READY lists the reasons of a refusal. With a journal, a call is repeated too while its answer does not
    show what this process has just made or deleted. So neither the helpers nor a call of the learner's own need a loop.
    """

    def __init__(self, journal: Journal | None = None) -> None:
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
        **_: Any,
    ) -> float | None:
        context, answer = request_dict["context"], response[1] if response else {}
        params, begun = context[_CALL]
        call = Call(operation.service_model.service_name, operation.name, params, answer)
        late = self._journal.read(call) if self._journal and response else None
        what, on_aws, longest = (
            (str(late), "a few seconds", math.inf)
            if late
            else waiting.reason(call.operation, answer, bool(self._journal))
        )
        if (seconds := time.monotonic() - begun) >= longest:
            self._line.end()
            return None
        self._line.wait(what, on_aws, f"{seconds:.0f} s")
        return _PAUSE


def _keep(params: Params, context: Params, **_: Any) -> None:
    """Keep what `Retry` wants to know of a call: its parameters, and when it began."""
    context[_CALL] = dict(params), time.monotonic()
