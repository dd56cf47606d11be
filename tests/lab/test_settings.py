"""Settings that the notebooks name: each test changes one, and the embedded AWS behaves as AWS does.

docs/embedded-aws.md lists all settings. Those of the stream's mapping are tried in test_stream_poller.py.
"""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from conftest import create_function, zipped
from lab_lib.aws import buckets, cloudwatch, functions, policies, queues, roles, streams, tables, topics, triggers
from lab_lib.errors import LabError
from lab_lib.waiting import wait_until

NOTHING = policies.document(policies.allow(["sqs:ListQueues"], "*"))  # that matters here
ANSWER = 'def handler(event, context):\n    print("called")\n    return "answer"\n'


@pytest.fixture
def setting(record_property):
    """setting(name, behaviour): a row of the table."""

    def setting(name, behaviour):
        for column, value in {"table": "Settings", "setting": name, "behaviour": behaviour}.items():
            record_property(column, value)

    return setting


@pytest.fixture
def deploy(lab):
    """deploy(code, **settings): a function named Probe, whose role has no permission that it would need."""

    def deploy(code, **settings):
        return create_function(lab, "Probe", code, roles.ensure_role(lab, "ProbeRole", NOTHING), **settings)

    return deploy


def printed(lab):
    """Return the lines that the function Probe printed, without Lambda's own."""
    own = ("START", "END", "REPORT")
    return [line for line in cloudwatch.log_lines(lab, "Probe") if not line.startswith(own)]


# Bucket


def test_a_bucket_that_blocks_public_access_takes_no_public_policy_and_no_public_object(lab, setting):
    buckets.ensure_bucket(lab)
    buckets.put(lab, "private.txt", b"")
    s3, bucket = lab.client("s3"), {"Bucket": lab.bucket}
    public = {**policies.allow(["s3:GetObject"], f"{lab.arn('s3', lab.bucket)}/*"), "Principal": "*"}
    s3.delete_public_access_block(**bucket)
    buckets.ensure_bucket(lab)

    with pytest.raises(ClientError, match="BlockPublicPolicy"):
        s3.put_bucket_policy(**bucket, Policy=json.dumps(policies.document(public)))
    with pytest.raises(ClientError, match="BlockPublicAcls"):
        s3.put_object_acl(**bucket, Key="private.txt", ACL="public-read")

    setting("public access block", "a public policy and a public ACL are refused")


