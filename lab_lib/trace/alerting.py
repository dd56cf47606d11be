"""Follow the last part of the way: the alert about a total at the threshold, and its message in each queue."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, moment
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import NOTIFIER
from lab_lib.checks.rules import State
from lab_lib.trace import times
from lab_lib.trace.counting import Totals, find_run
from lab_lib.trace.events import TOPIC, Event
from lab_lib.trace.evidence import Evidence, log_of
from lab_lib.trace.times import Span
from lab_lib.wording import listing

_SLACK = 1_000  # milliseconds by which the clocks of Lambda and SNS may differ


def alert(evidence: Evidence, customer: str, run_id: str, totals: Totals) -> list[Event]:
    """Return the events of the alert that a run of TotalNotifier has led to, if one was due."""
    run = find_run(evidence, run_id)
    sender = _sender(evidence, customer, run)
    if not (totals.crosses(evidence.threshold) or (sender and sender is run)):
        return [_none(evidence, totals)]
    arrived = {name: _arrived(evidence, name, customer, sender, totals.after) for name in queues.ALERT_QUEUES}
    messages = [_message(name, own) for name, own in arrived.items()]
    told = [times.at(message[1]) for own in arrived.values() if isinstance(own, list) for message in own if message[1]]
    event = _published(evidence, customer, run, sender, told)
    is_late = run is not None and evidence.is_fresh(run.end or run.begin)
    event, *messages = (replace(message, is_late=is_late and message.when is None) for message in (event, *messages))
    return [event, *(_with_gap(message, "delivery", event.when) for message in messages)]


def _published(evidence: Evidence, customer: str, run: Run | None, sender: Run | None, told: list[Span]) -> Event:
    """Return the event of the alert about the total of `run`; `told` are the times that its messages tell."""
    what, log = f"published: {customer}", log_of(NOTIFIER)
    if sender:
        what += "" if sender is run else ", by a later run"
        when = told[0] if told else Span(sender.begin, sender.end or sender.begin)
        return _with_gap(Event(TOPIC, what, when=when, source=log), "run", times.at(sender.begin))
    if told:
        return Event(TOPIC, what, when=told[0], source="its messages")
    if failed := [other for other in evidence.runs(NOTIFIER) if run and other.begin >= run.begin and other.error]:
        return Event(TOPIC, f"not published: {failed[-1].error}", State.NOT_YET, source=log)
    return Event(TOPIC, "cannot see: no run has reported it", State.CANNOT_SEE, source=log)


def _sender(evidence: Evidence, customer: str, run: Run | None) -> Run | None:
    """Return the first run from this one on that has alerted about the customer."""
    later = [other for other in evidence.runs(NOTIFIER) if run and other.begin >= run.begin]
    return next((other for other in later if any(customer in _alerted(report) for report in other.reports)), None)


def _alerted(report: dict[str, Any]) -> list[Any]:
    customers = report.get("alerted")
    return customers if isinstance(customers, list) else []


def _none(evidence: Evidence, totals: Totals) -> Event:
    """Return the event that no alert was due."""
    if totals.after is None:
        return Event(TOPIC, "none by this run", source=log_of(NOTIFIER))
    limit, after = evidence.threshold, totals.after
    why = f"{after:f} is below {limit:f}" if after < limit else f"the total had reached {limit:f} before"
    return Event(TOPIC, f"none is due: {why}", source=log_of(NOTIFIER))


def _arrived(
    evidence: Evidence, queue: str, customer: str, sender: Run | None, balance: Decimal | None
) -> list[tuple[int, int, str]] | str | None:
    """Return the customer's messages of this alert: when SQS got each, when SNS sent it (0 if unknown), the balance.

    The reason if the queue is not read, None if it is not there.
    """
    arrivals = evidence.messages(queue)
    if arrivals is None or isinstance(arrivals, str):
        return arrivals
    rows = [_read(sent, body) for sent, body in arrivals]
    own = [(sent, told, row["accountBalance"]) for sent, told, row in rows if row.get("customerID") == customer]
    near = [message for message in own if sender is None or _is_of(sender, message[1] or message[0])]
    exact = [message for message in near if balance is not None and amount(message[2]) == balance]
    return exact if exact or sender is None else near


def _is_of(sender: Run, moment: int) -> bool:
    """Return whether a run may have sent something at this moment."""
    return sender.begin - _SLACK <= moment <= (sender.end or sender.begin) + _SLACK


def _read(sent: int, body: dict[str, Any]) -> tuple[int, int, dict[str, Any]]:
    """Return a message without its envelope, and the time that the envelope tells."""
    told = moment(body.get("Timestamp"))
    content = queues.alert(body) or queues.as_alert(body)
    return sent, int(told.timestamp() * 1000) if told else 0, {"accountBalance": "", **content}


def _message(queue: str, arrived: Any) -> Event:
    """Return the event of the message in a queue."""
    if arrived is None:
        return Event(queue, "there is no such queue yet", State.NOT_YET, source=queue)
    if isinstance(arrived, str):
        return Event(queue, f"cannot see: {arrived}", State.CANNOT_SEE, source=queue)
    if not arrived:
        return Event(queue, "cannot see: taken by a consumer, or never delivered", State.CANNOT_SEE, source=queue)
    if len(arrived) > 1:
        named = listing(f"{balance} at {times.clock(sent)}" for sent, _, balance in arrived)
        return Event(queue, f"one of {len(arrived)} messages: {named}", State.COULD_BE, source=queue)
    sent, _, balance = arrived[0]
    return Event(queue, f"a message waits, with the balance {balance}", when=times.at(sent), source=queue)


def _with_gap(event: Event, name: str, before: Span | None) -> Event:
    return replace(event, gaps=(times.gap(name, before, event.when),)) if event.when and before else event
