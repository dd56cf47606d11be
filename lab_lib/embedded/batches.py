"""Decide what to do with a batch of stream records after a call of the function: plain values in, plain values out.

The rules are AWS's, from the Lambda guide: "Configuring partial batch response with DynamoDB and Lambda" and "Retain
discarded records for a DynamoDB event source". Two rules are not in the guide, but in the recordings of AWS in
LocalStack's tests: after a partial success the remaining records have all their retries again; only the records of a
batch that are too old are discarded for their age.
"""

import time
import uuid
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, NamedTuple

Record = dict[str, Any]  # as in the function's event
Mapping = dict[str, Any]  # an event source mapping, as in Lambda's API
Result = dict[str, Any]  # ministack's result of a call: body, error, throttle

_RETENTION = 24 * 3600  # seconds that a record stays in the stream
_SHARD = "shardId-00000000000000000000-00000000"  # the only shard of ministack's streams


class Batch(NamedTuple):
    """Records that go to the function in one call."""

    records: list[Record]
    calls: int = 0  # made with these records, in this batch or a larger one
    retries: int = 0  # used up


class Outcome(NamedTuple):
    """The remaining batches, in order; the discarded ones, each with its condition; a pause before the retry."""

    remaining: list[Batch]
    discarded: list[tuple[Batch, str]]
    pause: bool = False


def decide(batch: Batch, result: Result, mapping: Mapping, now: float) -> Outcome:
    """Return the outcome for the batch. It is shorter than the batch, or has used up a retry, or pauses."""
    throttled = bool(result.get("throttle"))
    done = succeeded(batch.records, result, mapping)
    calls = batch.calls + (not throttled)
    failed = batch.records[done:]
    expired = failed[: _expired(failed, mapping, now)]
    rest = Batch(failed[len(expired) :], calls, 0 if done else batch.retries)
    discarded = [(Batch(expired, calls), "RecordAgeExceeded")] if expired else []
    if done or not rest.records:
        return Outcome([rest] if rest.records else [], discarded)
    if throttled:  # the function was not called, so no retry is used up
        return Outcome([rest], discarded, pause=True)
    if mapping.get("BisectBatchOnFunctionError") and len(rest.records) > 1:
        return Outcome([Batch(half, calls, rest.retries) for half in halves(rest.records)], discarded)
    if 0 <= mapping.get("MaximumRetryAttempts", -1) <= rest.retries:
        return Outcome([], [*discarded, (rest, "RetryAttemptsExhausted")])
    return Outcome([Batch(rest.records, calls, rest.retries + 1)], discarded, pause=True)


def halves(records: list[Record]) -> list[list[Record]]:
    """Return the records as they come again after a failure, if the mapping asks for halves."""
    middle = len(records) // 2
    return [records[:middle], records[middle:]]


def succeeded(records: list[Record], result: Result, mapping: Mapping) -> int:
    """Return the number of successful records: those before the lowest sequence number that was reported as failed."""
    if result.get("error"):
        return 0
    answer = result.get("body") if "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []) else None
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return len(records)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    try:
        return min(numbers.index(failure["itemIdentifier"]) for failure in failures)
    except (ValueError, KeyError, TypeError):  # not a record of the batch: then the whole batch failed
        return 0


def invocation_record(batch: Batch, condition: str, mapping: Mapping) -> dict[str, Any]:
    """Return the message to the on-failure destination about a discarded batch, without AWS's responseContext."""
    first, last = batch.records[0]["dynamodb"], batch.records[-1]["dynamodb"]
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping["FunctionArn"],
            "condition": condition,
            "approximateInvokeCount": batch.calls,
        },
        "version": "1.0",
        "timestamp": iso_time(time.time(), "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": _SHARD,
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": iso_time(first["ApproximateCreationDateTime"], "seconds"),
            "approximateArrivalOfLastRecord": iso_time(last["ApproximateCreationDateTime"], "seconds"),
            "batchSize": len(batch.records),
            "streamArn": mapping["EventSourceArn"],
        },
    }


def _expired(records: list[Record], mapping: Mapping, now: float) -> int:
    """Return the number of records, from the oldest on, that are too old."""
    longest = mapping.get("MaximumRecordAgeInSeconds", -1)
    longest = longest if 0 < longest < _RETENTION else _RETENTION
    ages = (now - record["dynamodb"]["ApproximateCreationDateTime"] for record in records)
    return sum(1 for _ in takewhile(lambda age: age > longest, ages))


def iso_time(seconds: float, precision: str) -> str:
    """Return a time in UTC as AWS writes it, to the "seconds" or "milliseconds"."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
