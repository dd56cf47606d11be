"""The wait for an upload looks once: in an account where everything has arrived, or all but one thing."""

import json
from contextlib import nullcontext
from decimal import Decimal

import pytest

from lab_lib.aws import buckets, queues, tables, topics, triggers
from lab_lib.checks import arrival
from lab_lib.errors import TimedOut

ROWS = ["C1|a|T1|03/16/2017|1", "C1|a|T1|03/16/2017|598", "bad", "C2|b|T2|03/16/2017|1600"]
KEPT = "rejected/mine.txt.csv"


@pytest.fixture
def wait(lab, tmp_path, monkeypatch):
    """wait(): wait for a file that has arrived, with one look at the account."""

    def look(probe, what, **_):
        if not probe():
            raise TimedOut(what)

    monkeypatch.setattr(arrival, "wait_until", look)
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(["customer_id|customer_address|trn_id|trn_date|trn_amount", *ROWS]))
    buckets.ensure_bucket(lab)
    buckets.upload(lab, path)
    buckets.put(lab, KEPT, b"line,reason,row\n4,1 fields; wanted 5,bad\n")
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    put(lab, "C1", "T1", 598)
    put(lab, "C2", "T2", 1600)
    topic = topics.ensure_topic(lab)
    for name in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, name)
        triggers.ensure_queue_subscription(lab, name)
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    lab.client("sns").publish(TopicArn=topic, Message='{"customerID": "C2", "accountBalance": "1600"}')
    return lambda: arrival.wait_for_upload(lab, path)


def put(lab, customer, transaction, amount):
    """Put a row, and the customer's total."""
    row = key(customer, TransactionId=transaction, TransactionAmount=Decimal(amount))
    tables.put_item(lab, "Transactions", row)
    tables.put_item(lab, "TransactionTotal", key(customer, accountBalance=Decimal(amount)))


def letter_about(key):
    """Return how to put a letter into the dead-letter queue that is newer than the upload."""
    letter = {"timestamp": "9999-01-01T00:00:00Z", "requestPayload": {"Records": [{"s3": {"object": {"key": key}}}]}}
    send = {"MessageBody": json.dumps(letter)}
    return lambda lab: lab.client("sqs").send_message(QueueUrl=queues.find_queue(lab, queues.DEAD_LETTERS), **send)


def key(customer, **more):
    return {"CustomerId": customer, **more}


@pytest.mark.parametrize(
    ("change", "waits_for"),
    [
        (lambda lab: None, None),
        (lambda lab: buckets.put(lab, "other.txt", b""), None),
        (letter_about("other.txt"), None),
        (lambda lab: tables.delete_item(lab, "Transactions", key("C2", TransactionId="T2")), "the rows of mine.txt"),
        (lambda lab: put(lab, "C1", "T1", 1), "the totals and the alerts"),
        (lambda lab: tables.delete_item(lab, "TransactionTotal", key("C1")), "the totals and the alerts"),
        (lambda lab: buckets.delete_object(lab, KEPT), "the totals and the alerts"),
        (lambda lab: queues.delete_messages(lab, queues.ALERT_QUEUES[0], bool), "the totals and the alerts"),
        (lambda lab: queues.delete_messages(lab, queues.ALERT_QUEUES[1], bool), "the totals and the alerts"),
    ],
)
def test_a_file_has_arrived_when_its_last_rows_totals_alerts_and_rejected_lines_are_there(lab, wait, change, waits_for):
    change(lab)

    with pytest.raises(TimedOut, match=waits_for) if waits_for else nullcontext():
        wait()
