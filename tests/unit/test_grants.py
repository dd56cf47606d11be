import pytest

from lab_lib.aws import grants, senders

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


@pytest.mark.parametrize(
    ("change", "names"),
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
def test_senders_follow_from_condition_principal_action_and_resource(moto_lab, change, names):
    assert senders.named(moto_lab, [{**FROM_TOPIC, **change}], QUEUE) == names


def test_statements_may_be_a_single_one_without_brackets():
    assert grants.statements('{"Statement": {"Effect": "Allow"}}') == [{"Effect": "Allow"}]
    assert grants.statements(None) == grants.statements("") == []


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        (TOPIC, "HighBalanceAlert"),
        ("arn:aws:lambda:us-east-1:123456789012:function:TotalNotifier:live", "TotalNotifier:live"),
        ("arn:aws:s3:::my-bucket", "my-bucket"),
        (OTHERS, OTHERS),
        (TOPIC.replace("us-east-1", "eu-west-1"), TOPIC.replace("us-east-1", "eu-west-1")),
        (TOPIC.replace("arn:aws:", "arn:aws-cn:"), TOPIC.replace("arn:aws:", "arn:aws-cn:")),
        ("https://example.com/a:b", "https://example.com/a:b"),
    ],
)
def test_only_an_arn_of_this_account_and_region_is_shortened(moto_lab, arn, shown):
    assert grants.short(moto_lab, arn) == shown
