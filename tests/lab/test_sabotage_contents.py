"""What an upload leaves in tables, queues and bucket is changed by hand: the grading says so, and never ends early."""

import json

import pytest
from sabotage import assert_speaks

from lab_lib import checks
from lab_lib.aws import buckets, queues, tables, triggers

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

NOTIFY, COLLECT = queues.ALERT_QUEUES[:2]

# Messages


def exchange(lab, queue, *bodies):
    """Let the queue hold these bodies and nothing else."""
    url = queues.find_queue(lab, queue)
    lab.client("sqs").purge_queue(QueueUrl=url)
    for body in bodies:
        lab.client("sqs").send_message(QueueUrl=url, MessageBody=body if isinstance(body, str) else json.dumps(body))


def envelope(lab, **changes):
    """Return the body of the alert as SNS has sent it, with these changes; None leaves an entry out."""
    (body,) = queues.messages(lab, NOTIFY)
    return {key: value for key, value in {**body, **changes}.items() if value is not None}


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


def another_object(content):
    return lambda lab: exchange_object(lab, content)


def the_upload_is_deleted(lab):
    triggers.delete_bucket_trigger(lab)
    buckets.delete_object(lab, "transactions.txt")


def the_upload_is_encrypted_with_a_key_that_nobody_has(lab):
    exchange_object(lab, b"secret", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)


def everything_was_deleted_but_the_rows(lab):
    for customer in ("C1", "C2"):
        tables.delete_item(lab, "TransactionTotal", {"CustomerId": customer})
    for queue in queues.ALERT_QUEUES:
        exchange(lab, queue)


FILE = "upload|rows|customers|Transactions|Customer|amounts|contents"
# A pattern of the checks that may say so, and what changes the contents.
CHANGES = [
    (FILE, another_object(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)))),
    (FILE, another_object(b"\0" * 30_000_000)),
    (FILE, another_object(b"customer_id|customer_address|trn_id|trn_date|trn_amount\nC9|9 Road|T99|03/16/2017|1\n")),
    (FILE, the_upload_is_deleted),
    (FILE, the_upload_is_encrypted_with_a_key_that_nobody_has),
    ("alert|totals|balance", everything_was_deleted_but_the_rows),
]


@pytest.mark.parametrize(("about", "sabotage"), CHANGES)
def test_what_is_wrong_in_the_contents_is_caught(finished, about, sabotage):
    sabotage(finished)

    assert_speaks(checks.run(finished, "05"), about)
