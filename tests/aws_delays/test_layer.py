"""Each delay is there for its length, on the call that it hits, and is over afterwards."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from lab_lib import waiting
from lab_lib.aws import buckets, cloudwatch, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.errors import error_code
from tests.aws_delays.lengths import DELAYS

pytestmark = pytest.mark.slow
ROLE = "TransactionProcessorRole"


@pytest.fixture(autouse=True)
def no_retries(monkeypatch):
    """Let the lab show each refusal; otherwise it would wait until AWS is ready."""
    monkeypatch.setattr(waiting, "NOT_READY", [])


def code(call, **params):
    """Make a call, and return its error code, or None."""
    try:
        call(**params)
    except ClientError as error:
        return error_code(error)
    return None


def before_and_after(layer, delay, look):
    """Return what `look` returns now, just before the end of the delay, and after it."""
    now, length = look(), DELAYS[delay].seconds
    layer.clock.sleep(length - 1)
    before = look()
    layer.clock.sleep(1.5)
    layer.make_due_calls()  # as a thread of each process does
    return now, before, look()


def new_role(lab):
    allow = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    lab.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)


def new_function(lab, **more):
    """Create the function, or try to; return the error code and message."""
    role = lab.arn("iam", f"role/{ROLE}")
    settings = {"FunctionName": "F", "Role": role, "Runtime": "python3.13", "Handler": "f.f"}
    archive = functions.zipped({"f.py": b"def f(event, context): return 1"})
    try:
        lab.client("lambda").create_function(**settings, Code={"ZipFile": archive}, **more)
    except ClientError as error:
        return error_code(error), error.response["Error"]["Message"]
    return None


def test_a_new_role_is_not_found(delayed):
    lab, layer = delayed("iam")
    new_role(lab)

    assert before_and_after(layer, "iam", lambda: roles.find_role(lab, ROLE) is None) == (True, True, False)


@pytest.mark.parametrize(("delay", "words"), [("role", "cannot be assumed"), ("grant", "invalid for CreateGrant")])
def test_lambda_refuses_a_new_role(delayed, delay, words):
    lab, layer = delayed(delay)
    new_role(lab)

    now, before, after = before_and_after(layer, delay, lambda: new_function(lab))

    assert now == before == ("InvalidParameterValueException", now[1])
    assert words in now[1]
    if delay == "grant":
        assert "throttled by EC2" in after[1]
        after = new_function(lab)
    assert after is None


def test_a_new_function_is_pending_and_a_changed_one_in_progress(delayed):
    lab, layer = delayed("function", "function-update")
    new_role(lab), new_function(lab)
    lambda_ = lab.client("lambda")

    def states():
        found = functions.configuration(lab, "F")
        return found["State"], found["LastUpdateStatus"]

    refused = code(lambda_.update_function_configuration, FunctionName="F", Timeout=5)
    pending, _, ready = before_and_after(layer, "function", states)
    lambda_.update_function_configuration(FunctionName="F", Timeout=5)
    again = code(lambda_.update_function_configuration, FunctionName="F", Timeout=6)
    changing, _, changed = before_and_after(layer, "function-update", states)

    assert refused == again == "ResourceConflictException"
    assert (pending, ready) == (("Pending", "InProgress"), ("Active", "Successful"))
    assert (changing, changed) == (("Active", "InProgress"), ready)


def test_a_table_is_created_and_deleted_slowly(delayed):
    lab, layer = delayed("table")
    dynamodb = lab.client("dynamodb")
    table = {"TableName": "Customer", "BillingMode": "PAY_PER_REQUEST"}
    table |= {"KeySchema": [{"AttributeName": "CustomerId", "KeyType": "HASH"}]}
    table |= {"AttributeDefinitions": [{"AttributeName": "CustomerId", "AttributeType": "S"}]}

    def status():
        try:
            return dynamodb.describe_table(TableName="Customer")["Table"]["TableStatus"]
        except dynamodb.exceptions.ResourceNotFoundException:
            return None

    dynamodb.create_table(**table)
    refused = code(dynamodb.delete_table, TableName="Customer"), code(dynamodb.scan, TableName="Customer")
    created = before_and_after(layer, "table", status)
    dynamodb.delete_table(TableName="Customer")
    taken = code(dynamodb.create_table, **table)
    deleted = before_and_after(layer, "table", status)

    assert refused == ("ResourceInUseException", "ResourceNotFoundException")
    assert (created, taken) == (("CREATING", "CREATING", "ACTIVE"), "ResourceInUseException")
    assert deleted == ("DELETING", "DELETING", None)


@pytest.fixture
def mapped(delayed):
    """A mapping that was just created: the lab, the layer and the mapping's UUID."""
    lab, layer = delayed("mapping")
    new_role(lab), new_function(lab)
    tables.ensure_table(lab, "Transactions")
    where = {"EventSourceArn": tables.find_stream(lab), "FunctionName": "F", "StartingPosition": "TRIM_HORIZON"}
    uuid = lab.client("lambda").create_event_source_mapping(**where)["UUID"]
    yield lab, layer, uuid
    layer.bare(lab.account, "lambda", "DeleteEventSourceMapping", {"UUID": uuid})


