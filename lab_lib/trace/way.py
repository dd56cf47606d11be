"""Read the way of a transaction, link by link, until one is missing: what came, or why it did not come."""

import io
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from lab_lib.aws import buckets, queues, streams, tables
from lab_lib.aws.json_text import amount, count, milliseconds, moment
from lab_lib.aws.log_runs import Run
from lab_lib.aws.topics import ALERT_TOPIC as TOPIC
from lab_lib.checks.causes import by_upload, why_not
from lab_lib.checks.evidence import Evidence
from lab_lib.checks.reading import NOTIFIER, PROCESSOR, Account
from lab_lib.checks.rules import State
from lab_lib.handlers.transaction_processor.transactions_file import Unreadable, read_lines
from lab_lib.lab import Lab
from lab_lib.language import N_, _, ngettext
from lab_lib.pages.wording import how_often
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, messages
from lab_lib.trace.trace import Change, TraceEvent
from lab_lib.transactions import is_there, why_rejected

Item = dict[str, Any]  # of a table
Upload = dict[str, Any]  # as S3 lists it
_MOST = 100  # uploads that are read, the newest
_SLACK = 1_000  # milliseconds by which clocks differ
_KINDS = {"INSERT": N_("new: {new}"), "REMOVE": N_("deleted: {old}"), "MODIFY": N_("corrected: {old} → {new}")}
_LINKS = {  # through which a transaction comes to a box
    PROCESSOR: [ROWS],
    "stream": [CHANGES],
    NOTIFIER: [CHANGES, TOTALS],
    "TransactionTotal": [CHANGES],
    TOPIC: [ALERTS],
    **{queue: [messages(queue)] for queue in queues.ALERT_QUEUES},
}


class FileLine(NamedTuple):
    """A line of an upload: its number, the row it was read as, or why it is rejected, and its text.

    Of a file that is no transactions file there is line 1 alone.
    """

    number: int
    row: Item | None
    fault: Unreadable | None
    text: str


