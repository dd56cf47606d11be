import pytest

from lab_lib.aws import grants

QUEUE = "arn:aws:sqs:us-east-1:123456789012:CustomerNotify"
TOPICS = "arn:aws:sns:us-east-1:123456789012"
TOPIC = f"{TOPICS}:HighBalanceAlert"
OTHER = "111122223333"  # another account
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
        ({"Condition": {"ArnLike": {"aws:SourceArn": f"{TOPICS}:*"}}}, []),  # topics of the account
        ({"Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}}, [f"arn:aws:iam::{OTHER}:root"]),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, ["anyone"]),
        ({"Condition": {}, "Principal": {"Service": ["sns.amazonaws.com"]}}, ["anyone"]),
        (
            {
                "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
                "Principal": {"Service": "sns.amazonaws.com"},
            },
            [],
        ),
        ({"Condition": {}, "Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:user/ana"]}}, []),
    ],
    ids=str,
)
def test_senders_follow_from_condition_principal_action_and_resource(moto_lab, change, names):
    assert grants.senders(moto_lab, [{**FROM_TOPIC, **change}], QUEUE) == names
