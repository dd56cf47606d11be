import dataclasses
import json

import pytest

from lab_lib.aws import policies

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table"
BUCKET = "arn:aws:s3:::inputs3bucketfortransact-123456789012-us-east-1"
DEAD_LETTERS = "arn:aws:sqs:us-east-1:123456789012:LabDeadLetters"
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda"


@pytest.fixture
def allowed():
    """{action: its resources} of a policy."""

    def allowed(policy):
        pairs = [(action, each["Resource"]) for each in policy["Statement"] for action in each["Action"]]
        assert len({action for action, _ in pairs}) == len(pairs), "an action is allowed twice"
        return dict(pairs)

    return allowed


def test_transaction_processor_may_do_exactly_this(moto_lab, allowed):
    assert allowed(policies.transaction_processor(moto_lab)) == {
        "s3:GetObject": [f"{BUCKET}/*"],
        "s3:ListBucket": [BUCKET],
        "s3:PutObject": [f"{BUCKET}/rejected/*"],
        "s3:DeleteObject": [f"{BUCKET}/rejected/*"],
        "dynamodb:BatchWriteItem": [f"{TABLE}/Customer", f"{TABLE}/Transactions"],
        "sqs:SendMessage": [DEAD_LETTERS],
        "logs:CreateLogStream": [f"{LOGS}/TransactionProcessor:*"],
        "logs:PutLogEvents": [f"{LOGS}/TransactionProcessor:*"],
    }


def test_total_notifier_may_do_exactly_this(moto_lab, allowed):
    assert allowed(policies.total_notifier(moto_lab)) == {
        "dynamodb:DescribeStream": [f"{TABLE}/Transactions/stream/*"],
        "dynamodb:GetRecords": [f"{TABLE}/Transactions/stream/*"],
        "dynamodb:GetShardIterator": [f"{TABLE}/Transactions/stream/*"],
        "dynamodb:ListStreams": ["*"],
        "dynamodb:UpdateItem": [f"{TABLE}/TransactionTotal"],
        "dynamodb:BatchGetItem": [f"{TABLE}/TransactionTotal"],
        "dynamodb:PutItem": [f"{TABLE}/ProcessedRecords"],
        "sns:Publish": ["arn:aws:sns:us-east-1:123456789012:HighBalanceAlert"],
        "sqs:SendMessage": [DEAD_LETTERS],
        "logs:CreateLogStream": [f"{LOGS}/TotalNotifier:*"],
        "logs:PutLogEvents": [f"{LOGS}/TotalNotifier:*"],
    }


@pytest.mark.parametrize("make", [policies.transaction_processor, policies.total_notifier])
def test_a_role_allows_no_action_with_a_star(moto_lab, make):
    statements = make(moto_lab)["Statement"]

    assert {each["Effect"] for each in statements} == {"Allow"}
    assert not [action for each in statements for action in each["Action"] if "*" in action]


@pytest.mark.parametrize("make", [policies.transaction_processor, policies.total_notifier])
def test_a_role_with_a_prefix_reaches_only_what_has_the_prefix(moto_lab, make):
    statements = make(dataclasses.replace(moto_lab, prefix="ana-"))["Statement"]

    resources = [each for statement in statements for each in statement["Resource"] if each != "*"]
    assert all("ana-" in resource for resource in resources)


@pytest.mark.parametrize("make", [policies.transaction_processor, policies.total_notifier, policies.tls_only_bucket])
def test_policies_in_china_carry_chinas_partition(moto_lab, make):
    written = json.dumps(make(dataclasses.replace(moto_lab, partition="aws-cn", region="cn-north-1")))

    assert "arn:aws-cn:" in written
    assert "arn:aws:" not in written


def test_only_lambda_may_take_on_a_role_and_only_for_this_account(moto_lab):
    assert policies.lambda_trust(moto_lab)["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ]


def test_the_bucket_refuses_everyone_everything_without_tls(moto_lab):
    (statement,) = policies.tls_only_bucket(moto_lab)["Statement"]

    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [BUCKET, f"{BUCKET}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_queue_lets_in_that_topic_of_this_account_only(moto_lab):
    statement, _ = policies.topic_to_queue(moto_lab, "the-topic", "the-queue")["Statement"]

    assert (statement["Effect"], statement["Action"], statement["Resource"]) == (
        "Allow",
        "sqs:SendMessage",
        "the-queue",
    )
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": "the-topic"},
        "StringEquals": {"aws:SourceAccount": "123456789012"},
    }


@pytest.mark.parametrize("make", [policies.transaction_processor, policies.total_notifier, policies.tls_only_bucket])
def test_a_policy_has_the_version_that_aws_wants_and_fits_into_its_limit(moto_lab, make):
    policy = make(moto_lab)

    assert policy["Version"] == "2012-10-17"
    assert len(json.dumps(policy)) < 10_240  # bytes; all inline policies of a role together


@pytest.mark.parametrize(
    ("make", "about", "actions"),
    [
        (lambda lab: policies.tls_only_queue("the-queue"), ["the-queue"], "sqs:*"),
        (lambda lab: policies.topic_to_queue(lab, "the-topic", "the-queue"), ["the-queue"], "sqs:*"),
        (lambda lab: policies.alert_topic(lab, "the-topic"), ["the-topic"], "sns:Publish"),
    ],
    ids=["dead letters", "alerts", "topic"],
)
def test_queues_and_topic_refuse_everyone_without_tls(moto_lab, make, about, actions):
    (statement,) = [each for each in make(moto_lab)["Statement"] if each["Effect"] == "Deny"]

    assert (statement["Principal"], statement["Action"], statement["Resource"]) == ("*", actions, about)
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_topic_stays_open_to_its_own_account_and_to_nobody_else(moto_lab):
    (statement,) = [each for each in policies.alert_topic(moto_lab, "t")["Statement"] if each["Effect"] == "Allow"]

    assert statement["Condition"] == {"StringEquals": {"aws:SourceOwner": "123456789012"}}
