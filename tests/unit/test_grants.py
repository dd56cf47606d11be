import dataclasses

import pytest

from lab_lib.aws import grants, policies

QUEUE = "arn:aws:sqs:us-east-1:123456789012:CustomerNotify"
TOPICS = "arn:aws:sns:us-east-1:123456789012"
TOPIC = f"{TOPICS}:HighBalanceAlert"
OTHER = "111122223333"  # another account
OWNER = {  # as the SQS console writes it into every queue's policy
    "Sid": "__owner_statement",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "SQS:*",
    "Resource": QUEUE,
}
FROM_TOPIC = {  # as the SNS page of the SQS console writes it
    "Sid": f"topic-subscription-{TOPIC}",
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "SQS:SendMessage",
    "Resource": QUEUE,
    "Condition": {"ArnLike": {"aws:SourceArn": TOPIC}},
}
REFUSAL = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": QUEUE}
FROM_BUCKET = {  # as the console of Lambda or S3 writes it
    "Sid": "lambda-3c9a10",
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:TransactionProcessor",
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


def test_nobody_may_send_to_a_queue_without_statements(senders):
    assert senders() == []


def test_the_policy_of_this_workbook_lets_the_topic_send(moto_lab, senders):
    assert senders(*policies.topic_to_queue(moto_lab, TOPIC, QUEUE)["Statement"]) == ["HighBalanceAlert"]


def test_the_statements_of_the_consoles_let_the_topic_and_the_accounts_users_send(senders):
    assert senders(OWNER) == ["users of this account"]
    assert senders(FROM_TOPIC) == ["HighBalanceAlert"]
    assert senders(OWNER, FROM_TOPIC, FROM_TOPIC) == ["HighBalanceAlert", "users of this account"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"ArnLike": {"aws:SourceArn": TOPIC}}, ["HighBalanceAlert"]),
        ({"ArnEquals": {"AWS:SOURCEARN": TOPIC}}, ["HighBalanceAlert"]),
        ({"StringEquals": {"aws:sourcearn": [TOPIC]}}, ["HighBalanceAlert"]),
        ({"ArnLike": {"aws:SourceArn": [TOPIC, f"{TOPICS}:Other"]}}, ["HighBalanceAlert", "Other"]),
        ({"ArnLike": {"aws:SourceArn": f"{TOPICS}:High*"}}, ["High*"]),
        ({"ArnLike": {"aws:SourceArn": f"{TOPICS}:*"}}, ["this account"]),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:HighBalanceAlert"}}, ["arn:aws:sns:*:*:HighBalanceAlert"]),
        (
            {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:us-east-1:{OTHER}:HighBalanceAlert"}},
            [f"arn:aws:sns:us-east-1:{OTHER}:HighBalanceAlert"],
        ),
        (
            {"ArnEquals": {"aws:SourceArn": TOPIC}, "StringEquals": {"aws:SourceAccount": "123456789012"}},
            ["HighBalanceAlert"],
        ),
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, ["this account"]),
        ({"StringEquals": {"AWS:SourceAccount": ["123456789012"]}}, ["this account"]),
        ({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}, ["this account"]),
        ({"StringEquals": {"aws:SourceAccount": OTHER}}, [f"account {OTHER}"]),
        ({"Bool": {"aws:SecureTransport": "true"}}, ["anyone"]),
        ({}, ["anyone"]),
    ],
    ids=str,
)
def test_a_condition_says_who_may_send(senders, condition, found):
    assert senders({**FROM_TOPIC, "Condition": condition}) == found


@pytest.mark.parametrize(
    "principal",
    ["*", {"AWS": "*"}, {"AWS": ["*"]}, {"Service": "sns.amazonaws.com"}, {"Service": ["sns.amazonaws.com"]}],
    ids=str,
)
def test_a_principal_that_takes_in_sns_is_known_however_it_is_written(senders, principal):
    assert senders({**FROM_TOPIC, "Principal": principal}) == ["HighBalanceAlert"]
    assert senders({**FROM_TOPIC, "Principal": principal, "Condition": {}}) == ["anyone"]


