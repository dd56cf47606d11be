"""Settings of a lab are made wrong: those of a role a check reads, and of others only a probe tells."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sabotage import assert_speaks

from lab_lib import checks
from lab_lib.aws import functions, policies, queues, roles, triggers

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


def a_url_asks_for_no_sign_in(lab):
    lab.client("lambda").create_function_url_config(FunctionName=PROCESSOR, AuthType="NONE")


def everybody_may_read_a_table(lab):
    arn = lab.arn("dynamodb", "table/Transactions")
    policy = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": arn}
    lab.client("dynamodb").put_resource_policy(ResourceArn=arn, Policy=json.dumps(policies.document(policy)))


def s3_deletes_the_files(lab):
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    rules = {"Rules": [rule]}
    lab.client("s3").put_bucket_lifecycle_configuration(Bucket=lab.bucket, LifecycleConfiguration=rules)


def items_expire(lab):
    expiry = {"Enabled": True, "AttributeName": "Until"}
    lab.client("dynamodb").update_time_to_live(TableName="Customer", TimeToLiveSpecification=expiry)


def the_role_has_a_date(lab):
    policy, soon = policies.total_notifier(lab), datetime.now(UTC) + timedelta(days=100)
    for statement in policy["Statement"]:
        statement["Condition"] = {"DateLessThan": {"aws:CurrentTime": soon.isoformat()}}
    lab.client("iam").put_role_policy(
        RoleName=f"{NOTIFIER}Role", PolicyName=roles.POLICY_NAME, PolicyDocument=json.dumps(policy)
    )


def what_succeeds_goes_to_the_alerts(lab):
    ends = {"OnSuccess": {"Destination": queues.queue_arn(lab, NOTIFY)}}
    lab.client("lambda").put_function_event_invoke_config(FunctionName=PROCESSOR, DestinationConfig=ends)


def a_deletion_starts_the_function(lab):
    notify(lab, Events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])


def changes_are_given_up_at_once(lab):
    uuid = triggers.find_stream_trigger(lab)["UUID"]
    lab.client("lambda").update_event_source_mapping(UUID=uuid, MaximumRetryAttempts=0)


UNSHOWN = {
    f"outsiders-{PROCESSOR}": a_url_asks_for_no_sign_in,
    "outsiders-Transactions": everybody_may_read_a_table,
    "ends-bucket": s3_deletes_the_files,
    "ends-Customer": items_expire,
    f"ends-role-{NOTIFIER}": the_role_has_a_date,
    f"elsewhere-{PROCESSOR}": what_succeeds_goes_to_the_alerts,
    "elsewhere-bucket": a_deletion_starts_the_function,
    "load-stream-trigger": changes_are_given_up_at_once,
}


@pytest.mark.parametrize("id", UNSHOWN)
def test_what_no_upload_shows_is_told(chain, id):
    UNSHOWN[id](chain.lab)

    assert_speaks(checks.run(chain.lab, "00", "01", "02", "03", "04"), f"^{id}$")


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
