"""Follow the second part of the way: the run of TotalNotifier that counted a change, and what it made of the total."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.aws import queues, streams
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import NOTIFIER
from lab_lib.checks.rules import State
from lab_lib.trace import times
from lab_lib.trace.events import Event, cannot_see, of_run
from lab_lib.trace.evidence import NOTIFIER_LOG, Evidence
from lab_lib.trace.times import Span
from lab_lib.wording import number


class Totals(NamedTuple):
    """The total of a customer before and after a run, None if that cannot be told, and what the run added to it."""

    before: Decimal | None
    after: Decimal | None
    added: Decimal

    def crosses(self, threshold: Decimal) -> bool:
        """Return whether the run brought the total to the threshold."""
        return self.before is not None and self.after is not None and self.before < threshold <= self.after


def counting(evidence: Evidence, record: streams.Record, run: Run | None, written: Span) -> Event:
    """Return the event of the run that has counted a record; `written` is when its row was."""
    if run is None:
        if NOTIFIER_LOG not in evidence.unseen and evidence.is_fresh(written.latest):
            what = "counted; AWS may write the log of it minutes late"
            return Event(NOTIFIER, what, State.WAITS, source=NOTIFIER_LOG, is_late=True)
        why = evidence.unseen.get(NOTIFIER_LOG, "the log does not tell of its run")
        return cannot_see(NOTIFIER, why, NOTIFIER_LOG)
    others = [other for other in evidence.runs(NOTIFIER) if other is not run]
    failed = [other for other in others if other.error and written.earliest <= other.begin < run.begin]
    again = [other for other in others if other.begin > run.begin and _had(other, record)]
    parts = [_batch(run)]
    parts += [f"{number(len(failed), 'run')} failed before: {failed[-1].error}"] if failed else []
    parts += [f"came again {number(len(again), 'time')}, and added nothing"] if again else []
    waiting = _waiting(evidence, others, written)
    return of_run(NOTIFIER, "; ".join(parts), f"ProcessedRecords, {NOTIFIER_LOG}", run, waiting, written)


def _batch(run: Run) -> str:
    """Return how many other records were in the batch of a run. One that failed after adding reports none."""
    if not run.records:
        return f"counted by a run that failed then: {run.error}"
    return "counted alone" if run.records == 1 else f"counted, with {number(run.records - 1, 'other')}"


def uncounted(evidence: Evidence, record: streams.Record, written: Span) -> Event:
    """Return the event of a record that no marker names: parked, given up, tried again, or still to come."""
    runs = evidence.runs(NOTIFIER)
    if parked := _parked(evidence, record):
        return Event(NOTIFIER, parked, State.NOT_YET, source=queues.DEAD_LETTERS)
    lost = "its marker is gone" if any(_had(run, record) for run in runs) else ""
    if why := evidence.unseen.get("ProcessedRecords", lost):
        return cannot_see(NOTIFIER, why, "ProcessedRecords")
    state = evidence.mapping.get("State")
    if state != "Enabled":
        stands = state in (None, "Disabled", "Disabling")
        why = f"its mapping is {state}{', and stands still' * stands}" if state else "no mapping starts it"
        return Event(NOTIFIER, f"not counted: {why}", State.WAITS, source="the mapping", is_late=not stands)
    later = [run for run in runs if run.begin >= written.earliest]
    if later and not any(run.reports or run.error for run in runs):  # somebody else's function
        what = f"{number(len(later), 'run')} came after that, of which the log names no records"
        return Event(NOTIFIER, what, State.COULD_BE, source=NOTIFIER_LOG)
    if failed := [run for run in later if run.error]:
        what = f"tried {number(len(failed), 'time')}: {failed[-1].error}"
        return Event(NOTIFIER, what, State.NOT_YET, times.at(failed[0].begin), NOTIFIER_LOG)
    if evidence.is_fresh(written.latest):
        return Event(NOTIFIER, "not counted yet", State.WAITS, source="ProcessedRecords", is_late=True)
    what = "not counted; `lab check --step 02` says what is wrong with the mapping"
    return Event(NOTIFIER, what, State.NOT_YET, source="ProcessedRecords")


def _parked(evidence: Evidence, record: streams.Record) -> str:
    """Return what a dead letter tells of a record, "" without one."""
    for letter in evidence.letters:
        parked, batch, why = letter.get("record"), letter.get("DDBStreamBatchInfo"), queues.dead_letter(letter)["why"]
        if isinstance(parked, dict) and parked.get("eventID") == record["eventID"]:
            return f"parked: {why}"
        if isinstance(batch, dict) and _has(batch, "startSequenceNumber", "endSequenceNumber", record):
            return f"given up with its batch: {why}"
    return ""


def totals(evidence: Evidence, records: list[streams.Record], marks: dict[str, str], run_id: str) -> Totals:
    """Return a customer's total before and after a run: the present one, without what was counted later.

    `records` are the customer's, from the run's on. A customer's records are counted in the order of the stream.
    """
    own = [place for place, record in enumerate(records) if marks.get(record["eventID"]) == run_id]
    added = _sum(records[place] for place in own)
    now = evidence.total(streams.customer(records[own[0]]))
    if not isinstance(now, Decimal):
        evidence.unseen.setdefault("TransactionTotal", "it has no total of this customer")
        return Totals(None, None, added)
    after = now - _sum(record for record in records[own[-1] + 1 :] if record["eventID"] in marks)
    return Totals((after - added).normalize(), after.normalize(), added)


def amount(record: streams.Record) -> Decimal:
    """Return what a record adds to a total: the new amount minus the old one."""
    change = streams.change(record)
    amounts = change["new amount"], change["old amount"]
    new, old = (value if isinstance(value, Decimal) else Decimal(0) for value in amounts)
    return (new - old).normalize()


def _sum(records: Iterable[streams.Record]) -> Decimal:
    return sum(map(amount, records), Decimal(0)).normalize()


def _had(run: Run, record: streams.Record) -> bool:
    """Return whether a run that ended well had this record in its batch."""
    return any(_has(report, "first", "last", record) for report in run.reports)


def _has(batch: dict[str, Any], first: str, last: str, record: streams.Record) -> bool:
    """Return whether a record is between the first and the last one of a batch."""
    begin, end = (number_of(batch.get(name)) for name in (first, last))
    return 0 < begin <= int(record["dynamodb"]["SequenceNumber"]) <= end


def _waiting(evidence: Evidence, others: list[Run], written: Span) -> str:
    """Return what a record waits for before a run takes it."""
    if any(run.begin <= written.latest and (run.end or 0) > written.latest for run in others):
        return "waiting for the batch before"
    return "polling, and waiting for a batch" if evidence.mapping.get("MaximumBatchingWindowInSeconds") else "polling"


def number_of(text: Any) -> int:
    """Return a SequenceNumber, which has 21 to 40 digits; 0 if the text is none."""
    return int(text) if re.fullmatch("[0-9]{21,40}", str(text)) else 0
