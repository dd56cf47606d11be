"""ARNs in a China Region. test_probe.py, test_trace.py and test_learner.py are in one too."""

import json

import pytest
from chains import create_function

from lab_lib.aws import cloudwatch, queues, tables
from lab_lib.calls.waiting import wait_until
from lab_lib.lab import open_lab

REPEATER = """import os
def handler(event, context):
    print(event)
    return event, os.environ["ARN"], context.invoked_function_arn
"""
FAILING = "def handler(event, context):\n    raise ValueError\n"
ARNS = "arn:aws-cn:sns:cn-north-1:000000000000:One and arn:aws:s3:::two"


@pytest.fixture
def lab(account):
    return open_lab(account=account, region="cn-north-1")


def test_a_function_gets_the_arns_of_its_region_and_what_it_gives_stays_as_it_is(lab):
    made = create_function(lab, "Repeater", REPEATER, Environment={"Variables": {"ARN": ARNS}})

    answer = lab.client("lambda").invoke(FunctionName=made["FunctionArn"], Payload=json.dumps(ARNS))

    assert json.load(answer["Payload"]) == [ARNS, ARNS, lab.arn("lambda", "function:Repeater")]
    assert ARNS in cloudwatch.log_lines(lab, "Repeater")


def test_the_letter_about_a_discarded_batch_names_stream_and_function_as_their_region_does(lab):
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    function = create_function(lab, "Failing", FAILING)["FunctionArn"]
    tables.ensure_table(lab, tables.STREAMED)
    tables.put_item(lab, tables.STREAMED, {"CustomerId": "C1", "TransactionId": "T1"})
    lab.client("lambda").create_event_source_mapping(
        EventSourceArn=tables.find_stream(lab),
        FunctionName=function,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queues.queue_arn(lab, queues.DEAD_LETTERS)}},
    )

    (letter,) = wait_until(lambda: queues.messages(lab, queues.DEAD_LETTERS), "the letter")

    assert letter["requestContext"]["functionArn"] == function == lab.arn("lambda", "function:Failing")
    assert letter["DDBStreamBatchInfo"]["streamArn"] == tables.find_stream(lab)


def test_what_is_stored_comes_back_as_it_was_whatever_arns_it_names(lab):
    s3, sqs = lab.client("s3"), lab.client("sqs")
    tables.ensure_table(lab, "Customer")
    tables.put_item(lab, "Customer", {"CustomerId": ARNS})
    s3.create_bucket(Bucket=lab.bucket, CreateBucketConfiguration={"LocationConstraint": lab.region})
    s3.put_object(Bucket=lab.bucket, Key=ARNS, Body=b"arn:aws:s3:::two")
    queue = sqs.create_queue(QueueName="Queue")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=ARNS)

    assert tables.items(lab, "Customer") == [{"CustomerId": ARNS}]
    assert s3.head_bucket(Bucket=lab.bucket)["BucketArn"] == lab.arn("s3", lab.bucket)
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=lab.bucket)
    assert s3.head_object(Bucket=lab.bucket, Key=ARNS)["ContentLength"] == len("arn:aws:s3:::two")
    assert s3.get_object(Bucket=lab.bucket, Key=ARNS)["Body"].read() == b"arn:aws:s3:::two"
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == ARNS
