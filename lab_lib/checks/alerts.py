"""Find the alerts in a queue that the lab's topic has sent."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from lab_lib.aws import queues
from lab_lib.aws.json_text import moment
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.lab import Lab

SUBJECT = "Warning! Account balance is very high"  # the handout's


class Alert(NamedTuple):
    """An alert in a queue: the message around it, the customer, and the balance as the alert has it."""

    message: dict[str, Any]
    customer: Any
    balance: Any


def sent_by_topic(lab: Lab, messages: Iterable[dict[str, Any]]) -> list[Alert]:
    """Return the alerts that the topic has sent. `messages` are those of one queue."""
    sent = {message["MessageId"]: message for message in messages if is_from_topic(lab, message)}  # SQS may repeat one
    bodies = [(message, queues.alert(message)) for message in sent.values()]
    return [Alert(message, body["customerID"], body.get("accountBalance")) for message, body in bodies if body]


def is_from_topic(lab: Lab, message: dict[str, Any]) -> bool:
    """Return True if the message is in the envelope that SNS puts around what the topic sends."""
    topic, number = lab.arn("sns", lab.name(ALERT_TOPIC)), message.get("MessageId")
    is_sent = isinstance(number, str) and number != "" and moment(message.get("Timestamp")) is not None
    return is_sent and (message.get("Type"), message.get("TopicArn")) == ("Notification", topic)
