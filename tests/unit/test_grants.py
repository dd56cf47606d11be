import dataclasses

import pytest

from lab_lib.aws import grants, policies

QUEUE = "arn:aws:sqs:us-east-1:123456789012:CustomerNotify"
TOPICS = "arn:aws:sns:us-east-1:123456789012"
TOPIC = f"{TOPICS}:HighBalanceAlert"
OTHER = "111122223333"  # another account
OTHERS = f"arn:aws:sns:us-east-1:{OTHER}:HighBalanceAlert"
FROM_TOPIC = {  # as the SNS page of the SQS console writes it
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "SQS:SendMessage",
    "Resource": QUEUE,
    "Condition": {"ArnLike": {"aws:SourceArn": TOPIC}},
}
OWNER = {  # as the SQS console writes it into every queue's policy
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "SQS:*",
    "Resource": QUEUE,
}
DENY = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": QUEUE}
FROM_BUCKET = {  # as the console of Lambda or S3 writes it
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Condition": {
        "StringEquals": {"AWS:SourceAccount": "123456789012"},
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::my-bucket"},
    },
}


@pytest.fixture
def senders(moto_lab):
    return lambda *statements: grants.senders(moto_lab, list(statements), QUEUE)


@pytest.fixture
def invokers(moto_lab):
    return lambda *statements: grants.invokers(moto_lab, list(statements))


@pytest.mark.parametrize(("partition", "region"), [("aws", "us-east-1"), ("aws-cn", "cn-north-1")])
def test_the_labs_own_policy_lets_the_topic_send(moto_lab, partition, region):
    lab = dataclasses.replace(moto_lab, partition=partition, region=region)
    topic, queue = lab.arn("sns", "HighBalanceAlert"), lab.arn("sqs", "CustomerNotify")

    statements = policies.topic_to_queue(lab, topic, queue)["Statement"]

    assert grants.senders(lab, statements, queue) == ["HighBalanceAlert"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"Condition": {"ArnEquals": {"AWS:SOURCEARN": [TOPIC, f"{TOPICS}:Other"]}}}, ["HighBalanceAlert", "Other"]),
        ({"Condition": {"ArnLike": {"aws:SourceArn": f"{TOPICS}:High*"}}}, ["High*"]),
        ({"Condition": {"ArnLike": {"aws:SourceArn": f"{TOPICS}:*"}}}, ["this account"]),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:A"}}}, ["arn:aws:sns:*:*:A"]),
        ({"Condition": {"ArnLike": {"aws:SourceArn": OTHERS}}}, [OTHERS]),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": ["123456789012"]}}}, ["this account"]),
        ({"Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}}, ["this account"]),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}}, [f"account {OTHER}"]),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, ["anyone"]),
        ({"Condition": {}, "Principal": {"Service": ["sns.amazonaws.com"]}}, ["anyone"]),
        ({"Principal": "*"}, ["HighBalanceAlert"]),
        ({"Principal": {"Service": "events.amazonaws.com"}}, ["events.amazonaws.com"]),
        ({"Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:user/ana"]}}, ["users of this account"]),
        ({"Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}, [f"arn:aws:iam::{OTHER}:root"]),
        ({"Action": ["sqs:GetQueueUrl", "SQS:Send*"]}, ["HighBalanceAlert"]),
        ({"Action": "*", "Resource": ["x", "arn:aws:sqs:*:*:CustomerNotify"]}, ["HighBalanceAlert"]),
        ({"Action": ["sqs:ReceiveMessage", "sns:*"]}, []),
        ({"Resource": [f"{QUEUE}2", QUEUE.lower()]}, []),
    ],
    ids=str,
)
def test_senders_follow_from_condition_principal_action_and_resource(senders, change, found):
    assert senders({**FROM_TOPIC, **change}) == found


@pytest.mark.parametrize(
    ("change", "ignored"),
    [
        ({}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, True),
        ({"Action": "sqs:DeleteQueue"}, True),
        ({"Resource": f"{QUEUE}2"}, True),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:user/bob"}}, True),
    ],
    ids=str,
)
def test_conditional_denies_and_those_of_something_else_are_ignored(senders, change, ignored):
    found = senders(OWNER, FROM_TOPIC, {**DENY, **change})

    assert found == (["HighBalanceAlert", "users of this account"] if ignored else [])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, ["my-bucket of this account"]),
        ({"Principal": "*", "Action": "LAMBDA:Invoke*"}, ["my-bucket of this account"]),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": ["arn:aws:s3:::b", "arn:aws:s3:::a*"]}}},
         ["a* of any account", "b of any account"]),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}, ["any bucket of this account"]),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}}, ["any bucket of any account"]),
        ({"Condition": {}}, ["any bucket of any account"]),
        ({"Effect": "Deny"}, []),
        ({"Principal": {"Service": "events.amazonaws.com"}}, []),
        ({"Action": "lambda:GetFunction"}, []),
        ({"Principal": "*", "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}}, []),
    ],
    ids=str,
)  # fmt: skip
def test_invokers_are_the_buckets_that_may_invoke_the_function(invokers, change, found):
    assert invokers({**FROM_BUCKET, **change}) == found


def test_statements_may_be_a_single_one_without_brackets():
    assert grants.statements('{"Statement": {"Effect": "Allow"}}') == [{"Effect": "Allow"}]
    assert grants.statements(None) == grants.statements("") == []
