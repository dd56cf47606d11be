"""The SQS queues: two for the alerts, one for what a function could not process."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from lab_lib.aws import grants, policies
from lab_lib.errors import error_code
from lab_lib.lab import TAGS, Lab, has_tag
from lab_lib.waiting import retry_while, wait_until

ALERT_QUEUES = ["CustomerNotify", "CreditCollection"]
DEAD_LETTERS = "LabDeadLetters"
_LONGEST_KEPT = str(14 * 24 * 3600)  # seconds; SQS keeps a message for two weeks at most


def ensure_queue(lab: Lab, name: str) -> str:
    """Make the standard queue, encrypted at rest, or give it back its settings; its URL."""
    sqs, settings = lab.client("sqs"), {"SqsManagedSseEnabled": "true", "MessageRetentionPeriod": _LONGEST_KEPT}
    if name == DEAD_LETTERS:  # the other queues get a policy with their subscription
        settings["Policy"] = json.dumps(policies.tls_only_queue(queue_arn(lab, name)))
    url = find_queue(lab, name)
    if url is None:
        answer = retry_while(
            {"AWS.SimpleQueueService.QueueDeletedRecently": "", "QueueDeletedRecently": ""},
            lambda: sqs.create_queue(QueueName=lab.name(name), Attributes=settings, tags=TAGS),
            f"SQS to let the name {lab.name(name)} be used again (60 s after a queue of that name was deleted)",
        )
        return str(answer["QueueUrl"])
    if is_ours(lab, name):
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


def alerts(lab: Lab, name: str) -> list[dict[str, str]]:
    """The alerts that lie in the queue, without SNS's envelope: customerID and accountBalance; they stay there."""
    return [body for body in map(alert, messages(lab, name)) if body]


def alert(message: dict[str, Any]) -> dict[str, str]:
    """The alert in SNS's envelope, which is a message of the queue; empty if it is something else."""
    body = _json(message.get("Message", ""))
    return body if "customerID" in body else {}


def names(lab: Lab) -> list[str]:
    """The names of all queues in the Region."""
    pages = lab.client("sqs").get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 1000})
    return [url.split("/")[-1] for page in pages for url in page.get("QueueUrls", [])]


def attributes(lab: Lab, name: str) -> dict[str, str]:
    """The queue's attributes, as SQS gives them: Policy, RedrivePolicy, ApproximateNumberOfMessages …"""
    url = find_queue(lab, name)
    if url is None:
        return {}
    answer: dict[str, str] = lab.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return answer


def statements(lab: Lab, name: str) -> list[dict[str, Any]]:
    """The statements of the queue's policy."""
    return grants.listed(json.loads(attributes(lab, name).get("Policy") or '{"Statement": []}')["Statement"])


def allowed_senders(lab: Lab, name: str) -> list[str]:
    """Who may send to the queue: the names of topics, "this account", "anyone"."""
    return grants.senders(lab, statements(lab, name), queue_arn(lab, name))


def is_ours(lab: Lab, name: str) -> bool:
    """True if the queue is there and the lab made it."""
    url = find_queue(lab, name)
    return url is not None and has_tag(lab.client("sqs").list_queue_tags(QueueUrl=url).get("Tags", {}))


def delete_queue(lab: Lab, name: str) -> None:
    """Delete the queue and its messages, if the lab made it, and wait until it is gone."""
    if is_ours(lab, name):
        lab.client("sqs").delete_queue(QueueUrl=find_queue(lab, name))
        wait_until(lambda: find_queue(lab, name) is None, f"queue {lab.name(name)} to be gone", timeout=120)


def queue_arn(lab: Lab, name: str) -> str:
    """The ARN that a queue of this name has."""
    return lab.arn("sqs", lab.name(name))


def messages(lab: Lab, name: str) -> list[dict[str, Any]]:
    """The bodies of the queue's messages, {} for one that is no JSON object; every message stays in the queue."""
    with _received(lab, name) as received:
        return [_json(message["Body"]) for message in received]


def delete_messages(lab: Lab, name: str, unwanted: Callable[[dict[str, Any]], bool]) -> None:
    """Delete those messages of the queue whose body is unwanted; all others stay."""
    sqs, url = lab.client("sqs"), find_queue(lab, name)
    with _received(lab, name) as received:
        for message in received:
            if unwanted(_json(message["Body"])):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def dead_letters(lab: Lab) -> list[dict[str, str]]:
    """What could not be processed, and why, of each message in the dead-letter queue; they stay there."""
    return [dead_letter(message) for message in messages(lab, DEAD_LETTERS)]


def dead_letter(message: dict[str, Any]) -> dict[str, str]:
    """what (a file, a transaction, some changes) and why: as TotalNotifier parks a record, or Lambda an event."""
    if "record" in message:
        keys = message["record"].get("dynamodb", {}).get("Keys", {})
        return {"what": " ".join(value.get("S", "") for value in keys.values()), "why": str(message.get("error"))}
    if batch := message.get("DDBStreamBatchInfo"):
        return {"what": f"{batch['batchSize']} changes", "why": message["requestContext"]["condition"]}
    files = [each.get("s3", {}).get("object", {}) for each in message.get("requestPayload", {}).get("Records", [])]
    keys = ", ".join(unquote_plus(file.get("key", "")) for file in files)
    return {"what": keys, "why": str(message.get("responsePayload", {}).get("errorMessage", ""))}


@contextmanager
def _received(lab: Lab, name: str) -> Iterator[list[dict[str, Any]]]:
    """The queue's messages, as SQS gives them; afterwards, all that were not deleted can be seen again."""
    sqs, url = lab.client("sqs"), find_queue(lab, name)
    if url is None:
        yield []
        return
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    seen: dict[str, dict[str, Any]] = {}
    try:
        # A message that was received is hidden for a while, so asking again brings the next ones.
        while len(seen) < int(held["ApproximateNumberOfMessages"]):
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, WaitTimeSeconds=2)
            if not answer.get("Messages"):
                break
            seen.update({message["MessageId"]: message for message in answer["Messages"]})
        yield list(seen.values())
    finally:
        receipts = [message["ReceiptHandle"] for message in seen.values()]
        for start in range(0, len(receipts), 10):
            laid_back = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts[start : start + 10])
            ]
            sqs.change_message_visibility_batch(QueueUrl=url, Entries=laid_back)


def _json(text: str) -> dict[str, Any]:
    """The JSON object that the text is; empty if it is none."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
