"""Follow the second part of the way: the run of TotalNotifier that counted a change, and what it made of the total."""

import re
from decimal import Context, Decimal
from typing import Any, NamedTuple

from lab_lib.aws import queues, streams
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import NOTIFIER
from lab_lib.checks.rules import State
from lab_lib.trace import times
from lab_lib.trace.events import Event
from lab_lib.trace.evidence import Evidence, log_of
from lab_lib.trace.times import Span
from lab_lib.wording import number

_EXACT = Context(prec=76)  # DynamoDB's numbers have 38 digits


class Totals(NamedTuple):
    """The total of a customer before and after a run, None if that cannot be told, and what the run added to it."""

    before: Decimal | None
    after: Decimal | None
    added: Decimal

    def crosses(self, threshold: Decimal) -> bool:
        """Return whether the run brought the total to the threshold."""
        return self.before is not None and self.after is not None and self.before < threshold <= self.after


def counting(evidence: Evidence, record: streams.Record, run_id: str, written: Span) -> Event:
    """Return the event of the run that has counted a record; `written` is when its row was."""
    log, run = log_of(NOTIFIER), find_run(evidence, run_id)
    if run is None:
        if log not in evidence.unseen and evidence.is_fresh(written.latest):
            what = "counted; AWS writes the log of it up to three minutes late"
            return Event(NOTIFIER, what, State.WAITS, source=log, is_late=True)
        why = evidence.unseen.get(log) or "the log does not tell of its run"
        return Event(NOTIFIER, f"cannot see: {why}", State.CANNOT_SEE, source=log)
    others = [other for other in evidence.runs(NOTIFIER) if other is not run]
    failed = [other for other in others if other.error and written.earliest <= other.begin < run.begin]
    again = [other for other in others if other.begin > run.begin and _had(other, record)]
    parts = [_batch(run)]
    parts += [f"{number(len(failed), 'run')} failed before: {failed[-1].error}"] if failed else []
    parts += [f"came again {number(len(again), 'time')}, and added nothing"] if again else []
    is_odd = record["eventName"] != "REMOVE" and not isinstance(streams.change(record)["new amount"], Decimal)
    what = "; ".join(filter(None, [*parts, _parked(evidence, record) if is_odd else ""]))
    starting = times.at(run.begin if run.started is None else run.started)
    gaps = [times.gap(_waiting(evidence, others, written), written, starting)]
    gaps += [times.gap("start of the function", starting, times.at(run.begin))] if run.started else []
    source = f"ProcessedRecords, {log}"
    return Event(NOTIFIER, what, State.OK, times.at(run.begin), source, tuple(gaps), run.started, run.end)


def _batch(run: Run) -> str:
    """Return how many other records were in the batch of a run. One that failed after adding reports none."""
    records = next((report["records"] for report in run.reports if "records" in report), 0)
    if records == 1:
        what = "counted alone"
    else:
        what = f"counted, with {number(records - 1, 'other')}" if records else "counted by a run that failed then"
    return f"{what}: {run.error}" if run.error else what


def uncounted(evidence: Evidence, record: streams.Record, written: Span) -> Event:
    """Return the event of a record that no marker names: parked, given up, tried again, or still to come."""
    runs, log = evidence.runs(NOTIFIER), log_of(NOTIFIER)
    if parked := _parked(evidence, record):
        return _not_yet(parked, queues.DEAD_LETTERS)
    lost = "its marker is gone" if any(_had(run, record) for run in runs) else ""
    if why := evidence.unseen.get("ProcessedRecords", lost):
        return Event(NOTIFIER, f"cannot see: {why}", State.CANNOT_SEE, source="ProcessedRecords")
    state = evidence.mapping.get("State")
    if state != "Enabled":
        still = ", and stands still" if state in ("Disabled", "Disabling") else ""
        why = f"its mapping is {state}{still}" if state else "no mapping starts it"
        return Event(
            NOTIFIER, f"not counted: {why}", State.WAITS, source="the mapping", is_late=bool(state and not still)
        )
    later = [run for run in runs if run.begin >= written.earliest]
    if later and not any(run.reports or run.error for run in runs):  # somebody else's function
        what = f"{number(len(later), 'run')} came after that, of which the log names no records"
        return Event(NOTIFIER, what, State.COULD_BE, source=log)
    if failed := [run for run in later if run.error]:
        return _not_yet(f"tried {number(len(failed), 'time')}: {failed[-1].error}", log, failed[0].begin)
    if evidence.is_fresh(written.latest):
        return Event(NOTIFIER, "not counted yet", State.WAITS, source="ProcessedRecords", is_late=True)
    return _not_yet("not counted; `lab check --step 02` says what is wrong with the mapping", "ProcessedRecords")


