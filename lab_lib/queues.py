"""The SQS queues: two for the alerts, one for what a function could not process."""

import json
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.errors import error_code
from lab_lib.lab import TAG_KEY, TAG_VALUE, TAGS, Lab
from lab_lib.waiting import retry_while

ALERT_QUEUES = ["CustomerNotify", "CreditCollection"]
DEAD_LETTERS = "LabDeadLetters"
_LONGEST_KEPT = str(14 * 24 * 3600)  # seconds; SQS keeps a message for two weeks at most


def ensure_queue(lab: Lab, name: str) -> str:
    """Make the standard queue, encrypted at rest, or give it back its settings; its URL."""
    sqs, settings = lab.client("sqs"), {"SqsManagedSseEnabled": "true", "MessageRetentionPeriod": _LONGEST_KEPT}
    url = find_queue(lab, name)
    if url is None:
        answer = retry_while(
            {"AWS.SimpleQueueService.QueueDeletedRecently": "", "QueueDeletedRecently": ""},
            lambda: sqs.create_queue(QueueName=lab.name(name), Attributes=settings, tags=TAGS),
            f"SQS to let the name {lab.name(name)} be used again (60 s after a queue of that name was deleted)",
        )
        return str(answer["QueueUrl"])
    if _is_ours(lab, url):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=settings)
    return url


def find_queue(lab: Lab, name: str) -> str | None:
    """The queue's URL."""
    try:
        return str(lab.client("sqs").get_queue_url(QueueName=lab.name(name))["QueueUrl"])
    except ClientError as error:
        if error_code(error) in ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"):
            return None
        raise


def delete_queue(lab: Lab, name: str) -> None:
    """Delete the queue and its messages, if the lab made it."""
    url = find_queue(lab, name)
    if url is not None and _is_ours(lab, url):
        lab.client("sqs").delete_queue(QueueUrl=url)


def queue_arn(lab: Lab, name: str) -> str:
    """The ARN that a queue of this name has."""
    return lab.arn("sqs", lab.name(name))


def messages(lab: Lab, name: str) -> list[dict[str, Any]]:
    """The bodies of the queue's messages, as JSON; every message stays in the queue."""
    sqs, url = lab.client("sqs"), find_queue(lab, name)
    if url is None:
        return []
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    seen: dict[str, dict[str, Any]] = {}
    try:
        # A message that was received is hidden for a while, so asking again brings the next ones.
        while len(seen) < int(held["ApproximateNumberOfMessages"]):
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30, WaitTimeSeconds=2)
            if not answer.get("Messages"):
                break
            seen.update({message["MessageId"]: message for message in answer["Messages"]})
    finally:
        for message in seen.values():
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    return [json.loads(message["Body"]) for message in seen.values()]


def _is_ours(lab: Lab, url: str) -> bool:
    return bool(lab.client("sqs").list_queue_tags(QueueUrl=url).get("Tags", {}).get(TAG_KEY) == TAG_VALUE)
