"""A finished lab on the embedded AWS is broken in one way after the other; each is found by its checks and no others.

Each fault alone is in tests/unit/test_checks_steps.py, on a stub. These cases show that the checks know AWS's answers.
"""

import io
import json
import zipfile
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
    subscribe_people(lab)
    buckets.upload(lab, DATA_FILE)
    arrival.wait_for_upload(lab, DATA_FILE)
    return logged(lab)


def faults(lab):
    return {check.name: check for check in checks.run(lab).checks if not check.ok}


@caught_by("key of Customer")
def a_table_with_another_key(lab):
    dynamodb, items = lab.client("dynamodb"), tables.items(lab, "Customer")
    tables.delete_table(lab, "Customer")
    dynamodb.create_table(
        TableName="Customer",
        KeySchema=[{"AttributeName": "CustomerID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "CustomerID", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield
    dynamodb.delete_table(TableName="Customer")
    tables.ensure_table(lab, "Customer")
    for item in items:
        tables.put_item(lab, "Customer", item)


@caught_by(f"trust of the role for {NOTIFIER}", f"permissions of the role for {PROCESSOR}")
def a_role_for_ec2_and_one_that_reads_another_bucket(lab):
    iam, trust = lab.client("iam"), json.dumps(policies.lambda_trust()).replace("lambda.", "ec2.")
    iam.update_assume_role_policy(RoleName=f"{NOTIFIER}Role", PolicyDocument=trust)
    policy = json.dumps(policies.transaction_processor(lab)).replace("s3:::", "s3:::other-")
    iam.put_role_policy(RoleName=f"{PROCESSOR}Role", PolicyName=roles.POLICY_NAME, PolicyDocument=policy)
    yield
    mend_roles(lab)


@caught_by(f"permissions of the role for {NOTIFIER}", f"least privilege of the role for {PROCESSOR}")
def one_more_policy_that_denies_and_one_that_allows_everything(lab):
    for function, effect, action in ((NOTIFIER, "Deny", "sns:*"), (PROCESSOR, "Allow", "*")):
        policy = json.dumps(policies.document({"Effect": effect, "Action": action, "Resource": "*"}))
        lab.client("iam").put_role_policy(RoleName=f"{function}Role", PolicyName="more", PolicyDocument=policy)
    yield
    mend_roles(lab)


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


@caught_by(f"code of {NOTIFIER}")
def quotation_marks_out_of_a_pdf(lab):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in functions.source_files(NOTIFIER):
            zipped.writestr(file.name, file.read_text().replace('"', "“"))
    lab.client("lambda").update_function_code(FunctionName=NOTIFIER, ZipFile=archive.getvalue())
    yield
    functions.ensure_function(lab, NOTIFIER)


@caught_by("events of the bucket trigger", "filter of the bucket trigger", "other bucket triggers")
def notifications(lab):
    first = triggers.find_bucket_trigger(lab)
    csv = {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".csv"}]}}
    copies = {**first, "Events": ["s3:ObjectCreated:Copy"], "Filter": csv}
    gone = {**first, "Id": "gone", "LambdaFunctionArn": lab.arn("lambda", "function:gone")}
    put_notifications(lab, copies, gone)
    yield
    put_notifications(lab, first)


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


@caught_by("other stream triggers")
def a_second_mapping(lab):
    lambda_ = lab.client("lambda")
    uuid = lambda_.create_event_source_mapping(
        EventSourceArn=tables.find_stream(lab), FunctionName=PROCESSOR, StartingPosition="LATEST"
    )["UUID"]
    yield
    lambda_.delete_event_source_mapping(UUID=uuid)


@caught_by("topic HighBalanceAlert")
def a_fifo_topic(lab):
    sns = lab.client("sns")
    topics.delete_topic(lab)
    arn = sns.create_topic(Name="HighBalanceAlert.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    yield
    sns.delete_topic(TopicArn=arn)
    topics.ensure_topic(lab)
    subscribe_people(lab)
    for name in queues.ALERT_QUEUES:
        triggers.ensure_queue_subscription(lab, name)


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


@caught_by(f"subscription of {NOTIFY}", "other subscriptions")
def subscriptions_of_another_topic_and_of_a_queue_that_is_gone(lab):
    sns, other = lab.client("sns"), topics.ensure_topic(lab, "Other")
    sns.unsubscribe(SubscriptionArn=triggers.find_queue_subscription(lab, NOTIFY))
    sns.subscribe(TopicArn=other, Protocol="sqs", Endpoint=queues.queue_arn(lab, NOTIFY))
    gone = triggers.ensure_subscription(lab, "sqs", lab.arn("sqs", "gone"))
    yield
    sns.unsubscribe(SubscriptionArn=gone)
    topics.delete_topic(lab, "Other")
    triggers.ensure_queue_subscription(lab, NOTIFY)


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
    trigger = triggers.find_bucket_trigger(lab)
    put_notifications(lab)
    buckets.put(lab, "more.txt", DATA_FILE.read_text().encode("utf-16"))
    put_notifications(lab, trigger)
    yield
    buckets.delete_object(lab, "more.txt")


@caught_by("rows in Transactions")
def a_row_that_was_deleted(lab):
    key = {"CustomerId": "C1", "TransactionId": "T01"}
    (item,) = [each for each in tables.items(lab, "Transactions") if key.items() <= each.items()]
    tables.delete_item(lab, "Transactions", item)
    wait_for_total(lab, 498)
    yield
    tables.put_item(lab, "Transactions", item)
    wait_for_total(lab, 598)


@caught_by(f"balances in the alerts of {NOTIFY}", f"balances in the alerts of {COLLECT}")
def an_alert_below_the_threshold(lab):
    message = json.dumps({"customerID": "C1", "accountBalance": "598"})
    lab.client("sns").publish(TopicArn=topics.find_topic(lab), Message=message)
    wait_until(lambda: all("C1" in str(queues.messages(lab, name)) for name in queues.ALERT_QUEUES), "the alert")
    yield
    for name in queues.ALERT_QUEUES:
        queues.delete_messages(lab, name, lambda body: queues.alert(body).get("customerID") == "C1")


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


# What breaks and mends


def subscribe_people(lab):
    triggers.ensure_subscription(lab, "email", lab.email)
    triggers.ensure_subscription(lab, "sms", lab.phone)


def mend_roles(lab):
    roles.ensure_role(lab, f"{PROCESSOR}Role", policies.transaction_processor(lab))
    roles.ensure_role(lab, f"{NOTIFIER}Role", policies.total_notifier(lab))


def put_notifications(lab, *wanted):
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=lab.bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": list(wanted)},
        SkipDestinationValidation=True,  # one of them names a function that is not there
    )


def wait_for_total(lab, wanted):
    """Wait until C1 has this total."""
    wait_until(lambda: tables.items(lab, "TransactionTotal")[0]["accountBalance"] == wanted, "the total", timeout=30)
