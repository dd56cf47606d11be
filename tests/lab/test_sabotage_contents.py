"""What an upload leaves in tables, queues and bucket is changed by hand: the grading says so, and never ends early."""

import json
from decimal import Decimal

import pytest
from sabotage import Cases, assert_caught

from lab_lib import checks
from lab_lib.aws import buckets, queues, tables, triggers
from lab_lib.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

NOTIFY, COLLECT = queues.ALERT_QUEUES[:2]
ALERT = {"customerID": "C2", "accountBalance": "1750"}
ROWS, TOTALS = "Transactions|totals|rows|amounts|contents|stream", "totals"
case = Cases()


@case.tried
def test_what_is_wrong_in_the_contents_is_caught(finished, sabotage, about, says, steps, probe, fix):
    assert_caught(finished, sabotage, about, says, steps, probe)


# Rows. TotalNotifier follows: the total is always the sum of the rows that are there.


def change(lab, transaction="T05", customer="C2", **attributes):
    """Give a row these attributes, without those that are None, and wait until the total has followed."""
    row = tables.find_item(lab, "Transactions", {"CustomerId": customer, "TransactionId": transaction})
    changed = {**row, **attributes}
    tables.put_item(lab, "Transactions", {key: value for key, value in changed.items() if value is not None})
    wait_for_total(lab, customer)


def wait_for_total(lab, customer):
    def agrees():
        amounts = [row.get("TransactionAmount") for row in tables.items(lab, "Transactions", customer)]
        known = sum(amount for amount in amounts if not isinstance(amount, str | None))
        return tables.find_item(lab, "TransactionTotal", {"CustomerId": customer})["accountBalance"] == known

    wait_until(agrees, "the total to follow", timeout=20)


@case.each(
    f"{ROWS}|dead",
    "T05",
    no_date={"TransactionDate": None},
    a_text_as_amount={"TransactionAmount": "100"},
)
def a_row_has(lab, attributes):
    change(lab, **attributes)


@case(ROWS, "T05")
def the_amounts_of_two_rows_are_exchanged(lab):
    """The total is right all the same."""
    change(lab, TransactionAmount=150)
    change(lab, "T06", TransactionAmount=100)


@case("Customer", "C1")
def the_address_of_a_customer_is_gone(lab):
    tables.put_item(lab, "Customer", {"CustomerId": "C1"})


# Totals


def total(lab, customer, **attributes):
    tables.put_item(lab, "TransactionTotal", {"CustomerId": customer, **attributes})


def fix_totals(lab):
    total(lab, "C1", accountBalance=598)
    total(lab, "C2", accountBalance=1750, alerted=True)
    tables.delete_item(lab, "TransactionTotal", {"CustomerId": "c2"})


@case.each(TOTALS, "C1", fix=fix_totals, bytes=b"\xff", nothing=None, off_by_a_cent=Decimal("598.01"))
def a_total_is(lab, balance):
    total(lab, "C1", accountBalance=balance)


@case(TOTALS, "c2", fix=fix_totals)
def a_total_belongs_to_a_customer_of_no_row(lab):
    total(lab, "c2", accountBalance=1750)


# Messages


def exchange(lab, queue, *bodies):
    """Let the queue hold these bodies and nothing else."""
    url = queues.find_queue(lab, queue)
    lab.client("sqs").purge_queue(QueueUrl=url)
    for body in bodies:
        lab.client("sqs").send_message(QueueUrl=url, MessageBody=body if isinstance(body, str) else json.dumps(body))


def fix_messages(lab):
    exchange(lab, COLLECT, envelope(lab))


def envelope(lab, **changes):
    """Return the body of the alert as SNS has sent it, with these changes; None leaves an entry out."""
    (body,) = queues.messages(lab, NOTIFY)
    return {key: value for key, value in {**body, **changes}.items() if value is not None}


def inner(alert, **changes):
    return {"Message": json.dumps({**alert, **changes})}


@case.each(
    COLLECT,
    fix=fix_messages,
    deep="[" * 5000,
    half_an_envelope={"Message": json.dumps(ALERT)},
)
def the_only_message_is(lab, body):
    exchange(lab, COLLECT, body)


@case.each(
    COLLECT,
    fix=fix_messages,
    another_customer=inner(ALERT, customerID="C1"),
    signalling_nan_as_balance=inner(ALERT, accountBalance="sNaN"),
    an_object_as_message={"Message": ALERT},
)
def the_only_alert_has(lab, changes):
    exchange(lab, COLLECT, envelope(lab, **changes))


def test_no_message_beside_the_alert_ends_the_grading_or_hides_the_alert(finished):
    alert = envelope(finished)
    moments = ("yesterday", "", "2026-13-45T00:00:00Z", 7, None, ["2099"], "9" * 5000, "9999-12-31T23:59:59.999Z")
    texts = (7, ["C2"], "[]", "[1]", '{"customerID": ["C2"]}', "[" * 5000)
    bodies = [alert | {"MessageId": "1" * 36, "Timestamp": moment} for moment in moments]
    bodies += [alert | {"Timestamp": "2099-01-01T00:00:00Z", "Message": text} for text in texts]
    bodies += ["hello", "[" * 5000 + "]" * 5000, '{"a":' * 5000 + "1" + "}" * 5000, "7", "null", [1], {"Timestamp": {}}]

    exchange(finished, COLLECT, alert, *bodies)

    report = checks.run(finished)
    assert len(report.checks) == checks.number_of()
    assert report.failed == []


# Objects. Nothing starts the function, so that only the bucket speaks.


def exchange_object(lab, content, key="transactions.txt", **settings):
    triggers.delete_bucket_trigger(lab)
    lab.client("s3").put_object(Bucket=lab.bucket, Key=key, Body=content, **settings)


FILE = "upload|rows|customers|Transactions|Customer|amounts|contents"


@case.each(
    FILE,
    steps=("05",),
    a_picture=b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)),
    much=b"\0" * 30_000_000,
    another_file=b"customer_id|customer_address|trn_id|trn_date|trn_amount\nC9|9 Road|T99|03/16/2017|1\n",
)
def the_upload_is_replaced_by(lab, content):
    exchange_object(lab, content)


@case(FILE, steps=("05",))
def the_upload_is_deleted(lab):
    triggers.delete_bucket_trigger(lab)
    buckets.delete_object(lab, "transactions.txt")


@case(FILE, steps=("05",))
def the_upload_is_encrypted_with_a_key_that_nobody_has(lab):
    exchange_object(lab, b"secret", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)


@case("alert|totals|balance", steps=("05",))
def everything_was_deleted_but_the_rows(lab):
    for customer in ("C1", "C2"):
        tables.delete_item(lab, "TransactionTotal", {"CustomerId": customer})
    for queue in queues.ALERT_QUEUES:
        exchange(lab, queue)
