"""Follow the second part of the way: the run of TotalNotifier that counted a change, and what it made of the total."""

from decimal import Decimal
from typing import Any

from lab_lib.aws import queues, streams, triggers
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import NOTIFIER_LOG
from lab_lib.checks.reading import NOTIFIER
from lab_lib.checks.rules import State
from lab_lib.language import N_, _, ngettext
from lab_lib.pages.wording import how_often
from lab_lib.trace.events import Event, cannot_see, during, of_run, tried
from lab_lib.trace.evidence import Evidence
from lab_lib.trace.times import Span

Totals = tuple[Decimal, Decimal]  # of a customer, before and after a run


def counted(evidence: Evidence, record: streams.Record, run: Run | None, written: Span) -> Event:
    """Return the event of the run that has counted a record. One that failed after adding reports no records."""
    if run is None:
        why = evidence.unseen.get(NOTIFIER_LOG, _("the log does not tell of its run so far; AWS writes it late"))
        return cannot_see(NOTIFIER, why, is_late=True)
    what = ngettext("counted, with {count:,} other", "counted, with {count:,} others", run.records - 1)
    if run.records == 1:
        what = _("counted alone")
    elif not run.records:
        what = _("counted by a run that failed then: {error}", error=run.error) if run.error else _("counted")
    others = evidence.runs(NOTIFIER)
    if failed := [other.error for other in others if other.error and written.earliest <= other.begin < run.begin]:
        what = _("{what}; an earlier run failed: {error}", what=what, error=failed[-1])
    if again := [other for other in others if other.begin > run.begin and _had(other, record)]:
        what = _("{what}; came again {times}, and added nothing", what=what, times=how_often(len(again)))
    return of_run(NOTIFIER, what, run)


def uncounted(evidence: Evidence, record: streams.Record, written: Span) -> Event:
    """Return the event of a record that no marker names: parked, given up, tried again, or still to come."""
    if parked := _parked(evidence, record):
        return Event(NOTIFIER, parked, State.NOT_YET, source=queues.DEAD_LETTERS)
    runs = evidence.runs(NOTIFIER)
    lost = _("its marker is gone") if any(_had(run, record) for run in runs) else ""
    state = (evidence.read("mapping", triggers.find_stream_trigger) or {}).get("State")
    if why := evidence.unseen.get("ProcessedRecords") or lost or evidence.unseen.get("mapping"):
        return cannot_see(NOTIFIER, why)
    if state != "Enabled":
        still = N_("not counted: its mapping is {state}") if state else N_("not counted: no mapping starts it")
        return Event(NOTIFIER, _(still, state=state), State.WAITS, source=N_("the mapping"))
    later = [run for run in runs if run.begin >= written.earliest]
    if failed := [run for run in later if run.error]:
        return tried(NOTIFIER, failed)
    if later and not any(run.reports for run in runs):  # somebody else's function
        return Event(NOTIFIER, _("it ran after that, and its log names no records"), State.COULD_BE)
    what = _("not counted yet; `lab check --step 02` says whether the mapping is right")
    return Event(NOTIFIER, what, State.WAITS, is_late=True)


def _parked(evidence: Evidence, record: streams.Record) -> str:
    """Return what a dead letter tells of a record, "" without one."""
    for letter in evidence.letters:
        batch, why = letter.get("DDBStreamBatchInfo", {}), queues.dead_letter(letter)["why"]
        if record["eventID"] in str(letter):
            return _("parked: {why}", why=why)
        if _is_in(record, batch.get("startSequenceNumber"), batch.get("endSequenceNumber")):
            return _("given up with its batch: {why}", why=why)
    return ""


def _had(run: Run, record: streams.Record) -> bool:
    """Return whether a run that ended well had this record in its batch."""
    return any(_is_in(record, report.get("first"), report.get("last")) for report in run.reports)


def _is_in(record: streams.Record, first: Any, last: Any) -> bool:
    """Return whether a record is one from the first to the last one of these numbers, which have 21 to 40 digits."""
    begin, number, end = (str(each).zfill(40) for each in (first, record["dynamodb"]["SequenceNumber"], last))
    return begin <= number <= end


def totals(evidence: Evidence, records: list[streams.Record], marks: dict[str, str], run_id: str) -> Totals | None:
    """Return a customer's total before and after a run: the present one, without what was counted later.

    `records` are all of the customer, which are counted in the order of the stream. None if there is no such total.
    """
    now = evidence.total(streams.customer(records[0]))
    if not isinstance(now, Decimal):
        return None
    after, added = now, Decimal(0)
    for record in records:
        run, effect = marks.get(record["eventID"]), streams.effect(record)
        if run == run_id:
            after, added = now, added + effect  # what came before is in it
        elif run is not None:
            after -= effect
    return (after - added).normalize(), after.normalize()


def total(evidence: Evidence, record: streams.Record, run: Run | None, totals: Totals | None) -> Event:
    """Return the event of the total that a run brought up to date."""
    if totals is None:
        why = evidence.unseen.get("TransactionTotal", _("it has no total of this customer"))
        return cannot_see("TransactionTotal", why)
    before, after = totals
    what, effect = f"{before:f} → {after:f}", streams.effect(record)
    if effect != after - before:
        what = _("{what}, {amount:+f} by this record", what=what, amount=effect)
    return Event("TransactionTotal", what, when=during(run) if run else None)
