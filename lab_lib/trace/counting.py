"""Follow the second part of the way: the run of TotalNotifier that counted a change, and what it made of the total."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.aws import queues, streams
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import NOTIFIER_LOG, Evidence
from lab_lib.checks.reading import NOTIFIER
from lab_lib.checks.rules import State
from lab_lib.language import N_, _, ngettext
from lab_lib.pages.wording import how_often
from lab_lib.trace.events import Event, cannot_see, of_run, tried
from lab_lib.trace.times import Span


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
            what = _("counted; AWS may write the log of it minutes late")
            return Event(NOTIFIER, what, State.WAITS, source=NOTIFIER_LOG, is_late=True)
        why = evidence.unseen.get(NOTIFIER_LOG, _("the log does not tell of its run"))
        return cannot_see(NOTIFIER, why, NOTIFIER_LOG)
    others = [other for other in evidence.runs(NOTIFIER) if other is not run]
    failed = [other for other in others if other.error and written.earliest <= other.begin < run.begin]
    again = [other for other in others if other.begin > run.begin and _had(other, record)]
    parts = [_batch(run)]
    if failed:
        runs = ngettext("{count:,} run", "{count:,} runs", len(failed))
        parts.append(_("{runs} failed before: {error}", runs=runs, error=failed[-1].error))
    if again:
        parts.append(_("came again {times}, and added nothing", times=how_often(len(again))))
    source = _("ProcessedRecords, log of TotalNotifier")
    return of_run(NOTIFIER, _("; ").join(parts), source, run, _waiting(evidence, others, written), written)


def _batch(run: Run) -> str:
    """Return how many other records were in the batch of a run. One that failed after adding reports none."""
    if not run.records:
        return _("counted by a run that failed then: {error}", error=run.error)
    if run.records == 1:
        return _("counted alone")
    return ngettext("counted, with {count:,} other", "counted, with {count:,} others", run.records - 1)


def uncounted(evidence: Evidence, record: streams.Record, written: Span) -> Event:
    """Return the event of a record that no marker names: parked, given up, tried again, or still to come."""
    runs = evidence.runs(NOTIFIER)
    if parked := _parked(evidence, record):
        return Event(NOTIFIER, parked, State.NOT_YET, source=queues.DEAD_LETTERS)
    lost = _("its marker is gone") if any(_had(run, record) for run in runs) else ""
    if why := evidence.unseen.get("ProcessedRecords", lost):
        return cannot_see(NOTIFIER, why, "ProcessedRecords")
    state = evidence.mapping.get("State")
    if state != "Enabled":
        stands = state in (None, "Disabled", "Disabling")
        still = N_("not counted: its mapping is {state}, and stands still")
        text = still if stands else N_("not counted: its mapping is {state}")
        what = _(text, state=state) if state else _("not counted: no mapping starts it")
        return Event(NOTIFIER, what, State.WAITS, source=_("the mapping"), is_late=not stands)
    later = [run for run in runs if run.begin >= written.earliest]
    if later and not any(run.reports or run.error for run in runs):  # somebody else's function
        came = ngettext("{count:,} run", "{count:,} runs", len(later))
        what = _("{runs} came after that, of which the log names no records", runs=came)
        return Event(NOTIFIER, what, State.COULD_BE, source=NOTIFIER_LOG)
    if failed := [run for run in later if run.error]:
        return tried(NOTIFIER, failed, NOTIFIER_LOG)
    if evidence.is_fresh(written.latest):
        return Event(NOTIFIER, _("not counted yet"), State.WAITS, source="ProcessedRecords", is_late=True)
    what = _("not counted; `lab check --step 02` says what is wrong with the mapping")
    return Event(NOTIFIER, what, State.NOT_YET, source="ProcessedRecords")


def _parked(evidence: Evidence, record: streams.Record) -> str:
    """Return what a dead letter tells of a record, "" without one."""
    for letter in evidence.letters:
        parked, batch, why = letter.get("record"), letter.get("DDBStreamBatchInfo"), queues.dead_letter(letter)["why"]
        if isinstance(parked, dict) and parked.get("eventID") == record["eventID"]:
            return _("parked: {why}", why=why)
        if isinstance(batch, dict) and _has(batch, "startSequenceNumber", "endSequenceNumber", record):
            return _("given up with its batch: {why}", why=why)
    return ""


def totals(evidence: Evidence, records: list[streams.Record], marks: dict[str, str], run_id: str) -> Totals:
    """Return a customer's total before and after a run: the present one, without what was counted later.

    `records` are the customer's, from the run's on. A customer's records are counted in the order of the stream.
    """
    own = [place for place, record in enumerate(records) if marks.get(record["eventID"]) == run_id]
    added = _sum(records[place] for place in own)
    now = evidence.total(streams.customer(records[own[0]]))
    if not isinstance(now, Decimal):
        evidence.unseen.setdefault("TransactionTotal", _("it has no total of this customer"))
        return Totals(None, None, added)
    after = now - _sum(record for record in records[own[-1] + 1 :] if record["eventID"] in marks)
    return Totals((after - added).normalize(), after.normalize(), added)


def _sum(records: Iterable[streams.Record]) -> Decimal:
    return sum(map(streams.effect, records), Decimal(0)).normalize()


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
        return _("waiting for the batch before")
    has_window = evidence.mapping.get("MaximumBatchingWindowInSeconds")
    return _("polling, and waiting for a batch") if has_window else _("polling")


def number_of(text: Any) -> int:
    """Return a SequenceNumber, which has 21 to 40 digits; 0 if the text is none."""
    return int(text) if re.fullmatch("[0-9]{21,40}", str(text)) else 0
