"""Create, read and delete the SQS queues: those for alerts, and one for events that a function could not process."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from lab_lib import resources
from lab_lib.aws import grants, policies
from lab_lib.aws.json_text import json_object
from lab_lib.errors import none_if_absent
from lab_lib.lab import TAGS, Lab, has_lab_tag, only_ours
from lab_lib.language import N_, _, ngettext

Message = dict[str, Any]  # the body of a message
ALERT_QUEUES = resources.in_chain("queue")
DEAD_LETTERS = "LabDeadLetters"
MINE = "MyMessages"  # exists while a cell of notebook 03 runs
MOST = 2_000  # messages of a queue that are read: SQS gives at most ten a call
_REASONS = {  # of TotalNotifier's dead letters, by the codes of ledger.py
    "amount-not-number": N_("TransactionAmount is no number"),
    "amount-too-long": N_("the change has more than 38 digits"),
    "not-a-change": N_("it is no change of a transaction: {error}"),
}


def ensure_queue(lab: Lab, name: str) -> str:
    """Create the standard queue, encrypted at rest, or repair the settings of the lab's own. Return its URL.

    A new queue has its policy from the first moment: on AWS a policy that comes later takes up to a minute to count,
    and SNS drops what it may not deliver.
    """
    sqs = lab.client("sqs")
    url = queue_url(lab, name)
    fortnight = str(14 * 24 * 3600)  # seconds; SQS's maximum
    settings = {"SqsManagedSseEnabled": "true", "MessageRetentionPeriod": fortnight}
    if find_queue(lab, name) is None:
        settings["Policy"] = json.dumps(policies.policy(lab, name))
        sqs.create_queue(QueueName=lab.name(name), Attributes=settings, tags=TAGS)
    elif is_ours(lab, name):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=settings)
        if name == DEAD_LETTERS:  # `triggers.ensure_queue_subscription` repairs the policies of the others
            ensure_queue_policy(lab, name)
    return url


def ensure_queue_policy(lab: Lab, name: str) -> None:
    """Set the policy of an existing queue, unless it has it already."""
    policy = policies.policy(lab, name)
    if statements(lab, name) != policy["Statement"]:
        settings = {"Policy": json.dumps(policy)}
        lab.client("sqs").set_queue_attributes(QueueUrl=queue_url(lab, name), Attributes=settings)


def find_queue(lab: Lab, name: str) -> str | None:
    """Return the queue's URL, or None."""
    return queue_url(lab, name) if attributes(lab, name) else None


def queue_url(lab: Lab, name: str) -> str:
    """Return the URL that the queue has, or will have, which SQS makes of the account and the name."""
    return f"{lab.client('sqs').meta.endpoint_url}/{lab.account}/{lab.name(name)}"


def alerts(lab: Lab, name: str) -> list[dict[str, str]]:
    """Return the alerts among the queue's `messages` without SNS's envelope: customerID and accountBalance."""
    bodies = [alert(message) for message in messages(lab, name)]
    return [body for body in bodies if body]


def alert(message: Message) -> dict[str, str]:
    """Return the alert in a message's SNS envelope; an empty dict if the message holds something else."""
    return as_alert(json_object(message.get("Message", "")))


def as_alert(body: Message) -> Message:
    """Return the body of a message if it is an alert, which names a customer; otherwise an empty dict."""
    return body if isinstance(body.get("customerID"), str | int | float) else {}


def names(lab: Lab) -> list[str]:
    """Return the names of all queues in the Region."""
    names = []
    for page in lab.client("sqs").get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 1000}):
        for url in page.get("QueueUrls", []):
            names.append(url.split("/")[-1])
    return names


