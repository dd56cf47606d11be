"""The estimate of a run on AWS."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws

from lab_lib.lab import open_lab
from lab_lib.run import costs
from lab_lib.trace import usage

ACCOUNT = "123456789012"  # moto's own
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def on_aws(profile):
    """Yield the settings of a lab on AWS."""
    with mock_aws():
        yield {"account": ACCOUNT, "profile": profile}


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
        "table TransactionTotal: AWS charges for its provisioned units every hour, used or not",
        "bucket: AWS charges a little for what is stored in it",
    ]


def test_the_rows_of_a_file_add_to_the_estimate():
    assert "about 8 min, and costs about 0.2 cents" in costs.before(["05"], 24, "us-east-1")
    assert "about 28 min, and costs about 540.3 cents" in costs.before(["05"], 2_000_000, "us-east-1")


def test_in_china_no_price_in_dollars_is_shown(moto_lab, monkeypatch):
    china = replace(moto_lab, region="cn-north-1")
    monkeypatch.setattr(usage, "of_upload", lambda *_: {"runs": 2})

    yuan = "AWS's prices in China are in yuan; the lab knows only prices in dollars"
    assert costs.before(["05"], 24, china.region) == f"On AWS this takes about 8 min. {yuan}."
    assert costs.of_upload(china, "file.txt") == f"runs                 2\n{yuan}"


def test_the_table_of_time_and_money_is_written_anew_by_make_docs():
    made, page = runpy.run_path(str(DOCS / "costs.py")), (DOCS / "aws.md").read_text("utf-8")

    assert made["table"]() in page
