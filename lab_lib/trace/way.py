"""Read the way of a transaction, link by link, until one is missing: what came, or why it did not come."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, NamedTuple

from lab_lib.aws import buckets, functions, queues, streams, tables
from lab_lib.aws.json_text import amount, count, milliseconds, moment
from lab_lib.aws.log_runs import Run
from lab_lib.aws.topics import ALERT_TOPIC as TOPIC
from lab_lib.checks.causes import by_upload, why_not
from lab_lib.checks.evidence import Evidence
from lab_lib.checks.reading import NOTIFIER, PROCESSOR
from lab_lib.checks.rules import Account, State
from lab_lib.handlers.transaction_processor.transactions_file import Unreadable, read_lines
from lab_lib.lab import Lab
from lab_lib.language import N_, _, ngettext
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, messages
from lab_lib.trace.trace import STOPPED, Change, Trace, TraceEvent
from lab_lib.transactions import is_there, why_rejected

Item = dict[str, Any]  # of a table
Upload = dict[str, Any]  # as S3 lists it
_MOST, _SLACK = 100, 1_000  # uploads that are read, the newest; milliseconds by which clocks differ
_KINDS = {"INSERT": N_("new: {new}"), "REMOVE": N_("deleted: {old}"), "MODIFY": N_("corrected: {old} → {new}")}


class Arrival(NamedTuple):
    """How a transaction comes to a box: the function that brings it, through which links, and the evidence of that."""

    function: str
    links: list[str]
    evidence: str


_ARRIVALS = {
    "file": Arrival(PROCESSOR, [], "bucket"),
    PROCESSOR: Arrival(PROCESSOR, [ROWS], PROCESSOR),
    "stream": Arrival(NOTIFIER, [CHANGES], "stream"),
    NOTIFIER: Arrival(NOTIFIER, [CHANGES, TOTALS], "ProcessedRecords"),
    "TransactionTotal": Arrival(NOTIFIER, [CHANGES], "TransactionTotal"),
    TOPIC: Arrival(NOTIFIER, [ALERTS], NOTIFIER),
    **{queue: Arrival(NOTIFIER, [messages(queue)], queue) for queue in queues.ALERT_QUEUES},
}


class FileLine(NamedTuple):
    """A line of an upload: its number, the row it was read as, or why it is rejected, and its text."""

    number: int
    row: dict[str, Any] | None
    reason: Unreadable | None
    text: str


class Way:
    """The ways of the transactions of one account, read once."""

    def __init__(self, lab: Lab) -> None:
        self.account = Account(lab)
        self.lab = self.account.lab
        self.evidence = Evidence(self.lab)
        self.lines = cache(self._lines)

    @cached_property
    def uploads(self) -> list[Upload]:
        """Return the newest uploads that the bucket has, oldest first."""
        return (self.evidence.read("bucket", buckets.uploads) or [])[-_MOST:]

    def _lines(self, key: str) -> list[FileLine] | str:
        """Return the lines of an upload, or why it is no transactions file."""
        return self.evidence.read(f"object {key}", _read_lines, key) or []

    def changes(self, customer: str, transaction: str) -> list[Change]:
        """Return the changes of a transaction, oldest first; none if nothing tells of it.

        The stream has each. The last one may be a file that has not come so far.
        """
        key = {"CustomerId": customer, "TransactionId": transaction}
        self._records = self.evidence.read("stream", streams.records, customer) or []
        self._marks = self._read_marks()
        own = [record for record in self._records if streams.change(record)["TransactionId"] == transaction]
        changes = [[*self._recorded(record)] for record in own]
        item = self.evidence.read("Transactions", tables.find_item, "Transactions", key)
        found = self._find(lambda line: _names(line, key), reversed(self.uploads))
        if found and not _is_in(found[1], item) and not (own and _written(own[-1]) > _uploaded(found[0])):
            changes.append(self.taken_in(*found))
        elif item and not own:
            changes.append([*self._unrecorded(item)])
        return changes

    def and_since(self, trace: Trace) -> Trace:
        """Return a trace with what has broken the way of its last change since then, if that came all the way."""
        last = trace.changes[-1]
        if any(event.state in STOPPED for event in last):
            return trace
        came = [_ARRIVALS[event.where] for event in last if event.when and event.where in _ARRIVALS]
        broken, hint = why_not(self.account, NOTIFIER, [link for arrival in came for link in arrival.links], [])
        for name in functions.SOURCES:
            if not broken:
                last_runs = self.evidence.runs(name)[-1:]
                broken, hint = why_not(self.account, name, [], [run.error for run in last_runs if run.error])
        return replace(trace, broken=broken, hint=hint)

    def taken_in(self, upload: Upload, line: FileLine | None = None, come: int | None = None) -> Change:
        """Return the way of a line, or of a file that cannot be read, as far as the run of TransactionProcessor.

        `come` is the latest time at which its row can have come to the table, None if it has not come so far.
        """
        since = _uploaded(upload) - _SLACK
        runs = self.evidence.runs(PROCESSOR)  # also of other uploads under this key, earlier and later ones
        runs = [run for run in runs if (run.begin >= since if come is None else run.begin <= come)]
        taken, report = None, Item()  # by the last run that tells of it
        for run in runs:
            for told in run.reports:
                if told.get("key") == upload["Key"] and "skipped" not in told:
                    taken, report = run, told
        time = moment(report.get("time"))
        when = milliseconds(time) if time else _uploaded(upload)
        uploaded = TraceEvent("bucket", _("uploaded as {key}", key=upload["Key"]), when=when)
        if line is None:
            what = _("cannot read the file: {why}", why=self.lines(upload["Key"]))
            hint = by_upload(self.account, N_("Correct the file, and upload it again"))
            return [uploaded, TraceEvent(PROCESSOR, what, State.NOT_YET, hint=hint)]
        in_file = TraceEvent("file", _("line {number}: {text}", number=line.number, text=line.text))
        events = [in_file, uploaded, _reported(taken, report) if taken else self._unreported(runs, come is not None)]
        if fault := line.reason:
            why = why_rejected(fault.code, fault.values, str(fault))
            events.append(TraceEvent("rejected lines", why, State.NOT_YET))
        return events

    def _unreported(self, runs: list[Run], has_come: bool) -> TraceEvent:
        """Return why no run tells of an upload; of one that `has_come` it is only not known."""
        if runs and (has_come or _are_silent(runs)):
            what = _("it ran after that, and its log names no file")
            return TraceEvent(PROCESSOR, what, State.COULD_BE, runs[0].begin, runs[0].end)
        late = _("its log does not tell of the file so far; AWS writes it late")
        if has_come:
            return self._unknown(PROCESSOR, late, State.WAITS)
        return self._missing(PROCESSOR, late, State.WAITS, runs)

    def _brought(self, row: Item, come: int) -> Change:
        """Return the way of the first upload that has this row, which came to the table at that time at the latest."""
        if found := self._find(lambda line: row.items() <= (line.row or {}).items(), self.uploads):
            return self.taken_in(*found, come=come)
        what = _("no file in the bucket has this row: the file was replaced or deleted, or the row was written by hand")
        return [self._unknown("file", what)]

    def _recorded(self, record: streams.Record) -> Iterator[TraceEvent]:
        """Yield the way of a change that the stream has."""
        change, when = streams.change(record), _written(record)
        row = tables.plain({"M": record["dynamodb"].get("NewImage", {})})
        runs, mark = self.evidence.runs(NOTIFIER), self._marks.get(record["eventID"])
        run = next((run for run in runs if run.id == mark), None)
        latest = min(when + 999, run.begin) if run else when + 999  # the stream tells the second
        for event in self._brought(row, latest) if row else []:
            when = max(when, min(event.when or 0, latest))
            yield event
        title = _(_KINDS[change["kind"]], old=change["old amount"], new=change["new amount"])
        yield TraceEvent("Transactions", title, when=when, to_the_second=True)
        number = record["dynamodb"]["SequenceNumber"].lstrip("0")
        what = _("{kind}, record …{end}", kind=change["kind"], end=number[-6:])
        yield TraceEvent("stream", what, when=when, to_the_second=True)
        if mark is None:
            yield self._uncounted(record, [run for run in runs if run.begin >= _written(record)])
        else:
            yield self._counted(run)
            yield from self._added(record, mark, run, when)

    def _unrecorded(self, item: Item) -> Iterator[TraceEvent]:
        """Yield the way of a row of which the stream has no record."""
        yield from self._brought(item, sys.maxsize)
        yield TraceEvent("Transactions", _("holds {amount}", amount=item.get("TransactionAmount")))
        yield self._missing("stream", _("it keeps a change for 24 hours, and has none of this transaction"))

    def _counted(self, run: Run | None) -> TraceEvent:
        """Return the event of the run that has counted a record. One that failed after adding reports no records."""
        if run is None:
            late = _("counted; its log does not tell so far: AWS writes it late")
            return self._unknown(NOTIFIER, late, State.WAITS, NOTIFIER)
        what = ngettext("counted, with {count:,} other", "counted, with {count:,} others", run.records - 1)
        if run.records < 2:
            what = _("counted alone") if run.records else _("counted")
        return TraceEvent(NOTIFIER, what, State.OK, run.begin, run.end)

    def _uncounted(self, record: streams.Record, runs: list[Run]) -> TraceEvent:
        """Return why no marker names a record: it is parked, not seen, could not come, or comes still."""
        if parked := self._parked(record):
            return TraceEvent(NOTIFIER, parked, State.NOT_YET)
        if runs and _are_silent(runs):
            what = _("it ran after that, and its log names no records")
            return TraceEvent(NOTIFIER, what, State.COULD_BE, runs[0].begin, runs[0].end)
        return self._missing(NOTIFIER, _("not counted so far"), State.WAITS, runs)

    def _parked(self, record: streams.Record) -> str:
        """Return what a dead letter tells of a record, "" without one."""
        number = _padded(record["dynamodb"]["SequenceNumber"])
        for letter in self.evidence.read(queues.DEAD_LETTERS, queues.messages, queues.DEAD_LETTERS) or []:
            batch, why = letter.get("DDBStreamBatchInfo", {}), queues.dead_letter(letter)["why"]
            if record["eventID"] in str(letter):
                return _("parked: {why}", why=why)
            if _padded(batch.get("startSequenceNumber")) <= number <= _padded(batch.get("endSequenceNumber")):
                return _("given up with its batch: {why}", why=why)
        return ""

    def _added(self, record: streams.Record, mark: str, run: Run | None, since: int) -> Iterator[TraceEvent]:
        """Yield what a run has made of the total, and the alert that is due then."""
        customer, effect = streams.customer(record), streams.effect(record)
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
        if after < limit:
            yield TraceEvent(TOPIC, _("none is due: {total:f} is below {threshold:f}", total=after, threshold=limit))
        elif before >= limit and not (run and customer in run.alerted):
            yield TraceEvent(TOPIC, _("none is due: the total had reached {threshold:f} before", threshold=limit))
        else:
            yield from self._alerted(customer, after, run, since)

    def _totals(self, customer: str, mark: str) -> tuple[Decimal, Decimal] | None:
        """Return a customer's total before and after a run: the present one, without what was counted later.

        The records are counted in the order of the stream. None if there is no such total.
        """
        key = {"CustomerId": customer}
        item = self.evidence.read("TransactionTotal", tables.find_item, "TransactionTotal", key)
        now = (item or {}).get("accountBalance")
        if not isinstance(now, Decimal):
            return None
        after, added = now, Decimal(0)
        for record in self._records:
            counted, effect = self._marks.get(record["eventID"]), streams.effect(record)
            if counted == mark:
                after, added = now, added + effect  # what came before is in it
            elif counted is not None:
                after -= effect
        return (after - added).normalize(), after.normalize()

    def _alerted(self, customer: str, total: Decimal, run: Run | None, since: int) -> Iterator[TraceEvent]:
        """Yield the alert about a total, which a later run publishes if this one has failed, and its messages."""
        found = {queue: self._arrival(queue, customer, total, since) for queue in queues.ALERT_QUEUES}
        runs = [other for other in self.evidence.runs(NOTIFIER) if run and other.begin >= run.begin]
        sender = next((other for other in runs if customer in other.alerted), None)
        when = min((arrived for arrived in found.values() if arrived), default=sender.end if sender else None)
        if not sender and not when:
            yield self._missing(TOPIC, _("no run has reported it so far"), State.WAITS, runs)
            return
        yield TraceEvent(TOPIC, _("published: {customer}", customer=customer), when=when)
        for queue, arrived in found.items():
            if arrived:
                yield TraceEvent(queue, _("a message waits, with the balance {balance:f}", balance=total), when=arrived)
            else:
                yield self._missing(queue, _("no message: taken by a consumer, or never delivered"))

    def _arrival(self, queue: str, customer: str, total: Decimal, since: int) -> int | None:
        """Return when the message about a total came to a queue, with SNS's envelope or without; None without one."""
        for came, body in self.evidence.messages(queue):
            told = queues.alert(body) or queues.as_alert(body)
            is_own = told.get("customerID") == customer and amount(told.get("accountBalance")) == total
            if is_own and came >= since - _SLACK:
                return came
        return None

    def _missing(self, where: str, what: str, state: State = State.COULD_BE, runs: Iterable[Run] = ()) -> TraceEvent:
        """Return why nothing came to this box: a check of its links, an error of these runs, or else `what`."""
        arrival = _ARRIVALS[where]
        cause, hint = why_not(self.account, arrival.function, arrival.links, [run.error for run in runs if run.error])
        return TraceEvent(where, cause, State.NOT_YET, hint=hint) if cause else self._unknown(where, what, state)

    def _unknown(self, where: str, what: str, state: State = State.COULD_BE, evidence: str = "") -> TraceEvent:
        """Return what it means that there is no evidence of a box; if the evidence cannot be read, that."""
        if why := self.evidence.unseen.get(evidence or _ARRIVALS[where].evidence):
            return TraceEvent(where, _("cannot see: {why}", why=why), State.CANNOT_SEE)
        return TraceEvent(where, what, state)

    def _read_marks(self) -> dict[str, str]:
        """Return the run that has counted each record, by its eventID; "" if the marker does not tell."""
        keys = [{"EventId": record["eventID"]} for record in self._records]
        markers = self.evidence.read("ProcessedRecords", tables.find_items, "ProcessedRecords", keys) or []
        return {item["EventId"]: item.get("Run", "") for item in markers}

    def _find(self, is_wanted: Callable[[FileLine], bool], uploads: Iterable[Upload]) -> tuple[Upload, FileLine] | None:
        """Return the first of these uploads that has a line such as that, and the line."""
        for upload in uploads:
            lines = self.lines(upload["Key"])
            if isinstance(lines, list) and (wanted := [*filter(is_wanted, lines)]):
                return upload, wanted[-1]  # the last row of a transaction counts
        return None