def attributes(lab: Lab, name: str) -> dict[str, str]:
    """Return the queue's attributes, as SQS gives them: Policy, RedrivePolicy, ApproximateNumberOfMessages …

    An empty dict without a queue. The numbers may be a minute old on AWS.
    """
    url = queue_url(lab, name)
    answer = none_if_absent(lambda: lab.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"]))
    return dict(answer["Attributes"]) if answer else {}


def statements(lab: Lab, name: str) -> list[policies.Policy]:
    """Return the statements of the queue's policy."""
    return grants.statements(attributes(lab, name).get("Policy"))


def is_ours(lab: Lab, name: str) -> bool:
    """Return True if the queue exists and has the lab's tag."""
    url = queue_url(lab, name)
    answer = none_if_absent(lambda: lab.client("sqs").list_queue_tags(QueueUrl=url)) or {}
    return has_lab_tag(answer.get("Tags", {}))


@only_ours(is_ours)
def delete_queue(lab: Lab, name: str) -> None:
    """Delete the queue and its messages, if the lab created it."""
    lab.client("sqs").delete_queue(QueueUrl=queue_url(lab, name))


def queue_arn(lab: Lab, name: str) -> str:
    """Return the ARN of a queue of this name."""
    return lab.arn("sqs", lab.name(name))


def messages(lab: Lab, name: str) -> list[Message]:
    """Return the bodies of the queue's messages, {} for one that is not a JSON object. All stay in the queue.

    If `MOST` are returned, there may be more.
    """
    return [body for _time, body in arrivals(lab, name)]


def arrivals(lab: Lab, name: str) -> list[tuple[int, Message]]:
    """Return when each of the queue's messages came (milliseconds since 1970), and its body. All stay in the queue."""
    with _received(lab, name, MOST) as received:
        return [(int(message["Attributes"]["SentTimestamp"]), json_object(message["Body"])) for message in received]


def delete_messages(lab: Lab, name: str, unwanted: Callable[[Message], bool]) -> None:
    """Delete the messages of the queue, if it exists, for whose body `unwanted` returns True, of ten times `MOST`."""
    sqs = lab.client("sqs")
    url = queue_url(lab, name)
    with _received(lab, name, 10 * MOST) as received:
        for message in received:
            if unwanted(json_object(message["Body"])):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def dead_letters(lab: Lab) -> list[dict[str, str]]:
    """Return what failed, and why, for each message in the dead-letter queue. They stay there."""
    return [dead_letter(message) for message in messages(lab, DEAD_LETTERS)]


def dead_letter(message: Message) -> dict[str, str]:
    """Return what failed (a file, a transaction, some changes) and why.

    The message is one of TotalNotifier, or of Lambda.
    """
    try:
        if "record" in message:
            keys = message["record"].get("dynamodb", {}).get("Keys", {})
            what = " ".join(value.get("S", "") for value in keys.values())
            code = message.get("code")
            why = str(message.get("error"))
            if code in _REASONS:
                why = _(_REASONS[code], **message["values"])
            return {"what": what, "why": why}
        batch = message.get("DDBStreamBatchInfo")
        if batch:
            size = batch["batchSize"]
            why = message["requestContext"]["condition"]
            return {"what": ngettext("{count:,} change", "{count:,} changes", size), "why": why}
        files = [record["s3"]["object"]["key"] for record in message["requestPayload"]["Records"]]
        what = _(", ").join(map(unquote_plus, files))
        why = str(message.get("responsePayload", {}).get("errorMessage", "")).removeprefix(f"{what}: ")
        return {"what": what, "why": _(why)}
    except (AttributeError, KeyError, TypeError, ValueError):  # anybody may have written it
        return {"what": _("a message that is no dead letter"), "why": ""}


@contextmanager
def _received(lab: Lab, name: str, most: int) -> Iterator[list[dict[str, Any]]]:
    """Receive at most so many messages of the queue. Afterwards make those that were not deleted visible again.

    In a copy of an account they stay hidden for a minute, so that who reads a queue often gets each message once.

    SQS hides a received message for a while, so the next call returns other ones. A call asks all of SQS's servers only
    if it waits a second, and may miss messages even so: the queue counts as read after two answers without a new one,
    and elsewhere after one. A long queue shows its first messages again before it is read.
    """
    sqs = lab.client("sqs")
    url = queue_url(lab, name)
    receive = partial(
        sqs.receive_message,
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=60,
        WaitTimeSeconds=1 if lab.is_real else 0,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    received = dict[str, Any]()
    enough = 2 if lab.is_real else 1  # answers without a new message, in a row
    answers_left = enough
    try:
        while answers_left and len(received) < most:
            received_before = len(received)
            answer = none_if_absent(receive) or {}
            for message in answer.get("Messages", []):
                received[message["MessageId"]] = message
            answers_left = enough if len(received) > received_before else answers_left - 1
        yield list(received.values())
    finally:
        messages = [] if lab.copy else list(received.values())
        for start in range(0, len(messages), 10):
            changes = []
            for number, message in enumerate(messages[start : start + 10]):
                handle = message["ReceiptHandle"]
                changes.append({"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0})
            sqs.change_message_visibility_batch(QueueUrl=url, Entries=changes)
