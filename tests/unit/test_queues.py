import json

import pytest

from lab_lib.aws import queues
from lab_lib.lab import Lab

QUEUE = "CustomerNotify"
ALERT = {"customerID": "C2", "accountBalance": "1750"}


@pytest.fixture
def url(lab):
    return queues.ensure_queue(lab, QUEUE)


@pytest.fixture
def send(lab, url):
    """Put messages into the queue: text as it is, anything else as JSON."""

    def send(*messages):
        for message in messages:
            body = message if isinstance(message, str) else json.dumps(message)
            lab.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    return send


def envelope(message):
    """Return the message that SNS puts into a queue."""
    return {"Type": "Notification", "Subject": "Warning!", "Message": json.dumps(message)}


def test_a_queue_has_its_policy_from_its_creation_and_that_of_alerts_comes_from_nowhere_else(lab, calls):
    updates = calls("sqs", "set_queue_attributes")
    for name in (QUEUE, queues.DEAD_LETTERS):
        queues.ensure_queue(lab, name)
    sids = {name: [one["Sid"] for one in queues.statements(lab, name)] for name in (QUEUE, queues.DEAD_LETTERS)}
    for name in (QUEUE, queues.DEAD_LETTERS):
        queues.ensure_queue(lab, name)

    assert sids == {QUEUE: ["TopicToQueue", "TlsOnly"], queues.DEAD_LETTERS: ["TlsOnly"]}
    assert ["Policy" in update["Attributes"] for update in updates if QUEUE in update["QueueUrl"]] == [False]


def test_of_many_messages_only_so_many_are_received_and_all_are_visible_again(lab, send, calls, monkeypatch):
    monkeypatch.setattr(queues, "MOST", 20)
    send(*[{"number": number} for number in range(40)])
    received = calls("sqs", "receive_message")

    assert len(queues.messages(lab, QUEUE)) == 20
    assert [call["MaxNumberOfMessages"] for call in received] == [10, 10]
    assert queues.attributes(lab, QUEUE)["ApproximateNumberOfMessages"] == "40"


def test_a_queue_that_shows_the_same_messages_again_comes_to_an_end(lab, send, monkeypatch):
    send("one", "two")
    how = {"MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["SentTimestamp"]}
    answer = lab.client("sqs").receive_message(QueueUrl=queues.find_queue(lab, QUEUE), **how)
    monkeypatch.setattr(lab.client("sqs"), "receive_message", lambda **_: answer)

    assert len(queues.messages(lab, QUEUE)) == len(answer["Messages"])


@pytest.mark.parametrize(("is_real", "waits"), [(True, [1, 1]), (False, [0])])
def test_only_aws_may_miss_messages_so_there_an_empty_queue_is_asked_twice(lab, url, monkeypatch, is_real, waits):
    monkeypatch.setattr(Lab, "is_real", is_real)
    asked = []
    monkeypatch.setattr(lab.client("sqs"), "receive_message", lambda **how: asked.append(how["WaitTimeSeconds"]) or {})

    assert queues.messages(lab, QUEUE) == []
    assert asked == waits


def test_alerts_come_without_the_envelope_and_other_messages_are_skipped(lab, send):
    send("typed in the console", [1], envelope([1]), {"Message": 1}, envelope(ALERT))

    assert queues.alerts(lab, QUEUE) == [ALERT]


def test_delete_messages_deletes_the_unwanted_ones_of_many(lab, send):
    send(*({"number": number} for number in range(25)), "no JSON")

    queues.delete_messages(lab, QUEUE, lambda body: body.get("number", 1) % 2 == 0)

    kept = queues.messages(lab, QUEUE)
    assert sorted(body["number"] for body in kept if body) == list(range(1, 25, 2))
    assert {} in kept


KEYS = {"dynamodb": {"Keys": {"CustomerId": {"S": "C1"}, "TransactionId": {"S": "T1"}}}}
FILE = {"Records": [{"s3": {"object": {"key": "my+file%C3%A4.txt"}}}]}


@pytest.mark.parametrize(
    ("message", "what", "why"),
    [
        ({"error": "no number", "record": KEYS}, "C1 T1", "no number"),
        ({"requestPayload": FILE, "responsePayload": {"errorMessage": "not UTF-8"}}, "my fileä.txt", "not UTF-8"),
        (
            {"DDBStreamBatchInfo": {"batchSize": 7}, "requestContext": {"condition": "Exhausted"}},
            "7 changes",
            "Exhausted",
        ),
        ({"DDBStreamBatchInfo": "x"}, "a message that is no dead letter", ""),
    ],
    ids=str,
)
def test_a_dead_letter_tells_what_failed_and_why(lab, message, what, why):
    url = queues.ensure_queue(lab, queues.DEAD_LETTERS)
    lab.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message))

    assert queues.dead_letters(lab) == [{"what": what, "why": why}]
