"""A finished lab on the embedded AWS is broken in one way after the other; each is found by its checks and no others.

Each fault alone is in tests/unit/test_checks_steps.py, on a stub. These cases show that the checks know the answers
that AWS gives only in a broken account: of a second policy, a throttle, a filter, a key, an old stream, an error.
"""

import json
from contextlib import contextmanager, suppress

import pytest
from chains import Chain, logged

from lab_lib import checks
from lab_lib.aws import buckets, cloudwatch, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.checks import arrival
from lab_lib.checks.rules import RULES
from lab_lib.errors import TimedOut
from lab_lib.lab import open_lab
from lab_lib.run.headless import DATA_FILE
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY, COLLECT = queues.ALERT_QUEUES
CASES = []


def caught_by(*names):
    """Enter a generator as a case: it breaks the account, yields, and mends it."""

    def register(sabotage):
        CASES.append(pytest.param(contextmanager(sabotage), names, id=sabotage.__name__))
        return sabotage

    return register


@pytest.fixture(scope="module")
def finished(new_account):
    """A lab with subscribers, with the handout's file gone all the way through it."""
    lab = Chain(open_lab(account=new_account(), email="ana@example.com", phone="+15555550100")).build().lab
    triggers.ensure_subscription(lab, "email", lab.email)
    triggers.ensure_subscription(lab, "sms", lab.phone)
    buckets.upload(lab, DATA_FILE)
    arrival.wait_for_upload(lab, DATA_FILE)
    return logged(lab)


def faults(lab):
    return {check.name: check for check in checks.run(lab).checks if not check.ok}


@caught_by(f"permissions of the role for {NOTIFIER}", f"least privilege of the role for {PROCESSOR}")
def one_more_policy_that_denies_and_one_that_allows_everything(lab):
    for function, effect, action in ((NOTIFIER, "Deny", "sns:*"), (PROCESSOR, "Allow", "*")):
        policy = json.dumps(policies.document({"Effect": effect, "Action": action, "Resource": "*"}))
        lab.client("iam").put_role_policy(RoleName=f"{function}Role", PolicyName="more", PolicyDocument=policy)
    yield
    roles.ensure_role(lab, f"{PROCESSOR}Role", policies.transaction_processor(lab))
    roles.ensure_role(lab, f"{NOTIFIER}Role", policies.total_notifier(lab))


@caught_by(*(f"{setting} of {NOTIFIER}" for setting in ("state", "runtime", "timeout", "role", "variables")))
def settings_of_a_function(lab):
    lambda_, role = lab.client("lambda"), lab.arn("iam", f"role/{PROCESSOR}Role")
    other = functions.variables(lab, NOTIFIER) | {"THRESHOLD": "15000"}
    lambda_.update_function_configuration(
        FunctionName=NOTIFIER, Timeout=3, Runtime="python3.8", Role=role, Environment={"Variables": other}
    )
    lambda_.put_function_concurrency(FunctionName=NOTIFIER, ReservedConcurrentExecutions=0)
    yield
    lambda_.delete_function_concurrency(FunctionName=NOTIFIER)
    functions.ensure_function(lab, NOTIFIER)


@caught_by(
    *(f"{setting} of the stream trigger" for setting in ("state", "batch size", "batching window", "filter")),
    f"failed changes of {NOTIFIER}",
    "retries of the stream trigger",
)
def settings_of_the_mapping(lab):
    lab.client("lambda").update_event_source_mapping(
        UUID=triggers.find_stream_trigger(lab)["UUID"],
        Enabled=False,
        BatchSize=1,
        MaximumBatchingWindowInSeconds=300,
        FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["REMOVE"]}'}]},
        DestinationConfig={},
        MaximumRetryAttempts=-1,
    )
    wait_until(lambda: triggers.find_stream_trigger(lab)["State"] == "Disabled", "the mapping to be disabled")
    yield
    triggers.ensure_stream_trigger(lab)


@caught_by("stream trigger")
def a_stream_that_was_turned_off_and_on(lab):
    for stream in ({"StreamEnabled": False}, {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}):
        lab.client("dynamodb").update_table(TableName="Transactions", StreamSpecification=stream)
    yield
    triggers.ensure_stream_trigger(lab)


