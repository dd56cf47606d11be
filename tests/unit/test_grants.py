"""What policies allow, against what AWS's documentation says of each part of a policy."""

import pytest

from lab_lib.aws import grants
from lab_lib.aws.grants import Request, is_allowed
from lab_lib.errors import LabError

QUEUE = "arn:aws:sqs:us-east-1:123456789012:CustomerNotify"
TOPICS = "arn:aws:sns:us-east-1:123456789012"
TOPIC = f"{TOPICS}:HighBalanceAlert"
ANA = "arn:aws:iam::123456789012:user/ana"
OTHER = "111122223333"  # another account
OWN = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE}
ALLOW, DENY = {"Effect": "Allow", **OWN}, {"Effect": "Deny", **OWN}
UNCLEAR = {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.1"}}}
BY_SNS = Request("sns.amazonaws.com", "sqs:SendMessage", QUEUE, {"aws:sourcearn": TOPIC, "aws:gone": None})


def when(operator, key, *values):
    return {"Condition": {operator: {key: [*values]}}}


def decided(statements, request):
    try:
        return is_allowed(statements, request)
    except LabError:
        return "cannot see"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, True),
        ({"Principal": {"Service": ["s3.amazonaws.com"], "AWS": ANA}}, False),
        ({"NotPrincipal": {"AWS": ANA}}, "cannot see"),
        ({"Action": ["SQS:Send*"]}, True),
        ({"NotAction": ["sqs:Delete*"]}, "cannot see"),
        ({"Resource": ["x:y", "arn:aws:sqs:*:*:Custom?rNotify"]}, True),
        ({"Resource": QUEUE.lower()}, False),
        ({"Resource": "arn:aws:sqs:us-east-1:123456789012:${aws:username}"}, "cannot see"),
        (when("StringEquals", "AWS:sourcearn", "x", TOPIC), True),
        (when("StringEquals", "aws:SourceArn", f"{TOPIC[:-1]}*"), False),
        (when("StringLike", "aws:SourceArn", "arn:*:HighBalanceAl?rt"), True),
        (when("Bool", "aws:SecureTransport", True), True),
        (when("StringLike", "aws:Gone", "*"), False),
        (when("StringNotEquals", "aws:SourceArn", TOPIC), "cannot see"),
        (when("StringEquals", "aws:Unheard", "x"), "cannot see"),
    ],
    ids=str,
)
def test_a_statement_allows_what_each_of_its_parts_covers(change, answer):
    assert decided([{**ALLOW, **change}], BY_SNS) == answer


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([], False),
        ([ALLOW, DENY], False),
        ([ALLOW, DENY | {"Resource": TOPIC}], True),
        ([ALLOW | UNCLEAR, ALLOW], True),
        ([ALLOW, DENY | UNCLEAR], "cannot see"),
        ([ALLOW, DENY | UNCLEAR, DENY], False),
    ],
)
def test_a_deny_goes_first_and_what_is_not_understood_decides_nothing(statements, answer):
    for order in (statements, statements[::-1]):
        assert decided(order, BY_SNS) == answer


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (when("ArnLike", "AWS:SOURCEARN", TOPIC, f"{TOPICS}:*"), []),  # topics of the account
        (when("StringEquals", "aws:SourceAccount", OTHER), [OTHER]),
        (
            {
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": TOPIC.replace("123456789012", OTHER)},
                    "StringEquals": {"aws:SourceAccount": "123456789012"},
                }
            },
            [],
        ),
        (when("ArnLike", "aws:SourceArn", "arn:aws:s3:::*"), ["arn:aws:s3:::*"]),
        (when("StringEquals", "aws:PrincipalOrgID", "o-1"), []),
        (when("Bool", "aws:SecureTransport", "true"), ["anyone"]),
        ({"Principal": {"Service": ["sns.amazonaws.com"]}}, ["sns.amazonaws.com"]),
        ({"Principal": {"AWS": ["123456789012", ANA]}}, []),
    ],
    ids=str,
)
def test_outsiders_follow_from_conditions_and_principals(moto_lab, change, names):
    by_all = {**ALLOW, "Principal": {"AWS": "*"}}
    assert grants.outsiders(moto_lab, [by_all | change], QUEUE) == [(name, "sqs:SendMessage") for name in names]
    assert grants.outsiders(moto_lab, [by_all | change, {**DENY, "Principal": "*"}], QUEUE) == []


@pytest.mark.parametrize(
    "change", [{"Principal": {"CanonicalUser": "79a5"}}, when("StringNotEquals", "aws:SourceAccount", OTHER)], ids=str
)
def test_whom_a_statement_lets_in_is_never_guessed(moto_lab, change):
    with pytest.raises(LabError, match="cannot judge"):
        grants.outsiders(moto_lab, [ALLOW | change], QUEUE)
