"""Follow one transaction through the chain, from what the account still has of its way.

The functions write one line a run, and nothing else for this. All is read from what AWS keeps anyhow: the functions'
logs (14 days here), the stream (24 hours), the markers (48 hours), the tables and the queues.
"""

from contextlib import suppress
from pathlib import Path

from lab_lib.checks.lookalikes import visible
from lab_lib.errors import TimedOut
from lab_lib.lab import Lab
from lab_lib.trace.evidence import Evidence
from lab_lib.trace.trace import Trace
from lab_lib.trace.uploading import rejected, unread
from lab_lib.trace.way import Way
from lab_lib.waiting import wait_until

__all__ = ["Trace", "follow", "follow_line", "watch"]


def follow(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return what became of a transaction, change by change. LabError if nothing tells of it."""
    return Way(Evidence(lab), customer, transaction).followed(f"{customer} {transaction}")


def watch(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return the same once all evidence has arrived, on AWS after a few minutes."""
    newest = list[Trace]()

    def is_settled() -> bool:
        newest[:] = [follow(lab, customer, transaction)]
        return newest[0].is_settled

    on_aws = "up to three minutes, for which AWS writes a log late"
    with suppress(TimedOut):  # what cannot be told by then is said
        what, pause = f"all that tells of {customer} {transaction}", 15 if lab.is_real else 0.2  # AWS charges for calls
        wait_until(is_settled, what, timeout=300, on_aws=on_aws, longest_pause=pause)
    return newest[0]


def follow_line(lab: Lab, file: str, number: int) -> Trace:
    """Return what became of a line of an upload: of its transaction, or why it was rejected. The header is line 1.

    UsageError if the upload has no such row, LabError if nothing tells of the upload.
    """
    evidence = Evidence(lab)
    key = file if any(upload.key == file for upload in evidence.uploads) else Path(file).name
    uploads = [upload for upload in evidence.uploads if upload.key == key]
    answers = [(upload, evidence.lines(upload, lambda line: line.number == number)) for upload in uploads]
    read = [(upload, lines[0]) for upload, lines in answers if isinstance(lines, list) and lines]
    title = f"{key}, line {number}"
    if not read:
        hidden = [(upload, why) for upload, why in answers if isinstance(why, str)]
        return Trace(title, [unread(evidence, key, number, hidden)]).mapped(visible)
    upload, line = read[-1]
    if line.row:
        customer, transaction = line.row["CustomerId"], line.row["TransactionId"]
        return Way(evidence, customer, transaction).followed(f"{title}: {customer} {transaction}")
    return Trace(title, [rejected(evidence, upload, line)]).mapped(visible)
