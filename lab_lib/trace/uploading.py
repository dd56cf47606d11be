"""Follow the first part of the way: the line of a file, its object, and the run of TransactionProcessor for it."""

from typing import Any

from lab_lib.checks.evidence import PROCESSOR_LOG
from lab_lib.checks.reading import PROCESSOR
from lab_lib.checks.rules import State
from lab_lib.errors import LabError, UsageError
from lab_lib.language import _, ngettext
from lab_lib.pages.wording import how_often, listing
from lab_lib.trace import times
from lab_lib.trace.events import Event, cannot_see, of_run, tried
from lab_lib.trace.evidence import Evidence, Line, Upload
from lab_lib.trace.times import Span


def arrival(evidence: Evidence, upload: Upload, line: Line | str) -> list[Event]:
    """Return the events of one upload: its line, or why it cannot be read; the object; the run."""
    if isinstance(line, str):
        what, state = _("cannot see {key}: {why}", key=upload.key, why=line), State.CANNOT_SEE
    else:
        what, state = _("line {number}: {text}", number=line.number, text=line.text), State.OK
    in_file = Event("file", what, state, source=_("object {key}", key=upload.key))
    uploaded = Event("bucket", _("uploaded as {key}", key=upload.key), when=times.at(upload.when))
    what = ngettext(
        "{count:,} row written, {rejected:,} rejected",
        "{count:,} rows written, {rejected:,} rejected",
        upload.written,
        rejected=upload.rejected,
    )
    if again := [other for other in evidence.uploads if other.is_again and other[:2] == upload[:2]]:
        what = _("{what}; S3's event came again {times}, and changed nothing", what=what, times=how_often(len(again)))
    return [in_file, uploaded, of_run(PROCESSOR, what, upload.run)]


def brought(evidence: Evidence, row: dict[str, Any], second: Span | None = None) -> list[Event]:
    """Return the events of the upload that brought this row at this second, or at any time; else why none is known.

    It is the first one that has the row, else one that cannot be read. An earlier try, which failed, may have written
    the row: so an upload begins with S3's event.
    """
    events = list[Event]()
    for upload in evidence.uploads:
        if upload.written and _overlaps(upload.when, upload.run.end, second):
            lines = evidence.lines(upload, lambda line: row.items() <= (line.row or {}).items())
            if isinstance(lines, str):
                events = arrival(evidence, upload, lines)
            elif lines:
                return arrival(evidence, upload, lines[0])
    return events or [_unknown(evidence, second)]


def _unknown(evidence: Evidence, second: Span | None) -> Event:
    """Return why no upload is known that brought a row at this second, or at any time."""
    if why := evidence.unseen.get(PROCESSOR_LOG):
        return cannot_see(PROCESSOR, why)
    if any(not run.reports and _overlaps(run.begin, run.end, second) for run in evidence.runs(PROCESSOR)):
        return Event(PROCESSOR, _("it ran at that time, and its log names no file"), State.COULD_BE)
    return Event(
        "file",
        _("in no upload that the log names so far: AWS writes it late, or the row was written by hand"),
        is_late=True,
    )


def unread(evidence: Evidence, key: str, line: int, known: list[str]) -> Event:
    """Return how a file failed that no run took in. LabError or UsageError if there is no such file or line."""
    if failed := [run for run in evidence.runs(PROCESSOR) if f"{key}: " in run.error]:
        return tried(PROCESSOR, failed)
    if key in known:
        raise UsageError(f"{key} has no row in line {line}. The header is line 1, and a blank line is no row.")
    raise LabError(
        _(
            "The log of TransactionProcessor names no upload with the key {key}: {named}. AWS writes it late.",
            key=key,
            named=evidence.unseen.get(PROCESSOR_LOG) or _("it names {keys}", keys=listing(known)),
        )
    )


def _overlaps(begin: int, end: int | None, second: Span | None) -> bool:
    return second is None or (begin <= second.latest and (end or begin) >= second.earliest)
