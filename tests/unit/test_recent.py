"""An answer is late if it does not show what this process has just made or deleted; no other one is waited for."""

import json

import pytest

from lab_lib.calls.recent import Call, Journal

ARN = "arn:aws:{}:us-east-1:111122223333:{}"
FUNCTION, TOPIC, QUEUE = ARN.format("lambda", "function:Mine"), ARN.format("sns", "Mine"), ARN.format("sqs", "Inbox")
SUBSCRIPTION, TABLE = f"{TOPIC}:1-2", ARN.format("dynamodb", "table/Mine")
STREAM = f"{TABLE}/stream/2026-11-28T05:18:00.123"
POLICY = json.dumps({"Statement": [{"Sid": "Bucket", "Resource": FUNCTION}]})
TAGS, TAG = {"lab": "mine"}, [{"Key": "lab", "Value": "mine"}]
MISSING = {"Error": {"Code": "ResourceNotFoundException"}}


def call(service, operation, answer=None, **params):
    return Call(service, operation, params, answer or {})


MADE = {
    "bucket": call("s3", "CreateBucket", Bucket="b"),
    "notification": call(
        "s3", "PutBucketNotificationConfiguration", Bucket="b", NotificationConfiguration=[{"Id": "n"}]
    ),
    "function": call("lambda", "CreateFunction", FunctionName="Mine", Tags=TAGS),
    "permission": call("lambda", "AddPermission", FunctionName="Mine", StatementId="Bucket"),
    "mapping": call(
        "lambda", "CreateEventSourceMapping", FunctionName=FUNCTION, EventSourceArn="s"
    ),  # its answer was lost
    "role": call("iam", "CreateRole", RoleName="R", Tags=TAG),
    "policy of a role": call("iam", "PutRolePolicy", RoleName="R", PolicyName="p"),
    "table": call("dynamodb", "CreateTable", {"Table": {"LatestStreamArn": STREAM}}, TableName="Mine", Tags=TAG),
    "topic": call("sns", "CreateTopic", {"TopicArn": TOPIC}, Name="Mine", Tags=TAG),
    "subscription": call("sns", "Subscribe", {"SubscriptionArn": SUBSCRIPTION}, TopicArn=TOPIC, Endpoint=QUEUE),
    "e-mail": call("sns", "Subscribe", {"SubscriptionArn": "pending confirmation"}, TopicArn=TOPIC, Endpoint="a@b.c"),
    "log group": call("logs", "CreateLogGroup", logGroupName="/aws/lambda/Mine"),
}
NOT_SHOWN = [
    ("bucket", call("s3", "HeadBucket", {"Error": {"Code": "404"}}, Bucket="b", ExpectedBucketOwner="1")),
    ("notification", call("s3", "GetBucketNotificationConfiguration", Bucket="b")),
    ("permission", call("lambda", "GetPolicy", {"Policy": '{"Statement": []}'}, FunctionName="Mine")),
    ("role", call("iam", "GetRole", {"Role": {"RoleName": "R"}}, RoleName="R")),  # without its tags
    ("table", call("dynamodb", "PutItem", MISSING, TableName="Mine")),
    ("e-mail", call("sns", "ListSubscriptionsByTopic", {"Subscriptions": []}, TopicArn=TOPIC)),
]
RIGHT = [  # it is shown, or the answer is about something else
    ("bucket", call("s3", "HeadObject", {"Error": {"Code": "404"}}, Bucket="b", Key="k")),
    ("bucket", call("s3", "GetBucketPolicy", {"Error": {"Code": "NoSuchBucketPolicy"}}, Bucket="b")),
    ("function", call("lambda", "GetPolicy", MISSING, FunctionName="Mine")),
    ("permission", call("lambda", "GetPolicy", {"Policy": POLICY}, FunctionName="Mine")),
    ("mapping", call("lambda", "ListEventSourceMappings", {"EventSourceMappings": [], "NextMarker": "m"})),
    ("subscription", call("sns", "ListSubscriptionsByTopic", {"Subscriptions": []}, TopicArn=f"{TOPIC}2")),
]
DELETED = {
    "topic": call("sns", "DeleteTopic", TopicArn=TOPIC),
    "log group": call("logs", "DeleteLogGroup", logGroupName="/aws/lambda/Mine"),
    "role": call("iam", "DeleteRole", RoleName="R"),
    "table": call("dynamodb", "DeleteTable", TableName="Mine"),
    "function": call("lambda", "DeleteFunction", FunctionName=FUNCTION),
}
LATE, NOT_LATE = "AWS to forget", "None"
AFTER_DELETION = [
    ("topic", call("sns", "GetTopicAttributes", {"Attributes": {"TopicArn": TOPIC}}, TopicArn=TOPIC), LATE),
    ("log group", call("logs", "DescribeLogGroups", {"logGroups": [{"logGroupName": "/aws/lambda/Mine"}]}), LATE),
    ("role", call("iam", "CreateRole", {"Error": {"Code": "EntityAlreadyExists"}}, RoleName="R"), LATE),
    ("table", call("dynamodb", "DescribeTable", {"Table": {"TableStatus": "DELETING"}}, TableName="Mine"), NOT_LATE),
    ("function", call("lambda", "GetPolicy", MISSING, FunctionName="Mine"), NOT_LATE),  # its permission went with it
]


@pytest.fixture
def journal():
    return Journal(3600)  # the calls of the tests are as old as this module


@pytest.mark.parametrize(("made", "late"), NOT_SHOWN)
def test_what_was_made_and_is_not_shown_yet_is_late(journal, made, late):
    assert journal.read(late) is None

    assert journal.read(MADE[made]) is None
    assert "AWS to show" in str(journal.read(late))


@pytest.mark.parametrize(("made", "answer"), RIGHT)
def test_what_is_shown_or_is_about_something_else_is_not_late(journal, made, answer):
    journal.read(MADE[made])

    assert journal.read(answer) is None


@pytest.mark.parametrize(("deleted", "answer", "words"), AFTER_DELETION)
def test_what_was_deleted_is_late_if_it_is_still_found_or_its_name_taken(journal, deleted, answer, words):
    for made in MADE.values():
        journal.read(made)

    journal.read(DELETED[deleted])

    assert str(journal.read(answer)).startswith(words)


def test_answers_about_what_was_changed_are_counted_and_those_about_what_was_made_are_not(journal):
    about_role = call("iam", "SimulatePrincipalPolicy", PolicySourceArn=ARN.format("iam", "role/R"))
    journal.read(MADE["role"])
    journal.read(about_role)
    assert journal.changes_read == 0

    journal.read(MADE["policy of a role"])
    before = journal.changes_read
    journal.read(about_role)
    journal.read(call("iam", "GetRole", {"Role": {"Tags": TAG}}, RoleName="Another"))

    assert journal.changes_read == before + 1
