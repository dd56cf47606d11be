"""What an upload leaves in a queue and the bucket is changed by hand: the grading says so, and never ends early."""

import json

import pytest
from sabotage import assert_speaks

from lab_lib import checks
from lab_lib.aws import queues, triggers

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

NOTIFY, COLLECT = queues.ALERT_QUEUES[:2]


def test_no_message_beside_the_alert_ends_the_grading_or_hides_the_alert(finished):
    (alert,), url = queues.messages(finished, NOTIFY), queues.find_queue(finished, COLLECT)
    moments = ("yesterday", "", "2026-13-45T00:00:00Z", 7, None, ["2099"], "9" * 5000, "9999-12-31T23:59:59.999Z")
    texts = (7, ["C2"], "[]", "[1]", '{"customerID": ["C2"]}', "[" * 5000)
    bodies = [alert | {"MessageId": "1" * 36, "Timestamp": moment} for moment in moments]
    bodies += [alert | {"Timestamp": "2099-01-01T00:00:00Z", "Message": text} for text in texts]
    bodies += ["hello", "[" * 5000 + "]" * 5000, '{"a":' * 5000 + "1" + "}" * 5000, "7", "null", [1], {"Timestamp": {}}]

    finished.client("sqs").purge_queue(QueueUrl=url)
    for body in (alert, *bodies):
        text = body if isinstance(body, str) else json.dumps(body)
        finished.client("sqs").send_message(QueueUrl=url, MessageBody=text)

    report = checks.run(finished)
    assert len(report.checks) == checks.number_of()
    assert report.failed == []


OF_NOBODY = b"customer_id|customer_address|trn_id|trn_date|trn_amount\nC9|9 Road|T99|03/16/2017|1\n"
KEY_OF_NOBODY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}


@pytest.mark.parametrize(("content", "more"), [(b"\0" * 30_000_000, {}), (OF_NOBODY, {}), (b"secret", KEY_OF_NOBODY)])
def test_another_object_in_the_place_of_the_upload_is_caught(finished, content, more):
    triggers.delete_bucket_trigger(finished)  # so that only the bucket speaks
    finished.client("s3").put_object(Bucket=finished.bucket, Key="transactions.txt", Body=content, **more)

    about = "upload|rows|customers|Transactions|Customer|amounts|contents"
    assert_speaks(checks.run(finished, "05"), about)
