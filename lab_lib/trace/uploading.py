"""Follow the first part of the way: the line of a file, its object, and the run of TransactionProcessor for it."""

from typing import Any

from lab_lib.aws import buckets
from lab_lib.checks.evidence import PROCESSOR_LOG, Evidence, Line, Upload
from lab_lib.checks.reading import PROCESSOR
from lab_lib.checks.rules import State
from lab_lib.errors import LabError, UsageError
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.language import _, ngettext
from lab_lib.pages.wording import cut, how_often, listing
from lab_lib.trace import times
from lab_lib.trace.events import Change, Event, cannot_see, of_run, tried
from lab_lib.trace.times import Span

Source = tuple[Upload, Any]  # an upload, and its lines of a transaction, or why they cannot be read
_UNREADABLE = "Unreadable: "  # the error of a file of which no row is written
_LONGEST = 90  # characters of a line that are shown
_SLACK = 1_000  # milliseconds by which the clocks of Lambda and DynamoDB may differ


def arrival(evidence: Evidence, upload: Upload, lines: list[Line] | str) -> list[Event]:
    """Return the events of one upload that is known: its lines, or why they cannot be read; the object; the run."""
    source = _("object {key}", key=upload.key)
    if isinstance(lines, str):
        what = _("cannot see {key}: {why}", key=upload.key, why=lines)
        line = Event("file", what, State.CANNOT_SEE, source=source)
    else:
        shown = [_("line {number}: {text}", number=line.number, text=cut(line.text, _LONGEST)) for line in lines]
        line = Event("file", _("; ").join(shown), source=source)
    when = times.at(upload.when)
    rows = ngettext("{count:,} row", "{count:,} rows", upload.written)
    what = _("{rows} written, {rejected:,} rejected", rows=rows, rejected=upload.rejected)
    same = [other for other in evidence.uploads if other.key == upload.key and other.when == upload.when]
    if again := sum(other.is_again for other in same):
        what = _("{what}; S3's event came again {times}, and changed nothing", what=what, times=how_often(again))
    uploaded = Event("bucket", _("uploaded as {key}", key=upload.key), when=when, source=PROCESSOR_LOG)
    return [line, uploaded, of_run(PROCESSOR, what, PROCESSOR_LOG, upload.run, _("delivery"), when)]


def candidates(evidence: Evidence, sources: list[Source], second: Span | None) -> list[Event]:
    """Return the events of a change that one of these uploads has brought, or of which the log tells nothing."""
    if len(sources) == 1:
        return arrival(evidence, *sources[0])
    if sources:
        told = (_("{key} of {time}", key=upload.key, time=times.clock(upload.when)) for upload, _lines in sources)
        what = _("one of {count:,} uploads: {named}", count=len(sources), named=listing(told))
        return [Event(PROCESSOR, what, State.COULD_BE, source=PROCESSOR_LOG)]
    if why := evidence.unseen.get(PROCESSOR_LOG):
        return [cannot_see(PROCESSOR, why, PROCESSOR_LOG)]
    silent = [run for run in evidence.runs(PROCESSOR) if not run.reports and _UNREADABLE not in run.error]
    if runs := [run for run in silent if second is None or _overlaps(run.begin, run.end, second)]:
        named = ngettext("{count:,} run", "{count:,} runs", len(runs))
        what = _("{runs} at that time, of which the log names no file", runs=named)
        return [Event(PROCESSOR, what, State.COULD_BE, source=PROCESSOR_LOG)]
    if second and evidence.is_fresh(second.latest):
        what = _("the log names no upload that has it so far; AWS may write the log minutes late")
        return [Event(PROCESSOR, what, State.WAITS, source=PROCESSOR_LOG, is_late=True)]
    what = _("in no upload that the log names: written by hand, or by another program")
    return [Event("file", what, source=PROCESSOR_LOG)]


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
    source = _("object {key}", key=place)
    event = cannot_see("rejected lines", _("{key} does not hold it", key=place), source)
    if reason := reasons.get(line.number):
        event = Event("rejected lines", reason, source=source)
    return Change(_("rejected: {reason}", reason=line.reason), [*arrival(evidence, upload, [line]), event])


def unread(evidence: Evidence, key: str, line: int, known: list[str]) -> Change:
    """Return how a file failed that no run took in. LabError or UsageError if there is no such file or line."""
    if failed := [run for run in evidence.runs(PROCESSOR) if run.error and f"{key}: " in run.error]:
        return Change(_("no line"), [tried(PROCESSOR, failed, PROCESSOR_LOG)])
    if key not in known:
        named = evidence.unseen.get(PROCESSOR_LOG) or _("it names {keys}", keys=listing(known))
        raise LabError(
            _(
                "The log of TransactionProcessor names no upload with the key {key}: {named}. AWS writes it late.",
                key=key,
                named=named,
            )
        )
    where = "is the header" if line == 1 else "is blank, or the file has fewer lines"
    raise UsageError(f"{key} has no row in line {line}: the line {where}. The header is line 1.")


def _overlaps(begin: int, end: int | None, second: Span) -> bool:
    return begin <= second.latest and (end is None or end >= second.earliest)
