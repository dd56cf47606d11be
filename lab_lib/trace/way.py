"""Put the way of one transaction together: its records in the stream, what led to each, and what each led to."""

from typing import Any

from lab_lib.aws import streams, tables
from lab_lib.checks.evidence import Evidence, Line
from lab_lib.checks.lookalikes import visible
from lab_lib.checks.reading import NOTIFIER
from lab_lib.checks.rules import State
from lab_lib.errors import LabError
from lab_lib.language import N_, _
from lab_lib.pages.wording import listing
from lab_lib.trace import alerting, counting, times, uploading
from lab_lib.trace.counting import Totals
from lab_lib.trace.events import Change, Event, cannot_see
from lab_lib.trace.times import Span
from lab_lib.trace.trace import Trace
from lab_lib.trace.uploading import Source

_STREAM, _TABLE = N_("the stream"), N_("table Transactions")


class Way:
    """The way of one transaction."""

    def __init__(self, evidence: Evidence, customer: str, transaction: str) -> None:
        self.evidence, self.customer, self.transaction = evidence, customer, transaction
        key = {"CustomerId": customer, "TransactionId": transaction}
        self.item = evidence.read("Transactions", tables.find_item, "Transactions", key)
        written = [upload for upload in evidence.uploads if upload.written]
        read = [(upload, evidence.lines(upload, self._is_own)) for upload in written]
        self.sources = [(upload, lines) for upload, lines in read if isinstance(lines, list) and lines]
        self.unread = [(upload, why) for upload, why in read if isinstance(why, str)]
        self.notes = list[str]()
        self.records = evidence.read(_STREAM, streams.records, customer) or []
        self.marks = evidence.marks(self.records)

    def followed(self, title: str) -> Trace:
        """Return the trace of the transaction."""
        own = self._own()
        if not (own or self.item or self.sources):
            raise LabError(
                _(
                    "Nothing tells of the transaction {way.transaction} of {way.customer}: no upload that the log of "
                    "TransactionProcessor names has it, and the table Transactions neither. Look for it in the table.",
                    way=self,
                )
            )
        changes = [*map(self._changed, own)] or [self._unrecorded()]
        return Trace(title, changes, self.notes).mapped(visible)

    def _is_own(self, line: Line) -> bool:
        row = line.row or {}
        return (row.get("CustomerId"), row.get("TransactionId")) == (self.customer, self.transaction)

    def _own(self) -> list[streams.Record]:
        """Return the records of the transaction, and note if some are missing: each begins where the last one ended."""
        own = [record for record in self.records if streams.change(record)["TransactionId"] == self.transaction]
        old, new = ([_plain(record["dynamodb"].get(name)) for record in own] for name in ("OldImage", "NewImage"))
        if not own:
            why = _("it keeps a change for 24 hours, and has none of this transaction")
            self.evidence.unseen.setdefault(_STREAM, why)
        elif [None, *new] != [*old, self.item]:
            self.notes.append(
                _("The stream does not have all changes of this transaction: earlier ones may be over 24 hours old.")
            )
        return own

    def _changed(self, record: streams.Record) -> Change:
        """Return the way of one change, which the stream has."""
        written = times.second(record["dynamodb"]["ApproximateCreationDateTime"])
        change, run_id, gaps = streams.change(record), self.marks.get(record["eventID"]), list[times.Gap]()
        if run := next((run for run in self.evidence.runs(NOTIFIER) if run.id == run_id), None):
            written = written.within(Span(0, run.begin))
        before = self._upload(written, change)
        for begun, end in [(event.when, event.end) for event in before if event.when and event.end]:
            written = written.within(Span(begun.earliest, end))
            gaps += [times.gap(_("run"), begun, written)] if begun.earliest <= written.latest else []
        title = _title(change)
        row = Event("Transactions", title, when=written, source=_TABLE, gaps=gaps)
        what = _(
            "{kind}, record …{end}", kind=change["kind"], end=record["dynamodb"]["SequenceNumber"].lstrip("0")[-6:]
        )
        in_stream = Event("stream", what, when=written, source=_("the stream, to the second"))
        if run_id is None:
            behind = [counting.uncounted(self.evidence, record, written)]
        else:
            totals = counting.totals(self.evidence, self.records, self.marks, run_id)
            counted = counting.counting(self.evidence, record, run, written)
            total = _total(self.evidence, record, totals, counted)
            behind = [counted, total, *alerting.alert(self.evidence, self.customer, run, totals)]
        return Change(title, [*before, row, in_stream, *behind])

    def _upload(self, second: Span, change: dict[str, Any]) -> list[Event]:
        """Return the events of the upload that brought a change; its candidates, if there are several."""
        if change["kind"] == "REMOVE":
            return []
        fit = uploading.at_work(self._with(change["new amount"]), second) or uploading.at_work(self.unread, second)
        return uploading.candidates(self.evidence, fit, second)

    def _with(self, amount: Any) -> list[Source]:
        """Return the uploads with lines of this amount, and these lines."""
        fitting = [
            (upload, [line for line in lines if line.row and line.row["TransactionAmount"] == amount])
            for upload, lines in self.sources
        ]
        return [(upload, lines) for upload, lines in fitting if lines]

    def _unrecorded(self) -> Change:
        """Return what is known of a transaction of which the stream has no record."""
        amount = (self.item or {}).get("TransactionAmount")
        fit = self._with(amount) if self.item else self.sources
        what, state = _("holds {amount}", amount=amount), State.OK
        if self.item is None:
            what, state = _("not in the table: deleted since, or never written"), State.NOT_YET
        row = Event("Transactions", what, state, source=_TABLE)
        in_stream = cannot_see("stream", self.evidence.unseen.get(_STREAM, _("it has no record")), _STREAM)
        later = Event(NOTIFIER, _("known only with the record of the stream"), State.WAITS, source="ProcessedRecords")
        brought = uploading.candidates(self.evidence, fit, None)
        return Change(what, [*brought, row, in_stream, later])


def _total(evidence: Evidence, record: streams.Record, totals: Totals, counted: Event) -> Event:
    """Return the event of the total that a run brought up to date."""
    amount = streams.effect(record)
    when = Span(counted.when.earliest, counted.end or counted.when.latest) if counted.when else None
    what = f"{totals.before:f} → {totals.after:f}" if totals.after is not None else f"{totals.added:+f}"
    if amount != totals.added:
        what = _("{what}, {amount:+f} by this record", what=what, amount=amount)
    if totals.after is None:
        why = _("{why}; {what}", why=evidence.unseen["TransactionTotal"], what=what)
        return cannot_see("TransactionTotal", why, "TransactionTotal", when)
    return Event("TransactionTotal", what, when=when, source=listing(["TransactionTotal", "ProcessedRecords"]))


def _title(change: dict[str, Any]) -> str:
    titles = {"INSERT": N_("new: {new}"), "REMOVE": N_("deleted: {old}"), "MODIFY": N_("corrected: {old} → {new}")}
    title = titles[change["kind"]]
    return _(title, old=change["old amount"], new=change["new amount"])


def _plain(image: Any) -> Any:
    """Return an image of a record as `tables.find_item` returns the item, None without one."""
    return tables.plain({"M": image}) if image else None
