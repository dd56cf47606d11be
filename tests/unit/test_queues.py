import dataclasses
import json

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import policies, queues

QUEUE = "CustomerNotify"
TWO_WEEKS = "1209600"  # seconds


@pytest.fixture
def attributes(lab):
    def attributes(url):
        return lab.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    return attributes


@pytest.fixture
def given_queue(lab):
    return lab.client("sqs").create_queue(QueueName=QUEUE, Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]


@pytest.fixture
def send(lab):
    """Put these messages into the queue: text as it is, anything else as JSON."""
    url = queues.ensure_queue(lab, QUEUE)

    def send(*messages):
        for message in messages:
            body = message if isinstance(message, str) else json.dumps(message)
            lab.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    return send


@pytest.fixture
def envelope():
    """What SNS puts into a queue."""
    return lambda message: {"Type": "Notification", "Subject": "Warning!", "Message": json.dumps(message)}


def test_ensure_queue_makes_a_tagged_encrypted_standard_queue(lab, attributes):
    url = queues.ensure_queue(lab, QUEUE)

    made = attributes(url)
    assert made["QueueArn"] == queues.queue_arn(lab, QUEUE) == f"arn:aws:sqs:us-east-1:123456789012:{QUEUE}"
    assert made["SqsManagedSseEnabled"] == "true"
    assert made["MessageRetentionPeriod"] == TWO_WEEKS
    assert "FifoQueue" not in made
    assert lab.client("sqs").list_queue_tags(QueueUrl=url)["Tags"] == {"lab": "serverless-lab"}


def test_ensure_queue_twice_gives_the_same_queue(lab):
    assert queues.ensure_queue(lab, QUEUE) == queues.ensure_queue(lab, QUEUE)
    assert len(lab.client("sqs").list_queues()["QueueUrls"]) == 1


@pytest.mark.parametrize(
    ("setting", "changed", "wanted"),
    [("MessageRetentionPeriod", "60", TWO_WEEKS), ("SqsManagedSseEnabled", "false", "true")],
)
def test_ensure_queue_gives_a_changed_setting_back(lab, attributes, setting, changed, wanted):
    url = queues.ensure_queue(lab, QUEUE)
    lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={setting: changed})
    assert attributes(url)[setting] == changed

    queues.ensure_queue(lab, QUEUE)

    assert attributes(url)[setting] == wanted


@pytest.mark.parametrize("changed", ["", json.dumps({"Version": "2012-10-17", "Statement": []})])
def test_ensure_queue_gives_the_dead_letter_queue_its_policy_back(lab, changed):
    wanted = policies.tls_only_queue(queues.queue_arn(lab, queues.DEAD_LETTERS))["Statement"]
    url = queues.ensure_queue(lab, queues.DEAD_LETTERS)
    assert queues.statements(lab, queues.DEAD_LETTERS) == wanted
    lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": changed})
    assert queues.statements(lab, queues.DEAD_LETTERS) == []

    queues.ensure_queue(lab, queues.DEAD_LETTERS)

    assert queues.statements(lab, queues.DEAD_LETTERS) == wanted


def test_ensure_queue_leaves_the_way_of_the_topic_into_a_queue_as_it_is(lab, calls):
    queues.ensure_queue(lab, QUEUE)
    made = calls("sqs", "set_queue_attributes")

    queues.ensure_queue(lab, QUEUE)

    assert [each["Attributes"].keys() & {"Policy"} for each in made] == [set()]


def test_ensure_queue_waits_until_the_name_can_be_used_again(lab, monkeypatch):
    # SQS keeps the name of a deleted queue for 60 s; moto does not.
    sqs, made, waits = lab.client("sqs"), lab.client("sqs").create_queue, []

    def deleted_recently(**arguments):
        monkeypatch.setattr(sqs, "create_queue", made)
        code = "AWS.SimpleQueueService.QueueDeletedRecently"
        raise ClientError({"Error": {"Code": code, "Message": "You must wait 60 seconds."}}, "CreateQueue")

    monkeypatch.setattr(sqs, "create_queue", deleted_recently)
    retry_while = queues.retry_while
    monkeypatch.setattr(queues, "retry_while", lambda *args: retry_while(*args, sleep=waits.append))

    url = queues.ensure_queue(lab, QUEUE)

    assert queues.find_queue(lab, QUEUE) == url
    assert len(waits) == 1


def test_ensure_queue_adopts_a_given_queue_and_changes_nothing(lab, given_queue, attributes):
    before = attributes(given_queue)

    assert queues.ensure_queue(lab, QUEUE) == given_queue

    assert attributes(given_queue) == before
    assert not queues.is_ours(lab, QUEUE)


