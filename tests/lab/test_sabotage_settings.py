"""Settings of a lab are made wrong: those that a check reads, and others that only a probe tells.

What each check says of a setting is in tests/unit/settings.txt. Here are some of each kind, as the account has them.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from lab_lib import checks
from lab_lib.aws import functions, policies, queues, roles, triggers

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY = queues.ALERT_QUEUES[0]


# Only a probe tells


def filter_alerts(lab):
    arn, policy = triggers.find_queue_subscription(lab, NOTIFY), json.dumps({"accountBalance": ["2000"]})
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", policy)):
        lab.client("sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


def the_bucket_denies_reading(lab):
    who = {"AWS": lab.arn("iam", f"role/{PROCESSOR}Role")}
    keys = f"{lab.arn('s3', lab.bucket)}/*"
    statement = {"Effect": "Deny", "Principal": who, "Action": "s3:GetObject", "Resource": keys}
    lab.client("s3").put_bucket_policy(Bucket=lab.bucket, Policy=json.dumps(policies.document(statement)))


@pytest.mark.parametrize(
    ("sabotage", "id", "words"),
    [
        (filter_alerts, f"probe-alert-{NOTIFY}", f"filter policy of {NOTIFY}"),
        (the_bucket_denies_reading, "probe-rows", "AccessDenied"),
    ],
)
def test_what_no_check_reads_a_probe_shows(chain, sabotage, id, words):
    sabotage(chain.lab)

    failed = {check.id: check for check in checks.run(chain.lab, "00", probe=True).failed if not check.cause}
    assert {name for name in failed if not name.startswith("probe-")} == set()
    assert words in failed[id].words


# The checks that read a setting tell


def a_url_asks_for_no_sign_in(lab):
    may = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    lab.client("lambda").add_permission(FunctionName=PROCESSOR, StatementId="FunctionURLAllowPublicAccess", **may)


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


def an_attached_policy_denies_all_but_the_tables(lab):
    iam, policy = lab.client("iam"), policies.document({"Effect": "Deny", "Resource": "*", "NotAction": "dynamodb:*"})
    made = iam.create_policy(PolicyName="Guardrail", PolicyDocument=json.dumps(policy))
    iam.attach_role_policy(RoleName=f"{PROCESSOR}Role", PolicyArn=made["Policy"]["Arn"])


def what_succeeds_goes_to_the_alerts(lab):
    ends = {"OnSuccess": {"Destination": queues.queue_arn(lab, NOTIFY)}}
    lab.client("lambda").put_function_event_invoke_config(FunctionName=PROCESSOR, DestinationConfig=ends)


def changes_are_given_up_at_once(lab):
    uuid = triggers.find_stream_trigger(lab)["UUID"]
    lab.client("lambda").update_event_source_mapping(UUID=uuid, MaximumRetryAttempts=0)


SABOTAGES = {
    f"outsiders-{PROCESSOR}": a_url_asks_for_no_sign_in,
    "outsiders-Transactions": everybody_may_read_a_table,
    "ends-bucket": s3_deletes_the_files,
    "ends-Customer": items_expire,
    f"ends-role-{NOTIFIER}": the_role_has_a_date,
    f"role-permissions-{PROCESSOR}": an_attached_policy_denies_all_but_the_tables,
    f"elsewhere-{PROCESSOR}": what_succeeds_goes_to_the_alerts,
    "load-stream-trigger": changes_are_given_up_at_once,
}


def test_each_wrong_setting_is_told_by_its_check_and_by_no_other_that_counts(chain):
    for sabotage in SABOTAGES.values():
        sabotage(chain.lab)

    failed = checks.run(chain.lab, "00", "01", "02", "03", "04").failed

    assert {check.id for check in failed if not check.cause} == SABOTAGES.keys()
