"""Copy an account to another server, and do there what may happen on AWS; goes when ministack does both.

A probe works on a copy. The request for it stays open as long as the copy is needed: the copy ends with the connection,
and so with whoever has asked, however that process ends. Requests with its number in a header are passed on to it. So a
client needs no other address, also through the door of a sandbox.

The copy has the same keys. Processes of functions and their /tmp are not copied, so each function starts cold there.
"""

import asyncio
import importlib
import json
import os
import pickle
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing, suppress
from contextvars import copy_context
from functools import partial
from http.client import HTTPConnection
from typing import Any

from ministack.app import _send_response
from ministack.core import lambda_runtime
from ministack.core.concurrency import esm_wake
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict, get_account_id, request_scope
from ministack.services import dynamodb, lambda_svc, s3, sqs, sts

from lab_lib.calls.waiting import wait_until
from lab_lib.embedded import replace, server, streams, work
from lab_lib.errors import TimedOut

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Query = dict[str, str]  # of a request

_LONGEST = 10  # seconds that a copy waits for the end of all calls
_ports = dict[str, int]()  # of the copies, by their numbers
_events = list[Callable[[], None]]()  # in a copy: each delivers an event of S3 to a function, topic or queue
_calls_left = Counter[str]()  # in a copy: of a function, until it is killed


async def lend(account: str, receive: Receive, send: Send) -> None:
    """Copy an account, answer with the number of the copy, and end it when the client ends the connection."""
    stack = ExitStack()
    number = ""
    try:
        copy = await asyncio.to_thread(_copied, stack, account)
        number = server.proof(copy.secret, str(copy.port))  # which no function can compute
        _ports[number] = copy.port
        answer = json.dumps({"copy": number}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer + b"\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        _ports.pop(number, None)
        asyncio.get_running_loop().run_in_executor(None, stack.close)  # it takes a moment to forget the processes


async def pass_on(scope: Scope, body: bytes, send: Send, number: str) -> None:
    """Pass a request on to a copy, and its answer back."""
    port = _ports.get(number, 0)  # nobody answers at 0
    answer = await asyncio.to_thread(_ask, scope, body, port)
    await _send_response(send, *answer)


def _ask(scope: Scope, body: bytes, port: int) -> tuple[int, dict[str, str], bytes]:
    path = f"{scope['raw_path'].decode()}?{scope['query_string'].decode()}"
    headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
    with closing(HTTPConnection(server.HOST, port)) as connection:
        connection.request(scope["method"], path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def _copied(stack: ExitStack, account: str) -> server.Server:
    """Copy an account when nothing happens there, or after a while. The copy ends with the stack."""
    with suppress(TimedOut):
        wait_until(lambda: not work.count(account)["busy"], "the end of all calls", timeout=_LONGEST, longest_pause=0.1)
    return stack.enter_context(server.another(os.environ["AWS_SECRET_ACCESS_KEY"], _dump(account)))


def _dump(account: str) -> bytes:
    """Return all that an account holds, with the shards and sessions of all accounts."""
    held = {}
    with streams.lock:  # no call of a function begins or ends
        for module, content in list(sys.modules.items()):
            if not module.startswith("ministack.services."):
                continue
            for name, store in vars(content).items():
                if isinstance(store, AccountScopedDict | AccountRegionScopedDict):
                    entries = list(store._data.items())
                    held[module, name] = {key: value for key, value in entries if key[0] == account}
        # In one call, during which no other thread runs.
        return pickle.dumps((held, streams.shards, sts._sessions, dynamodb._stream_seq_counter))


def load(content: bytes) -> None:
    """Hold what another server has dumped, and remember each event of S3 from now on."""
    held, shards, sessions, last_record = pickle.loads(content)  # noqa: S301, our own
    for (module, name), parts in held.items():
        getattr(importlib.import_module(module), name)._data.update(parts)
    for shard in shards.values():
        shard.busy = False
    for queue in sqs._queues._data.values():
        queue["attributes"].pop("RedrivePolicy", None)  # else its messages could not be read often
    streams.shards.update(shards)
    sts._sessions.update(sessions)
    dynamodb._stream_seq_counter = last_record
    sqs.DEFAULT_PORT = os.environ[server.CLIENTS_PORT]  # of the URLs of its queues
    sqs._CANONICAL_NETLOC = f"{server.HOST}:{sqs.DEFAULT_PORT}"
    for name in ("_deliver_event_to_lambda", "_deliver_event_to_sns", "_deliver_event_to_sqs"):
        replace(s3, name, partial(_delivered, getattr(s3, name)))
    lambda_svc._ensure_poller()


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
    names = query["functions"].split(",")
    others = set()
    for _, mapping in streams.mappings(query["table"]):
        if mapping["FunctionName"] not in names:
            others.add(mapping["UUID"])
    streams.held_back = others
    esm_wake.set()


def change_row(query: Query) -> None:
    """Put the amount, in DynamoDB's JSON, into an item of Transactions; without one, delete the item."""
    table = query["table"]
    key = {name: {"S": query[name]} for name in ("CustomerId", "TransactionId")}
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
        workers = []
        for pool in lambda_runtime._workers.values():
            workers += pool
        lambda_runtime._workers.clear()
    lambda_runtime.kill_workers(workers)


def kill_later(query: Query) -> dict[str, int]:
    """Kill a function at its next call of this number, behind what the call does. Return how many of them were left.

    With the number 0 nothing is killed any more.
    """
    left = _calls_left[query["function"]]
    _calls_left[query["function"]] = int(query["calls"])
    return {"left": left}


def function_to_kill(key: str) -> str:
    """Return the function that makes a call with this key, if it is to be killed at that; else ""."""
    session = sts._sessions.get(key, {})
    name = str(session.get("Arn", "")).split("/")[-1]
    if not _calls_left[name]:
        return ""
    _calls_left[name] -= 1
    is_last = _calls_left[name] == 0
    return name if is_last else ""


def kill(function: str) -> None:
    """Kill the processes of a function. Its call fails, and is tried again as Lambda does."""
    pools = []
    with lambda_runtime._lock:
        for key, pool in lambda_runtime._workers.items():
            _account, _region, name, _qualifier = key.split(":", 3)
            if name == function:
                pools.append(pool)
    for pool in pools:
        for worker in pool:
            if worker._proc:
                worker._proc.kill()


# Only a copy answers these paths, for who has asked for it, and so has its number: no function can.
ACTS: dict[str, Callable[[Query], Any]] = {
    f"/_lab/{act.__name__}": act
    for act in (start_cold, deliver_events_again, deliver_records_again, start_only, change_row, kill_later)
}