def test_an_absent_queue_is_none(lab):
    assert queues.find_queue(lab, QUEUE) is None
    assert queues.attributes(lab, QUEUE) == {}
    assert queues.statements(lab, QUEUE) == []
    assert queues.names(lab) == []
    assert queues.is_ours(lab, QUEUE) is False


def test_a_refusal_is_never_absence(lab, refuse):
    refuse("sqs", "get_queue_url")

    for call in (
        queues.find_queue,
        queues.ensure_queue,
        queues.delete_queue,
        queues.is_ours,
        queues.messages,
        queues.attributes,
        queues.statements,
        queues.allowed_senders,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(lab, QUEUE)


def test_delete_queue_deletes_it_with_its_messages(lab, send):
    send({"a": 1})

    queues.delete_queue(lab, QUEUE)

    assert queues.find_queue(lab, QUEUE) is None


def test_delete_queue_again_is_quiet(lab):
    queues.ensure_queue(lab, QUEUE)
    queues.delete_queue(lab, QUEUE)

    queues.delete_queue(lab, QUEUE)

    assert queues.find_queue(lab, QUEUE) is None


def test_delete_queue_keeps_a_given_queue(lab, given_queue):
    queues.delete_queue(lab, QUEUE)

    assert queues.find_queue(lab, QUEUE) == given_queue


def test_messages_of_an_absent_queue_are_none(lab):
    assert queues.messages(lab, QUEUE) == []


def test_messages_of_an_empty_queue_are_none(lab):
    queues.ensure_queue(lab, QUEUE)

    assert queues.messages(lab, QUEUE) == []


def test_messages_are_all_there_when_they_are_more_than_sqs_gives_at_once(lab, send):
    send(*[{"number": number} for number in range(23)])

    assert sorted(each["number"] for each in queues.messages(lab, QUEUE)) == list(range(23))


def test_messages_stay_in_the_queue(lab, send):
    send({"a": 1}, {"b": 2})

    assert queues.messages(lab, QUEUE) == queues.messages(lab, QUEUE)
    assert len(queues.messages(lab, QUEUE)) == 2


def test_alerts_come_without_the_envelope_of_sns(lab, send, envelope):
    send(envelope({"customerID": "C2", "accountBalance": "1750"}))

    assert queues.alerts(lab, QUEUE) == [{"customerID": "C2", "accountBalance": "1750"}]


def test_messages_that_are_no_alerts_are_passed_over(lab, send, envelope):
    alert = {"customerID": "C2", "accountBalance": "1750"}

    send({"a": 1}, [1], 7, envelope("x"), envelope([1]), {"Message": 1}, {"Message": "no JSON"}, envelope(alert))

    assert queues.alerts(lab, QUEUE) == [alert]


def test_a_message_that_a_learner_typed_in_the_console_is_passed_over(lab, send, envelope):
    alert = {"customerID": "C2", "accountBalance": "1750"}

    send("hello, this is no JSON", envelope(alert))

    assert queues.alerts(lab, QUEUE) == [alert]


def test_a_queue_without_a_policy_lets_nobody_in(lab):
    queues.ensure_queue(lab, QUEUE)

    assert queues.allowed_senders(lab, QUEUE) == []


def test_allowed_senders_are_the_topics_of_the_queues_policy(lab):
    url = queues.ensure_queue(lab, QUEUE)
    policy = policies.topic_to_queue(lab, lab.arn("sns", "HighBalanceAlert"), queues.queue_arn(lab, QUEUE))
    policy["Statement"].append({"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"})
    lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})

    assert queues.allowed_senders(lab, QUEUE) == ["HighBalanceAlert", "anyone"]


def test_nobody_may_send_to_an_absent_queue(lab):
    assert queues.allowed_senders(lab, QUEUE) == []


def test_another_queues_policy_lets_nobody_in(lab):
    url = queues.ensure_queue(lab, QUEUE)
    policy = policies.topic_to_queue(lab, lab.arn("sns", "HighBalanceAlert"), queues.queue_arn(lab, "CreditCollection"))
    lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})

    assert queues.allowed_senders(lab, QUEUE) == []


def test_attributes_are_what_sqs_tells_of_the_queue(lab, given_queue, attributes):
    found = queues.attributes(lab, QUEUE)

    assert found == attributes(given_queue)
    assert found["MessageRetentionPeriod"] == "60"
    assert found["ApproximateNumberOfMessages"] == "0"


def test_attributes_are_those_of_the_queue_with_the_labs_prefix(lab, given_queue):
    assert queues.attributes(dataclasses.replace(lab, prefix="ana-"), QUEUE) == {}


