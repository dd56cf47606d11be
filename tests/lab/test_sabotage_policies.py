"""Policies of a finished lab are made wrong in ways that a list of allowed names does not show."""

import json

import pytest
from chains import Chain
from sabotage import Cases, assert_caught

from lab_lib.aws import functions, policies, queues

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY = queues.ALERT_QUEUES[0]
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
case = Cases()


def build_again(lab):
    Chain(lab).build()


@case.tried
def test_what_is_wrong_in_a_policy_is_caught(finished, sabotage, about, says, steps, probe, fix):
    assert_caught(finished, sabotage, about, says, steps, probe)


def topic(lab):
    return lab.arn("sns", "HighBalanceAlert")


def when(operator, **values):
    """Return a condition; the first underscore of a key stands for its colon."""
    return {"Condition": {operator: {key.replace("_", ":", 1): value for key, value in values.items()}}}


@case.each(
    NOTIFY,
    fix=build_again,
    another_topic=lambda lab: when("ArnEquals", aws_SourceArn=lab.arn("sns", "Other")),
    a_time_that_is_over=lambda lab: when("DateLessThan", aws_CurrentTime="2020-01-01T00:00:00Z"),
)
def a_queue_lets_in_only(lab, condition):
    statement = policies.topic_to_queue(lab, topic(lab), queues.queue_arn(lab, NOTIFY))["Statement"][0]
    policy = json.dumps(policies.document(statement | condition(lab)))
    lab.client("sqs").set_queue_attributes(QueueUrl=queues.find_queue(lab, NOTIFY), Attributes={"Policy": policy})


# Functions and roles


@case.each(
    "bucket",
    another_account=lambda lab: {"SourceAccount": "111111111111"},
    another_version=lambda lab: {"Qualifier": lab.client("lambda").publish_version(FunctionName=PROCESSOR)["Version"]},
)
def the_function_may_be_started_by(lab, changes):
    lambda_ = lab.client("lambda")
    for sid in [statement["Sid"] for statement in functions.statements(lab, PROCESSOR)]:
        lambda_.remove_permission(FunctionName=PROCESSOR, StatementId=sid)
    usual = {
        "StatementId": "it",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": lab.arn("s3", lab.bucket),
        "SourceAccount": lab.account,
    }
    lambda_.add_permission(FunctionName=PROCESSOR, **{**usual, **changes(lab)})


@case.each(
    f"(role|privilege).*{NOTIFIER}",
    fix=build_again,
    an_external_id=when("StringEquals", sts_ExternalId="lab-17"),
    a_user={"Principal": {"AWS": "*"}, **when("StringEquals", aws_PrincipalType="User")},
)
def a_role_trusts_only(lab, changes):
    usual = policies.lambda_trust()["Statement"][0]
    put_trust(lab, {**usual, **changes})


@case(f"(role|privilege).*{NOTIFIER}")
def a_role_denies_lambda_to_assume_it(lab):
    usual = policies.lambda_trust()["Statement"]
    put_trust(lab, *usual, {**usual[0], "Effect": "Deny"})


def put_trust(lab, *statements):
    policy = json.dumps(policies.document(*statements))
    lab.client("iam").update_assume_role_policy(RoleName=f"{NOTIFIER}Role", PolicyDocument=policy)


@case.each(
    f"(role|privilege).*{NOTIFIER}",
    fix=build_again,
    another_region=lambda text: text.replace("us-east-1", "eu-west-1"),
    a_misspelled_action=lambda text: text.replace("UpdateItem", "UpdateItems"),
)
def a_role_names(lab, changed):
    put_role_policy(lab, changed(json.dumps(policies.total_notifier(lab))))


def put_role_policy(lab, policy):
    iam, role = lab.client("iam"), f"{NOTIFIER}Role"
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    iam.put_role_policy(RoleName=role, PolicyName="it", PolicyDocument=policy)


@case(f"(role|privilege).*{NOTIFIER}")
def an_attached_policy_denies_all_but_the_tables(lab):
    policy = json.dumps(policies.document({"Effect": "Deny", "Resource": "*", "NotAction": "dynamodb:*"}))
    lab.client("iam").attach_role_policy(RoleName=f"{NOTIFIER}Role", PolicyArn=create_policy(lab, policy))


# On AWS, IAM's policy simulator knows the boundary. That of the embedded AWS does not, so the probe tells.
@case(f"(role|privilege).*{NOTIFIER}|probe", probe=True)
def a_boundary_leaves_nothing(lab):
    policy = json.dumps(policies.document({**ALL, "Effect": "Deny"}))
    lab.client("iam").put_role_permissions_boundary(
        RoleName=f"{NOTIFIER}Role", PermissionsBoundary=create_policy(lab, policy)
    )


def create_policy(lab, policy):
    return lab.client("iam").create_policy(PolicyName="Guardrail", PolicyDocument=policy)["Policy"]["Arn"]