class Way:
    """The ways of the transactions of one account, read once.

    The evidence has the name of the box that it tells of.
    """

    def __init__(self, lab: Lab) -> None:
        self.account = Account(lab)
        self.lab = self.account.lab
        self.evidence = Evidence(self.lab)
        uploads = self.evidence.read("file", buckets.uploads) or []
        self.uploads = uploads[-_MOST:]  # oldest first
        self.lines = cache(self._lines)

    def _lines(self, key: str) -> list[FileLine]:
        """Return the lines of an upload that are not blank."""
        return self.evidence.read(f"object {key}", _read_lines, key) or []

    def changes(self, customer: str, transaction: str) -> list[Change]:
        """Return the changes of a transaction, oldest first; none if nothing tells of it.

        The stream has each. The last one may be a file that has not come so far.
        """
        key = {"CustomerId": customer, "TransactionId": transaction}
        self._own_lines = list[tuple[Upload, FileLine]]()  # the lines about it, oldest first
        for upload in self.uploads:
            for line in self.lines(upload["Key"]):
                if _names(line, key):
                    self._own_lines.append((upload, line))
        self._records = self.evidence.read("stream", streams.records, customer) or []
        self._marks = self._read_marks()
        own_records = [record for record in self._records if streams.change(record)["TransactionId"] == transaction]
        changes = [list(self._recorded(record)) for record in own_records]
        item = self.evidence.read("Transactions", tables.find_item, "Transactions", key)
        if self._own_lines:
            upload, line = self._own_lines[-1]
            row = line.row
            is_in_table = row and is_there(item, row["TransactionAmount"], row["TransactionDate"])
            is_later = not own_records or _written(own_records[-1]) <= _uploaded(upload)
            if is_later and not is_in_table:
                return [*changes, self.taken_in(upload, line)]
        if item and not own_records:
            changes.append(list(self._unrecorded(item)))
        return changes

    def taken_in(self, upload: Upload, line: FileLine, in_table_by: int | None = None) -> Change:
        """Return the way of a line, as far as the run of TransactionProcessor.

        `in_table_by` is the latest time at which its row can have come to the table, None if it has not come so far.
        """
        key = upload["Key"]
        when = _uploaded(upload)
        runs = self.evidence.runs(PROCESSOR)  # also of other uploads under this key, earlier and later ones
        if in_table_by is None:
            runs = [run for run in runs if run.begin >= when - _SLACK]
        else:
            runs = [run for run in runs if run.begin <= in_table_by]
        run = None
        report = Item()  # the last that tells of it
        for some_run in runs:
            for some_report in some_run.reports:
                if some_report.get("key") == key and "skipped" not in some_report:
                    run = some_run
                    report = some_report
        if time := moment(report.get("time")):
            when = milliseconds(time)
        uploaded = TraceEvent("bucket", _("uploaded as {key}", key=key), when=when)
        if line.fault and line.number == 1:  # the whole file is rejected
            what = _("cannot read the file: {why}", why=line.fault)
            hint = by_upload(self.account, N_("Correct the file, and upload it again"))
            return [uploaded, TraceEvent(PROCESSOR, what, State.NOT_YET, hint=hint)]
        in_file = TraceEvent("file", _("line {number}: {text}", number=line.number, text=line.text))
        events = [in_file, uploaded]
        late = _("its log does not tell of the file so far; AWS writes it late")
        if run:
            events.append(_reported(run, report))
        elif in_table_by is None:
            events.append(self._missing(PROCESSOR, late, State.WAITS, runs))
        else:
            events.append(self._unknown(PROCESSOR, late, State.WAITS, runs))
        if fault := line.fault:
            why = why_rejected(fault.code, fault.values, str(fault))
            events.append(TraceEvent("rejected lines", why, State.NOT_YET))
        return events

    def _brought(self, row: Item, in_table_by: int) -> Change:
        """Return the way of the first upload that has this row, which came to the table at that time at the latest."""
        for upload, line in self._own_lines:
            if line.row and row.items() <= line.row.items():  # the line may have an address too
                return self.taken_in(upload, line, in_table_by)
        what = _("no file in the bucket has this row: the file was replaced or deleted, or the row was written by hand")
        return [self._unknown("file", what)]

    def _recorded(self, record: streams.Record) -> Iterator[TraceEvent]:
        """Yield the way of a change that the stream has."""
        change = streams.change(record)
        when = _written(record)
        row = tables.plain({"M": record["dynamodb"].get("NewImage", {})})
        runs = self.evidence.runs(NOTIFIER)
        mark = self._marks.get(record["eventID"])
        run = next((run for run in runs if run.id == mark), None)
        latest = when + 999  # the stream tells only the second
        if run:
            latest = min(latest, run.begin)
        if row:
            for event in self._brought(row, latest):
                when = max(when, event.when or 0)
                yield event
        title = _(_KINDS[change["kind"]], old=change["old amount"], new=change["new amount"])
        yield TraceEvent("Transactions", title, when=when)
        number = record["dynamodb"]["SequenceNumber"].lstrip("0")
        what = _("{kind}, record …{end}", kind=change["kind"], end=number[-6:])
        yield TraceEvent("stream", what, when=when)
        if mark is None:
            later = [run for run in runs if run.begin >= _written(record)]
            yield self._uncounted(record, later)
        else:
            yield self._counted(record, run)
            yield from self._added(record, mark, run)

    def _unrecorded(self, item: Item) -> Iterator[TraceEvent]:
        """Yield the way of a row of which the stream has no record."""
        yield from self._brought(item, sys.maxsize)
        yield TraceEvent("Transactions", _("holds {amount}", amount=item.get("TransactionAmount")))
        yield self._missing("stream", _("it keeps a change for 24 hours, and has none of this transaction"))

    def _counted(self, record: streams.Record, run: Run | None) -> TraceEvent:
        """Return the event of the run that has counted a record. One that failed after adding reports no records."""
        if run is None:
            return self._unknown(NOTIFIER, _("counted; its log does not tell so far: AWS writes it late"), State.WAITS)
        if run.records == 0:
            what = _("counted")
        elif run.records == 1:
            what = _("counted alone")
        else:
            what = ngettext("counted, with {count:,} other", "counted, with {count:,} others", run.records - 1)
        repeats = 0
        for other in self.evidence.runs(NOTIFIER):
            if other.begin > run.begin and _had(other, record):
                repeats += 1
        if repeats:
            what = _("{what}; came again {times}, and added nothing", what=what, times=how_often(repeats))
        return TraceEvent(NOTIFIER, what, when=run.begin)

    def _uncounted(self, record: streams.Record, runs: list[Run]) -> TraceEvent:
        """Return why no marker names a record: a dead letter does, it was not seen, could not come, or comes still."""
        for letter in self.evidence.read(queues.DEAD_LETTERS, queues.messages, queues.DEAD_LETTERS) or []:
            if record["eventID"] in str(letter):
                parked = _("parked: {why}", why=queues.dead_letter(letter)["why"])
                return TraceEvent(NOTIFIER, parked, State.NOT_YET)
        return self._missing(NOTIFIER, _("not counted so far"), State.WAITS, runs)

    def _added(self, record: streams.Record, mark: str, run: Run | None) -> Iterator[TraceEvent]:
        """Yield what a run has made of the total, and the alert that is due then."""
        customer = streams.customer(record)
        effect = streams.effect(record)
        totals = self._totals(customer, mark)
        if totals is None:
            yield self._missing("TransactionTotal", _("it has no total of this customer"), State.NOT_YET)
            return
        before, after = totals
        what = f"{before:f} → {after:f}"
        if effect != after - before:
            what = _("{what}, {amount:+f} by this record", what=what, amount=effect)
        yield TraceEvent("TransactionTotal", what, when=run.end if run else None)
        limit = self.lab.threshold
        has_alerted = run is not None and customer in run.alerted
        if after < limit:
            yield TraceEvent(TOPIC, _("none is due: {total:f} is below {threshold:f}", total=after, threshold=limit))
        elif before >= limit and not has_alerted:
            yield TraceEvent(TOPIC, _("none is due: the total had reached {threshold:f} before", threshold=limit))
        else:
            yield from self._alerted(customer, after, run)

    def _totals(self, customer: str, mark: str) -> tuple[Decimal, Decimal] | None:
        """Return a customer's total before and after a run: the present one, without what was counted later.

        The records are counted in the order of the stream. None if there is no such total.
        """
        key = {"CustomerId": customer}
        item = self.evidence.read("TransactionTotal", tables.find_item, "TransactionTotal", key)
        present = (item or {}).get("accountBalance")
        if not isinstance(present, Decimal):
            return None
        added = Decimal(0)  # by this run
        later = Decimal(0)  # by runs after it
        for record in self._records:
            counted_by = self._marks.get(record["eventID"])
            effect = streams.effect(record)
            if counted_by == mark:
                added += effect
                later = Decimal(0)  # so far only earlier runs have added
            elif counted_by is not None:
                later += effect
        after = present - later
        return (after - added).normalize(), after.normalize()

    def _alerted(self, customer: str, total: Decimal, run: Run | None) -> Iterator[TraceEvent]:
        """Yield the alert about a total, which a later run publishes if this one has failed, and its messages."""
        arrivals = {queue: self._arrival(queue, customer, total) for queue in queues.ALERT_QUEUES}
        runs = []
        if run:
            runs = [other for other in self.evidence.runs(NOTIFIER) if other.begin >= run.begin]
        sender = next((other for other in runs if customer in other.alerted), None)
        when = sender.end if sender else None
        known = [arrived for arrived in arrivals.values() if arrived]
        if known:
            when = min(known)
        if not sender and not when:
            yield self._missing(TOPIC, _("no run has reported it so far"), State.WAITS, runs)
            return
        yield TraceEvent(TOPIC, _("published: {customer}", customer=customer), when=when)
        for queue, arrived in arrivals.items():
            if arrived:
                yield TraceEvent(queue, _("a message waits, with the balance {balance:f}", balance=total), when=arrived)
            else:
                yield self._missing(queue, _("no message: taken by a consumer, or never delivered"))

    def _arrival(self, queue: str, customer: str, total: Decimal) -> int | None:
        """Return when the message about a total came to a queue; None without one."""
        for arrived, body in self.evidence.messages(queue):
            alert = queues.alert(body)
            if alert.get("customerID") == customer and amount(alert.get("accountBalance")) == total:
                return arrived
        return None

    def _missing(self, where: str, what: str, state: State = State.COULD_BE, runs: Sequence[Run] = ()) -> TraceEvent:
        """Return why nothing came to this box: a check of its links, an error of these runs, or else `what`."""
        function = PROCESSOR if where == PROCESSOR else NOTIFIER
        errors = [run.error for run in runs if run.error]
        cause, hint = why_not(self.account, function, _LINKS[where], errors)
        if cause:
            return TraceEvent(where, cause, State.NOT_YET, hint=hint)
        return self._unknown(where, what, state, runs)

    def _unknown(self, where: str, what: str, state: State = State.COULD_BE, runs: Sequence[Run] = ()) -> TraceEvent:
        """Return what it means that there is no evidence of a box; if it cannot be read, or not be there, that.

        Somebody else's function reports nothing.
        """
        evidence = NOTIFIER if where == TOPIC else where
        if why := self.evidence.unseen.get(evidence):
            return TraceEvent(where, _("cannot see: {why}", why=why), State.CANNOT_SEE)
        if runs and not any(run.error or run.reports for run in runs):
            return TraceEvent(where, _("it ran after that, and its log does not tell of it"), State.COULD_BE)
        return TraceEvent(where, what, state)

    def _read_marks(self) -> dict[str, str]:
        """Return the run that has counted each record, by its eventID; "" if the marker does not tell."""
        keys = [{"EventId": record["eventID"]} for record in self._records]
        markers = self.evidence.read(NOTIFIER, tables.find_items, "ProcessedRecords", keys) or []
        return {item["EventId"]: item.get("Run", "") for item in markers}


