"""The seconds from an upload until its message is in the queue."""

import time

from lab_lib.aws import queues, triggers
from lab_lib.waiting import wait_until
from tests.bench import chain, page

TIMES = 15


def measure():
    """Return the section's text."""
    with chain.built() as ours, chain.built() as bare:
        chain.deploy(bare.lab, "TransactionProcessor", "bare")
        triggers.delete_stream_trigger(bare.lab)
        ways = {"the whole chain": lambda: upload(ours), "S3 → function → SNS → SQS": lambda: upload(bare)}
        for way in ways.values():
            way()
        found = page.rounds(ways, TIMES)
    lines = [[name, page.spread(each, ".3f")] for name, each in found.items()]
    text = "From the upload of a row above the threshold until the queue has the alert; warm."
    return f"{page.table(['Chain', 'Seconds'], lines)}\n\n{text}"


def upload(built):
    """Upload one row of a new customer, and wait for the message about it."""
    sqs, url, customer = built.lab.client("sqs"), queues.find_queue(built.lab, "CustomerNotify"), time.monotonic_ns()
    begun = time.monotonic()
    built.put(f"{customer}.txt", [f"{customer}|a|T|01/01/2017|2000"])
    # Without WaitTimeSeconds: the embedded AWS looks only ten times a second then.
    message = wait_until(
        lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the message", first_pause=0.005, longest_pause=0.005
    )[0]
    took = time.monotonic() - begun
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert str(customer) in message["Body"]
    return took
