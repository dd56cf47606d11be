"""Follow the first part of the way: the line of a file, its object, and the run of TransactionProcessor for it."""

from typing import Any

from lab_lib.aws import buckets
from lab_lib.checks.evidence import PROCESSOR
from lab_lib.checks.rules import State
from lab_lib.errors import LabError, UsageError
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.trace import times
from lab_lib.trace.events import Change, Event, cannot_see, of_run
from lab_lib.trace.evidence import PROCESSOR_LOG, Evidence, Line, Upload
from lab_lib.trace.times import Span
from lab_lib.wording import cut, listing, number

Source = tuple[Upload, Any]  # an upload, and its lines of a transaction, or why they cannot be read
_UNREADABLE = "Unreadable: "  # the error of a file of which no row is written
_LONGEST = 90  # characters of a line that are shown
_SLACK = 1_000  # milliseconds by which the clocks of Lambda and DynamoDB may differ


def arrival(evidence: Evidence, upload: Upload, lines: list[Line] | str) -> list[Event]:
    """Return the events of one upload that is known: its lines, or why they cannot be read; the object; the run."""
    source = f"object {upload.key}"
    if isinstance(lines, str):
        line = Event("file", f"cannot see {upload.key}: {lines}", State.CANNOT_SEE, source=source)
    else:
        shown = [f"line {line.number}: {cut(line.text, _LONGEST)}" for line in lines]
        line = Event("file", "; ".join(shown), source=source)
    when = times.at(upload.when)
    what = f"{number(upload.written, 'row')} written, {upload.rejected:,} rejected"
    same = [other for other in evidence.uploads if other.key == upload.key and other.when == upload.when]
    if again := sum(other.is_again for other in same):
        what += f"; S3's event came again {number(again, 'time')}, and changed nothing"
    run = of_run(PROCESSOR, what, PROCESSOR_LOG, upload.run, "delivery", when)
    return [line, Event("bucket", f"uploaded as {upload.key}", when=when, source=PROCESSOR_LOG), run]


def candidates(evidence: Evidence, sources: list[Source], second: Span | None) -> list[Event]:
    """Return the events of a change that one of these uploads has brought, or of which the log tells nothing."""
    if len(sources) == 1:
        return arrival(evidence, *sources[0])
    if sources:
        named = listing(f"{upload.key} of {times.clock(upload.when)}" for upload, _ in sources)
        return [
            Event(PROCESSOR, f"one of {number(len(sources), 'upload')}: {named}", State.COULD_BE, source=PROCESSOR_LOG)
        ]
    if why := evidence.unseen.get(PROCESSOR_LOG):
        return [cannot_see(PROCESSOR, why, PROCESSOR_LOG)]
    silent = [run for run in evidence.runs(PROCESSOR) if not run.reports and _UNREADABLE not in run.error]
    if runs := [run for run in silent if second is None or _overlaps(run.begin, run.end, second)]:
        what = f"{number(len(runs), 'run')} at that time, of which the log names no file"
        return [Event(PROCESSOR, what, State.COULD_BE, source=PROCESSOR_LOG)]
    if second and evidence.is_fresh(second.latest):
        what = "the log names no upload that has it so far; AWS may write the log minutes late"
        return [Event(PROCESSOR, what, State.WAITS, source=PROCESSOR_LOG, is_late=True)]
    return [
        Event("file", "in no upload that the log names: written by hand, or by another program", source=PROCESSOR_LOG)
    ]


def at_work(sources: list[Source], second: Span) -> list[Source]:
    """Return the uploads that were taken in in this second. That may have been by an earlier try, which failed.

    If there is none, the clocks of Lambda and DynamoDB may differ: then those that were taken in around it.
    """
    for span in (second, Span(second.earliest - _SLACK, second.latest + _SLACK)):
        if fitting := [source for source in sources if _overlaps(source[0].when, source[0].run.end, span)]:
            return fitting
    return []


def rejected(evidence: Evidence, upload: Upload, line: Line) -> Change:
    """Return what became of a line that is rejected."""
    reasons = {row["line"]: row["reason"] for row in buckets.rejected_rows(evidence.lab, upload.key)}
    place = rejected_key(upload.key)
    event = cannot_see("rejected lines", f"{place} does not hold it", f"object {place}")
    if reason := reasons.get(line.number):
        event = Event("rejected lines", reason, source=f"object {place}")
    return Change(f"rejected: {line.reason}", [*arrival(evidence, upload, [line]), event])


def unread(evidence: Evidence, key: str, line: int, known: list[str]) -> Change:
    """Return how a file failed that no run took in. LabError or UsageError if there is no such file or line."""
    failed = [run for run in evidence.runs(PROCESSOR) if run.error and f"{key}: " in run.error]
    if failed:
        what = f"tried {number(len(failed), 'time')}: {failed[-1].error}"
        return Change("no line", [Event(PROCESSOR, what, State.NOT_YET, times.at(failed[0].begin), PROCESSOR_LOG)])
    if key not in known:
        named = evidence.unseen.get(PROCESSOR_LOG) or f"it names {listing(known)}"
        raise LabError(f"The log of {PROCESSOR} names no upload with the key {key}: {named}. AWS writes it late.")
    where = "is the header" if line == 1 else "is blank, or the file has fewer lines"
    raise UsageError(f"{key} has no row in line {line}: the line {where}. The header is line 1.")


def _overlaps(begin: int, end: int | None, second: Span) -> bool:
    return begin <= second.latest and (end is None or end >= second.earliest)
