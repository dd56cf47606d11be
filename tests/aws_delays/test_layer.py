"""The delays that the lab avoids, and so does not wait for: each hits its call for its length, and is over afterwards.

test_single_delays.py shows that the lab meets the others.
"""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lab_lib.aws import cloudwatch, functions, policies, queues, roles
from tests.aws_delays.lengths import DELAYS
from tests.lab.chains import create_function

pytestmark = pytest.mark.slow


def before_and_after(layer, delay, look):
    """Return what `look` returns now, just before the end of the delay, and after it."""
    now, length = look(), DELAYS[delay].seconds
    layer.clock.sleep(length - 1)
    before = look()
    layer.clock.sleep(1.5)
    layer.make_due_calls()  # as a thread of each process does
    return now, before, look()


def test_a_queue_policy_counts_later_unless_the_queue_is_created_with_it(delayed):
    lab, layer = delayed("queue-policy")
    sqs, policy = lab.client("sqs"), json.dumps(policies.tls_only_queue(lab.arn("sqs", "Q")))
    url = sqs.create_queue(QueueName="Q")["QueueUrl"]
    sqs.create_queue(QueueName="WithPolicy", Attributes={"Policy": policy})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy, "VisibilityTimeout": "7"})

    def policy_of(name, bare):
        where = {"QueueUrl": url.replace("/Q", f"/{name}"), "AttributeNames": ["All"]}
        found = (
            layer.bare(lab.account, "sqs", "GetQueueAttributes", where) if bare else sqs.get_queue_attributes(**where)
        )
        return found["Attributes"].get("Policy") == policy

    found = before_and_after(layer, "queue-policy", lambda: (policy_of("Q", False), policy_of("Q", True)))

    assert found == ((True, False), (True, False), (True, True))
    assert policy_of("WithPolicy", True)


def test_a_queue_shows_its_earlier_counts(delayed):
    lab, layer = delayed("queue-counts")
    url = lab.client("sqs").create_queue(QueueName="Q")["QueueUrl"]
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="{}")

    def count():
        return queues.attributes(lab, "Q")["ApproximateNumberOfMessages"]

    assert before_and_after(layer, "queue-counts", count) == ("0", "0", "1")


def test_logs_and_metrics_are_late(delayed):
    lab, layer = delayed("logs", "metrics")
    role = roles.ensure_role(lab, "R", policies.total_notifier(lab))
    create_function(lab, "F", "def handler(event, context): return 1", role)
    functions.invoke(lab, "F", {})
    since = datetime.now(UTC) - timedelta(minutes=5)

    def seen():
        return bool(cloudwatch.log_lines(lab, "F")), cloudwatch.metrics(lab, "F", since)["Invocations"]

    now, before, after = before_and_after(layer, "logs", seen)
    layer.clock.sleep(180)
    assert (now, before, after, seen()) == ((False, 0), (False, 0), (True, 0), (True, 1))


def test_every_seventh_call_is_refused_twice(delayed, monkeypatch):
    lab, _ = delayed("throttling")
    slept = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=slept.append))

    retries = [lab.client("sqs").list_queues()["ResponseMetadata"]["RetryAttempts"] for _ in range(14)]

    assert retries == [0] * 6 + [2] + [0] * 6 + [2]
    assert len(slept) == 4


@pytest.mark.parametrize("service", ["lambda", "iam", "dynamodb", "sns", "sqs", "logs", "s3"])
def test_each_service_refuses_in_its_own_words(delayed, service, monkeypatch):
    lab, _ = delayed("throttling")
    calls = {"lambda": "list_functions", "iam": "list_roles", "dynamodb": "list_tables", "sns": "list_topics"}
    calls |= {"sqs": "list_queues", "logs": "describe_log_groups", "s3": "list_buckets"}
    monkeypatch.setattr("tests.aws_delays.layer._EVERY", 1)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))

    assert getattr(lab.client(service), calls[service])()["ResponseMetadata"]["RetryAttempts"] == 2
