"""The decision on a request, against what AWS's documentation says of each part of a policy."""

from datetime import UTC, datetime, timedelta

import pytest

from lab_lib.aws.evaluator import A_YEAR, NOW, Request, decide, from_service

QUEUE, TOPIC = "arn:aws:sqs:us-east-1:123456789012:Alerts", "arn:aws:sns:us-east-1:123456789012:Topic"
ANA = "arn:aws:iam::123456789012:user/ana"
OWN = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE}
ALLOW, DENY = {"Effect": "Allow", **OWN}, {"Effect": "Deny", **OWN}
UNKNOWN = "unknown"
UNCLEAR = {"Condition": {"IpAddress": {"aws:SourceArn": "192.0.2.1"}}}
BY_SNS = from_service("sns.amazonaws.com", "sqs:SendMessage", QUEUE, {"aws:sourcearn": TOPIC, "aws:gone": None})


def when(operator, key, *values):
    return {"Condition": {operator: {key: [*values]}}}


def decided(statements, request):
    answer = decide(statements, request)
    return UNKNOWN if isinstance(answer, str) else answer


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, True),
        ({"Principal": {"Service": ["s3.amazonaws.com"], "AWS": ANA}}, False),
        ({"Principal": {"CanonicalUser": "79a5"}}, UNKNOWN),
        ({"Action": ["SQS:Send*"]}, True),
        ({"Resource": ["x:y", "arn:aws:sqs:*:*:Al?rts"]}, True),
        ({"Resource": "arn:aws:sqs:us-east-1:123456789012:${aws:username}"}, UNKNOWN),
        (when("StringEquals", "AWS:sourcearn", "x", TOPIC), True),
        (when("StringEquals", "aws:SourceArn", f"{TOPIC[:-1]}*"), False),
        (when("StringLike", "aws:SourceArn", "arn:*:Top?c"), True),
        (when("Bool", "aws:SecureTransport", True), True),
        (when("StringNotEquals", "aws:Gone", "x"), True),
        (when("StringEquals", "aws:Unheard", "x"), UNKNOWN),
    ],
    ids=str,
)  # fmt: skip
def test_a_statement_allows_what_each_of_its_parts_covers(change, answer):
    assert decided([{**ALLOW, **change}], BY_SNS) == answer


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ({"NotAction": ["sqs:Delete*"]}, UNKNOWN),
        ({"Action": "*", "NotPrincipal": {"AWS": ANA}}, UNKNOWN),
        ({"Action": "*", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, True),
        ({"Action": "sqs:*"}, True),
    ],
    ids=str,
)
def test_the_parts_may_be_negative_or_missing(parts, answer):
    assert decided([{"Effect": "Allow", **parts}], Request(ANA, "sqs:SendMessage", QUEUE)) == answer


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([], False),
        ([ALLOW, DENY], False),
        ([ALLOW, DENY | {"Resource": TOPIC}], True),
        ([ALLOW | UNCLEAR, ALLOW], True),
        ([ALLOW, DENY | UNCLEAR], UNKNOWN),
        ([ALLOW | UNCLEAR], UNKNOWN),
    ],
)
def test_a_deny_goes_first_and_what_is_not_understood_decides_nothing(statements, answer):
    for order in (statements, statements[::-1]):
        assert decided(order, BY_SNS) == answer


def test_a_policy_with_a_date_ends():
    soon = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    statements = [ALLOW | when("DateLessThanEquals", "aws:CurrentTime", soon)]

    assert [decided(statements, BY_SNS._replace(after=after)) for after in (NOW, A_YEAR)] == [True, False]
