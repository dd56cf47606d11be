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
def test_what_is_wrong_in_a_policy_is_caught(finished, sabotage, about, says, steps, probe, mend):
    assert_caught(finished, sabotage, about, says, steps, probe)


def topic(lab):
    return lab.arn("sns", "HighBalanceAlert")


def when(operator, **values):
    """Return a condition; the first underscore of a key stands for its colon."""
    return {"Condition": {operator: {key.replace("_", ":", 1): value for key, value in values.items()}}}


# Queues


def from_topic(lab, **changes):
    """Return the usual statement that lets the topic send, with these changes; None leaves an element out."""
    usual = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queues.queue_arn(lab, NOTIFY),
        **when("ArnEquals", aws_SourceArn=topic(lab)),
    }
    return {key: value for key, value in {**usual, **changes}.items() if value is not None}


def put_queue_policy(lab, *statements):
    policy = json.dumps(policies.document(*statements))
    lab.client("sqs").set_queue_attributes(QueueUrl=queues.find_queue(lab, NOTIFY), Attributes={"Policy": policy})


@case.each(
    NOTIFY,
    mend=build_again,
    another_topic=lambda lab: when("ArnEquals", aws_SourceArn=lab.arn("sns", "Other")),
    another_partition=lambda lab: when("ArnEquals", aws_SourceArn=topic(lab).replace("arn:aws:", "arn:aws-cn:")),
    not_this_account=lambda lab: when("StringNotEquals", aws_SourceAccount=lab.account),
    a_time_that_is_over=lambda lab: when("DateLessThan", aws_CurrentTime="2020-01-01T00:00:00Z"),
    a_user=lambda lab: {"Principal": {"AWS": lab.arn("iam", "user/ana")}},
    everybody_but_sns=lambda lab: {"Principal": None, "NotPrincipal": {"Service": "sns.amazonaws.com"}},
    everything_but_sending=lambda lab: {"Action": None, "NotAction": "sqs:SendMessage"},
    another_queue=lambda lab: {"Resource": queues.queue_arn(lab, "Other")},
)
def a_queue_lets_in_only(lab, changes):
    put_queue_policy(lab, from_topic(lab, **changes(lab)))


@case.each(
    NOTIFY,
    mend=build_again,
    sns={"Principal": {"Service": "sns.amazonaws.com"}},
    every_service_but_one={"NotPrincipal": {"Service": "s3.amazonaws.com"}},
    requests_with_tls={"Principal": "*", **when("Bool", aws_SecureTransport="true")},
)
def a_queue_denies(lab, denied):
    statement = {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": "*", **denied}
    put_queue_policy(lab, from_topic(lab), {key: value for key, value in statement.items() if value is not None})


# Bucket, function, topic, table


def denies(who, action, resource, **more):
    return {"Effect": "Deny", "Principal": who, "Action": action, "Resource": resource, **more}


def role(lab, function):
    return {"AWS": lab.arn("iam", f"role/{function}Role")}


@case.each(
    f"bucket|{PROCESSOR}|upload",
    mend=build_again,
    steps=("00", "01", "02", "further"),
    the_role=lambda lab: (role(lab, PROCESSOR), {}),
    another_network=lambda lab: ("*", when("StringNotEquals", aws_SourceVpce="vpce-1a2b3c4d")),
)
def the_bucket_denies_reading_to(lab, denied):
    who, condition = denied(lab)
    statement = denies(who, "s3:GetObject", f"{lab.arn('s3', lab.bucket)}/*", **condition)
    tls = policies.tls_only_bucket(lab)["Statement"]
    lab.client("s3").put_bucket_policy(Bucket=lab.bucket, Policy=json.dumps(policies.document(*tls, statement)))


@case(f"topic|{NOTIFIER}|publish", mend=build_again)
def the_topic_denies_publishing_to_the_role(lab):
    usual = policies.alert_topic(lab, topic(lab))["Statement"]
    policy = json.dumps(policies.document(*usual, denies(role(lab, NOTIFIER), "sns:Publish", topic(lab))))
    lab.client("sns").set_topic_attributes(TopicArn=topic(lab), AttributeName="Policy", AttributeValue=policy)


@case(f"Transactions|stream|{PROCESSOR}", steps=("00", "01", "02", "further"))
def a_table_denies_writing_to_the_role(lab):
    arn = lab.arn("dynamodb", "table/Transactions")
    policy = policies.document(denies(role(lab, PROCESSOR), "dynamodb:*Item", arn))
    lab.client("dynamodb").put_resource_policy(ResourceArn=arn, Policy=json.dumps(policy))


@case.each(
    "bucket",
    another_account=lambda lab: {"SourceAccount": "111111111111"},
    another_action=lambda lab: {"Action": "lambda:GetFunction"},
    another_version=lambda lab: {"Qualifier": lab.client("lambda").publish_version(FunctionName=PROCESSOR)["Version"]},
)
def the_function_may_be_started_by(lab, changes):
    lambda_ = lab.client("lambda")
    for sid in [each["Sid"] for each in functions.statements(lab, PROCESSOR)]:
        lambda_.remove_permission(FunctionName=PROCESSOR, StatementId=sid)
    usual = {
        "StatementId": "it",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": lab.arn("s3", lab.bucket),
        "SourceAccount": lab.account,
    }
    lambda_.add_permission(FunctionName=PROCESSOR, **{**usual, **changes(lab)})


# Roles


@case.each(
    f"(role|privilege).*{NOTIFIER}",
    mend=build_again,
    an_external_id=when("StringEquals", sts_ExternalId="lab-17"),
    another_function=when("ArnLike", aws_SourceArn="arn:aws:lambda:*:*:function:Other"),
    a_user={"Principal": {"AWS": "*"}, **when("StringEquals", aws_PrincipalType="User")},
    everything_but_that={"Action": None, "NotAction": "sts:AssumeRole"},
)
def a_role_trusts_only(lab, changes):
    usual = policies.lambda_trust()["Statement"][0]
    statement = {key: value for key, value in {**usual, **changes}.items() if value is not None}
    put_trust(lab, statement)


@case(f"(role|privilege).*{NOTIFIER}")
def a_role_denies_lambda_to_assume_it(lab):
    usual = policies.lambda_trust()["Statement"]
    put_trust(lab, *usual, {**usual[0], "Effect": "Deny"})


def put_trust(lab, *statements):
    policy = json.dumps(policies.document(*statements))
    lab.client("iam").update_assume_role_policy(RoleName=f"{NOTIFIER}Role", PolicyDocument=policy)


@case.each(
    f"(role|privilege).*{NOTIFIER}",
    mend=build_again,
    another_region=lambda text: text.replace("us-east-1", "eu-west-1"),
    a_misspelled_action=lambda text: text.replace("UpdateItem", "UpdateItems"),
    every_other_action=lambda text: text.replace('"Action"', '"NotAction"'),
)
def a_role_names(lab, changed):
    put_role_policy(lab, changed(json.dumps(policies.total_notifier(lab))))


def put_role_policy(lab, policy):
    iam, role = lab.client("iam"), f"{NOTIFIER}Role"
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    iam.put_role_policy(RoleName=role, PolicyName="it", PolicyDocument=policy)


@case.each(f"(role|privilege).*{NOTIFIER}", sns={"Action": "sns:*"}, all_but_the_tables={"NotAction": "dynamodb:*"})
def an_attached_policy_denies(lab, denied):
    policy = json.dumps(policies.document({"Effect": "Deny", "Resource": "*", **denied}))
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