def test_without_a_condition_anyone_may_send(senders):
    statement = {key: value for key, value in FROM_TOPIC.items() if key != "Condition"}

    assert senders(statement, OWNER) == ["anyone", "users of this account"]


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "123456789012"},
        {"AWS": "arn:aws:iam::123456789012:user/ana"},
        {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/TotalNotifierRole"]},
    ],
    ids=str,
)
def test_people_of_this_account_are_told_as_such(senders, principal):
    assert senders({**OWNER, "Principal": principal}) == ["users of this account"]


@pytest.mark.parametrize(
    "principal", [{"AWS": OTHER}, {"AWS": f"arn:aws:iam::{OTHER}:root"}, {"AWS": [f"arn:aws:iam::{OTHER}:user/bob"]}]
)
def test_people_of_another_account_are_neither_anyone_nor_users_of_this_one(senders, principal):
    # To SNS "anyone" would say that the topic is let in.
    (found,) = senders({**OWNER, "Principal": principal})

    assert OTHER in found


@pytest.mark.parametrize("service", ["events.amazonaws.com", "s3.amazonaws.com"])
def test_another_service_is_told_by_its_name(senders, service):
    assert senders({**FROM_TOPIC, "Principal": {"Service": service}}) == [service]


@pytest.mark.parametrize(
    "action",
    ["sqs:SendMessage", "SQS:SENDMESSAGE", "sqs:*", "SQS:Send*", "*", ["sqs:GetQueueUrl", "SQS:SendMessage"]],
    ids=str,
)
def test_an_action_that_sends_is_known_however_it_is_written(senders, action):
    assert senders({**FROM_TOPIC, "Action": action}) == ["HighBalanceAlert"]


@pytest.mark.parametrize(
    "action", ["sqs:ReceiveMessage", "sns:*", ["SQS:GetQueueUrl", "sqs:DeleteMessage"], []], ids=str
)
def test_an_action_that_sends_nothing_lets_nobody_send(senders, action):
    assert senders({**FROM_TOPIC, "Action": action}) == []


@pytest.mark.parametrize("resource", [QUEUE, [QUEUE], ["x", QUEUE], "*", "arn:aws:sqs:*:*:CustomerNotify"], ids=str)
def test_a_resource_that_is_the_queue_is_known_however_it_is_written(senders, resource):
    assert senders({**FROM_TOPIC, "Resource": resource}) == ["HighBalanceAlert"]


@pytest.mark.parametrize("resource", [f"{QUEUE}2", QUEUE.lower(), QUEUE.replace("us-east-1", "us-west-2"), []], ids=str)
def test_a_statement_on_another_queue_lets_nobody_send(senders, resource):
    assert senders({**FROM_TOPIC, "Resource": resource}) == []


@pytest.mark.parametrize("action", ["sqs:SendMessage", "SQS:*", "*"])
def test_a_refusal_without_a_condition_lets_nobody_send(senders, action):
    assert senders(OWNER, FROM_TOPIC, {**REFUSAL, "Action": action}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Condition": {"ArnNotEquals": {"aws:SourceArn": TOPIC}}},
        {"Action": "sqs:DeleteQueue"},
        {"Resource": f"{QUEUE}2"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:user/bob"}},
    ],
    ids=str,
)
def test_a_refusal_of_something_else_does_not_hold_the_topic_back(senders, change):
    assert senders(FROM_TOPIC, {**REFUSAL, **change}) == ["HighBalanceAlert"]


def test_a_refusal_alone_lets_nobody_send(senders):
    assert senders({**REFUSAL, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}) == []


