"""The decision on a request, against what AWS's documentation says of each part of a policy."""

import pytest

from lab_lib.aws.evaluator import Request, decide, from_service

QUEUE, TOPIC = "arn:aws:sqs:us-east-1:123456789012:Alerts", "arn:aws:sns:us-east-1:123456789012:Topic"
ANA = "arn:aws:iam::123456789012:user/ana"
OWN = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE}
ALLOW, DENY = {"Effect": "Allow", **OWN}, {"Effect": "Deny", **OWN}
UNCLEAR = {"Condition": {"IpAddress": {"aws:SourceArn": "192.0.2.1"}}}
BY_SNS = from_service("sns.amazonaws.com", "sqs:SendMessage", QUEUE, aws_sourcearn=TOPIC, aws_gone=None)
BY_ANA = Request(ANA, "sqs:SendMessage", QUEUE)


def when(operator, key, *values):
    return {"Condition": {operator: {key: [*values]}}}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "allowed"),
        ({"Principal": "*"}, "allowed"),
        ({"Principal": {"AWS": ["x", "*"]}}, "allowed"),
        ({"Principal": {"Service": ["s3.amazonaws.com"], "AWS": ANA}}, "denied"),
        ({"Principal": {"CanonicalUser": "79a5"}}, "unknown"),
        ({"Action": ["SQS:Send*"]}, "allowed"),
        ({"Action": "sqs:SendMessag?"}, "allowed"),
        ({"Action": "sqs:SendMessage?"}, "denied"),
        ({"Action": "sqs:[S]endMessage"}, "denied"),
        ({"Resource": "*"}, "allowed"),
        ({"Resource": ["x:y", "arn:aws:sqs:*:*:Al?rts"]}, "allowed"),
        ({"Resource": "arn:aws-cn:sqs:us-east-1:123456789012:Alerts"}, "denied"),
        ({"Resource": QUEUE.lower()}, "denied"),
        ({"Resource": "arn:aws:sqs:*"}, "unknown"),
        ({"Resource": "arn:aws:sqs:us*:Alerts:*"}, "denied"),
        ({"Resource": "arn:aws:sqs:us-east-1:123456789012:${aws:username}"}, "unknown"),
        (when("StringEquals", "AWS:sourcearn", "x", TOPIC), "allowed"),
        (when("StringEquals", "aws:SourceArn", f"{TOPIC[:-1]}*"), "denied"),
        (when("StringNotEquals", "aws:SourceArn", "x", TOPIC), "denied"),
        (when("StringLike", "aws:SourceArn", "arn:*:Top?c"), "allowed"),
        (when("StringNotLike", "aws:SourceArn", "arn:*:Top?c"), "denied"),
        (when("ArnLike", "aws:SourceArn", "arn:aws:sns:*:123456789012:T*"), "allowed"),
        (when("ArnEquals", "aws:SourceArn", "arn:aws:sns:*:123456789012:T*"), "allowed"),
        (when("Bool", "aws:SecureTransport", True), "allowed"),
        (when("Bool", "aws:SecureTransport", "false"), "denied"),
        (when("StringEquals", "aws:Gone", "x"), "denied"),
        (when("StringNotEquals", "aws:Gone", "x"), "allowed"),
        (when("StringEqualsIfExists", "aws:Gone", "x"), "allowed"),
        (when("StringEqualsIfExists", "aws:SourceArn", "x"), "denied"),
        (when("Null", "aws:Gone", "true"), "unknown"),
        (when("StringEquals", "aws:Unheard", "x"), "unknown"),
        (when("NumericEquals", "aws:SourceArn", "1"), "unknown"),
        (when("ForAnyValue:StringEquals", "aws:SourceArn", TOPIC), "unknown"),
        (when("StringEquals", "aws:SourceArn", "${aws:x}"), "unknown"),
        (when("StringEquals", "aws:SourceArn", "${aws:x}", TOPIC), "allowed"),
        ({"Action": "sqs:DeleteQueue", **UNCLEAR}, "denied"),
    ],
    ids=str,
)  # fmt: skip
def test_a_statement_allows_what_each_of_its_parts_covers(change, state):
    assert decide([{**ALLOW, **change}], BY_SNS).state == state


@pytest.mark.parametrize(
    ("parts", "request_", "state"),
    [
        ({"NotAction": ["sqs:Delete*"]}, BY_ANA, "unknown"),
        ({"Action": "*", "NotResource": QUEUE}, BY_ANA, "unknown"),
        ({"Action": "*", "NotPrincipal": {"AWS": ANA}}, BY_SNS, "unknown"),
        ({"Action": "*", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, BY_ANA, "allowed"),
        ({"Action": "*", "Principal": {"AWS": "123456789012"}}, BY_ANA, "allowed"),
        ({"Action": "*", "Principal": {"AWS": f"{ANA}2"}}, BY_ANA, "denied"),
        ({"Action": "sqs:*"}, BY_ANA, "allowed"),
    ],
    ids=str,
)
def test_the_parts_may_be_negative_or_missing(parts, request_, state):
    assert decide([{"Effect": "Allow", **parts}], request_).state == state


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([], "denied"),
        ([ALLOW, DENY], "denied"),
        ([DENY], "denied"),
        ([ALLOW, DENY | {"Resource": TOPIC}], "allowed"),
        ([ALLOW | UNCLEAR, DENY], "denied"),
        ([ALLOW | UNCLEAR, ALLOW], "allowed"),
        ([ALLOW, DENY | UNCLEAR], "unknown"),
        ([DENY | UNCLEAR], "denied"),
        ([DENY | UNCLEAR, DENY, ALLOW], "denied"),
        ([ALLOW | UNCLEAR], "unknown"),
    ],
)
def test_a_deny_goes_first_and_what_is_not_understood_decides_nothing(statements, state):
    for order in (statements, statements[::-1]):
        decision = decide(order, BY_SNS)

        assert decision.state == state
        assert decision.reason == ("the condition operator IpAddress" if state == "unknown" else decision.reason)
