"""Correct what an answer of AWS says of its call: whether it has done what was asked for.

An answer without an error may list parts that failed. And what only adds to the safety of the lab is no reason to stop:
an organisation may forbid it, and an emulator may not have it.
"""

import re
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.calls.recent import Call
from lab_lib.calls.refusals import go_on_without, why
from lab_lib.errors import is_access_denied, is_not_implemented

_SPARED = re.compile(
    "Put(PublicAccessBlock|Bucket(Encryption|Policy|Tagging)|RetentionPolicy|FunctionEventInvokeConfig)"
    "|UpdateTimeToLive|CreateLogGroup"
)
_IS_ON = "already enabled|multiple times|active on a different"  # how UpdateTimeToLive refuses to switch on what is on
_OF_CALLER = "BlockPublicPolicy"  # refuses a policy for what it says


def correct(http: Any, call: Call) -> bool:
    """Correct the answer. Return True if the lab does without the call."""
    if parts := call.answer.get("Errors"):
        first = parts[0]
        message = f"{first.get('Key')}: {first.get('Message', '')}"
        call.answer["Error"] = {"Code": first.get("Code", ""), "Message": message}
        http.status_code = HTTPStatus.BAD_REQUEST
    is_spared = call.code != "" and _is_spared(call)
    is_on = call.operation == "UpdateTimeToLive" and re.search(_IS_ON, call.message)
    if is_spared or is_on:
        http.status_code = HTTPStatus.OK  # so that botocore raises nothing
        del call.answer["Error"]
    return is_spared


def _is_spared(call: Call) -> bool:
    """Return True if the lab goes on without this call, which is refused. Its user is told why."""
    error = ClientError(call.answer, call.operation)
    is_forbidden = is_access_denied(error) and _OF_CALLER not in str(error)
    if not (_SPARED.fullmatch(call.operation) and (is_forbidden or is_not_implemented(error))):
        return False
    reason = why(error)
    go_on_without(reason.cause if reason else str(error))
    return True
