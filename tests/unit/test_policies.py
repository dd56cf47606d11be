import dataclasses
import json

import pytest

from lab_lib.aws import policies

BOTH = [policies.transaction_processor, policies.total_notifier]
ACCOUNT = "123456789012"
TLS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("role", BOTH)
def test_a_role_allows_no_action_with_a_star_and_only_resources_with_the_prefix(moto_lab, role):
    statements = role(dataclasses.replace(moto_lab, prefix="ana-"))["Statement"]

    actions = [action for each in statements for action in each["Action"]]
    assert len(actions) == len(set(actions))
    assert "*" not in "".join(actions)
    wide = [each["Action"] for each in statements if not all("ana-" in arn for arn in each["Resource"])]
    assert wide in ([], [["dynamodb:ListStreams"]])  # which has no resource-level permissions
    assert {each["Effect"] for each in statements} == {"Allow"}


@pytest.mark.parametrize("policy", [*BOTH, policies.tls_only_bucket, policies.lambda_trust])
def test_a_policy_has_the_partition_of_its_region_and_fits_into_its_limit(moto_lab, policy):
    written = json.dumps(policy(dataclasses.replace(moto_lab, partition="aws-cn", region="cn-north-1")))

    assert "arn:aws:" not in written
    assert '"Version": "2012-10-17"' in written
    assert len(written) < 10_240  # bytes for all inline policies of a role


@pytest.mark.parametrize(
    ("statement", "principal", "values"),
    [
        (lambda lab: policies.lambda_trust(lab)["Statement"][0], {"Service": "lambda.amazonaws.com"}, {ACCOUNT}),
        (lambda lab: policies.topic_to_queue(lab, "the-topic", "q")["Statement"][0], {"Service": "sns.amazonaws.com"},
         {"the-topic", ACCOUNT}),
        (policies.bucket_to_function, {"Service": "s3.amazonaws.com"}, {"arn:aws:s3:::b", ACCOUNT}),
        (lambda lab: policies.alert_topic(lab, "t")["Statement"][0], {"AWS": "*"}, {ACCOUNT}),
    ],
    ids=["role", "queue", "function", "topic"],
)  # fmt: skip
def test_a_service_gets_in_only_for_this_account_and_resource(moto_lab, statement, principal, values):
    found = statement(dataclasses.replace(moto_lab, bucket_name="b"))

    assert (found["Effect"], found["Principal"]) == ("Allow", principal)
    assert {value for pairs in found["Condition"].values() for value in pairs.values()} == values
    assert found["Condition"].keys() <= {"StringEquals", "ArnEquals", "ArnLike"}


@pytest.mark.parametrize(
    ("policy", "resources", "action"),
    [
        (lambda lab: policies.tls_only_bucket(lab), ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "s3:*"),
        (lambda lab: policies.tls_only_queue("the-queue"), ["the-queue"], "sqs:*"),
        (lambda lab: policies.topic_to_queue(lab, "the-topic", "the-queue"), ["the-queue"], "sqs:*"),
        (lambda lab: policies.alert_topic(lab, "the-topic"), ["the-topic"], "sns:Publish"),
    ],
    ids=["bucket", "dead letters", "alerts", "topic"],
)
def test_requests_without_tls_are_denied_to_everyone(moto_lab, policy, resources, action):
    statements = policy(dataclasses.replace(moto_lab, bucket_name="b"))["Statement"]

    (deny,) = [each for each in statements if each["Effect"] == "Deny"]
    assert (deny["Principal"], deny["Action"], deny["Resource"], deny["Condition"]) == ("*", action, resources, TLS)