def test_every_way_to_create_a_txt_object_starts_the_function_and_nothing_else(lab, deploy, setting):
    buckets.ensure_bucket(lab)
    where = "record['eventName'], record['s3']['object']['key']"
    code = f"def handler(event, context):\n    for record in event['Records']:\n        print({where})\n"
    function, s3, bucket = deploy(code), lab.client("s3"), {"Bucket": lab.bucket}
    trigger = {
        "LambdaFunctionArn": function["FunctionArn"],
        "Events": ["s3:ObjectCreated:*"],
        "Filter": triggers.UPLOADS,
    }
    s3.put_bucket_notification_configuration(
        **bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [trigger]}
    )

    for key in ("rejected/a.txt.csv", "A.TXT", "in/a.txt"):
        buckets.put(lab, key, b"")
    s3.copy_object(**bucket, Key="copied.txt", CopySource={**bucket, "Key": "A.TXT"})
    upload = {**bucket, "Key": "parts.txt"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    part = {"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"")["ETag"]}
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    buckets.delete_object(lab, "in/a.txt")

    wait_until(lambda: len(printed(lab)) >= 3, "three events", timeout=10)
    assert sorted(printed(lab)) == [
        "ObjectCreated:CompleteMultipartUpload parts.txt",
        "ObjectCreated:Copy copied.txt",
        "ObjectCreated:Put in/a.txt",
    ]
    setting("s3:ObjectCreated:*, suffix .txt", "put, copy and parts count; a deletion, .csv and .TXT do not")


# Tables


def test_a_tables_key_has_all_its_parts_and_each_is_text(lab, setting):
    tables.ensure_table(lab, "Transactions")
    key = {"CustomerId": "C1", "TransactionId": "T1"}

    for wrong in ({"CustomerId": "C1"}, {**key, "TransactionId": 1}):
        with pytest.raises(ClientError, match="ValidationException"):
            tables.put_item(lab, "Transactions", wrong)
    for item in (key, {**key, "TransactionId": "T2"}, {**key, "TransactionAmount": 1}):
        tables.put_item(lab, "Transactions", item)

    held = tables.items(lab, "Transactions")
    assert [(each["TransactionId"], "TransactionAmount" in each) for each in held] == [("T1", True), ("T2", False)]
    setting("key of a table", "a part that is missing or no text is refused; the same key replaces the item")


@pytest.mark.parametrize(
    ("view", "images"), [("NEW_AND_OLD_IMAGES", ["NewImage", "OldImage"]), ("NEW_IMAGE", ["NewImage"])]
)
def test_the_stream_has_the_images_that_its_view_type_names(lab, setting, view, images):
    lab.client("dynamodb").create_table(
        TableName="Transactions",
        KeySchema=[{"AttributeName": "CustomerId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "CustomerId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )

    for amount in (1, 2, 2):  # the last one changes nothing
        tables.put_item(lab, "Transactions", {"CustomerId": "C1", "TransactionAmount": amount})

    inserted, modified = streams.records(lab)
    assert [inserted["eventName"], modified["eventName"]] == ["INSERT", "MODIFY"]
    assert sorted(name for name in modified["dynamodb"] if "Image" in name) == images
    setting(view, f"a change comes with {' and '.join(images)}")


def update(lab, expression, value):
    lab.client("dynamodb").update_item(**addition(expression, value))


def transact(lab, expression, value):
    marker = {"Put": {"TableName": "Customer", "Item": {"CustomerId": {"S": "marker"}}}}
    lab.client("dynamodb").transact_write_items(TransactItems=[marker, {"Update": addition(expression, value)}])


def addition(expression, value):
    return {
        "TableName": "Customer",
        "Key": {"CustomerId": {"S": "C1"}},
        "UpdateExpression": expression,
        "ExpressionAttributeValues": {":b": {"N": value}},
    }


@pytest.mark.parametrize("write", [update, transact])
@pytest.mark.parametrize("expression", ["ADD a :b", "SET a = a + :b"])
def test_a_sum_of_38_digits_is_exact_and_one_of_more_is_refused(lab, setting, write, expression):
    tables.ensure_table(lab, "Customer")

    def sum_of(first, second):
        item = {"CustomerId": {"S": "C1"}, "a": {"N": first}}
        lab.client("dynamodb").put_item(TableName="Customer", Item=item)
        write(lab, expression, second)
        return lab.client("dynamodb").get_item(TableName="Customer", Key={"CustomerId": {"S": "C1"}})["Item"]["a"]["N"]

    assert sum_of("12345678901234567890123456789012345678", "1") == "12345678901234567890123456789012345679"
    assert sum_of("9" * 38, "1") == "1" + "0" * 38
    assert sum_of("1499.99", "0.01") == "1500"
    with pytest.raises(ClientError) as refused:
        sum_of("1" + "0" * 37, "0.01")

    answer = refused.value.response
    (reason,) = answer.get("CancellationReasons", [{}, answer["Error"]])[1:]
    assert reason["Message"].startswith("Number overflow")
    assert reason["Code"] == ("ValidationError" if write is transact else "ValidationException")
    held = {item["CustomerId"]: item["a"] for item in tables.items(lab, "Customer") if "a" in item}
    assert held == {"C1": 10**37}
    setting(f"{write.__name__}: {expression}", "38 digits are exact, 39 are refused")


@pytest.mark.slow  # a minute long, which is the least that SQS can be told to keep a message
def test_what_has_expired_is_dropped_from_table_and_queue(lab, setting):
    tables.ensure_table(lab, "ProcessedRecords")
    url = queues.ensure_queue(lab, "CustomerNotify")
    lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    now = int(time.time())
    for name, expires in {"old": now - 1, "new": now + 3600}.items():
        tables.put_item(lab, "ProcessedRecords", {"EventId": name, "ExpiresAt": expires})
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="{}")

    def dropped():
        return len(tables.items(lab, "ProcessedRecords")) == 1 and not queues.messages(lab, "CustomerNotify")

    assert queues.messages(lab, "CustomerNotify") == [{}]
    wait_until(dropped, "item and message to expire", timeout=90)
    assert [item["EventId"] for item in tables.items(lab, "ProcessedRecords")] == ["new"]
    assert time.time() >= now + 60
    setting("ExpiresAt, MessageRetentionPeriod", "what is older is dropped within a minute")


# Functions


def test_a_new_function_is_active_at_once(lab, deploy, setting):
    deploy(ANSWER)

    assert functions.configuration(lab, "Probe")["State"] == "Active"
    assert functions.invoke(lab, "Probe", {}) == "answer"
    setting("a new function", "is active at once; on AWS after seconds")


def test_new_code_another_handler_and_other_variables_count_from_the_next_call_on(lab, deploy, setting):
    code = "import os\ndef handler(event, context):\n    return os.environ['THRESHOLD']\n"
    deploy(code, Environment={"Variables": {"THRESHOLD": "1500"}})
    lambda_, name = lab.client("lambda"), {"FunctionName": "Probe"}

    said = [functions.invoke(lab, "Probe", {})]
    lambda_.update_function_configuration(**name, Environment={"Variables": {"THRESHOLD": "2000"}})
    said.append(functions.invoke(lab, "Probe", {}))
    lambda_.update_function_code(**name, ZipFile=zipped(ANSWER.replace("handler", "other")))
    lambda_.update_function_configuration(**name, Handler="probe.other")
    said.append(functions.invoke(lab, "Probe", {}))

    assert said == ["1500", "2000", "answer"]
    setting("code, handler, environment variables", "count from the next call on")


def test_a_function_is_ended_when_its_timeout_is_over(lab, deploy, setting):
    deploy("import time\ndef handler(event, context):\n    time.sleep(60)\n", Timeout=1)

    with pytest.raises(LabError, match=r"Task timed out after 1\.00 seconds"):
        functions.invoke(lab, "Probe", {})

    setting("timeout", "a longer call is ended")


def test_a_function_may_do_what_its_role_allows_and_nothing_else(lab, deploy, setting):
    tables.ensure_table(lab, "Customer")
    put = "boto3.client('dynamodb').put_item(TableName='Customer', Item={'CustomerId': {'S': 'C1'}})"
    deploy(f"import boto3\ndef handler(event, context):\n    {put}\n")

    with pytest.raises(LabError, match="AccessDenied"):
        functions.invoke(lab, "Probe", {})
    before = tables.items(lab, "Customer")
    may = policies.document(policies.allow(["dynamodb:PutItem"], policies.table(lab, "Customer")))
    roles.ensure_role(lab, "ProbeRole", may)
    functions.invoke(lab, "Probe", {})

    assert (before, tables.items(lab, "Customer")) == ([], [{"CustomerId": "C1"}])
    setting("role of a function", "what it does not allow is denied")


def test_an_event_that_fails_is_retried_as_often_as_asked_and_then_sent_to_its_destination(lab, deploy, setting):
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    deploy("def handler(event, context):\n    print('try')\n    raise ValueError('unreadable')\n")
    lab.client("lambda").put_function_event_invoke_config(
        FunctionName="Probe",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queues.queue_arn(lab, queues.DEAD_LETTERS)}},
    )

    lab.client("lambda").invoke(FunctionName="Probe", InvocationType="Event", Payload=json.dumps({"file": 1}))

    (letter,) = wait_until(lambda: queues.messages(lab, queues.DEAD_LETTERS), "the dead letter", timeout=10)
    wait_until(lambda: printed(lab).count("try") >= 2, "the log", timeout=10)
    assert printed(lab).count("try") == 2
    assert (letter["requestPayload"], letter["responsePayload"]["errorMessage"]) == ({"file": 1}, "unreadable")
    setting("MaximumRetryAttempts, OnFailure of a function", "so many retries, then a dead letter")


def test_calls_by_hand_and_their_errors_are_counted_and_logged(lab, deploy, setting):
    start = datetime.now(UTC) - timedelta(minutes=1)
    deploy("def handler(event, context):\n    print('called')\n    return event['amount']\n")

    assert functions.invoke(lab, "Probe", {"amount": 5}) == 5
    with pytest.raises(LabError, match="amount"):
        functions.invoke(lab, "Probe", {})

    wait_until(lambda: cloudwatch.runs(cloudwatch.log_lines(lab, "Probe")) == 2, "two REPORT lines", timeout=10)
    assert cloudwatch.metrics(lab, "Probe", start) == {"Invocations": 2, "Errors": 1, "Throttles": 0}
    assert printed(lab).count("called") == 2
    assert cloudwatch.failures(cloudwatch.log_lines(lab, "Probe")) == ["KeyError: 'amount'"]
    setting("metrics, logs", "calls by hand and their errors are counted; each call has a REPORT line")


# Topic and queues


def test_a_queue_lets_in_the_topic_that_its_policy_names_and_no_other(lab, setting):
    own, other = topics.ensure_topic(lab), topics.ensure_topic(lab, "Another")
    queues.ensure_queue(lab, "CustomerNotify")
    sns, queue = lab.client("sns"), queues.queue_arn(lab, "CustomerNotify")
    for topic in (own, other):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    sns.publish(TopicArn=own, Message="there is no policy")
    triggers.ensure_queue_subscription(lab, "CustomerNotify")
    sns.publish(TopicArn=other, Message="another topic")
    sns.publish(TopicArn=own, Message="the topic")

    def arrived():
        return [message["Message"] for message in queues.messages(lab, "CustomerNotify")]

    wait_until(lambda: "the topic" in arrived(), "the message", timeout=10)
    assert arrived() == ["the topic"]
    setting("policy of a queue", "without it, and from another topic, no message arrives")