def test_a_mapping_changes_slowly(mapped):
    lab, layer, uuid = mapped
    lambda_ = lab.client("lambda")

    def states():
        (listed,) = lambda_.list_event_source_mappings()["EventSourceMappings"]
        really = layer.bare(lab.account, "lambda", "GetEventSourceMapping", {"UUID": uuid})["State"]
        return listed["State"], lambda_.get_event_source_mapping(UUID=uuid)["State"], really

    refused = code(lambda_.delete_event_source_mapping, UUID=uuid)
    created = before_and_after(layer, "mapping", states)
    lambda_.update_event_source_mapping(UUID=uuid, Enabled=False)
    disabled = before_and_after(layer, "mapping", states)
    lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)
    enabled = before_and_after(layer, "mapping", states)

    assert refused == "ResourceInUseException"
    assert created == (("Creating", "Creating", "Disabled"),) * 2 + (("Enabled",) * 3,)
    assert disabled == (("Disabling", "Disabling", "Disabled"),) * 2 + (("Disabled",) * 3,)
    assert enabled == (("Enabling", "Enabling", "Disabled"),) * 2 + (("Enabled",) * 3,)


def test_a_deleted_mapping_is_still_found(delayed):
    lab, layer = delayed("mapping")
    new_role(lab), new_function(lab)
    tables.ensure_table(lab, "Transactions")
    where = {"EventSourceArn": tables.find_stream(lab), "FunctionName": "F", "StartingPosition": "TRIM_HORIZON"}
    lambda_ = lab.client("lambda")
    uuid = lambda_.create_event_source_mapping(**where)["UUID"]
    layer.clock.sleep(100)

    def states():
        listed = [each["State"] for each in lambda_.list_event_source_mappings()["EventSourceMappings"]]
        return triggers._state(lab, uuid), listed

    lambda_.delete_event_source_mapping(UUID=uuid)

    assert before_and_after(layer, "mapping", states) == (("Deleting", ["Deleting"]),) * 2 + ((None, []),)


def test_a_new_stream_role_cannot_read_the_stream(delayed):
    lab, layer = delayed("stream-access")
    new_role(lab), new_function(lab)
    tables.ensure_table(lab, "Transactions")
    where = {"EventSourceArn": tables.find_stream(lab), "FunctionName": "F", "StartingPosition": "LATEST"}

    def refused():
        return code(lab.client("lambda").create_event_source_mapping, **where, Enabled=False)

    assert before_and_after(layer, "stream-access", refused) == ("InvalidParameterValueException",) * 2 + (None,)


def test_a_notification_is_stored_at_once_and_in_force_later(delayed):
    lab, layer = delayed("notification")
    buckets.ensure_bucket(lab)
    new_role(lab), new_function(lab)
    wanted = {"Id": "N", "LambdaFunctionArn": lab.arn("lambda", "function:F"), "Events": ["s3:ObjectCreated:*"]}
    configuration = {"LambdaFunctionConfigurations": [wanted]}
    lab.client("s3").put_bucket_notification_configuration(Bucket=lab.bucket, NotificationConfiguration=configuration)

    def ids():
        really = layer.bare(lab.account, "s3", "GetBucketNotificationConfiguration", {"Bucket": lab.bucket})
        found = triggers.notifications(lab), really.get("LambdaFunctionConfigurations", [])
        return [[each["Id"] for each in side] for side in found]

    assert before_and_after(layer, "notification", ids) == ([["N"], []], [["N"], []], [["N"], ["N"]])


def test_the_name_of_a_deleted_bucket_cannot_be_used(delayed):
    lab, layer = delayed("bucket-name")
    name, s3 = f"deleted-{lab.account}", lab.client("s3")
    s3.create_bucket(Bucket=name)
    s3.delete_bucket(Bucket=name)

    def refused():
        return code(s3.create_bucket, Bucket=name)

    assert before_and_after(layer, "bucket-name", refused) == ("OperationAborted", "OperationAborted", None)


