"""The wait for an upload looks once: in an account where everything has arrived, or all but one thing."""

import json
import re
from contextlib import nullcontext
from decimal import Decimal
from functools import partial

import pytest
from botocore.exceptions import ClientError
from stub_account import LAB, MAPPING, NOTIFICATION, NOTIFIER, PROCESSOR, StubAccount, changed, whole

from lab_lib import checks, resources, transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, roles, tables, topics, triggers
from lab_lib.checks import arrival, broken
from lab_lib.checks.broken import find_broken
from lab_lib.errors import CheckFailed, TimedOut
from lab_lib.resources import ALERTS, CHANGES, TOTALS, messages

ROWS = ["C1|a|T1|03/16/2017|1", "C1|a|T1|03/16/2017|598", "bad", "C2|b|T2|03/16/2017|1600"]
KEPT = "rejected/mine.txt.csv"
NOTIFY = queues.ALERT_QUEUES[0]


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
    put(lab, "C2", "T2", 1600, alerted=True)
    topic = topics.ensure_topic(lab)
    for name in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, name)
        triggers.ensure_queue_subscription(lab, name)
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    lab.client("sns").publish(TopicArn=topic, Message='{"customerID": "C2", "accountBalance": "1600"}')
    return partial(arrival.wait_for_upload, lab, path)


def put(lab, customer, transaction, amount, **flags):
    """Put a row, and the customer's total."""
    row = key(customer, TransactionId=transaction, TransactionAmount=Decimal(amount))
    tables.put_item(lab, "Transactions", row)
    tables.put_item(lab, "TransactionTotal", key(customer, accountBalance=Decimal(amount), **flags))


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
        (lambda lab: tables.delete_item(lab, "Transactions", key("C2", TransactionId="T2")), "rows written: 1 of 2"),
        (lambda lab: put(lab, "C1", "T1", 1), "rows written: 1 of 2"),
        (lambda lab: buckets.delete_object(lab, KEPT), "lines rejected: 0 of 1"),
        (lambda lab: tables.delete_item(lab, "TransactionTotal", key("C1")), "changes counted: 0 of 2"),
        (lambda lab: put(lab, "C3", "T3", 1600), "alerts out: 1 of 2"),
        *[
            (lambda lab, name=name: queues.delete_messages(lab, name, bool), f"messages in {name}: 0 of 1")
            for name in queues.ALERT_QUEUES
        ],
    ],
)
def test_a_file_has_arrived_when_its_last_rows_totals_alerts_and_rejected_lines_are_there(lab, wait, change, waits_for):
    change(lab)

    with pytest.raises(TimedOut, match=waits_for) if waits_for else nullcontext():
        wait()


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda lab: put(lab, "C1", "T1", 1), "C1 T1 is 1, not 598"),
        (lambda lab: tables.delete_item(lab, "Transactions", key("C2", TransactionId="T2")), "C2 T2 is missing"),
        (lambda lab: buckets.delete_object(lab, KEPT), "0 lines kept as rejected, not 1"),
    ],
)
def test_a_function_that_has_taken_in_something_else_is_told_what_differs(lab, wait, monkeypatch, change, differs):
    change(lab)
    monkeypatch.setattr(cloudwatch, "log_lines", lambda *_: ['{"key": "mine.txt", "written": 2}'])

    with pytest.raises(CheckFailed, match=rf"^mine\.txt was not taken in as it is: {differs}\. Look at Trans"):
        wait()


@pytest.mark.parametrize("there", [0, 1, 57, 99])
def test_the_rows_that_are_in_are_counted_without_reading_them_all(lab, there):
    called, rows = [], {(f"C{number}", "T1"): Decimal(number) for number in range(100)}
    buckets.ensure_bucket(lab)
    buckets.put(lab, "mine.txt", b"")
    tables.ensure_table(lab, "Transactions")
    for customer, transaction in [*rows][:there]:
        row = key(customer, TransactionId=transaction, TransactionAmount=Decimal(customer[1:]))
        tables.put_item(lab, "Transactions", row)
    upload = arrival.Upload(lab, "mine.txt", transactions.Recount(len(rows), rows))
    about = "provide-client-params.dynamodb"
    lab.client("dynamodb").meta.events.register(about, lambda model, params, **_: called.append((model.name, params)))

    upload.look()

    assert upload.place == f"rows written: {there} of 100"
    reads = [name for name, params in called if params["TableName"] == "Transactions"]
    assert ({*reads}, len(reads) <= 7) == ({"GetItem"}, True)


def test_the_links_are_shown_whenever_one_has_changed_and_at_the_end(wait):
    shown = []

    wait(show=lambda links, last: shown.append(([str(link) for link in links], last)))

    (links, first), (same, last) = shown
    assert (first, last, same) == (False, True, links)
    assert links[:3] == ["rows written: 2 of 2", "lines rejected: 1 of 1", "changes counted: 2 of 2"]


# A broken link

ALL = [resources.ROWS, CHANGES, TOTALS, ALERTS, *map(messages, queues.ALERT_QUEUES)]
NO_TRIGGER, NO_POLICY = {(triggers.notifications,): []}, {(queues.statements, NOTIFY): []}
CSV = {**NOTIFICATION, "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".csv"}]}}}


@pytest.mark.parametrize(
    ("change", "links", "found"),
    [
        ({}, ALL, "None"),
        (NO_TRIGGER, ALL, 'bucket trigger: not there.*run "Let the bucket start'),
        (NO_TRIGGER, ALL[1:], "None"),
        ({(triggers.notifications,): [CSV]}, ALL, "filter of the bucket trigger: suffix .csv; wanted: mine.txt"),
        ({(triggers.mappings,): [{**MAPPING, "State": "Disabled"}]}, ALL, "state of the stream trigger: Disabled"),
        ({(triggers.mappings,): [{**MAPPING, "State": "Enabling"}]}, ALL, "None"),
        ({(functions.describe, NOTIFIER): None}, ALL, f"function {NOTIFIER}: not there"),
        ({(roles.allowed,): set()}, ALL, f"permissions of the role for {PROCESSOR}: lacks"),
        (NO_POLICY, ALL, "access policy of CustomerNotify: .* may not send.*set_queue_attributes"),
        (NO_POLICY, ALL[-1:], "None"),
        ({(buckets.is_private,): False}, ALL, "None"),
        ({(queues.statements,): ClientError({"Error": {"Code": "AccessDenied"}}, "GetQueueUrl")}, ALL, "None"),
    ],
)
def test_the_first_broken_link_is_found_by_its_check(monkeypatch, change, links, found):
    account = StubAccount(changed(whole(), change))
    monkeypatch.setattr(checks, "Account", lambda lab: account)
    monkeypatch.setattr(broken, "Account", lambda lab: account)

    assert re.match(found, str(find_broken(LAB, "mine.txt", links)))
