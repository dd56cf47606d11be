"""Do to a copy of an account what may happen on AWS: events and records come again, functions are killed.

Only a copy does so (copying.py), for who has asked for that copy, and so has its number: no function can ask.
"""

import json
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.concurrency import esm_wake
from ministack.core.responses import get_account_id, request_scope
from ministack.services import dynamodb, s3, sts

from lab_lib.embedded import replace, streams

Query = dict[str, str]  # of a request
_events = list[Callable[[], None]]()  # of S3: each delivers it to a function, topic or queue
_calls_left = dict[str, int]()  # of a function, until it is killed


def install() -> None:
    """Remember each event of S3."""
    for name in ("_deliver_event_to_lambda", "_deliver_event_to_sns", "_deliver_event_to_sqs"):
        replace(s3, name, partial(_delivered, getattr(s3, name)))


def _delivered(deliver: Callable[..., None], *details: Any, **more: Any) -> None:
    _events.append(partial(copy_context().run, deliver, *details, **more))
    deliver(*details, **more)


def deliver_events_again(query: Query) -> None:
    """Deliver the last events of S3 again, this many."""
    for deliver in _events[-int(query["count"]) :]:
        deliver()


def deliver_records_again(query: Query) -> None:
    """Deliver the last records of a table's stream again, this many, to each function that the stream starts."""
    for scope, mapping in streams.mappings(query["table"]):
        scope.run(streams.move, mapping, -int(query["count"]))
    esm_wake.set()


def start_only(query: Query) -> None:
    """Let a table's stream start these functions, separated by commas, and hold its records back from all others."""
    names, mappings = query["functions"].split(","), streams.mappings(query["table"])
    streams.held_back = {mapping["UUID"] for _, mapping in mappings if mapping["FunctionName"] not in names}
    esm_wake.set()


def change_row(query: Query) -> None:
    """Put the amount, in DynamoDB's JSON, into an item of Transactions; without one, delete the item."""
    table, key = query["table"], {name: {"S": query[name]} for name in ("CustomerId", "TransactionId")}
    with request_scope(get_account_id(), query["region"]):
        if "amount" in query:
            item = {**key, "TransactionDate": {"S": "03/16/2017"}, "TransactionAmount": json.loads(query["amount"])}
            dynamodb._put_item({"TableName": table, "Item": item})
        else:
            dynamodb._delete_item({"TableName": table, "Key": key})
    esm_wake.set()


def start_cold(_query: Query) -> None:
    """End the processes of all functions, as Lambda may at any time if they are idle: the next start cold."""
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
    lambda_runtime.kill_workers(workers)


def kill_later(query: Query) -> dict[str, int]:
    """Kill a function at its next call of this number, behind what the call does. Return how many of them were left.

    With the number 0 nothing is killed any more.
    """
    left = _calls_left.pop(query["function"], 0)
    if calls := int(query["calls"]):
        _calls_left[query["function"]] = calls
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


ACTS = (start_cold, deliver_events_again, deliver_records_again, start_only, change_row, kill_later)
ASKED: dict[str, Callable[[Query], Any]] = {f"/_lab/{act.__name__}": act for act in ACTS}  # by the request's path