def _parked(evidence: Evidence, record: streams.Record) -> str:
    """Return what a dead letter tells of a record, "" without one."""
    for letter in evidence.letters:
        if isinstance(letter.get("record"), dict) and letter["record"].get("eventID") == record["eventID"]:
            return f"parked: {letter.get('error')}"
        if _has(letter.get("DDBStreamBatchInfo"), "startSequenceNumber", "endSequenceNumber", record):
            return f"given up with its batch: {(letter.get('requestContext') or {}).get('condition')}"
    return ""


def totals(evidence: Evidence, records: list[streams.Record], marks: dict[str, str], run_id: str) -> Totals:
    """Return a customer's total before and after a run: the present one, without what was counted later.

    `records` are the customer's, from the run's on. A customer's records are counted in the order of the stream.
    """
    own = [place for place, record in enumerate(records) if marks.get(record["eventID"]) == run_id]
    later = [record for record in records[own[-1] + 1 :] if record["eventID"] in marks]
    added = _sum(records[place] for place in own)
    now = evidence.total(streams.customer(records[own[0]]))
    if not isinstance(now, Decimal):
        evidence.unseen.setdefault("TransactionTotal", "it has no total of this customer")
        return Totals(None, None, _EXACT.normalize(added))
    after = _EXACT.subtract(now, _sum(later))
    return Totals(*map(_EXACT.normalize, (_EXACT.subtract(after, added), after, added)))


def amount(record: streams.Record) -> Decimal:
    """Return what a record adds to a total: the new amount minus the old one."""
    change = streams.change(record)
    new, old = (
        value if isinstance(value, Decimal) else Decimal(0) for value in (change["new amount"], change["old amount"])
    )
    return _EXACT.subtract(new, old)


def find_run(evidence: Evidence, id: str) -> Run | None:
    """Return the run of TotalNotifier with this id, None if the log does not tell of it."""
    return next((run for run in evidence.runs(NOTIFIER) if run.id == id), None)


def _sum(records: Any) -> Decimal:
    total = Decimal(0)
    for record in records:
        total = _EXACT.add(total, amount(record))
    return total


def _had(run: Run, record: streams.Record) -> bool:
    """Return whether a run that ended well had this record in its batch."""
    return any(_has(report, "first", "last", record) for report in run.reports)


def _has(batch: Any, first: str, last: str, record: streams.Record) -> bool:
    """Return whether a record is between the first and the last one of a batch."""
    ends = [number_of(batch.get(name)) for name in (first, last)] if isinstance(batch, dict) else []
    begin, end = (*(end for end in ends if end is not None), -1, -1)[:2]
    return begin <= int(record["dynamodb"]["SequenceNumber"]) <= end


def _waiting(evidence: Evidence, others: list[Run], written: Span) -> str:
    """Return what a record waits for before a run takes it."""
    if any(run.begin <= written.latest and (run.end or 0) > written.latest for run in others):
        return "waiting for the batch before"
    return "polling, and waiting for a batch" if evidence.mapping.get("MaximumBatchingWindowInSeconds") else "polling"


def _not_yet(what: str, source: str, begin: int | None = None) -> Event:
    when = None if begin is None else times.at(begin)
    return Event(NOTIFIER, what, State.NOT_YET, when, source)


def number_of(text: Any) -> int | None:
    """Return a SequenceNumber, which has 21 to 40 digits; None if the text is none."""
    return int(text) if isinstance(text, str) and re.fullmatch("[0-9]{21,40}", text) else None
