"""Settings that the notebooks name: each test changes one, and the embedded AWS behaves as AWS does.

docs/embedded-aws.md lists all settings. Those of the stream's mapping are tried in test_stream_poller.py.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from botocore.exceptions import ClientError
from chains import create_function, create_table, zipped

from lab_lib.aws import buckets, cloudwatch, functions, policies, queues, streams, tables, topics, triggers
from lab_lib.calls.waiting import wait_until
from lab_lib.errors import LabError
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

ANSWER = 'def handler(event, context):\n    return "answer"\n'
COUNTER = """
calls = []


def handler(event, context):
    calls.append(event)
    return len(calls)
"""
SLEEPER = """
import os
from time import sleep, time

sleep(0.1)
ready = time()


def handler(event, context):
    begun = time()
    sleep(event["seconds"])
    print(ready, begun, time())
    if event["seconds"] == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # now ministack waits two seconds for the end of the log
"""
CUSTOMER = {"CustomerId": {"S": "C1"}}


@pytest.fixture
def deploy(lab):
    """deploy(code, **settings): create a function named Probe."""
    return partial(create_function, lab, "Probe")


def printed(lab):
    """Return the lines that the function Probe printed, without Lambda's own."""
    of_lambda = ("INIT_START", "START", "END", "REPORT")
    return [line for line in cloudwatch.log_lines(lab, "Probe") if not line.startswith(of_lambda)]


def test_a_change_in_another_account_does_not_end_the_process_of_a_function(lab, new_account, deploy):
    deploy(COUNTER)
    functions.invoke(lab, "Probe", {})
    other = open_lab(account=new_account())
    create_function(other, "Probe", ANSWER)

    other.client("lambda").update_function_configuration(FunctionName="Probe", MemorySize=256)

    assert functions.invoke(lab, "Probe", {}) == 2


def test_a_bucket_that_blocks_public_access_takes_no_public_policy_and_no_public_object(lab):
    s3, bucket = lab.client("s3"), {"Bucket": f"new-{lab.account}"}
    s3.create_bucket(**bucket)  # which blocks public access, as every new bucket on AWS
    s3.put_object(**bucket, Key="private.txt")
    public = {**policies.allow(["s3:GetObject"], f"{lab.arn('s3', bucket['Bucket'])}/*"), "Principal": "*"}

    with pytest.raises(ClientError, match="BlockPublicPolicy"):
        s3.put_bucket_policy(**bucket, Policy=json.dumps(policies.document(public)))
    with pytest.raises(ClientError, match="BlockPublicAcls"):
        s3.put_object_acl(**bucket, Key="private.txt", ACL="public-read")


