"""Follow one transaction through the chain, from what the account still has of its way.

The functions write one line a run, and nothing else for this. All is read from what AWS keeps anyhow: the functions'
logs (14 days here), the stream (24 hours), the markers (48 hours), the tables and the queues.
"""

from contextlib import suppress
from pathlib import Path

from lab_lib.calls.waiting import LOGS_TAKE
from lab_lib.checks.evidence import Evidence
from lab_lib.checks.lookalikes import visible
from lab_lib.errors import TimedOut
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.trace.events import Change
from lab_lib.trace.trace import Trace
from lab_lib.trace.uploading import arrival, rejected, unread
from lab_lib.trace.way import Way


def follow(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return what became of a transaction, change by change. LabError if nothing tells of it."""
    return Way(Evidence(lab), customer, transaction).followed(f"{customer} {transaction}")


def watch(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return the same once all evidence has arrived, on AWS after a few minutes."""

    def settled() -> Trace | None:
        trace = follow(lab, customer, transaction)
        return trace if trace.is_settled else None

    what = _("all that tells of {customer} {transaction}", customer=customer, transaction=transaction)
    pause = 15 if lab.is_real else 0.2  # AWS charges for calls
    with suppress(TimedOut):  # what cannot be told by then is said
        return lab.wait_until(settled, what, timeout=lab.longest(300), on_aws=LOGS_TAKE, longest_pause=pause)
    return follow(lab, customer, transaction)


def follow_line(lab: Lab, file: str, number: int) -> Trace:
    """Return what became of a line of an upload: of its transaction, or why it was rejected. The header is line 1.

    UsageError if the upload has no such row, LabError if nothing tells of the upload.
    """
    evidence = Evidence(lab)
    uploads = {upload.key: upload for upload in evidence.uploads if not upload.is_again}  # the newest
    key = file if file in uploads else Path(file).name
    title, upload = _("{key}, line {number}", key=key, number=number), uploads.get(key)
    lines = evidence.lines(upload, lambda line: line.number == number) if upload else []
    if upload is None or not lines:
        change = unread(evidence, key, number, known=[*uploads])
    elif isinstance(lines, str):
        change = Change(_("line {number}", number=number), arrival(evidence, upload, lines))
    elif row := lines[0].row:
        way = Way(evidence, row["CustomerId"], row["TransactionId"])
        name = f"{way.customer} {way.transaction}"
        return way.followed(_("{line}: {name}", line=title, name=name))
    else:
        change = rejected(evidence, upload, lines[0])
    return Trace(title, [change]).mapped(visible)
