"""AWS's rules for a batch of stream records."""

import pytest

from lab_lib.embedded.batches import Batch, decide

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
    """Return the decision: [(records, retries)] that remain, [(records, condition)] discarded, pause."""
    decision = decide(batch, result, mapping, NOW)
    remaining = [(letters(part.records), part.retries) for part in decision.remaining]
    return remaining, [(letters(part), condition) for part, condition in decision.discarded], decision.pause


def letters(records):
    return "".join(record["dynamodb"]["SequenceNumber"] for record in records)


@pytest.mark.parametrize(
    ("result", "mapping", "remaining", "pause"),
    [
        ({"body": None}, {}, [], False),
        (reported("a"), {}, [], False),  # the mapping does not ask for reports
        (FAILED, {}, [("abcd", 2)], True),
        (FAILED, {**BISECTS, "MaximumRetryAttempts": 0}, [("ab", 1), ("cd", 1)], False),
        (THROTTLED, {**BISECTS, "MaximumRetryAttempts": 0}, [("abcd", 1)], True),
        (reported("d", "b"), REPORTS, [("bcd", 0)], False),
        (reported("c"), {**REPORTS, **BISECTS, "MaximumRetryAttempts": 0}, [("cd", 0)], False),
        (reported("c", "x"), REPORTS, [("abcd", 2)], True),
        ({"body": {"batchItemFailures": "c"}}, REPORTS, [("abcd", 2)], True),
    ],
)
def test_what_remains_of_a_batch_that_was_retried_once(result, mapping, remaining, pause):
    assert outcome(Batch(records("abcd"), 1), result, mapping) == (remaining, [], pause)


def test_failed_records_are_discarded_when_their_retries_are_used_up_or_they_are_too_old():
    last, old = Batch(records("a"), 2), Batch([*records("a", NOW - 61), *records("b", NOW - 50)])
    older = Batch([*records("a", NOW - 90_000), *records("b", NOW - 80_000)])  # a stream keeps a day

    assert outcome(last, FAILED, {"MaximumRetryAttempts": 2, **BISECTS}) == ([], [("a", EXHAUSTED)], False)
    mapping = {"MaximumRecordAgeInSeconds": 60, "MaximumRetryAttempts": 0}
    assert outcome(old, FAILED, mapping) == ([], [("a", TOO_OLD), ("b", EXHAUSTED)], False)
    assert outcome(older, FAILED, {}) == ([("b", 1)], [("a", TOO_OLD)], True)
