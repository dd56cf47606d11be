"""What the embedded AWS cannot show: there, CloudWatch does not count what a trigger starts."""

import time

import pytest

from lab_lib.aws import buckets, cloudwatch, queues
from lab_lib.exercises import experiments

NAME = "TransactionProcessor"


@pytest.fixture
def log(lab):
    """log("one", "two"): TransactionProcessor wrote these lines, just now."""
    logs, group = lab.client("logs"), cloudwatch.log_group(lab, NAME)
    cloudwatch.ensure_log_group(lab, NAME)
    logs.create_log_stream(logGroupName=group, logStreamName="s")

    def log(*lines):
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    buckets.ensure_bucket(lab)
    for queue in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, queue)
    return log


@pytest.fixture
def waits(log, monkeypatch):
    """What was waited for. The report of an upload is there after it; no function runs here."""
    seen = []

    def wait_until(probe, what, **_):
        seen.append(what)
        log('{"key": "mine.txt", "rows": 1, "written": 1, "rejected": 0}')
        return probe() or True

    monkeypatch.setattr(experiments, "wait_until", wait_until)
    return seen


def test_on_aws_the_minute_of_an_error_is_over_before_the_last_upload_comes_again(lab, log, waits, calls):
    buckets.put(lab, "mine.txt", b"content")
    log('{"key": "mine.txt", "rows": 1, "written": 1, "rejected": 0}', "[ERROR] KeyError: 'amount'")
    uploads = calls("s3", "put_object")

    experiments.put_back(lab)

    assert waits[-2:] == ["the minute of the last error to be over", "mine.txt to be processed"]
    assert [(each["Key"], each["Body"]) for each in uploads] == [("mine.txt", b"content")]


def test_without_an_error_nothing_is_uploaded_again(lab, log, waits, calls):
    buckets.put(lab, "mine.txt", b"content")
    log('{"key": "mine.txt", "rows": 1, "written": 1, "rejected": 0}')
    uploads = calls("s3", "put_object")

    experiments.put_back(lab)

    assert waits == ["TotalNotifier to count the deletions"]
    assert uploads == []


def test_an_upload_that_the_function_never_took_is_not_uploaded_again(lab, log, waits, calls):
    buckets.put(lab, "notes.csv", b"content")
    log("[ERROR] KeyError: 'amount'")
    uploads = calls("s3", "put_object")

    experiments.put_back(lab)

    assert uploads == []
