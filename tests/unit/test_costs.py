"""The estimate of a run on AWS, and the count of its requests."""

import os
import runpy
from collections import Counter
from pathlib import Path

import pytest
from moto import mock_aws

from lab_lib.lab import open_lab
from lab_lib.run import costs, headless
from lab_lib.sessions import REQUESTS

ACCOUNT = "123456789012"  # moto's own
NUMBERS = [path.stem[:2] for path in headless.notebooks()]
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def on_aws():
    """Yield the settings of a lab on AWS."""
    keys = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n"
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[profile class]\n{keys}")
    with mock_aws():
        yield {"account": ACCOUNT, "profile": "class"}


def test_what_the_clean_up_keeps_is_named_with_its_cost(on_aws):
    lab = open_lab(**on_aws)
    units = {"ReadCapacityUnits": 50, "WriteCapacityUnits": 50}
    key = {"AttributeName": "CustomerId"}
    lab.client("dynamodb").create_table(
        TableName="TransactionTotal",
        KeySchema=[key | {"KeyType": "HASH"}],
        AttributeDefinitions=[key | {"AttributeType": "S"}],
        ProvisionedThroughput=units,
    )
    lab.client("sqs").create_queue(QueueName="CustomerNotify")
    lab.client("s3").create_bucket(Bucket=lab.bucket)

    assert costs.kept(lab) == [
        "queue CustomerNotify: costs nothing while nobody uses it",
        "table TransactionTotal: 50 units to read and 50 to write cost $28.47 a month, used or not",
        "bucket: a GB in it costs $0.023 a month",
    ]


def test_requests_are_counted_by_their_names_while_a_run_counts_and_not_afterwards(on_aws):
    with costs.counted() as requests:
        lab = open_lab(**on_aws)
        for _ in range(2):
            lab.client("sqs").list_queues()
        lab.client("dynamodb").list_tables()
        counted = requests()

    opening = {"sts.GetCallerIdentity": 1, "s3.ListBuckets": 1}
    assert counted == {**opening, "sqs.ListQueues": 2, "dynamodb.ListTables": 1}
    assert REQUESTS not in os.environ
    assert open_lab(**on_aws).client("sqs").list_queues()


def test_what_a_run_cost_is_the_price_of_its_requests_and_what_the_functions_do():
    requests = Counter({"s3.PutObject": 10_000, "s3.DeleteObject": 500, "iam.GetRole": 500, "sqs.SendMessage": 10_000})

    assert costs.after(Counter(), ["00"]) == (
        "Requests:  0 to AWS; with what the functions do, estimated, the run costs less than 0.1 cents "
        "(prices of 2026-11 in us-east-1; SMS is extra)"
    )
    assert "21,000 to AWS" in costs.after(requests, ["00"])
    assert "about 5.4 cents" in costs.after(requests, ["00"])  # 10,000 at $5, and 10,000 at $0.40 a million
    assert costs.used(Counter({"cloudwatch.GetMetricData": 2})) == {"metrics": 6}


def test_each_notebook_has_an_estimate_of_time_and_money():
    assert 5 < costs.minutes(NUMBERS) < 60
    assert 0.1 < costs.cents(NUMBERS) < 1
    assert costs.before(["00"]).startswith("On AWS this takes about 2 minutes, and costs less than 0.1 cents")


def test_the_table_of_time_and_money_is_written_anew_by_make_docs():
    assert runpy.run_path(str(DOCS / "costs.py"))["table"]() in (DOCS / "aws.md").read_text("utf-8")
