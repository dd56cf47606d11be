"""Putting back an experiment where CloudWatch counts the runs of a trigger; the embedded AWS does not count them."""

import time

import pytest

from lab_lib.aws import buckets, cloudwatch, queues
from lab_lib.exercises import experiments

NAME, ERROR = "TransactionProcessor", "[ERROR] KeyError: 'amount'"
REPORT = '{"key": "mine.txt", "rows": 1, "written": 1, "rejected": 0}'
COUNTED, OVER = "TotalNotifier to count the deletions", "the minute of the last error to be over"


@pytest.mark.parametrize(
    ("key", "lines", "uploads", "last_waits"),
    [
        ("mine.txt", [REPORT, ERROR], ["mine.txt"], [OVER, "mine.txt to be processed"]),
        ("mine.txt", [REPORT], [], [COUNTED]),
        ("notes.csv", [ERROR], [], []),
    ],
    ids=[
        "the last file comes again after an error",
        "without an error it does not",
        "nor one that was never taken",
    ],
)
def test_putting_back_an_experiment_on_aws(lab, calls, monkeypatch, key, lines, uploads, last_waits):
    def log(*lines):
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    def wait_until(probe, what, **_):
        waits.append(what)
        log(REPORT)  # no function runs here
        return probe() or True

    logs, group, waits = lab.client("logs"), cloudwatch.log_group(lab, NAME), []
    cloudwatch.ensure_log_group(lab, NAME)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    buckets.ensure_bucket(lab)
    for queue in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, queue)
    monkeypatch.setattr(experiments, "wait_until", wait_until)
    buckets.put(lab, key, b"content")
    log(*lines)
    uploaded = calls("s3", "put_object")

    experiments.put_back(lab)

    assert [(each["Key"], each["Body"]) for each in uploaded] == [(name, b"content") for name in uploads]
    assert waits[len(waits) - len(last_waits) :] == last_waits
