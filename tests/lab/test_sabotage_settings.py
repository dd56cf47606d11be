"""Settings of a lab are made wrong: those of a role a check reads, and of others only a probe tells."""

import json

import pytest
from sabotage import assert_speaks

from lab_lib import checks
from lab_lib.aws import functions, policies, queues, triggers

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY = queues.ALERT_QUEUES[0]
DOES_NOTHING = "import boto3\n\n\ndef lambda_handler(event, context):\n    return 'ok'\n"


# Only a probe tells


def notify(lab, **changes):
    usual = triggers.find_bucket_trigger(lab)
    configuration = {"LambdaFunctionConfigurations": [{**usual, **changes}]}
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=lab.bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True
    )


def the_bucket_starts_an_alias_of_an_old_version(lab):
    """The version does nothing, and $LATEST has the lab's own code."""
    lambda_, file = lab.client("lambda"), functions.source_files(PROCESSOR)[-1].name
    idle = functions.zipped({file: DOES_NOTHING.encode()})
    version = lambda_.update_function_code(FunctionName=PROCESSOR, ZipFile=idle, Publish=True)["Version"]
    functions.ensure_function(lab, PROCESSOR)
    arn = lambda_.create_alias(FunctionName=PROCESSOR, Name="live", FunctionVersion=version)["AliasArn"]
    lambda_.add_permission(
        FunctionName=arn,
        StatementId="qualified",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=lab.arn("s3", lab.bucket),
        SourceAccount=lab.account,
    )
    notify(lab, LambdaFunctionArn=arn)


def filter_alerts(lab):
    arn, policy = triggers.find_queue_subscription(lab, NOTIFY), json.dumps({"accountBalance": ["2000"]})
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", policy)):
        lab.client("sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


def the_bucket_denies_reading(lab):
    who = {"AWS": lab.arn("iam", f"role/{PROCESSOR}Role")}
    keys = f"{lab.arn('s3', lab.bucket)}/*"
    statement = {"Effect": "Deny", "Principal": who, "Action": "s3:GetObject", "Resource": keys}
    lab.client("s3").put_bucket_policy(Bucket=lab.bucket, Policy=json.dumps(policies.document(statement)))


def a_boundary_leaves_nothing(lab):
    """On AWS, IAM's policy simulator knows the boundary. That of the embedded AWS does not."""
    policy = json.dumps(policies.document({"Effect": "Deny", "Action": "*", "Resource": "*"}))
    lab.client("iam").put_role_permissions_boundary(
        RoleName=f"{NOTIFIER}Role", PermissionsBoundary=create_policy(lab, policy)
    )


def create_policy(lab, policy):
    return lab.client("iam").create_policy(PolicyName="Guardrail", PolicyDocument=policy)["Policy"]["Arn"]


# The check of the probe that says so, a part of its words, and what breaks the chain.
UNREAD = [
    ("probe-rows", "is missing", the_bucket_starts_an_alias_of_an_old_version),
    (f"probe-alert-{NOTIFY}", f"filter policy of {NOTIFY}", filter_alerts),
    ("probe-rows", "AccessDenied", the_bucket_denies_reading),
    ("probe-totals", "AccessDenied", a_boundary_leaves_nothing),
]


@pytest.mark.parametrize(("id", "words", "sabotage"), UNREAD)
def test_what_no_check_reads_a_probe_shows(chain, id, words, sabotage):
    sabotage(chain.lab)

    failed = {check.id: check for check in checks.run(chain.lab, "00", probe=True).failed if not check.cause}
    assert {name for name in failed if not name.startswith("probe-")} == set()
    # A batch that fails holds up the next one. If the rows came in two, the totals are the first to tell.
    assert any(words in failed[name].words for name in (id, "probe-totals") if name in failed)


# The checks that read a setting tell


def a_role_names_another_region(lab):
    iam, role = lab.client("iam"), f"{NOTIFIER}Role"
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    policy = json.dumps(policies.total_notifier(lab)).replace("us-east-1", "eu-west-1")
    iam.put_role_policy(RoleName=role, PolicyName="it", PolicyDocument=policy)


def an_attached_policy_denies_all_but_the_tables(lab):
    policy = json.dumps(policies.document({"Effect": "Deny", "Resource": "*", "NotAction": "dynamodb:*"}))
    lab.client("iam").attach_role_policy(RoleName=f"{NOTIFIER}Role", PolicyArn=create_policy(lab, policy))


@pytest.mark.parametrize("sabotage", [a_role_names_another_region, an_attached_policy_denies_all_but_the_tables])
def test_what_is_wrong_in_a_role_is_caught(chain, sabotage):
    sabotage(chain.lab)

    assert_speaks(checks.run(chain.lab, "00", "01", "02", "03", "04"), f"(role|privilege).*{NOTIFIER}")
