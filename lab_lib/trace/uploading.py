"""Follow the first part of the way: the line of a file, its object, and the run of TransactionProcessor for it."""

from dataclasses import replace
from typing import Any

from lab_lib.aws import buckets
from lab_lib.aws.json_text import count
from lab_lib.aws.log_runs import Run
from lab_lib.checks.evidence import PROCESSOR
from lab_lib.checks.rules import State
from lab_lib.errors import LabError, UsageError
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.lab import Lab
from lab_lib.trace import times
from lab_lib.trace.events import Change, Event
from lab_lib.trace.evidence import Evidence, Line, Upload, log_of
from lab_lib.trace.times import Span
from lab_lib.wording import listing, number

_UNREADABLE = "Unreadable: "  # the error of a file of which no row is written
_LONGEST = 90  # characters of a line that are shown
_SLACK = 1_000  # milliseconds by which the clocks of Lambda and DynamoDB may differ


def arrival(evidence: Evidence, upload: Upload, lines: list[Line] | str, second: Span | None = None) -> list[Event]:
    """Return the events of one upload that is known: its lines, or why they cannot be read; the object; the run.

    `second` is the one in which a row of it was written.
    """
    if isinstance(lines, str):
        line = Event("file", f"cannot see {upload.key}: {lines}", State.CANNOT_SEE, source=f"object {upload.key}")
    else:
        line = Event("file", "; ".join(map(_words, lines)), source=f"object {upload.key}")
    return [line, _object(evidence.lab, upload), _run(evidence, upload, second)]


def candidates(evidence: Evidence, uploads: list[Upload], second: Span | None) -> list[Event]:
    """Return the events of a change that one of several uploads has brought, or of which the log tells nothing."""
    log = log_of(PROCESSOR)
    if uploads:
        named = listing(f"{upload.key}{_moment(upload)}" for upload in uploads)
        return [Event(PROCESSOR, f"one of {number(len(uploads), 'upload')}: {named}", State.COULD_BE, source=log)]
    if why := evidence.unseen.get(log):
        return [Event(PROCESSOR, f"cannot see: {why}", State.CANNOT_SEE, source=log)]
    silent = [run for run in evidence.runs(PROCESSOR) if not run.reports and _UNREADABLE not in run.error]
    if runs := [run for run in silent if second is None or _overlaps(run.begin, run.end, second)]:
        what = f"{number(len(runs), 'run')} at that time, of which the log names no file"
        what += f": {runs[-1].error}" if runs[-1].error else ""
        return [Event(PROCESSOR, what, State.COULD_BE, source=log)]
    if second and evidence.is_fresh(second.latest):
        what = "the log names no upload that has it so far; AWS writes the log up to three minutes late"
        return [Event(PROCESSOR, what, State.WAITS, source=log, is_late=True)]
    return [Event("file", "in no upload that the log names: written by hand, or by another program", source=log)]


def at_work(uploads: list[tuple[Upload, Any]], second: Span) -> list[tuple[Upload, Any]]:
    """Return the uploads that were taken in in this second, or of which that is unknown.

    That may have been by an earlier try, which failed. If there is none, the clocks of Lambda and DynamoDB may differ:
    then those that were taken in around it.
    """
    for span in (second, Span(second.earliest - _SLACK, second.latest + _SLACK)):
        if fitting := [upload for upload in uploads if _was_taken_in(upload[0], span)]:
            return fitting
    return []


def rejected(evidence: Evidence, upload: Upload, line: Line) -> Change:
    """Return what became of a line that is rejected."""
    kept = {row["line"]: row["reason"] for row in buckets.rejected_rows(evidence.lab, upload.key)}
    place = rejected_key(upload.key)
    event = Event("rejected lines", f"{kept.get(line.number)}", source=f"object {place}")
    if line.number not in kept:
        event = replace(event, what=f"cannot see: {place} does not hold it", state=State.CANNOT_SEE)
    return Change(f"rejected: {line.reason}", [*arrival(evidence, upload, [line]), event])