def test_in_china_the_topic_is_known_by_chinas_partition(moto_lab):
    china = dataclasses.replace(moto_lab, partition="aws-cn", region="cn-north-1")
    topic, queue = china.arn("sns", "HighBalanceAlert"), china.arn("sqs", "CustomerNotify")

    statements = policies.topic_to_queue(china, topic, queue)["Statement"]

    assert grants.senders(china, statements, queue) == ["HighBalanceAlert"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (FROM_BUCKET["Condition"], ["my-bucket of this account"]),
        (
            {
                "StringEquals": {"aws:SourceAccount": ["123456789012"]},
                "ArnEquals": {"aws:sourcearn": "arn:aws:s3:::my-bucket"},
            },
            ["my-bucket of this account"],
        ),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::my-bucket"}}, ["my-bucket of any account"]),
        (
            {"ArnLike": {"AWS:SourceArn": ["arn:aws:s3:::b", "arn:aws:s3:::a"]}},
            ["a of any account", "b of any account"],
        ),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::my-*"}}, ["my-* of any account"]),
        ({"StringEquals": {"AWS:SourceAccount": "123456789012"}}, ["any bucket of this account"]),
        ({}, ["any bucket of any account"]),
    ],
    ids=str,
)
def test_a_condition_says_which_bucket_may_start_the_function(invokers, condition, found):
    assert invokers({**FROM_BUCKET, "Condition": condition}) == found


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"Service": ["s3.amazonaws.com"]}},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Action": ["lambda:InvokeFunction"]},
        {"Action": "LAMBDA:Invoke*"},
    ],
    ids=str,
)
def test_a_statement_that_lets_the_bucket_in_is_known_however_it_is_written(invokers, change):
    assert invokers({**FROM_BUCKET, **change}) == ["my-bucket of this account"]


def test_a_bucket_of_another_account_is_not_of_this_one(invokers):
    condition = {**FROM_BUCKET["Condition"], "StringEquals": {"AWS:SourceAccount": OTHER}}

    (found,) = invokers({**FROM_BUCKET, "Condition": condition})

    assert found.startswith("my-bucket of ")
    assert "this account" not in found


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Action": "lambda:GetFunction"},
        {  # a function URL that is open to everyone
            "Principal": "*",
            "Action": "lambda:InvokeFunctionUrl",
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        },
        {"Principal": "*", "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}},
    ],
    ids=str,
)
def test_a_statement_on_something_else_lets_no_bucket_start_the_function(invokers, change):
    assert invokers({**FROM_BUCKET, **change}) == []


def test_no_bucket_may_start_a_function_without_statements(invokers):
    assert invokers() == []


def test_conditions_are_told_by_their_key_in_small_letters_whatever_compares_them():
    statement = {
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "1", "aws:PrincipalTag/Team": ["a", "b"]},
            "ArnLike": {"aws:SourceArn": "x"},
        }
    }

    assert grants.conditions(statement) == {
        "aws:sourceaccount": ["1"],
        "aws:principaltag/team": ["a", "b"],
        "aws:sourcearn": ["x"],
    }


@pytest.mark.parametrize("statement", [{}, {"Condition": {}}, {"Condition": {"Bool": {}}}], ids=str)
def test_a_statement_without_a_condition_asks_for_nothing(statement):
    assert grants.conditions(statement) == {}


@pytest.mark.parametrize(
    ("value", "wanted"), [("a", ["a"]), (["a", "b"], ["a", "b"]), ([], []), ({"a": 1}, [{"a": 1}])]
)
def test_a_single_value_is_a_list_of_one(value, wanted):
    assert grants.listed(value) == wanted


@pytest.mark.parametrize(
    ("patterns", "value", "fits"),
    [
        ("s3:GetObject", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("*", "s3:GetObject", True),
        ("s3:Get?bject", "s3:GetObject", True),
        (["sqs:*", "s3:*"], "s3:GetObject", True),
        (["sqs:*", "s3:Put*"], "s3:GetObject", False),
        ("s3:Get", "s3:GetObject", False),
        ("GetObject", "s3:GetObject", False),
        ("s3:getobject", "s3:GetObject", False),
        ([], "s3:GetObject", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/year/a.txt", True),
    ],
    ids=str,
)
def test_a_star_in_a_pattern_stands_for_anything(patterns, value, fits):
    assert grants.matches(patterns, value) is fits
