"""Put the way of one transaction together: its records in the stream, what led to each, and what each led to."""

from lab_lib.aws import streams, tables
from lab_lib.checks.reading import NOTIFIER
from lab_lib.errors import LabError
from lab_lib.language import N_, _
from lab_lib.trace import alerting, counting, times, uploading
from lab_lib.trace.events import Change, Event, cannot_see
from lab_lib.trace.evidence import Evidence
from lab_lib.trace.times import Span
from lab_lib.trace.trace import Trace

_TITLES = {"INSERT": N_("new: {new}"), "REMOVE": N_("deleted: {old}"), "MODIFY": N_("corrected: {old} → {new}")}


def follow(evidence: Evidence, customer: str, transaction: str) -> Trace:
    """Return the trace of a transaction. LabError if nothing tells of it."""
    records = evidence.read("stream", streams.records, customer) or []
    own = [record for record in records if streams.change(record)["TransactionId"] == transaction]
    marks = evidence.marks(records)
    changes = [_changed(evidence, records, marks, record) for record in own]
    notes = list[str]()
    if own and own[0]["eventName"] != "INSERT":
        notes.append(
            _("The stream does not have all changes of this transaction: earlier ones may be over 24 hours old.")
        )
    return Trace(f"{customer} {transaction}", changes or [_unrecorded(evidence, customer, transaction)], notes)


def _changed(
    evidence: Evidence, records: list[streams.Record], marks: dict[str, str], record: streams.Record
) -> Change:
    """Return the way of one change, which the stream has."""
    about, change, run_id = record["dynamodb"], streams.change(record), marks.get(record["eventID"])
    kind = record["eventName"]
    run = next((run for run in evidence.runs(NOTIFIER) if run.id == run_id), None)
    written = times.second(about["ApproximateCreationDateTime"])
    if run:
        written = written.within(Span(0, run.begin))
    row = tables.plain({"M": about.get("NewImage", {})})
    events = uploading.brought(evidence, row, written) if row else []
    for event in events:
        if event.when and event.end:
            written = written.within(Span(event.when.earliest, event.end))
    title = _(_TITLES[kind], old=change["old amount"], new=change["new amount"])
    what = _("{kind}, record …{end}", kind=kind, end=about["SequenceNumber"].lstrip("0")[-6:])
    events += [Event("Transactions", title, when=written), Event("stream", what, when=written)]
    if run_id is None:
        return Change(title, [*events, counting.uncounted(evidence, record, written)])
    totals = counting.totals(evidence, records, marks, run_id)
    events += [counting.counted(evidence, record, run, written), counting.total(evidence, record, run, totals)]
    if totals:
        events += alerting.alert(evidence, change["CustomerId"], run, totals, written)
    return Change(title, events)


def _unrecorded(evidence: Evidence, customer: str, transaction: str) -> Change:
    """Return what is known of a transaction of which the stream has no record. LabError if nothing is."""
    item = evidence.read(
        "Transactions", tables.find_item, "Transactions", {"CustomerId": customer, "TransactionId": transaction}
    )
    if item is None:
        raise LabError(
            _(
                "Nothing tells of the transaction {transaction} of {customer}: neither the stream nor the table "
                "Transactions shows it.",
                transaction=transaction,
                customer=customer,
            )
        )
    what = _("holds {amount}", amount=item.get("TransactionAmount"))
    why = evidence.unseen.get("stream", _("it keeps a change for 24 hours, and has none of this transaction"))
    events = [*uploading.brought(evidence, item), Event("Transactions", what), cannot_see("stream", why)]
    return Change(what, events)