def test_every_way_to_create_a_txt_object_starts_the_function_and_nothing_else(lab, deploy):
    buckets.ensure_bucket(lab)
    where = "record['eventName'], record['s3']['object']['key']"
    code = f"def handler(event, context):\n    for record in event['Records']:\n        print({where})\n"
    function, s3, bucket = deploy(code), lab.client("s3"), {"Bucket": lab.bucket}
    trigger = {"LambdaFunctionArn": function["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
    trigger = {"LambdaFunctionConfigurations": [{**trigger, "Filter": triggers.UPLOADS}]}
    lab.client("lambda").add_permission(
        FunctionName="Probe", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    s3.put_bucket_notification_configuration(**bucket, NotificationConfiguration=trigger)

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


def test_the_stream_has_the_images_that_its_view_type_names_and_nothing_of_a_write_that_changes_nothing(lab):
    create_table(lab, "Transactions", "CustomerId", "NEW_AND_OLD_IMAGES")

    for amount in (1, 2, 2):
        tables.put_item(lab, "Transactions", {"CustomerId": "C1", "TransactionAmount": amount})

    inserted, modified = streams.records(lab)
    assert [inserted["eventName"], modified["eventName"]] == ["INSERT", "MODIFY"]
    assert sorted(name for name in modified["dynamodb"] if "Image" in name) == ["NewImage", "OldImage"]


def test_a_sum_of_38_digits_is_exact_and_one_of_more_is_refused(lab):
    tables.ensure_table(lab, "Customer")
    dynamodb, table = lab.client("dynamodb"), {"TableName": "Customer"}

    def sum_of(first, second):
        dynamodb.put_item(**table, Item={**CUSTOMER, "a": {"N": first}})
        values = {"UpdateExpression": "ADD a :b", "ExpressionAttributeValues": {":b": {"N": second}}}
        dynamodb.transact_write_items(TransactItems=[{"Update": {**table, "Key": CUSTOMER, **values}}])
        return dynamodb.get_item(**table, Key=CUSTOMER)["Item"]["a"]["N"]

    assert sum_of("9" * 38, "1") == "1" + "0" * 38
    assert sum_of("1499.99", "0.01") == "1500"
    with pytest.raises(ClientError) as refused:
        sum_of("1" + "0" * 37, "0.01")
    assert "Number overflow" in str(refused.value.response)
    assert tables.items(lab, "Customer") == [{"CustomerId": "C1", "a": 10**37}]


def test_a_new_function_is_active_at_once_and_changes_count_from_the_next_call_on(lab, deploy):
    code = "import os\ndef handler(event, context):\n    return os.environ['THRESHOLD']\n"
    deploy(code, Environment={"Variables": {"THRESHOLD": "1500"}})
    lambda_, name = lab.client("lambda"), {"FunctionName": "Probe"}

    wait_until(lambda: functions.configuration(lab, "Probe")["State"] == "Active", "the function", timeout=0.2)
    answers = [functions.invoke(lab, "Probe", {})]
    lambda_.update_function_configuration(**name, Environment={"Variables": {"THRESHOLD": "2000"}})
    answers.append(functions.invoke(lab, "Probe", {}))
    lambda_.update_function_code(**name, ZipFile=zipped(ANSWER.replace("handler", "other")))
    lambda_.update_function_configuration(**name, Handler="probe.other")
    answers.append(functions.invoke(lab, "Probe", {}))

    assert answers == ["1500", "2000", "answer"]


def test_an_event_that_fails_is_retried_as_often_as_asked_and_then_sent_to_its_destination(lab, deploy):
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


def test_calls_by_hand_and_their_errors_are_counted_and_logged(lab, deploy):
    start = datetime.now(UTC) - timedelta(minutes=1)
    deploy("def handler(event, context):\n    print('called')\n    return event['amount']\n")

    assert functions.invoke(lab, "Probe", {"amount": 5}) == 5
    with pytest.raises(LabError, match="amount"):
        functions.invoke(lab, "Probe", {})

    wait_until(lambda: cloudwatch.runs(cloudwatch.log_lines(lab, "Probe")) == 2, "two REPORT lines", timeout=10)
    assert cloudwatch.metrics(lab, "Probe", start) == {"Invocations": 2, "Errors": 1, "Throttles": 0}
    assert printed(lab).count("called") == 2
    assert cloudwatch.failures(cloudwatch.log_lines(lab, "Probe")) == ["KeyError: 'amount'"]


def test_a_log_tells_when_a_process_and_a_call_began_and_how_long_each_took(lab, deploy):
    deploy(SLEEPER)

    def call(seconds):
        return functions.invoke(lab, "Probe", {"seconds": seconds})

    with ThreadPoolExecutor() as pool:
        list(pool.map(call, [0.3, 0.6]))  # at the same time
    call(0)

    runs = {}
    for event in lab.client("logs").filter_log_events(logGroupName=cloudwatch.log_group(lab, "Probe"))["events"]:
        runs.setdefault(event["logStreamName"], []).append((event["message"], event["timestamp"]))
    assert sorted(len(run) for run in runs.values()) == [4, 5, 5]
    for *init, (_, started), (times, _), (_, ended), _ in runs.values():
        ready, begun, done = (1000 * float(seconds) for seconds in times.split())
        assert int(ready) <= started <= begun < done < ended + 1 < done + 1500
        assert all(line == "INIT_START" and at <= ready - 100 for line, at in init)


def test_a_message_tells_its_time_to_the_millisecond(lab):
    topic = topics.ensure_topic(lab)
    queues.ensure_queue(lab, "CustomerNotify")
    triggers.ensure_queue_subscription(lab, "CustomerNotify")
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # which the time does not tell

    lab.client("sns").publish(TopicArn=topic, Message="hello")

    [message] = wait_until(lambda: queues.messages(lab, "CustomerNotify"), "the message", timeout=10)
    assert before <= datetime.fromisoformat(message["Timestamp"]) <= datetime.now(UTC)