def _read_lines(lab: Lab, key: str) -> list[FileLine] | str:
    body = lab.client("s3").get_object(Bucket=lab.bucket, Key=key)["Body"]
    try:
        return [FileLine(*line) for line in read_lines(io.BufferedReader(body))]
    except Unreadable as error:
        return str(error)


def _reported(run: Run, report: Item) -> TraceEvent:
    """Return the run that took in an upload."""
    written, rejected = (count(report.get(name)) or 0 for name in ("written", "rejected"))
    what = ngettext(
        "{count:,} row written, {rejected:,} rejected",
        "{count:,} rows written, {rejected:,} rejected",
        written,
        rejected=rejected,
    )
    return TraceEvent(PROCESSOR, what, State.OK, run.begin, run.end)


def _names(line: FileLine, key: Item) -> bool:
    """Return whether a line is about this transaction, be it rejected or not."""
    return key.items() <= line.row.items() if line.row else {*key.values()} <= {*line.text.split("|")}


def _is_in(line: FileLine, item: Item | None) -> bool:
    """Return whether an item of Transactions is as the line has it."""
    return line.row is not None and is_there(item, line.row["TransactionAmount"], line.row["TransactionDate"])


def _uploaded(upload: Upload) -> int:
    return milliseconds(upload["LastModified"])


def _written(record: streams.Record) -> int:
    """Return the second of a record, in milliseconds since 1970."""
    return int(record["dynamodb"]["ApproximateCreationDateTime"]) * 1000


def _are_silent(runs: list[Run]) -> bool:
    """Return whether the function is somebody else's: its runs neither failed nor reported anything."""
    return not any(run.error or run.reports for run in runs)


def _padded(number: Any) -> str:
    """Return a sequence number of the stream, which has 21 to 40 digits, so that texts compare as numbers."""
    return str(number).zfill(40)
