"""AWS's rules for a batch of stream records."""

import pytest

from lab_lib.embedded.batches import Batch, decide

REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
ONE, BISECTS = {"MaximumRetryAttempts": 1}, {"MaximumRetryAttempts": 0, "BisectBatchOnFunctionError": True}
FAILED = {"error": True, "body": {"errorMessage": "no"}}
THROTTLED = {"error": True, "throttle": True, "body": {"__type": "TooManyRequestsException"}}


def records(numbers):
    return [{"dynamodb": {"SequenceNumber": number}} for number in numbers]


def reported(*identifiers):
    return {"body": {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}}


@pytest.mark.parametrize(
    ("result", "mapping", "remaining", "discarded", "pauses"),
    [
        ({"body": None}, {}, [], "", False),
        (reported("a"), {}, [], "", False),  # the mapping does not ask for reports
        (FAILED, {}, [("abcd", 2)], "", True),
        (FAILED, ONE, [], "abcd", False),
        (FAILED, BISECTS, [("ab", 1), ("cd", 1)], "", False),
        (THROTTLED, BISECTS, [("abcd", 1)], "", True),
        (reported("d"), {**REPORTS, **BISECTS}, [("d", 0)], "", False),
        (reported("d", "b"), REPORTS, [("bcd", 0)], "", False),
        (reported("c", "x"), REPORTS, [("abcd", 2)], "", True),
        ({"body": {"batchItemFailures": "c"}}, REPORTS, [("abcd", 2)], "", True),
    ],
)
def test_what_becomes_of_a_batch_that_was_retried_once(result, mapping, remaining, discarded, pauses):
    batches = [Batch(records(numbers), retries) for numbers, retries in remaining]

    assert decide(Batch(records("abcd"), 1), result, mapping) == (batches, records(discarded), pauses)


def test_the_last_record_of_a_halved_batch_is_discarded():
    assert decide(Batch(records("a"), 0), FAILED, BISECTS) == ([], records("a"), False)
