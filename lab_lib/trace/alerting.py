"""Follow the last part of the way: the alert about a total at the threshold, and its message in each queue."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, moment
from lab_lib.aws.log_runs import Run
from lab_lib.aws.topics import ALERT_TOPIC as TOPIC
from lab_lib.checks.evidence import NOTIFIER_LOG, Evidence
from lab_lib.checks.reading import NOTIFIER
from lab_lib.checks.rules import State
from lab_lib.language import _
from lab_lib.pages.wording import listing
from lab_lib.trace import times
from lab_lib.trace.counting import Totals
from lab_lib.trace.events import Event, cannot_see
from lab_lib.trace.times import Span

_SLACK = 1_000  # milliseconds by which the clocks of Lambda and SNS may differ


class Message(NamedTuple):
    """A message in a queue: when SNS sent it, when SQS got it, and the balance that it tells."""

    sent: int
    came: int
    balance: Any


def alert(evidence: Evidence, customer: str, run: Run | None, totals: Totals) -> list[Event]:
    """Return the events of the alert that a run of TotalNotifier has led to, if one was due."""
    later = [other for other in evidence.runs(NOTIFIER) if run and other.begin >= run.begin]
    sender = next((other for other in later if customer in other.alerted), None)
    if not (totals.crosses(evidence.lab.threshold) or (sender and sender is run)):
        return [_none(evidence.lab.threshold, totals)]
    arrived = {queue: _arrived(evidence, queue, customer, sender, totals.after) for queue in queues.ALERT_QUEUES}
    sent = [message.sent for messages in arrived.values() for message in messages]
    published = _published(customer, sender, later, sent)
    events = [published, *(_message(evidence, queue, own, published.when) for queue, own in arrived.items())]
    is_late = run is not None and evidence.is_fresh(run.end or run.begin)
    return [replace(event, is_late=is_late and event.when is None) for event in events]


def _none(threshold: Decimal, totals: Totals) -> Event:
    """Return the event that no alert was due."""
    if totals.after is None:
        what = _("none by this run")
    elif totals.after < threshold:
        what = _("none is due: {total:f} is below {threshold:f}", total=totals.after, threshold=threshold)
    else:
        what = _("none is due: the total had reached {threshold:f} before", threshold=threshold)
    return Event(TOPIC, what, source=NOTIFIER_LOG)


def _published(customer: str, sender: Run | None, later: list[Run], sent: list[int]) -> Event:
    """Return the event of the alert that the sender has published, of the runs from the one on that led to it."""
    what, when = _("published: {customer}", customer=customer), times.at(sent[0]) if sent else None
    if sender:
        if sender is not later[0]:
            what = _("published: {customer}, by a later run", customer=customer)
        when = when or Span(sender.begin, sender.end or sender.begin)
        return Event(
            TOPIC, what, when=when, source=NOTIFIER_LOG, gaps=[times.gap(_("run"), times.at(sender.begin), when)]
        )
    if when:
        return Event(TOPIC, what, when=when, source=_("its messages"))
    if failed := [run for run in later if run.error]:
        what = _("not published: {error}", error=failed[-1].error)
        return Event(TOPIC, what, State.NOT_YET, source=NOTIFIER_LOG)
    return cannot_see(TOPIC, _("no run has reported it"), NOTIFIER_LOG)


def _arrived(
    evidence: Evidence, queue: str, customer: str, sender: Run | None, balance: Decimal | None
) -> list[Message]:
    """Return the customer's messages of this alert."""
    own = [message for came, body in evidence.messages(queue) if (message := _read(came, body, customer))]
    if sender is None:
        return [message for message in own if balance is not None and amount(message.balance) == balance]
    begin, end = sender.begin - _SLACK, (sender.end or sender.begin) + _SLACK
    return [message for message in own if begin <= message.sent <= end]


def _read(came: int, body: queues.Message, customer: str) -> Message | None:
    """Return a message without its envelope, None if it is about another customer."""
    content, told = queues.alert(body) or queues.as_alert(body), moment(body.get("Timestamp"))
    if content.get("customerID") != customer:
        return None
    return Message(int(told.timestamp() * 1000) if told else came, came, content.get("accountBalance"))


def _message(evidence: Evidence, queue: str, arrived: list[Message], published: Span | None) -> Event:
    """Return the event of the message in a queue."""
    if not arrived:
        return cannot_see(queue, evidence.unseen.get(queue, _("taken by a consumer, or never delivered")), queue)
    if len(arrived) > 1:
        named = listing(_("{balance} at {time}", balance=each.balance, time=times.clock(each.came)) for each in arrived)
        what = _("one of {count} messages: {named}", count=len(arrived), named=named)
        return Event(queue, what, State.COULD_BE, source=queue)
    what, came = _("a message waits, with the balance {balance}", balance=arrived[0].balance), times.at(arrived[0].came)
    return Event(
        queue, what, when=came, source=queue, gaps=[times.gap(_("delivery"), published, came)] if published else []
    )
