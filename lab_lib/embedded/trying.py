"""Do to a copy of an account what may happen on AWS: events and records come again, functions are killed.

Only a copy does so (copying.py). There, everybody with a key of the account may ask for it.
"""

from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from typing import Any, NamedTuple

from ministack.core import lambda_runtime
from ministack.core.concurrency import esm_wake
from ministack.core.responses import get_account_id, request_scope
from ministack.services import dynamodb, s3, sts

from lab_lib.embedded import replace, streams
from lab_lib.embedded.server import COLD, DELETE, EVENTS, KILL, ONLY, RECORDS

Query = dict[str, str]  # of a request
Answer = dict[str, int]


class _Event(NamedTuple):
    """An event of S3, as it was delivered to a function, topic or queue."""

    context: Context
    deliver: Callable[..., None]
    details: tuple[Any, ...]
    more: dict[str, Any]


_events = list[_Event]()
_calls_left = dict[str, int]()  # of a function, until it is killed


def install() -> None:
    """Remember each event of S3."""
    for name in ("_deliver_event_to_lambda", "_deliver_event_to_sns", "_deliver_event_to_sqs"):
        replace(s3, name, partial(_delivered, getattr(s3, name)))


def _delivered(deliver: Callable[..., None], *details: Any, **more: Any) -> None:
    _events.append(_Event(copy_context(), deliver, details, more))
    deliver(*details, **more)


def deliver_events_again(query: Query) -> Answer:
    """Deliver the last events of S3 again, this many."""
    last = _events[-int(query["count"]) :]
    for event in last:
        event.context.run(event.deliver, *event.details, **event.more)
    return {"delivered": len(last)}


def deliver_records_again(query: Query) -> Answer:
    """Deliver the last records of a table's stream again, this many, to each function that the stream starts."""
    mappings = [*streams.mappings(query["table"])]
    for scope, mapping in mappings:
        scope.run(streams.move, mapping, -int(query["count"]))
    esm_wake.set()
    return {"delivered": len(mappings)}


def start_only(query: Query) -> Answer:
    """Let a table's stream start these functions, separated by commas, and pause its other mappings."""
    names, changed = query["functions"].split(","), 0
    for _, mapping in streams.mappings(query["table"]):
        is_on = mapping["FunctionName"] in names
        changed += mapping["Enabled"] != is_on
        mapping["Enabled"], mapping["State"] = is_on, "Enabled" if is_on else "Disabled"
    esm_wake.set()
    return {"changed": changed}


def delete_row(query: Query) -> Answer:
    """Delete an item of Transactions."""
    key = {name: {"S": query[name]} for name in ("CustomerId", "TransactionId")}
    with request_scope(get_account_id(), query["region"]):
        status, _headers, _body = dynamodb._delete_item({"TableName": query["table"], "Key": key})
    esm_wake.set()
    return {"status": status}


def start_cold(query: Query) -> Answer:
    """End the processes of all functions, as Lambda may at any time if they are idle: the next start cold."""
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
    lambda_runtime.kill_workers(workers)
    return {"ended": len(workers)}


def kill_later(query: Query) -> Answer:
    """Kill a function at its next call of this number, behind what the call does. Return how many of them are left.

    With the number 0 nothing is killed any more.
    """
    function = query["function"]
    left = _calls_left.pop(function, 0)
    if calls := int(query["calls"]):
        _calls_left[function] = calls
    return {"left": left}


def function_to_kill(key: str) -> str:
    """Return the function that makes a call with this key, if it is to be killed at that; else ""."""
    name = str(sts._sessions.get(key, {}).get("Arn", "")).split("/")[-1]
    if name not in _calls_left:
        return ""
    _calls_left[name] -= 1
    if _calls_left[name]:
        return ""
    del _calls_left[name]
    return name


def kill(function: str) -> None:
    """Kill the processes of a function. Its call fails, and is tried again as Lambda does."""
    with lambda_runtime._lock:
        pools = [pool for key, pool in lambda_runtime._workers.items() if key.split(":")[2] == function]
    for worker in (worker for pool in pools for worker in pool):
        if worker._proc:
            worker._proc.kill()


ASKED: dict[str, Callable[[Query], Answer]] = {  # by the path of a request
    COLD: start_cold,
    EVENTS: deliver_events_again,
    RECORDS: deliver_records_again,
    ONLY: start_only,
    DELETE: delete_row,
    KILL: kill_later,
}
