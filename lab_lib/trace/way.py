"""Put the way of one transaction together: its records in the stream, what led to each, and what each led to."""

from decimal import Decimal
from typing import Any

from lab_lib.aws import streams, tables
from lab_lib.aws.json_text import count
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import NOTIFIER
from lab_lib.checks.lookalikes import visible
from lab_lib.checks.rules import State
from lab_lib.errors import LabError
from lab_lib.trace import alerting, counting, times, uploading
from lab_lib.trace.counting import Totals
from lab_lib.trace.events import Change, Event
from lab_lib.trace.evidence import Evidence, Line, Upload
from lab_lib.trace.times import Span
from lab_lib.trace.trace import Trace

MOST = 5  # changes that are shown: the last ones
_INCOMPLETE = "The stream does not have all changes of this transaction: earlier ones may be over 24 hours old."
_LATER = "known only with the record of the stream"


class Way:
    """The way of one transaction."""

    def __init__(self, evidence: Evidence, customer: str, transaction: str) -> None:
        self.evidence, self.customer, self.transaction = evidence, customer, transaction
        key = {"CustomerId": customer, "TransactionId": transaction}
        self.item = evidence.read("Transactions", lambda: tables.find_item(evidence.lab, "Transactions", key))
        taken_in = [upload for upload in evidence.uploads if not upload.report or count(upload.report.get("written"))]
        read = [(upload, evidence.lines(upload, self._is_own)) for upload in taken_in]
        self.sources = [(upload, lines) for upload, lines in read if isinstance(lines, list) and lines]
        self.unread = [(upload, why) for upload, why in read if isinstance(why, str)]
        self.notes = list[str]()
        self.records = self._records()
        self.own = [record for record in self.records if streams.change(record)["TransactionId"] == transaction]
        self.marks = evidence.marks(self.records)

    def followed(self, title: str) -> Trace:
        """Return the trace of the transaction."""
        if not (self.own or self.item or self.sources):
            raise LabError(
                f"Nothing tells of the transaction {self.transaction} of {self.customer}: no upload that the log of "
                "TransactionProcessor names has it, and the table Transactions neither. Look for it in the table."
            )
        changes = [self._changed(record) for record in self.own[-MOST:]] or [self._unrecorded()]
        if len(self.own) > MOST:
            self.notes.append(f"{len(self.own) - MOST} earlier changes are not shown.")
        return Trace(title, changes, self.notes).mapped(visible)

    def _is_own(self, line: Line) -> bool:
        row = line.row or {}
        return (row.get("CustomerId"), row.get("TransactionId")) == (self.customer, self.transaction)

    def _records(self) -> list[streams.Record]:
        """Return the customer's records from the first upload of this transaction on; all of them, if it is unsure."""
        records = list[streams.Record]()
        for after in dict.fromkeys([self._last_before(), ""]):
            records = self.evidence.records(self.customer, after)
            if self._is_whole(records):
                return records
        if any(streams.change(record)["TransactionId"] == self.transaction for record in records):
            self.notes.append(_INCOMPLETE)
        elif "the stream" not in self.evidence.unseen:
            self.evidence.unseen["the stream"] = "it keeps a change for 24 hours, and has none of this transaction"
        return records

    def _last_before(self) -> str:
        """Return the last record of the newest run of TotalNotifier that began before the first upload was taken in."""
        begun = min((upload.run.begin for upload, _ in self.sources if upload.run), default=0)
        before = [run for run in self.evidence.runs(NOTIFIER) if run.begin < begun]
        return next((last for run in reversed(before) if (last := _last(run))), "")

    def _is_whole(self, records: list[streams.Record]) -> bool:
        """Return whether these are all changes of the transaction: each begins where the one before it ended."""
        images = [
            record["dynamodb"] for record in records if streams.change(record)["TransactionId"] == self.transaction
        ]
        old = [_plain(image.get("OldImage")) for image in images]
        new = [_plain(image.get("NewImage")) for image in images]
        return bool(images) and [None, *new] == [*old, self.item]

    def _changed(self, record: streams.Record) -> Change:
        """Return the way of one change, which the stream has."""
        second = times.second(record["dynamodb"]["ApproximateCreationDateTime"])
        change = streams.change(record)
        run_id = self.marks.get(record["eventID"])
        run = counting.find_run(self.evidence, run_id or "")
        before = self._upload(second.within(Span(0, run.begin)) if run else second, change)
        taken_in = next((event for event in before if event.lane == "TransactionProcessor" and event.when), None)
        written = _written(second, taken_in, run)
        gap = (times.gap("run", taken_in.when, written),) if taken_in and taken_in.when else ()
        title = _title(change)
        row = Event("Transactions", title, when=written, source="table Transactions", gaps=gap)
        number = record["dynamodb"]["SequenceNumber"].lstrip("0")
        what = f"{change['kind']}, record …{number[-6:]}"
        in_stream = Event("stream", what, when=written, source="the stream, to the second")
        return Change(title, [*before, row, in_stream, *self._counted(record, run_id, written)])

    def _counted(self, record: streams.Record, run_id: str | None, written: Span) -> list[Event]:
        """Return what became of a change behind the stream."""
        evidence = self.evidence
        if run_id is None:
            return [counting.uncounted(evidence, record, written)]
        if not run_id:
            why = "cannot see: its marker names no run, since an earlier version of the function wrote it"
            return [Event(NOTIFIER, why, State.CANNOT_SEE, source="ProcessedRecords")]
        counted = counting.counting(evidence, record, run_id, written)
        totals = counting.totals(evidence, self.records, self.marks, run_id)
        total = _total(evidence, counting.amount(record), totals, counted)
        return [counted, total, *alerting.alert(evidence, self.customer, run_id, totals)]

    def _upload(self, second: Span, change: dict[str, Any]) -> list[Event]:
        """Return the events of the upload that brought a change; its candidates, if there are several."""
        if change["kind"] == "REMOVE":
            return []
        fit = uploading.at_work(self._with(change["new amount"]), second)
        return self._of(fit or uploading.at_work(self.unread, second), second)

    def _with(self, amount: Any) -> list[tuple[Upload, list[Line]]]:
        """Return the uploads with lines of this amount, and these lines."""
        fitting = [
            (upload, [line for line in lines if line.row and line.row["TransactionAmount"] == amount])
            for upload, lines in self.sources
        ]
        return [(upload, lines) for upload, lines in fitting if lines]

    def _of(self, sources: list[tuple[Upload, Any]], second: Span | None) -> list[Event]:
        if len(sources) == 1:
            return uploading.arrival(self.evidence, *sources[0], second)
        return uploading.candidates(self.evidence, [upload for upload, _ in sources], second)

    def _unrecorded(self) -> Change:
        """Return what is known of a transaction of which the stream has no record."""
        amount = (self.item or {}).get("TransactionAmount")
        fit = self._with(amount) if self.item else self.sources
        row = Event("Transactions", f"holds {amount}", source="table Transactions")
        if self.item is None:
            what = "not in the table: deleted since, or never written"
            row = Event("Transactions", what, State.NOT_YET, source="table Transactions")
        why = self.evidence.unseen.get("the stream", "it has no record")
        in_stream = Event("stream", f"cannot see: {why}", State.CANNOT_SEE, source="the stream")
        later = Event(NOTIFIER, _LATER, State.WAITS, source="ProcessedRecords")
        return Change(f"holds {amount}", [*self._of(fit, None), row, in_stream, later])