def unread(evidence: Evidence, key: str, line: int, uploads: list[tuple[Upload, str]]) -> Change:
    """Return what is known of a line that cannot be read. LabError or UsageError if there is no such line."""
    if uploads:
        upload, why = uploads[-1]
        return Change(f"line {line}", arrival(evidence, upload, why))
    failed = [run for run in evidence.runs(PROCESSOR) if run.error and f"{key}: " in run.error]
    if failed:
        what = f"tried {number(len(failed), 'time')}: {failed[-1].error}"
        begun = times.at(failed[0].begin)
        return Change("no line", [Event(PROCESSOR, what, State.NOT_YET, begun, log_of(PROCESSOR), end=failed[-1].end)])
    known = dict.fromkeys(upload.key for upload in evidence.uploads)
    if key not in known:
        named = evidence.unseen.get(log_of(PROCESSOR)) or f"it names {listing(known)}"
        raise LabError(f"The log of {PROCESSOR} names no upload with the key {key}: {named}. AWS writes it late.")
    where = "is the header" if line == 1 else "is blank, or the file has fewer lines"
    raise UsageError(f"{key} has no row in line {line}: the line {where}. The header is line 1.")


def _was_taken_in(upload: Upload, second: Span) -> bool:
    return upload.run is None or _overlaps(upload.when or upload.run.begin, upload.run.end, second)


def _overlaps(begin: int, end: int | None, second: Span) -> bool:
    return begin <= second.latest and (end is None or end >= second.earliest)


def _words(line: Line) -> str:
    text = line.text if len(line.text) <= _LONGEST else f"{line.text[:_LONGEST]}…"
    return f"line {line.number}: {text}"


def _moment(upload: Upload) -> str:
    return f" of {times.clock(upload.when)}" if upload.when else ""


def _object(lab: Lab, upload: Upload) -> Event:
    if upload.when:
        return Event("bucket", f"uploaded as {upload.key}", when=times.at(upload.when), source=log_of(PROCESSOR))
    objects = [item for item in buckets.objects(lab, upload.key) if item["Key"] == upload.key]
    when = times.second(objects[0]["LastModified"].timestamp()) if objects else None
    return Event("bucket", f"uploaded as {upload.key}", when=when, source=f"object {upload.key}")


def _run(evidence: Evidence, upload: Upload, second: Span | None) -> Event:
    """Return the event of the run that wrote a row in this second: it may have failed after that, and come again."""
    log = log_of(PROCESSOR)
    if upload.run is None:
        why = evidence.unseen.get(log, "it tells of no run")
        return Event(PROCESSOR, f"cannot see: {why}", State.CANNOT_SEE, source=log)
    written, bad = (count(upload.report.get(name)) or 0 for name in ("written", "rejected"))
    same = [other for other in evidence.uploads if other.key == upload.key and other.when == upload.when]
    again = sum("skipped" in other.report for other in same)
    what = f"{number(written, 'row')} written, {bad:,} rejected"
    what += f"; S3's event came again {number(again, 'time')}, and changed nothing" * bool(again)
    run = _failed_before(evidence, upload.run, second) or upload.run
    what = what if run is upload.run else f"it failed, and a later run took in the file: {what}; {run.error}"
    starting = run.begin if run.started is None else run.started
    gaps = [times.gap("delivery", times.at(upload.when), times.at(starting))] if upload.when else []
    gaps += [times.gap("start of the function", times.at(starting), times.at(run.begin))] if run.started else []
    when = times.at(run.begin)
    return Event(PROCESSOR, what, when=when, source=log, gaps=tuple(gaps), started=run.started, end=run.end)


def _failed_before(evidence: Evidence, run: Run, second: Span | None) -> Run | None:
    """Return the failed run in this second, if the run that took in the file began after it."""
    if second is None or run.begin <= second.latest:
        return None
    failed = [run for run in evidence.runs(PROCESSOR) if run.error and _overlaps(run.begin, run.end, second)]
    return failed[-1] if failed else None
