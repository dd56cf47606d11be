"""Follow one transaction through the chain, from the learner's upload to what stopped it, or to the last queue.

All is read from what AWS keeps anyhow: the bucket, the functions' logs (14 days here), the stream (24 hours), the
markers (48 hours), the tables and the queues. Why it went no further, the checks say.
"""

from contextlib import suppress

from lab_lib.calls.waiting import LOGS_TAKE
from lab_lib.checks.evidence import at_rest
from lab_lib.errors import LabError, TimedOut, UsageError
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.wording import listing
from lab_lib.trace.trace import Trace
from lab_lib.trace.way import Way


def follow(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return what became of a transaction, change by change. LabError if neither a file nor the tables have it."""
    way = Way(lab)
    changes = way.changes(customer, transaction)
    if not changes:
        raise LabError(
            _(
                "Nothing tells of the transaction {transaction} of {customer}: no file in the bucket has it, nor the "
                "table Transactions, nor its stream.",
                transaction=transaction,
                customer=customer,
            )
        )
    return way.traced(f"{customer} {transaction}", changes)


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

    UsageError if the upload has no such row, LabError if there is no such upload.
    """
    way = Way(lab)
    uploads = {upload["Key"]: upload for upload in way.uploads}
    key = next((key for key in (file, file.split("/")[-1]) if key in uploads), "")
    if not key:
        keys = listing(uploads)
        raise LabError(_("The bucket has no upload with the key {key}: it has {keys}.", key=file, keys=keys))
    title, lines = _("{key}, line {number}", key=key, number=number), way.lines(key)
    if isinstance(lines, str):
        return way.traced(title, [way.taken_in(uploads[key])])
    line = next((line for line in lines if line.number == number), None)
    if line is None:
        raise UsageError(f"{key} has no row in line {number}. The header is line 1, and a blank line is no row.")
    if line.row is None:
        return way.traced(title, [way.taken_in(uploads[key], line)])
    name = f"{line.row['CustomerId']} {line.row['TransactionId']}"
    changes = way.changes(line.row["CustomerId"], line.row["TransactionId"])
    return way.traced(_("{line}: {name}", line=title, name=name), changes)