def test_a_queue_policy_counts_later_unless_the_queue_is_created_with_it(delayed):
    lab, layer = delayed("queue-policy")
    sqs, policy = lab.client("sqs"), json.dumps(policies.tls_only_queue(lab.arn("sqs", "Q")))
    url = sqs.create_queue(QueueName="Q")["QueueUrl"]
    sqs.create_queue(QueueName="WithPolicy", Attributes={"Policy": policy})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy, "VisibilityTimeout": "7"})

    def policy_of(name, bare):
        where = {"QueueUrl": url.replace("/Q", f"/{name}"), "AttributeNames": ["All"]}
        found = (
            layer.bare(lab.account, "sqs", "GetQueueAttributes", where) if bare else sqs.get_queue_attributes(**where)
        )
        return found["Attributes"].get("Policy") == policy

    found = before_and_after(layer, "queue-policy", lambda: (policy_of("Q", False), policy_of("Q", True)))

    assert found == ((True, False), (True, False), (True, True))
    assert policy_of("WithPolicy", True)


def test_a_deleted_queue_is_still_found_and_its_name_is_taken(delayed):
    lab, layer = delayed("queue-deletion")
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="Q")["QueueUrl"]
    sqs.delete_queue(QueueUrl=url)

    def look():
        return code(sqs.get_queue_url, QueueName="Q"), code(sqs.get_queue_attributes, QueueUrl=url)

    gone = "AWS.SimpleQueueService.NonExistentQueue"
    refused = code(sqs.create_queue, QueueName="Q")

    assert before_and_after(layer, "queue-deletion", look) == ((None, gone), (None, gone), (gone, gone))
    assert (refused, code(sqs.create_queue, QueueName="Q")) == ("AWS.SimpleQueueService.QueueDeletedRecently", None)


def test_a_queue_shows_its_earlier_counts(delayed):
    lab, layer = delayed("queue-counts")
    url = lab.client("sqs").create_queue(QueueName="Q")["QueueUrl"]
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="{}")

    def count():
        return queues.attributes(lab, "Q")["ApproximateNumberOfMessages"]

    assert before_and_after(layer, "queue-counts", count) == ("0", "0", "1")


def test_logs_and_metrics_are_late(delayed):
    lab, layer = delayed("logs", "metrics")
    new_role(lab), new_function(lab)
    functions.invoke(lab, "F", {})
    since = datetime.now(UTC) - timedelta(minutes=5)

    def seen():
        return bool(cloudwatch.log_lines(lab, "F")), cloudwatch.metrics(lab, "F", since)["Invocations"]

    now, before, after = before_and_after(layer, "logs", seen)
    layer.clock.sleep(180)
    assert (now, before, after, seen()) == ((False, 0), (False, 0), (True, 0), (True, 1))


def test_an_address_is_pending_until_it_is_confirmed_or_time_has_passed(delayed):
    lab, layer = delayed("e-mail")
    topics.ensure_topic(lab)

    def pending():
        return triggers.find_subscription(lab, "email", "ana@example.com") == "PendingConfirmation"

    first = triggers.ensure_subscription(lab, "email", "ana@example.com")
    before = pending()
    arn = triggers.confirm_subscription(lab, "any-token")
    topics.delete_topic(lab)
    topics.ensure_topic(lab)
    triggers.ensure_subscription(lab, "email", "ana@example.com")

    assert (first.lower(), before, arn.startswith("arn:")) == ("pending confirmation", True, True)
    assert before_and_after(layer, "e-mail", pending) == (True, True, False)


def test_every_seventh_call_is_refused_twice(delayed, monkeypatch):
    lab, _ = delayed("throttling")
    slept = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", slept.append)

    retries = [lab.client("sqs").list_queues()["ResponseMetadata"]["RetryAttempts"] for _ in range(14)]

    assert retries == [0] * 6 + [2] + [0] * 6 + [2]
    assert len(slept) == 4


@pytest.mark.parametrize("service", ["lambda", "iam", "dynamodb", "sns", "sqs", "logs", "s3"])
def test_each_service_refuses_in_its_own_words(delayed, service, monkeypatch):
    lab, _ = delayed("throttling")
    calls = {"lambda": "list_functions", "iam": "list_roles", "dynamodb": "list_tables", "sns": "list_topics"}
    calls |= {"sqs": "list_queues", "logs": "describe_log_groups", "s3": "list_buckets"}
    monkeypatch.setattr("tests.aws_delays.layer._EVERY", 1)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)

    assert getattr(lab.client(service), calls[service])()["ResponseMetadata"]["RetryAttempts"] == 2