@caught_by(f"raw delivery of {COLLECT}", f"filter policy of {COLLECT}")
def settings_of_a_subscription(lab):
    def put(**settings):
        for name, value in settings.items():
            lab.client("sns").set_subscription_attributes(
                SubscriptionArn=triggers.find_queue_subscription(lab, COLLECT), AttributeName=name, AttributeValue=value
            )

    put(RawMessageDelivery="true", FilterPolicy='{"kind": ["alert"]}')
    yield
    put(RawMessageDelivery="false", FilterPolicy="{}")


@caught_by(f"access policy of {NOTIFY}", f"other senders to {NOTIFY}", f"encryption of {NOTIFY}", f"TLS to {NOTIFY}")
def the_policy_and_the_key_of_a_queue(lab):
    sqs, url, arn = lab.client("sqs"), queues.find_queue(lab, NOTIFY), queues.queue_arn(lab, NOTIFY)
    statement, _ = policies.topic_to_queue(lab, lab.arn("sns", "Other"), arn)["Statement"]
    attributes = {"Policy": json.dumps(policies.document(statement)), "KmsMasterKeyId": "alias/aws/sqs"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": ""})
    queues.ensure_queue(lab, NOTIFY)
    triggers.ensure_queue_subscription(lab, NOTIFY)


@caught_by("readable uploads")
def a_file_saved_as_utf_16(lab):
    """It is put there while nothing starts the function."""
    triggers.delete_bucket_trigger(lab)
    buckets.put(lab, "more.txt", DATA_FILE.read_text().encode("utf-16"))
    triggers.ensure_bucket_trigger(lab)
    yield
    buckets.delete_object(lab, "more.txt")


@caught_by(
    "TLS to the bucket",
    "expiry of ProcessedRecords",
    f"retention of the log of {NOTIFIER}",
    f"failed files of {PROCESSOR}",
    f"messages in {queues.DEAD_LETTERS}",
    "display name of the topic",
)
def what_goes_further(lab):
    topic, url = topics.find_topic(lab), queues.find_queue(lab, queues.DEAD_LETTERS)
    lab.client("s3").delete_bucket_policy(Bucket=lab.bucket)
    off = {"Enabled": False, "AttributeName": "ExpiresAt"}
    lab.client("dynamodb").update_time_to_live(TableName="ProcessedRecords", TimeToLiveSpecification=off)
    lab.client("logs").delete_retention_policy(logGroupName=f"/aws/lambda/{NOTIFIER}")
    lab.client("lambda").delete_function_event_invoke_config(FunctionName=PROCESSOR)
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    lab.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="")
    yield
    lab.client("sqs").purge_queue(QueueUrl=url)
    buckets.ensure_bucket(lab)
    tables.ensure_table(lab, "ProcessedRecords")
    topics.ensure_topic(lab)
    for name in functions.SOURCES:
        functions.ensure_function(lab, name)


# The last one: its errors are counted for a minute


@caught_by(f"log of {PROCESSOR}", f"errors in the log of {NOTIFIER}", f"errors in the metrics of {NOTIFIER}")
def a_run_that_failed_and_a_log_that_was_deleted(lab):
    cloudwatch.delete_log_group(lab, PROCESSOR)
    lab.client("lambda").invoke(FunctionName=NOTIFIER, Payload=b"{}")
    yield


@pytest.mark.parametrize(("sabotage", "names"), CASES)
def test_a_sabotage_is_caught_by_exactly_the_checks_concerned(finished, sabotage, names):
    with suppress(TimedOut):  # the faults tell more
        wait_until(lambda: not faults(finished), "a lab without a fault", timeout=15)
    with sabotage(finished):
        found = faults(finished)

    caught = {name for name, check in found.items() if check.state in ("not yet", "could be")}
    assert caught == {*names}, found
    assert {name for name in found.keys() - caught if not rests_on(name) & caught} == set()


def rests_on(name):
    """Return the checks that a check waits for, and those that they wait for."""
    return {below for other in RULES[name].after for below in {other, *rests_on(other)}}
