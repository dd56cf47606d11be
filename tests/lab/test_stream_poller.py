"""The poller of the embedded AWS: real mappings, and a function that fails or succeeds as its items say.

The rules themselves are in tests/unit/test_stream_batches.py. Each item has a letter for its id: "abc" is a batch of
three. A case writes its items before it makes the mapping, so that they come in one batch.
"""

import json
import time

import pytest
from chains import create_function
from stream import soon

from lab_lib.aws import queues

CODE = """
import json
import time


def handler(event, context):
    images = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
    numbers = dict(zip([image["id"]["S"] for image in images], numbers))
    verdicts = {image["verdict"]["S"]: image["id"]["S"] for image in reversed(images)}
    print(json.dumps({"time": time.time_ns(), "batch": "".join(numbers)}), flush=True)
    if "raise" in verdicts:
        raise ValueError(verdicts["raise"])
    return {"batchItemFailures": [{"itemIdentifier": numbers[verdicts["report"]]}] if "report" in verdicts else []}
"""
EXHAUSTED = "RetryAttemptsExhausted"
DONE = {"Filters": [{"Pattern": json.dumps({"dynamodb": {"NewImage": {"verdict": {"S": ["done"]}}}})}]}
REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}

pytestmark = pytest.mark.slow


@pytest.fixture
def stream(stream):
    create_function(stream.lab, "Act", CODE)
    return stream


def test_a_failing_batch_is_halved_retried_and_discarded_as_aws_documents(stream):
    stream.write("abcd", c="raise")
    stream.map(MaximumRetryAttempts=1, BisectBatchOnFunctionError=True)

    soon(lambda: len(stream.batches()) >= 6, "the tries")

    assert stream.finish() == ["abcd", "ab", "cd", "c", "c", "d", "z"]
    assert queues.dead_letters(stream.lab) == [{"what": "1 change", "why": EXHAUSTED}]


def test_a_paused_mapping_continues_where_it_was(stream):
    stream.write("abc", b="report")
    uuid = stream.map(MaximumRetryAttempts=10, **REPORTS)
    soon(lambda: len(stream.batches()) >= 3, "a retry")

    stream.lambda_.update_event_source_mapping(UUID=uuid, Enabled=False)
    time.sleep(2)  # a call may be under way
    paused = stream.batches()
    time.sleep(1)  # as long as the longest pause between tries

    assert stream.batches() == paused
    stream.lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert "".join(stream.finish()) == "abc" + 11 * "bc" + "z"
    assert queues.dead_letters(stream.lab) == [{"what": "2 changes", "why": EXHAUSTED}]


def test_a_mapping_that_fails_for_ever_delays_no_other_and_ends_when_it_is_deleted(stream):
    create_function(stream.lab, "Other", CODE)
    stream.write("ab", b="raise")
    uuid = stream.map("Act", BatchSize=2)
    stream.map("Other", FilterCriteria=DONE)

    assert "".join(stream.finish("Other")) == "az"
    stream.lambda_.delete_event_source_mapping(UUID=stream.mappings.pop(stream.mappings.index(uuid)))

    soon(lambda: not stream.lab.work(), "the last call, which may have been under way, to end")
    assert set(stream.batches()) == {"ab"}


def test_starting_position_batch_size_and_filter_count(stream):
    stream.write("a")
    uuid = stream.map(StartingPosition="LATEST", BatchSize=2, FilterCriteria=DONE, Enabled=False)
    stream.write("bcdefghi", b="other", f="other", g="other")
    stream.lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)

    assert stream.finish() == ["c", "de", "hi", "z"]
