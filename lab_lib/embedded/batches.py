"""Decide what to do with a batch of stream records after a call of the function: plain values in, plain values out.

The rules are AWS's, from the Lambda guide: "Configuring partial batch response with DynamoDB and Lambda" and "Retain
discarded records for a DynamoDB event source". One rule is not in the guide, but in the recordings of AWS in
LocalStack's tests: after a partial success the remaining records have all their retries again. The age of records does
not count here: their retries are used up within seconds.
"""

from typing import Any, NamedTuple

Record = dict[str, Any]  # as in the function's event
Mapping = dict[str, Any]  # an event source mapping, as in Lambda's API
Result = dict[str, Any]  # ministack's result of a call: body, error, throttle


class Batch(NamedTuple):
    """Records that go to the function in one call."""

    records: list[Record]
    retries: int = 0  # used up


class Outcome(NamedTuple):
    """The remaining batches, in order; the records that are discarded; whether to pause before the retry."""

    remaining: list[Batch]
    discarded: list[Record]
    pause: bool = False


def decide(batch: Batch, result: Result, mapping: Mapping) -> Outcome:
    """Return the outcome for the batch. It is shorter than the batch, or has used up a retry, or pauses."""
    succeeded = _succeeded(batch.records, result, mapping)
    remaining = batch.records[succeeded:]
    if not remaining:
        return Outcome([], [])
    if succeeded:
        return Outcome([Batch(remaining)], [])
    if result.get("throttle"):  # the function was not called, so no retry is used up
        return Outcome([batch], [], pause=True)
    if mapping.get("BisectBatchOnFunctionError") and len(remaining) > 1:
        return Outcome([Batch(half, batch.retries) for half in halves(remaining)], [])
    most_retries = mapping.get("MaximumRetryAttempts", -1)  # -1: without an end
    if 0 <= most_retries <= batch.retries:
        return Outcome([], remaining)
    return Outcome([Batch(remaining, batch.retries + 1)], [], pause=True)


def halves(records: list[Record]) -> list[list[Record]]:
    """Return the records as they come again after a failure, if the mapping asks for halves."""
    middle = len(records) // 2
    return [records[:middle], records[middle:]]


def _succeeded(records: list[Record], result: Result, mapping: Mapping) -> int:
    """Return the number of successful records: those before the lowest sequence number that was reported as failed."""
    if result.get("error"):
        return 0
    answer = result.get("body")
    failures = None
    if "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []) and isinstance(answer, dict):
        failures = answer.get("batchItemFailures")
    if not failures:
        return len(records)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    try:
        return min(numbers.index(failure["itemIdentifier"]) for failure in failures)
    except (ValueError, KeyError, TypeError):  # not a record of the batch: then the whole batch failed
        return 0