def test_statements_are_those_of_the_queues_policy(lab):
    url = queues.ensure_queue(lab, QUEUE)
    policy = policies.topic_to_queue(lab, lab.arn("sns", "HighBalanceAlert"), queues.queue_arn(lab, QUEUE))
    lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})

    assert queues.statements(lab, QUEUE) == policy["Statement"]


@pytest.mark.parametrize("attributes", [{}, {"Policy": ""}], ids=str)
def test_statements_of_a_queue_without_a_policy_are_none(lab, monkeypatch, attributes):
    queues.ensure_queue(lab, QUEUE)
    monkeypatch.setattr(lab.client("sqs"), "get_queue_attributes", lambda **_: {"Attributes": attributes})

    assert queues.statements(lab, QUEUE) == []


def test_names_are_the_queues_of_the_region(lab):
    lab.client("sqs").create_queue(QueueName="CustomerNotify.fifo", Attributes={"FifoQueue": "true"})
    queues.ensure_queue(lab, QUEUE)

    assert sorted(queues.names(lab)) == ["CustomerNotify", "CustomerNotify.fifo"]


def test_names_are_all_there_when_they_are_more_than_a_page(lab, monkeypatch):
    # SQS gives a thousand at once, and tells of more only to those who ask for pages.
    def list_queues(MaxResults=None, NextToken=None):
        if NextToken:
            return {"QueueUrls": ["https://sqs/123456789012/two"]}
        return {"QueueUrls": ["https://sqs/123456789012/one"], **({"NextToken": "more"} if MaxResults else {})}

    monkeypatch.setattr(lab.client("sqs"), "list_queues", list_queues)

    assert queues.names(lab) == ["one", "two"]


def test_statements_may_be_a_single_one_without_its_brackets(lab):
    url = queues.ensure_queue(lab, QUEUE)
    (statement,) = policies.tls_only_queue(queues.queue_arn(lab, QUEUE))["Statement"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    assert queues.statements(lab, QUEUE) == [statement]


def test_delete_messages_takes_the_unwanted_and_leaves_the_others_to_be_seen(lab, send, envelope):
    alerts = [{"customerID": name, "accountBalance": "1750"} for name in ("C1", "Break Ana", "C2", "Break Ben")]
    send(*map(envelope, alerts), "no JSON")

    queues.delete_messages(lab, QUEUE, lambda body: queues.alert(body).get("customerID", "").startswith("Break "))

    assert sorted(each["customerID"] for each in queues.alerts(lab, QUEUE)) == ["C1", "C2"]
    assert len(queues.messages(lab, QUEUE)) == 3


def test_delete_messages_finds_all_of_many(lab, send):
    send(*({"number": number} for number in range(35)))

    queues.delete_messages(lab, QUEUE, lambda body: body["number"] % 2 == 0)

    assert sorted(body["number"] for body in queues.messages(lab, QUEUE)) == list(range(1, 35, 2))


def test_delete_messages_of_a_queue_that_is_not_there_is_quiet(lab):
    queues.delete_messages(lab, "Missing", lambda body: True)


@pytest.mark.parametrize(
    ("message", "what", "why"),
    [
        (
            {
                "error": "TransactionAmount is no number",
                "record": {"dynamodb": {"Keys": {"CustomerId": {"S": "C1"}, "TransactionId": {"S": "T1"}}}},
            },
            "C1 T1",
            "TransactionAmount is no number",
        ),
        ({"error": "KeyError('dynamodb')", "record": {}}, "", "KeyError('dynamodb')"),
        (
            {
                "requestPayload": {"Records": [{"s3": {"object": {"key": "my+file%C3%A4.txt"}}}]},
                "responsePayload": {"errorMessage": "it is not UTF-8 text"},
            },
            "my fileä.txt",
            "it is not UTF-8 text",
        ),
        (
            {"DDBStreamBatchInfo": {"batchSize": 7}, "requestContext": {"condition": "RetryAttemptsExhausted"}},
            "7 changes",
            "RetryAttemptsExhausted",
        ),
        ({}, "", ""),
    ],
    ids=["a parked record", "a record without a key", "a file", "a batch of changes", "anything else"],
)
def test_a_dead_letter_tells_what_it_is_about_and_why(message, what, why):
    assert queues.dead_letter(message) == {"what": what, "why": why}


def test_dead_letters_stay_in_their_queue(lab):
    url = queues.ensure_queue(lab, queues.DEAD_LETTERS)
    lab.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"error": "it is wrong", "record": {}}))

    assert queues.dead_letters(lab) == queues.dead_letters(lab) == [{"what": "", "why": "it is wrong"}]
