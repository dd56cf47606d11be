"""Receive messages as a consumer does: one that was published by hand, and alerts about the learner's customers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab_lib import resources
from lab_lib.aws import queues, triggers
from lab_lib.aws.json_text import json_object
from lab_lib.lab import Lab
from lab_lib.language import _

OWN = "my-"  # begins the id of each customer of the learner's


@contextmanager
def subscribed_queue(lab: Lab) -> Iterator[Callable[[str], queues.Message]]:
    """Subscribe a new queue to the topic for the block, and delete both after it.

    Yield a function that waits for the message with an id, and returns it as it arrives.
    """
    ids = list[str]()

    def receive(message: str) -> queues.Message:
        ids.append(message)
        received = lab.wait_until(
            lambda: [body for body in queues.messages(lab, queues.MINE) if body.get("MessageId") == message],
            _("the message to reach {queue}", queue=lab.name(queues.MINE)),
            hint=_("The checkpoint of this notebook says what is wrong with the topic."),
        )
        return received[0]

    try:
        queues.ensure_queue(lab, queues.MINE)
        triggers.ensure_queue_subscription(lab, queues.MINE)
        yield receive
    finally:
        if arn := triggers.find_queue_subscription(lab, queues.MINE):
            lab.client("sns").unsubscribe(SubscriptionArn=arn)
        queues.delete_queue(lab, queues.MINE)
        for queue in queues.ALERT_QUEUES if ids else ():  # which exist if notebook 04 ran before
            queues.delete_messages(lab, queue, lambda body: body.get("MessageId") in ids)


@dataclass(frozen=True)
class Received:
    """A message that was received, and the receipt that changes or deletes it."""

    alert: queues.Message
    receipt: str = field(repr=False)


def receive(lab: Lab, queue: str, hide: int) -> Received | None:
    """Receive an alert about a customer of the learner's, and hide it for so many seconds; None if none is visible.

    Other messages are visible again at once.
    """
    sqs, url = lab.client("sqs"), resources.require(queues.find_queue(lab, queue), "queue", queue)
    wait, received = 1 if lab.is_real else 0, None
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=hide, WaitTimeSeconds=wait)
    for message in answer.get("Messages", []):
        body, receipt = json_object(message["Body"]), message["ReceiptHandle"]
        if received is None and is_own(body):
            received = Received(queues.alert(body), receipt)
        else:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    return received


def is_own(message: queues.Message) -> bool:
    """Return True for an alert about a customer of the learner's."""
    return str(queues.alert(message).get("customerID")).startswith(OWN)
