"""The last part of the way: the alert about a total that reached the threshold, and its message in each queue."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, moment
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import NOTIFIER
from lab_lib.checks.rules import State, listing
from lab_lib.trace import times
from lab_lib.trace.counting import Totals, find_run
from lab_lib.trace.events import TOPIC, Event
from lab_lib.trace.evidence import Evidence, log_of
from lab_lib.trace.times import Span

_SLACK = 1_000  # milliseconds by which the clocks of Lambda and SNS may differ


def alert(evidence: Evidence, customer: str, run_id: str, totals: Totals) -> list[Event]:
    """Return the events of the alert that a run of TotalNotifier has led to, if one was due."""
    run = find_run(evidence, run_id)
    sender = _sender(evidence, customer, run)
    if not (totals.crosses(evidence.threshold) or (sender and sender is run)):
        return [_none(evidence, totals)]
    arrived = {name: _arrived(evidence, name, customer, sender, totals.after) for name in queues.ALERT_QUEUES}
    messages = [_message(name, found) for name, found in arrived.items()]
    told = [times.at(each[1]) for found in arrived.values() if isinstance(found, list) for each in found if each[1]]
    event = _published(evidence, customer, run, sender, told)
    is_late = run is not None and evidence.is_fresh(run.end or run.begin)
    event, *messages = (replace(each, is_late=is_late and each.when is None) for each in (event, *messages))
    return [event, *(_with_gap(each, "delivery", event.when) for each in messages)]


def _published(evidence: Evidence, customer: str, run: Run | None, sender: Run | None, told: list[Span]) -> Event:
    """Return the event of the alert about the total of `run`; `told` are the times that its messages tell."""
    what, log = f"published: {customer}", log_of(NOTIFIER)
    if sender:
        what += "" if sender is run else ", by a later run"
        when = told[0] if told else Span(sender.begin, sender.end or sender.begin)
        return _with_gap(Event(TOPIC, what, when=when, source=log), "run", times.at(sender.begin))
    if told:
        return Event(TOPIC, what, when=told[0], source="its messages")
    if failed := [each for each in evidence.runs(NOTIFIER) if run and each.begin >= run.begin and each.error]:
        return Event(TOPIC, f"not published: {failed[-1].error}", State.NOT_YET, source=log)
    return Event(TOPIC, "cannot see: no run has reported it", State.CANNOT_SEE, source=log)


def _sender(evidence: Evidence, customer: str, run: Run | None) -> Run | None:
    """Return the first run from this one on that has alerted about the customer."""
    later = [each for each in evidence.runs(NOTIFIER) if run and each.begin >= run.begin]
    return next((each for each in later if any(customer in _alerted(report) for report in each.reports)), None)


def _alerted(report: dict[str, Any]) -> list[Any]:
    found = report.get("alerted")
    return found if isinstance(found, list) else []


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
    found = evidence.messages(queue)
    if found is None or isinstance(found, str):
        return found
    rows = [_read(sent, body) for sent, body in found]
    own = [(sent, told, each["accountBalance"]) for sent, told, each in rows if each.get("customerID") == customer]
    near = [each for each in own if sender is None or _is_of(sender, each[1] or each[0])]
    exact = [each for each in near if balance is not None and amount(each[2]) == balance]
    return exact if exact or sender is None else near


def _is_of(sender: Run, moment: int) -> bool:
    """Return whether a run may have sent something at this moment."""
    return sender.begin - _SLACK <= moment <= (sender.end or sender.begin) + _SLACK


def _read(sent: int, body: dict[str, Any]) -> tuple[int, int, dict[str, Any]]:
    """Return a message without its envelope, and the time that the envelope tells."""
    told = moment(body.get("Timestamp"))
    found = queues.alert(body) or queues.as_alert(body)
    return sent, int(told.timestamp() * 1000) if told else 0, {"accountBalance": "", **found}


def _message(queue: str, found: Any) -> Event:
    """Return the event of the message in a queue."""
    if found is None:
        return Event(queue, "there is no such queue yet", State.NOT_YET, source=queue)
    if isinstance(found, str):
        return Event(queue, f"cannot see: {found}", State.CANNOT_SEE, source=queue)
    if not found:
        return Event(queue, "cannot see: taken by a consumer, or never delivered", State.CANNOT_SEE, source=queue)
    if len(found) > 1:
        named = listing(f"{balance} at {times.clock(sent)}" for sent, _, balance in found)
        return Event(queue, f"one of {len(found)} messages: {named}", State.COULD_BE, source=queue)
    sent, _, balance = found[0]
    return Event(queue, f"a message waits, with the balance {balance}", when=times.at(sent), source=queue)


def _with_gap(event: Event, name: str, before: Span | None) -> Event:
    return replace(event, gaps=(times.gap(name, before, event.when),)) if event.when and before else event
