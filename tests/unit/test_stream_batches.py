"""AWS's rules for a batch of stream records."""

import pytest

from lab_lib.embedded.batches import Batch, decide, invocation_record

NOW = 1_000_000.0
REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
BISECTS = {"BisectBatchOnFunctionError": True}
FAILED = {"error": True, "body": {"errorMessage": "no"}}
THROTTLED = {"error": True, "throttle": True, "body": {"__type": "TooManyRequestsException"}}
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


def records(numbers, created=NOW):
    return [{"dynamodb": {"SequenceNumber": number, "ApproximateCreationDateTime": created}} for number in numbers]


def reported(*identifiers):
    return {"body": {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}}


def outcome(batch, result, mapping):
    """Return the decision: [(records, calls, retries)] that remain, [(records, calls, condition)] discarded, pause."""
    decision = decide(batch, result, mapping, NOW)
    discarded = [(*short(part)[:2], condition) for part, condition in decision.discarded]
    return [short(part) for part in decision.remaining], discarded, decision.pause


def short(batch):
    return "".join(record["dynamodb"]["SequenceNumber"] for record in batch.records), batch.calls, batch.retries


@pytest.mark.parametrize(
    ("result", "mapping", "remaining", "pause"),
    [
        ({"body": None}, {}, [], False),
        (reported("a"), {}, [], False),  # the mapping does not ask for reports
        (FAILED, {}, [("abcd", 2, 2)], True),
        (FAILED, {**BISECTS, "MaximumRetryAttempts": 0}, [("ab", 2, 1), ("cd", 2, 1)], False),
        (THROTTLED, {**BISECTS, "MaximumRetryAttempts": 0}, [("abcd", 1, 1)], True),
        (reported("d", "b"), REPORTS, [("bcd", 2, 0)], False),
        (reported("c"), {**REPORTS, **BISECTS, "MaximumRetryAttempts": 0}, [("cd", 2, 0)], False),
        (reported("c", "x"), REPORTS, [("abcd", 2, 2)], True),
        ({"body": {"batchItemFailures": "c"}}, REPORTS, [("abcd", 2, 2)], True),
    ],
)
def test_what_remains_of_a_batch_that_was_retried_once(result, mapping, remaining, pause):
    assert outcome(Batch(records("abcd"), 1, 1), result, mapping) == (remaining, [], pause)


def test_a_batch_is_discarded_when_its_retries_are_used_up():
    mapping = {"MaximumRetryAttempts": 2, **BISECTS}

    assert outcome(Batch(records("a"), 7, 2), FAILED, mapping) == ([], [("a", 8, EXHAUSTED)], False)


@pytest.mark.parametrize(
    ("result", "mapping", "ages", "expected"),
    [
        (FAILED, {}, (90_000, 80_000), ([("b", 2, 1)], [("a", 2, TOO_OLD)], True)),  # a stream keeps a day
        (
            FAILED,
            {"MaximumRecordAgeInSeconds": 60, "MaximumRetryAttempts": 0},
            (61, 50),
            ([], [("a", 2, TOO_OLD), ("b", 2, EXHAUSTED)], False),
        ),
    ],
)
def test_failed_records_that_are_too_old_are_discarded(result, mapping, ages, expected):
    batch = Batch([*records("a", NOW - ages[0]), *records("b", NOW - ages[1])], calls=1)

    assert outcome(batch, result, mapping) == expected


def test_the_destination_gets_an_invocation_record_as_aws_sends_it():
    batch = Batch([*records("a", 1_700_000_000), *records("b", 1_700_000_001)], calls=3)
    mapping = {"FunctionArn": "the function", "EventSourceArn": "the stream"}

    record = invocation_record(batch, EXHAUSTED, mapping)

    assert record["requestContext"].pop("requestId")
    assert len(record.pop("timestamp")) == len("2019-11-14T00:13:19.717Z")
    assert record == {
        "requestContext": {"functionArn": "the function", "condition": EXHAUSTED, "approximateInvokeCount": 3},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000000-00000000",
            "startSequenceNumber": "a",
            "endSequenceNumber": "b",
            "approximateArrivalOfFirstRecord": "2023-11-14T22:13:20Z",
            "approximateArrivalOfLastRecord": "2023-11-14T22:13:21Z",
            "batchSize": 2,
            "streamArn": "the stream",
        },
    }
