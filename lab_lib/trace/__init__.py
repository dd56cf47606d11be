"""Follow one transaction through the chain, from what the account still has of its way.

The functions write one line a run, and nothing else for this. All is read from what AWS keeps anyhow: the functions'
logs (14 days here), the stream (24 hours), the markers (48 hours), the tables and the queues.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lab_lib.calls.waiting import LOGS_TAKE
from lab_lib.checks.evidence import at_rest
from lab_lib.checks.rules import Account
from lab_lib.errors import TimedOut
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.lookalikes import visible
from lab_lib.trace import way
from lab_lib.trace.events import Change, Event
from lab_lib.trace.evidence import Evidence
from lab_lib.trace.trace import Trace
from lab_lib.trace.uploading import arrival, unread


def follow(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return what became of a transaction, change by change. LabError if nothing tells of it."""
    return way.follow(Evidence(Account(lab).lab), customer, transaction).mapped(visible)


def watch(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return the same once all evidence has arrived, on AWS after a few minutes."""

    def settled() -> Trace | None:
        is_over = at_rest(lab)  # asked before the evidence is read
        trace = follow(lab, customer, transaction)
        return trace if is_over or trace.is_settled else None

    what = _("all that tells of {customer} {transaction}", customer=customer, transaction=transaction)
    pause = 15 if lab.is_real else 0.2  # AWS charges for calls
    with suppress(TimedOut):  # what cannot be told by then is said
        return lab.wait_until(settled, what, timeout=lab.longest(300), on_aws=LOGS_TAKE, longest_pause=pause)
    return follow(lab, customer, transaction)


def follow_line(lab: Lab, file: str, number: int) -> Trace:
    """Return what became of a line of an upload: of its transaction, or why it was rejected. The header is line 1.

    UsageError if the upload has no such row, LabError if nothing tells of the upload.
    """
    evidence = Evidence(Account(lab).lab)
    uploads = {upload.key: upload for upload in evidence.uploads if not upload.is_again}  # the newest
    key = file if file in uploads else Path(file).name
    title, upload = _("{key}, line {number}", key=key, number=number), uploads.get(key)
    lines = evidence.lines(upload, lambda line: line.number == number) if upload else []
    if upload is None or not lines:
        change = Change(title, [unread(evidence, key, number, known=[*reversed(uploads)])])
    elif isinstance(lines, str):
        change = Change(_("line {number}", number=number), arrival(evidence, upload, lines))
    elif row := lines[0].row:
        trace = way.follow(evidence, row["CustomerId"], row["TransactionId"])
        return replace(trace, title=_("{line}: {name}", line=title, name=trace.title)).mapped(visible)
    else:
        reason, events = str(lines[0].reason), arrival(evidence, upload, lines[0])
        events.append(Event("rejected lines", reason, source=events[0].source))
        change = Change(_("rejected: {reason}", reason=reason), events)
    return Trace(title, [change]).mapped(visible)
