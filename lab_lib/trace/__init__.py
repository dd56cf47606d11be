"""Follow one transaction through the chain, from the learner's upload to what stopped it, or to the last queue.

All is read from what AWS keeps anyhow: the bucket, the functions' logs (14 days here), the stream (24 hours), the
markers (48 hours), the tables and the queues. Why it went no further, the checks say.
"""

import itertools
from contextlib import suppress
from dataclasses import replace

from lab_lib.calls.waiting import LOGS_TAKE
from lab_lib.checks.evidence import at_rest
from lab_lib.checks.rules import State
from lab_lib.errors import LabError, TimedOut, UsageError
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.wording import listing, visible
from lab_lib.trace.trace import Trace
from lab_lib.trace.way import Way


def follow(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return what became of a transaction, change by change.

    LabError if neither a file nor the tables have it.
    """
    return _of_transaction(Way(lab), customer, transaction)


def watch(lab: Lab, customer: str, transaction: str) -> Trace:
    """Return what became of a transaction once all evidence has arrived, on AWS after a few minutes."""

    def settled() -> Trace | None:
        is_at_rest = at_rest(lab)  # asked before the evidence is read
        trace = _of_transaction(Way(lab), customer, transaction)
        events = itertools.chain(*trace.changes)
        is_waiting = any(event.state is State.WAITS for event in events)
        return None if is_waiting and not is_at_rest else trace

    what = _("all that tells of {customer} {transaction}", customer=customer, transaction=transaction)
    pause = 15 if lab.is_real else 0.2  # AWS charges for calls
    with suppress(TimedOut):  # what cannot be told by then is said
        return lab.wait_until(settled, what, timeout=lab.longest(300), on_aws=LOGS_TAKE, longest_pause=pause)
    return _of_transaction(Way(lab), customer, transaction)


def follow_line(lab: Lab, file: str, number: int) -> Trace:
    """Return what became of a line of an upload: of its transaction, or why it was rejected. The header is line 1.

    UsageError if the upload has no such row, LabError if there is no such upload.
    """
    way = Way(lab)
    uploads = {upload["Key"]: upload for upload in way.uploads}
    key = file if file in uploads else file.split("/")[-1]
    if key not in uploads:
        keys = listing(reversed(uploads))
        raise LabError("The bucket has no upload with the key {key}: it has {keys}.", key=file, keys=keys)
    title = _("{key}, line {number}", key=key, number=number)
    lines = {line.number: line for line in way.lines(key)}
    line = lines.get(1) or lines.get(number)  # line 1 is there only if the whole file is rejected
    if line is None:
        raise UsageError(
            "{key} has no row in line {number}. The header is line 1, and a blank line is no row.",
            key=key,
            number=number,
        )
    if line.row is None:
        return Trace(title, [way.taken_in(uploads[key], line)]).mapped(visible)
    trace = _of_transaction(way, line.row["CustomerId"], line.row["TransactionId"])
    return replace(trace, title=_("{line}: {name}", line=title, name=trace.title))


def _of_transaction(way: Way, customer: str, transaction: str) -> Trace:
    changes = way.changes(customer, transaction)
    if changes:
        return Trace(f"{customer} {transaction}", changes).mapped(visible)
    raise LabError(
        "Nothing tells of the transaction {transaction} of {customer}: no file in the bucket has it, nor the table "
        "Transactions, nor its stream.",
        transaction=transaction,
        customer=customer,
    )
