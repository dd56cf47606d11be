"""ministack ignores most settings of a mapping, and a slow function delays all mappings; goes when it does neither.

Polls DynamoDB's streams and calls functions with their records, with AWS's retries (batches.py has the rules). Each
mapping with work gets a thread. Its records stay in order, since the next call waits for the outcome of the last one.
"""

import threading
from collections.abc import Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from ministack.core import responses
from ministack.core.concurrency import esm_wake, spawn_background
from ministack.services import dynamodb, lambda_svc

from lab_lib.embedded import replace
from lab_lib.embedded.batches import Batch, Mapping, Record, decide

Function = dict[str, Any]

# Seconds. AWS waits longer; here a learner who watches a failing batch soon sees the end.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0


@dataclass
class Shard:
    """The records that a mapping has read from its stream and not finished. They are kept while it is paused."""

    account: str
    batches: list[Batch] = field(default_factory=list)
    pauses: int = 0  # in a row, after failed tries
    busy: bool = False  # has a thread


lock = threading.Lock()  # held while shards get threads, and by work.py and copies.py
shards: dict[str, Shard] = {}  # by the mapping's UUID
held_back = set[str]()  # UUIDs of mappings that get no records though they are enabled (copies.py)
_execute = lambda_svc._execute_function  # not the one of work.py: a call with a shard's records counts with the shard
_write_batch = dynamodb._batch_write_item
_ensure_poller = lambda_svc._ensure_poller
_send_letter = lambda_svc._send_ddb_stream_failure_record
_pause = threading.Event().wait  # nothing sets the event


def install() -> None:
    """Replace ministack's poller."""
    replace(lambda_svc, "_poll_dynamodb_streams", poll)
    replace(lambda_svc, "_ensure_poller", ensure_poller)
    replace(dynamodb, "_batch_write_item", write_batch)


def ensure_poller() -> None:
    """Poll for a new mapping at once: the poller sleeps for five seconds where there was none."""
    _ensure_poller()
    esm_wake.set()


def write_batch(data: dict[str, Any]) -> Any:
    """Write items; no mapping reads one before the last, or the load would decide how many calls they make."""
    with lock:
        return _write_batch(data)


def poll() -> bool:
    """Start a thread for each mapping that has work and no thread. ministack calls this after each write.

    Return False, which tells ministack not to poll again at once.
    """
    with lock:
        for scope, mapping, shard in _idle():
            shard.busy = True
            scope.run(spawn_background, _work, mapping, shard, thread_name="stream-poller")
    return False


def failures(account: str) -> list[int]:
    """Return how often each shard of the account that has work has failed in a row. The caller holds the lock."""
    working = [shard for shard in shards.values() if shard.busy]
    working += [shard for _, _, shard in _idle()]
    return [shard.pauses for shard in working if shard.account == account]


def _idle() -> Iterator[tuple[Context, Mapping, Shard]]:
    """Yield each mapping that has work and no thread, with its context and shard."""
    for scope, mapping in mappings():
        shard = shards.setdefault(mapping["UUID"], Shard(scope[responses._request_account_id]))
        if not shard.busy and scope.run(_has_work, mapping, shard):
            yield scope, mapping, shard


def mappings(table: str = "") -> Iterator[tuple[Context, Mapping]]:
    """Yield each mapping of a stream, by default of any table, and a context in its account and Region."""
    for account, region, mapping in lambda_svc._iter_all_esms():
        if ":dynamodb:" in mapping["EventSourceArn"] and table in ("", _table(mapping)):
            scope = copy_context()
            scope.run(responses._request_account_id.set, account)
            scope.run(responses._request_region.set, region)
            yield scope, mapping


def _has_work(mapping: Mapping, shard: Shard) -> bool:
    return bool(_function(mapping) and (shard.batches or _unread(mapping)))


def _work(mapping: Mapping, shard: Shard) -> None:
    """Call the function until no records are left, or the mapping is paused or deleted.

    An error ends only this thread, and is logged. The next poll, within a second, starts another one.
    """
    try:
        while (function := _function(mapping)) and _fill(mapping, shard):
            _call(function, mapping, shard)
    finally:
        shard.busy = False
    esm_wake.set()  # records may have been written since the last read


def _call(function: Function, mapping: Mapping, shard: Shard) -> None:
    """Call the function with the first batch, and keep the batches that remain of it."""
    batch = shard.batches[0]
    result = _execute(function, {"Records": batch.records})
    if not _exists(mapping):
        return
    outcome = decide(batch, result, mapping)
    shard.batches[:1] = outcome.remaining
    shard.pauses = shard.pauses + 1 if outcome.pause else 0
    if outcome.discarded:
        _send_letter(mapping, function, outcome.discarded, mapping["EventSourceArn"], {}, "RetryAttemptsExhausted")
    if outcome.pause:
        _pause(min(_FIRST_PAUSE * shard.pauses, _LONGEST_PAUSE))


def _exists(mapping: Mapping) -> bool:
    return lambda_svc._esms.get(mapping["UUID"]) is mapping


def _function(mapping: Mapping) -> Function | None:
    """Return the function to call; None if the mapping is paused or held back, or if something is deleted."""
    table = dynamodb._tables.get(_table(mapping)) or {}
    is_on = _exists(mapping) and mapping["Enabled"] and mapping["UUID"] not in held_back
    if not is_on or table.get("LatestStreamArn") != mapping["EventSourceArn"]:
        return None
    function: Function | None
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    return function


def _fill(mapping: Mapping, shard: Shard) -> bool:
    """Read records from the stream until there is a batch; return False if the stream has no more."""
    while not shard.batches and (records := _unread(mapping)):
        wanted = lambda_svc._apply_filter_criteria(records, mapping)
        move(mapping, len(records))
        shard.batches = [Batch(wanted)] if wanted else []
    return bool(shard.batches)


def _unread(mapping: Mapping) -> list[Record]:
    position = lambda_svc._dynamodb_stream_positions.get(mapping["UUID"])
    if position is None:
        return []
    return list(dynamodb.stream_records_since(_table(mapping), position, mapping["BatchSize"]))


def move(mapping: Mapping, count: int) -> None:
    """Move the mapping's position in the stream; ministack removes the position when the mapping is deleted."""
    positions = lambda_svc._dynamodb_stream_positions
    uuid = mapping["UUID"]
    with lambda_svc._dynamodb_stream_positions_lock:
        if uuid in positions:
            # The oldest records may have expired, and were not read.
            positions[uuid] = max(positions[uuid], dynamodb.stream_start_position(_table(mapping))) + count


def _table(mapping: Mapping) -> str:
    return str(mapping["EventSourceArn"].split("/")[1])
