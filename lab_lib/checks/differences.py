"""Compare everything that an account holds after an upload with what it must hold. Nothing here calls AWS."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from lab_lib.aws import queues
from lab_lib.aws.json_text import moment
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.checks.expected import (
    ALERTS,
    ROWS,
    TOTALS,
    Expected,
    Fault,
    Item,
    Row,
    Snapshot,
    address_faults,
    row_faults,
    total_faults,
)
from lab_lib.lab import Lab
from lab_lib.language import N_, _

SUBJECT = "Warning! Account balance is very high"  # the handout's
OTHERS, REPEATS = "others", "repeats"
Faults = dict[str, list[Fault | str]]  # by ROWS, TOTALS, one of these, or the name of a queue


def of_tables(expected: Expected, before: Snapshot, after: Snapshot) -> Faults:
    """Return what is wrong in the tables: in the items of the files, and in all others, which must be as before."""
    return {
        ROWS: [*row_faults(expected, after.rows, as_written=True), *address_faults(expected, after.customers)],
        TOTALS: [*total_faults(expected.own_totals, after.totals)],
        OTHERS: [*changes(before, after, expected.amounts, expected.addresses)],
    }


def of_messages(lab: Lab, expected: Expected, messages: Iterable[Item]) -> tuple[list[Fault | str], list[str]]:
    """Return what is wrong with the new messages of a queue, and the customers who got an alert again.

    One alert is due for each customer who crosses the threshold. For one who was above it before, none is, but the
    handout's code sends one.
    """
    faults, alerted, repeated = list[Fault | str](), Counter[str](), set[str]()
    once = {str(message.get("MessageId")): message for message in messages}  # SQS may deliver a message twice
    for message in once.values():
        alert = queues.alert(message)
        customer = alert.get("customerID", _("nobody"))
        if not is_from_topic(lab, message):
            faults.append(_("a message without the envelope of the topic"))
        elif customer not in expected.addresses:
            faults.append(_("a message about {customer}, who is in no file", customer=customer))
        elif customer in expected.crossing:
            alerted[customer] += 1
            faults += _faults_of(message, alert, f"{expected.crossing[customer]:f}")
        elif expected.totals[customer] >= lab.threshold:
            repeated.add(customer)
        else:
            faults.append(_("an alert for {customer}, who is below the threshold", customer=customer))
    faults += [Fault(ALERTS, name, "", None, total) for name, total in expected.crossing.items() if not alerted[name]]
    faults += [_("{count} alerts for {name}", count=count, name=name) for name, count in alerted.items() if count > 1]
    return faults, sorted(repeated)


def is_from_topic(lab: Lab, message: Item) -> bool:
    """Return True if the message is in the envelope that SNS puts around what the topic sends."""
    topic, number = lab.arn("sns", lab.name(ALERT_TOPIC)), message.get("MessageId")
    is_sent = isinstance(number, str) and number != "" and moment(message.get("Timestamp")) is not None
    return is_sent and (message.get("Type"), message.get("TopicArn")) == ("Notification", topic)


def changes(
    before: Snapshot, after: Snapshot, rows: Collection[Row] = (), customers: Collection[str] = ()
) -> Iterator[str]:
    """Yield what has changed in the tables, apart from these rows and customers."""
    yield from _touched(before.rows, after.rows, rows)
    yield from _touched(before.customers, after.customers, customers)
    yield from _touched(before.balances, after.balances, customers)


def _faults_of(message: Item, alert: Item, balance: str) -> Iterator[str]:
    of_balance = N_("an alert for {customer} with the balance {found!r}, not {wanted!r}")
    of_subject = N_("an alert for {customer} with the Subject {found!r}, not {wanted!r}")
    parts = (of_balance, alert.get("accountBalance"), balance), (of_subject, message.get("Subject"), SUBJECT)
    for text, found, wanted in parts:
        if found != wanted:
            yield _(text, customer=alert["customerID"], found=found, wanted=wanted)


def _touched(before: Mapping[Any, Any], after: Mapping[Any, Any], wanted: Collection[Any]) -> Iterator[str]:
    """Yield the items that have come, gone or changed although no file names them."""
    for key in {**before, **after}:
        if key not in wanted and before.get(key) != after.get(key):
            name = key if isinstance(key, str) else " ".join(key)
            gone = N_("{item} was changed") if key in after else N_("{item} is gone")
            yield _(gone if key in before else N_("{item} is in no file"), item=name)
