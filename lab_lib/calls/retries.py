"""Decide on each answer of AWS: repeat the call, or do without it.

A call is repeated that AWS refuses, or answers wrongly, only because something is not ready yet: waiting.csv lists
the reasons, recent.csv what may not be there yet. botocore has repeated it before, as sessions.config says. What only
adds to the safety of the lab is no reason to stop: an organisation may forbid it, and an emulator may not have it.
"""

import re
import time
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.calls import waiting
from lab_lib.calls.recent import Call, Journal
from lab_lib.calls.refusals import go_on_without, why
from lab_lib.errors import is_unreachable
from lab_lib.language import _

Params = dict[str, Any]  # of a call, and what botocore tells of one
_CALL = "serverless-lab"  # the entry of a call in botocore's context of a request
_SPARED = re.compile(
    "Put(PublicAccessBlock|Bucket(Encryption|Policy|Tagging)|RetentionPolicy|FunctionEventInvokeConfig)"
    "|UpdateTimeToLive|CreateLogGroup"
)
_IS_ON = "already enabled|multiple times|active on a different"  # how UpdateTimeToLive refuses to switch on what is on


class Retry:
    """Lets botocore repeat a call after a pause, so that neither the helpers nor a learner's own calls need a loop.

    With a journal, which a lab has on AWS, a call is repeated too while its answer does not show what this process has
    just made or deleted, and while the network is away. A mistake that AWS words like what is not ready yet is told
    after the time that this may take.
    """

    def __init__(self, journal: Journal | None) -> None:
        self._line = waiting.Line()
        self._journal = journal

    def register(self, events: Any) -> None:
        """Let botocore ask here about each call of a client that emits these events."""
        events.register("before-parameter-build", _keep)
        events.register("needs-retry", self)

    def __call__(
        self,
        operation: Any,
        response: Any,
        request_dict: Params,
        caught_exception: Exception | None = None,
        **_unused: Any,
    ) -> float | None:
        params, began = request_dict["context"][_CALL]
        answer = response[1] if response else {}
        call = Call(operation.service_model.service_name, operation.name, params, answer)
        seconds = time.monotonic() - began
        if call.code and _is_spared(call):
            response[0].status_code = HTTPStatus.OK  # so that botocore raises nothing
            del answer["Error"]
            reason = None
        else:
            reason = waiting.reason(call, caught_exception, self._journal)
        if reason is None or seconds >= reason.longest:
            self._line.close()
            return None
        self._line.wait(reason.what, reason.on_aws, _("{seconds:.0f} s", seconds=seconds))
        return 2 if self._journal else 0.2  # seconds, on AWS and elsewhere


def _keep(params: Params, context: Params, **_unused: Any) -> None:
    """Keep what `Retry` wants to know of a call: its parameters, and when it began."""
    context[_CALL] = dict(params), time.monotonic()


def _is_spared(call: Call) -> bool:
    """Return True if the lab goes on without this call, which is refused. Its user is told why."""
    if call.operation == "UpdateTimeToLive" and re.search(_IS_ON, call.message):
        return True
    error = ClientError(call.answer, call.operation)
    reason = why(error)
    if not _SPARED.fullmatch(call.operation) or reason is None or is_unreachable(error):
        return False
    go_on_without(reason.cause)
    return True
