"""The classic function, with exact numbers; the threshold is 1500."""

import json
from decimal import Decimal

import pytest
from in_process import record

from lab_lib.aws import queues, streams, tables
from lab_lib.exercises import classic

TEXT = {"S": "a lot"}  # an amount that somebody wrote as text


def outcome(*records, **deliveries):
    """Return (totals, alerts, customers that are stuck) of one batch."""
    found = classic.outcome(list(records), Decimal(1500), **deliveries)
    return found.totals, found.alerts, found.stuck


@pytest.mark.parametrize(
    ("records", "times", "wanted"),
    [
        ([], 1, ({}, {}, set())),
        ([("C1", "0.10"), ("C1", "0.20"), ("C2", 5)], 1, ({"C1": Decimal("0.30"), "C2": 5}, {}, set())),
        ([("C1", f"{'9' * 35}.99"), ("C1", "0.01")], 1, ({"C1": Decimal("1E+35")}, {"C1": 2}, set())),
        pytest.param([("C1", 400), ("C1", 150, 400)], 1, ({"C1": 550}, {}, set()), id="correction"),
        pytest.param([("C1", 1000), ("C1", 400)], 3, ({"C1": 4200}, {"C1": 4}, set()), id="delivered again"),
        pytest.param([("C1", "1499.99"), ("C1", "0.01"), ("C1", 5)], 1, ({"C1": 1505}, {"C1": 2}, set()), id="alerts"),
        pytest.param(
            [("C1", 1500), ("C2", None, 7), ("C3", 1)], 2, ({"C1": 3000}, {"C1": 2}, {"C2", "C3"}), id="deletion"
        ),
        pytest.param([("C1", TEXT, 7), ("C1", 75)], 1, ({}, {}, {"C1"}), id="text"),
    ],
)
def test_the_classic_function_adds_every_new_amount_and_fails_where_there_is_none(records, times, wanted):
    assert outcome(*[record(*each) for each in records], times=times) == wanted


@pytest.mark.parametrize(
    ("times", "without_topic", "wanted"),
    [
        (2, 2, ({"C1": 3000}, {}, {"C1", "C2"})),
        (3, 2, ({"C1": 4500, "C2": 10}, {"C1": 1}, set())),
    ],
)
def test_without_a_topic_the_amount_is_added_with_each_delivery(times, without_topic, wanted):
    assert outcome(record("C1", 1500), record("C2", 10), times=times, without_topic=without_topic) == wanted


def test_a_missing_topic_does_not_matter_below_the_threshold():
    assert outcome(record("C1", 1499), without_topic=1) == ({"C1": 1499}, {}, set())


def test_compare_puts_the_account_and_the_classic_function_side_by_side(lab):
    for name in ("Transactions", "TransactionTotal"):
        tables.ensure_table(lab, name)
    url = queues.ensure_queue(lab, "CustomerNotify")
    for customer, transaction, amount in (
        ("C1", "T1", 1000),
        ("C1", "T1", 1400),
        ("C2", "T2", "a lot"),
        ("C2", "T3", 5),
    ):
        item = {"CustomerId": customer, "TransactionId": transaction, "TransactionAmount": amount}
        tables.put_item(lab, "Transactions", item)
    end = streams.end(lab)
    tables.put_item(lab, "Transactions", {"CustomerId": "C9", "TransactionId": "T9", "TransactionAmount": 1500})
    tables.put_item(lab, "TransactionTotal", {"CustomerId": "C1", "accountBalance": Decimal("1400.50")})
    alert = {"Message": json.dumps({"customerID": "C1", "accountBalance": "1400"})}
    lab.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(alert))

    both = classic.compare(lab, "C2", "C1")
    later = classic.compare(lab, "C9", after=end, times=3, without_topic=2)

    assert list(both.columns) == ["CustomerId", "total", "alerts", "classic total", "classic alerts", "stuck"]
    assert both.to_numpy().tolist() == [["C2", 0, 0, 0, 0, True], ["C1", Decimal("1400.50"), 1, 2400, 1, False]]
    assert later.to_numpy().tolist() == [["C9", 0, 0, 4500, 1, False]]
