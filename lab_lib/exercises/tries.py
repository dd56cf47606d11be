"""Send small files and messages of the learner's own through what was just made, and take all of it away again.

The ids of the learner's customers begin with `my-`. So they are known from
the bank's, even if the learner changes the files or runs a cell again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from lab_lib import resources, transactions
from lab_lib.aws import buckets, queues, tables, topics, triggers
from lab_lib.aws.json_text import json_object
from lab_lib.checks import chain
from lab_lib.checks.reading import NOTIFIER
from lab_lib.checks.upload import Snapshot, compare_totals
from lab_lib.errors import StepMissing, UsageError, none_if_absent
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages import live
from lab_lib.resources import CHANGES, REJECTED, ROWS, TOTALS
from lab_lib.workspace.private_files import write_file

FIRST, SECOND = "my-first.txt", "my-second.txt"
OWN = "my-"  # begins the id of each customer of the learner's


def upload_mine(lab: Lab, key: str, text: str) -> None:
    """Upload the text, and follow the first file to the rows, the second one through the whole chain.

    Before the first file, wait until an upload starts the function: the trigger may be new.
    UsageError if the file has other customers than the learner's, or one of them would reach the threshold before the
    topic exists: then TotalNotifier would fail.
    """
    file = transactions.recount(key, text.encode())
    others = [name for name in file.addresses if not name.startswith(OWN)]
    if others:
        raise UsageError(
            "{key} has the customer {customer}; wanted ids that begin with {own}. So nothing of the bank's is "
            "changed, and notebook 04 can take your rows away. Change it, and run this cell again.",
            key=key,
            customer=others[0],
            own=OWN,
        )
    if not topics.find_topic(lab):
        _require_low(lab, file)
    path = Path.cwd() / key  # where `open_lab` has gone
    write_file(path, text, "Free some space there, then run this cell again.")
    if key == FIRST:
        chain.wait_until_uploads_start(lab)
    links = (ROWS, REJECTED) if key == FIRST else ()  # () are all
    with chain.following(lab, path, live.chain, links):
        buckets.upload(lab, path)


def _require_low(lab: Lab, file: transactions.Recount) -> None:
    """Raise UsageError if the rows of this file bring a customer's total to the threshold."""
    for name, total in transactions.totals(file.amounts).items():
        if total >= lab.threshold:
            raise UsageError(
                "The total of {name} can come to {highest:f}; wanted less than the threshold, {threshold:f}, as "
                "long as there is no topic for the alert. Make the amounts smaller, and run this cell again.",
                name=name,
                highest=total,
                threshold=lab.threshold,
            )


def wait_for_totals(lab: Lab) -> None:
    """Follow the first file, which is in the bucket, from its rows to the totals."""
    content = none_if_absent(lambda: buckets.content(lab, FIRST))
    if content is None:
        raise StepMissing("{key} is not in the bucket. Run the cell that uploads it, then this cell again.", key=FIRST)
    file = transactions.recount(FIRST, content)
    held = Snapshot.of(tables.items(lab, "Transactions"), (), ()).rows
    before = Snapshot({row: item for row, item in held.items() if row not in file.amounts})
    chain.Upload(lab, FIRST, file, (CHANGES, TOTALS), before).wait(live.chain)


def delete_my_rows(lab: Lab) -> None:
    """Delete the learner's rows, totals, addresses, files and alerts, and print how many rows there were.

    TimedOut if the chain is broken; it can be run again when it is fixed.
    """
    rows = tables.items(lab, "Transactions", beginning=OWN)
    customers = tables.items(lab, "Customer", beginning=OWN)
    totals = tables.items(lab, "TransactionTotal", beginning=OWN)
    names = sorted({item["CustomerId"] for item in (*rows, *customers, *totals)})
    zero = dict.fromkeys(names, Decimal(0))
    _wait_for(lab, zero | transactions.totals(transactions.read_amounts(rows)))  # where it ends, the rows stay
    for row in rows:
        tables.delete_item(lab, "Transactions", row)
    _wait_for(lab, zero)
    for name in names:
        tables.delete_item(lab, "Customer", {"CustomerId": name})
        tables.delete_item(lab, "TransactionTotal", {"CustomerId": name})
    for key in (FIRST, SECOND):
        buckets.delete_object(lab, key)
        buckets.delete_object(lab, rejected_key(key))
    for queue in queues.ALERT_QUEUES:
        queues.delete_messages(lab, queue, is_own)
    print(
        _(
            "Taken away: {count} rows of {names}, with their files, totals and alerts.",
            count=len(rows),
            names=_(", ").join(names) or _("nobody"),
        )
    )


def _wait_for(lab: Lab, totals: dict[str, Decimal]) -> None:
    """Wait until these are the totals, and each was compared with the threshold."""

    def are_there() -> bool:
        held = {item["CustomerId"]: item for item in tables.items(lab, "TransactionTotal", beginning=OWN)}
        for name, total in totals.items():
            is_high = total >= lab.threshold
            item = held.get(name, {})
            if bool(item.get("alerted")) != is_high:
                return False
        return not any(compare_totals(totals, held))

    what = _("{name} to take your rows off the totals", name=lab.name(NOTIFIER))
    lab.wait_until(
        are_there, what, timeout=180, on_aws=_("a few seconds"), hint=_("`lab check --step 02` says what is broken.")
    )


@contextmanager
def listen(lab: Lab) -> Iterator[Callable[[str], queues.Message]]:
    """Subscribe a new queue to the topic for the block, and delete both after it.

    Yield a function that waits for the message with an id, and returns it as it arrives.
    """
    ids = []

    def receive(id: str) -> queues.Message:
        ids.append(id)

        def find() -> list[queues.Message]:
            return [body for body in queues.messages(lab, queues.MINE) if body.get("MessageId") == id]

        received = lab.wait_until(
            find,
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
        if ids:
            for queue in queues.ALERT_QUEUES:  # which exist if notebook 04 ran before
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
    sqs = lab.client("sqs")
    url = resources.require(queues.find_queue(lab, queue), "queue", queue)
    wait = 1 if lab.is_real else 0
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=hide, WaitTimeSeconds=wait)
    received = None
    for message in answer.get("Messages", []):
        body = json_object(message["Body"])
        receipt = message["ReceiptHandle"]
        if received is None and is_own(body):
            received = Received(queues.alert(body), receipt)
        else:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    return received


def is_own(message: queues.Message) -> bool:
    """Return True for an alert about a customer of the learner's."""
    return str(queues.alert(message).get("customerID")).startswith(OWN)
