"""Follow the last part of the way: the alert about a total at the threshold, and its message in each queue."""

from decimal import Decimal

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount
from lab_lib.aws.log_runs import Run
from lab_lib.aws.topics import ALERT_TOPIC as TOPIC
from lab_lib.checks.reading import NOTIFIER
from lab_lib.checks.rules import State
from lab_lib.language import N_, _
from lab_lib.trace import times
from lab_lib.trace.counting import Totals
from lab_lib.trace.events import Event, cannot_see, during
from lab_lib.trace.evidence import Evidence
from lab_lib.trace.times import Span

_SLACK = 1_000  # milliseconds: clocks differ, and an emulator may tell whole seconds


def alert(evidence: Evidence, customer: str, run: Run | None, totals: Totals, since: Span) -> list[Event]:
    """Return the events of the alert that a run of TotalNotifier has led to, if one was due."""
    (before, after), limit = totals, evidence.lab.threshold
    if not (before < limit <= after or (run and customer in run.alerted)):
        none = N_("none is due: {total:f} is below {threshold:f}")
        if after >= limit:
            none = N_("none is due: the total had reached {threshold:f} before")
        return [Event(TOPIC, _(none, total=after, threshold=limit))]
    messages = [_message(evidence, queue, customer, after, since) for queue in queues.ALERT_QUEUES]
    return [_published(evidence, customer, run, messages), *messages]


def _published(evidence: Evidence, customer: str, run: Run | None, messages: list[Event]) -> Event:
    """Return the event of the alert, which a later run publishes if this one has failed."""
    what = _("published: {customer}", customer=customer)
    later = [other for other in evidence.runs(NOTIFIER) if run and other.begin >= run.begin]
    if told := [other for other in later if customer in other.alerted]:
        return Event(TOPIC, what, when=during(told[0]))
    if came := [message.when for message in messages if message.when]:
        return Event(TOPIC, what, when=came[0], source=N_("its messages"))
    if failed := [other for other in later if other.error]:
        return Event(TOPIC, _("not published: {error}", error=failed[-1].error), State.NOT_YET)
    return cannot_see(TOPIC, _("no run has reported it"), is_late=True)


def _message(evidence: Evidence, queue: str, customer: str, total: Decimal, since: Span) -> Event:
    """Return the event of a message since then that tells this total, with SNS's envelope or without."""
    for came, body in evidence.messages(queue):
        told = queues.alert(body) or queues.as_alert(body)
        balance = told.get("accountBalance")
        if told.get("customerID") == customer and amount(balance) == total and came >= since.earliest - _SLACK:
            return Event(queue, _("a message waits, with the balance {balance}", balance=balance), when=times.at(came))
    return cannot_see(queue, evidence.unseen.get(queue, _("taken by a consumer, or never delivered")), is_late=True)
