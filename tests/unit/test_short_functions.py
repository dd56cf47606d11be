"""The shortest functions that could work, which notebooks 01 and 06 let the learner write: they do, on a good day."""

from decimal import Decimal

import boto3
import pytest

from lab_lib.aws import buckets, functions, tables, topics
from lab_lib.lab import Lab
from lab_lib.run.headless import DATA_FILE
from tests.learners import my_notifiers, written


@pytest.fixture
def run_short(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """Run the short function of this name with these records."""
    (processor,) = written("01", "%%writefile")
    sources = {"TransactionProcessor": processor, "TotalNotifier": my_notifiers()["naive"]}
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", lab.session)
    buckets.ensure_bucket(lab)
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    topics.ensure_topic(lab)

    def run(name: str, records: list[dict]) -> None:
        for variable, value in functions.variables(lab, name).items():
            monkeypatch.setenv(variable, value)
        module: dict = {}
        exec(sources[name], module)
        module["lambda_handler"]({"Records": records}, None)

    return run


def test_the_short_transaction_processor_takes_in_the_file_of_the_lab(lab: Lab, run_short) -> None:
    buckets.upload(lab, DATA_FILE)

    run_short("TransactionProcessor", [{"s3": {"bucket": {"name": lab.bucket}, "object": {"key": DATA_FILE.name}}}])

    assert len(tables.items(lab, "Customer")) == 2
    assert sum(row["TransactionAmount"] for row in tables.items(lab, "Transactions")) == Decimal(598 + 1750)


def test_the_short_total_notifier_adds_what_is_new(lab: Lab, run_short) -> None:
    row = {"CustomerId": {"S": "C1"}, "TransactionAmount": {"N": "750.5"}}

    run_short("TotalNotifier", [{"dynamodb": {"NewImage": row}}] * 2)

    assert tables.items(lab, "TransactionTotal") == [{"CustomerId": "C1", "accountBalance": Decimal(1501)}]