def _read_lines(lab: Lab, key: str) -> list[FileLine]:
    body = lab.client("s3").get_object(Bucket=lab.bucket, Key=key)["Body"]
    try:
        return [FileLine(*line) for line in read_lines(io.BufferedReader(body))]
    except Unreadable as fault:
        return [FileLine(1, None, fault, "")]


def _reported(run: Run, report: Item) -> TraceEvent:
    """Return the run that took in an upload."""
    written = count(report.get("written")) or 0
    rejected = count(report.get("rejected")) or 0
    what = ngettext(
        "{count:,} row written, {rejected:,} rejected",
        "{count:,} rows written, {rejected:,} rejected",
        written,
        rejected=rejected,
    )
    return TraceEvent(PROCESSOR, what, when=run.begin)


def _names(line: FileLine, key: Item) -> bool:
    """Return whether a line is about this transaction, be it rejected or not."""
    if line.row:
        return key.items() <= line.row.items()
    fields = line.text.split("|")
    return all(value in fields for value in key.values())


def _uploaded(upload: Upload) -> int:
    return milliseconds(upload["LastModified"])


def _written(record: streams.Record) -> int:
    """Return the second of a record, in milliseconds since 1970."""
    return int(record["dynamodb"]["ApproximateCreationDateTime"]) * 1000


def _had(run: Run, record: streams.Record) -> bool:
    """Return True if a run that ended well had this record in its batch."""
    number = int(record["dynamodb"]["SequenceNumber"])
    for report in run.reports:
        first = int(report.get("first") or 0)
        last = int(report.get("last") or 0)
        if first <= number <= last:
            return True
    return False