def _written(second: Span, taken_in: Event | None, run: Run | None) -> Span:
    """Return when a row was written: in its second, while TransactionProcessor ran, and before TotalNotifier began."""
    written = second
    if taken_in and taken_in.when:
        written = written.within(Span(taken_in.when.earliest, taken_in.end or second.latest))
    return written.within(Span(0, run.begin)) if run else written


def _total(evidence: Evidence, amount: Decimal, totals: Totals, counted: Event) -> Event:
    """Return the event of the total that a run brought up to date."""
    share = f", {amount:+f} by this record" if amount != totals.added else ""
    when = Span(counted.when.earliest, counted.end or counted.when.latest) if counted.when else None
    if totals.after is None:
        what = f"cannot see: {evidence.unseen['TransactionTotal']}; {totals.added:+f}{share}"
        return Event("TransactionTotal", what, State.CANNOT_SEE, when, "TransactionTotal")
    what = f"{totals.before:f} → {totals.after:f}{share}"
    return Event("TransactionTotal", what, when=when, source="TransactionTotal, ProcessedRecords")


def _title(change: dict[str, Any]) -> str:
    old, new = change["old amount"], change["new amount"]
    if change["kind"] == "INSERT":
        return f"new: {new}"
    return f"deleted: {old}" if change["kind"] == "REMOVE" else f"corrected: {old} → {new}"


def _last(run: Run) -> str:
    """Return the last record that a run of TotalNotifier reports, or ""."""
    records = [str(report["last"]) for report in run.reports if counting.number_of(report.get("last")) is not None]
    return next(iter(records), "")


def _plain(image: Any) -> Any:
    """Return an image of a record as `tables.find_item` returns the item, None without one."""
    return tables.plain({"M": image}) if image else None
