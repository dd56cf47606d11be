"""Follow an upload through the whole chain until it has arrived, and stop early if it never will."""

import re
import time
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from lab_lib import transactions
from lab_lib.aws import buckets, cloudwatch, functions, queues, tables
from lab_lib.aws.json_text import count
from lab_lib.checks.broken import find_broken, raise_if_given_up
from lab_lib.checks.rules import listing, number
from lab_lib.errors import CheckFailed, LabError, TimedOut
from lab_lib.handlers.transaction_processor.transactions_file import MOST_KEPT
from lab_lib.lab import Lab
from lab_lib.resources import ALERTS, CHANGES, REJECTED, ROWS, TOTALS, messages
from lab_lib.waiting import wait_until

_MESSAGES = {messages(name): name for name in queues.ALERT_QUEUES}  # a link, and the queue at its end
_SPARE = 600  # seconds, beside six runs of TransactionProcessor: AWS waits for three minutes between three of them
_STANDSTILL = 5  # seconds, after which the checks say whether a link is broken
_COUNTED_LATE = 90  # seconds; SQS on AWS counts the messages of a queue within a minute
_MOST_READ = 2_000  # totals that are read at each look before all rows are in; messages that are read, not counted


class Link(NamedTuple):
    """A link of the chain, and how much of an upload has come through it."""

    name: str
    have: int
    want: int

    def __str__(self) -> str:
        return f"{self.name}: {self.have:,} of {self.want:,}"


def wait_for_upload(
    lab: Lab, path: str | Path, show: Callable[[list[Link], bool], None] = lambda links, last: None
) -> None:
    """Wait until the rows of a file that was uploaded under its name are in, and totals and alerts agree with them.

    A recount says which rows these are. `show` gets the links whenever one has changed, and True with the last ones.
    LabError as soon as Lambda has given up the file or its changes, or keeps failing; CheckFailed if a check finds a
    broken link, or the function has taken in other rows. TimedOut if nothing else happens.
    """
    upload = Upload(lab, Path(path).name, transactions.recount(str(path), Path(path).read_bytes()))

    def has_arrived() -> bool:
        if upload.look():
            show(upload.links, False)
        return upload.has_arrived() or upload.raise_if_it_never_will()

    try:
        wait_until(
            has_arrived,
            f"{upload.key} to go all the way",
            timeout=_SPARE + 6 * functions.timeout_of(lab, "TransactionProcessor"),
            so_far=lambda: upload.place,
            longest_pause=2 if lab.is_real else 0.5,
        )
    except TimedOut as error:
        raise TimedOut(f"{error} {upload.place}.") from None
    finally:
        show(upload.links, True)


class Upload:
    """An upload on its way through the chain."""

    def __init__(self, lab: Lab, key: str, file: transactions.Recount) -> None:
        self.lab, self.key, self.file = lab, key, file
        self.links: list[Link] = []
        self._since, self._rows = _uploaded(lab, key), list(file.amounts.items())
        self._groups = {name: functions.log_group(lab, name) for name in functions.SOURCES}
        self._sums, self._all_in = transactions.totals(file.amounts), False  # the account's sums, once all rows are in
        self._changed, self._checked = time.monotonic(), False

    @property
    def waiting(self) -> list[Link]:
        """Return the links through which something has still to come."""
        return [link for link in self.links if link.have < link.want]

    @property
    def place(self) -> str:
        """Return the first of these links, as text."""
        return str(next(iter(self.waiting), self.links[0]))

    def has_arrived(self) -> bool:
        return self._all_in and not self.waiting

    def look(self) -> bool:
        """Look at each link once, and return True if one has changed. Raises LabError if Lambda has given up."""
        raise_if_given_up(self.lab, self.key, self._since)
        reports = {name: cloudwatch.reports(self._log(name)) for name in functions.SOURCES}
        taken_in = any(each.get("key") == self.key and "written" in each for each in reports["TransactionProcessor"])
        written, rejected = self._rows_in(taken_in)
        counted = sum(each["records"] for each in reports["TotalNotifier"] if "records" in each)
        links = [Link(ROWS, written, len(self._rows)), *rejected, *self._behind(min(counted, written))]
        changed = links != self.links
        if changed:
            self.links, self._changed, self._checked = links, time.monotonic(), False
        return changed

    def raise_if_it_never_will(self) -> bool:
        """Raise if nothing has changed for a while and the reason is known. Otherwise return False."""
        stood = time.monotonic() - self._changed
        if stood < _STANDSTILL:
            return False
        stops, again = f'The chain stops at "{self.place}".', "run this cell again."
        are_lost = bool(self.waiting) and {link.name for link in self.waiting} <= _MESSAGES.keys()
        if are_lost:
            again = "run functions.alert_again(lab), since SNS keeps no message, and this cell again."
        if not self._checked:
            self._checked, self._all_in = True, False  # somebody else may have changed rows meanwhile: read them again
            if broken := find_broken(self.lab, self.key, [link.name for link in self.waiting]):
                raise CheckFailed(f"{stops} {broken} Then {again}")
        for name in functions.SOURCES:
            errors = cloudwatch.failures(self._log(name))
            texts = [re.sub(r"\d", "", each) for each in errors]  # without the seconds of a timeout
            if errors and texts.count(texts[-1]) > 1:  # a retry had the same end
                raise LabError(f"{stops} {self.lab.name(name)} fails: {errors[-1]}. Mend it, then run this cell again.")
        if are_lost and stood > _COUNTED_LATE * self.lab.is_real:
            raise LabError(f"{stops} The queue gets alerts now, but these were sent before: {again}")
        return False

    def _rows_in(self, taken_in: bool) -> tuple[int, list[Link]]:
        """Return how many rows are there, and the link of the rejected lines, if there are any.

        All rows are read only when the last one is there, or the function has reported: it takes long. CheckFailed if
        it has reported, and other rows are there.
        """
        rejected = min(len(self.file.rejected), MOST_KEPT)
        written, kept = len(self._rows), rejected
        if not self._all_in:
            # The function writes rows in the order of the file, so the last one that is there can be found by halves.
            written, kept = bisect_left(self._rows, True, key=lambda row: not self._is_there(row)), 0
        if not self._all_in and (written == len(self._rows) or taken_in):
            held = transactions.read_amounts(tables.items(self.lab, "Transactions"))
            wrong, kept = self._differences(held), len(buckets.rejected_rows(self.lab, self.key))
            written, found = len(self._rows) - len(wrong), [*wrong]
            if kept != rejected:
                found.append(f"{number(kept, 'line')} kept as rejected, not {rejected}")
            if found and taken_in:
                raise CheckFailed(
                    f"{self.key} was not taken in as it is: {listing(found)}. Look at TransactionProcessor."
                )
            if not found:
                self._sums, self._all_in = transactions.totals(held), True
        return written, [Link(REJECTED, kept, rejected)] if rejected else []

    def _behind(self, counted: int) -> list[Link]:
        """Return the links behind the rows; the queues are read only when the totals agree: it takes long."""
        items = tables.items(self.lab, "TransactionTotal") if self._all_in or len(self._sums) <= _MOST_READ else []
        held = {str(item.get("CustomerId")): item for item in items}
        names = self._sums.keys() | (held.keys() if self._all_in else ())
        agree = sum(held.get(name, {}).get("accountBalance") == self._sums.get(name, 0) for name in names)
        high = {name for name in names if self._sums.get(name, 0) >= self.lab.threshold}
        out = sum(held.get(name, {}).get("alerted") is True for name in high)
        settled = self._all_in and agree == len(names)
        got = {link: self._received(name, high, settled) for link, name in _MESSAGES.items()}
        if settled:  # a function of somebody else may report nothing, and keep no flags
            counted = len(self._rows)
            out = len(high) if min(got.values()) == len(high) else out
        links = [(CHANGES, counted, len(self._rows)), (TOTALS, agree, len(names)), (ALERTS, out, len(high))]
        return [Link(*each) for each in (*links, *((link, have, len(high)) for link, have in got.items()))]

    def _is_there(self, row: tuple[tuple[str, str], Any]) -> bool:
        (customer, transaction), amount = row
        key = {"CustomerId": customer, "TransactionId": transaction}
        found = tables.find_item(self.lab, "Transactions", key) or {}
        return bool(found.get("TransactionAmount") == amount)

    def _differences(self, held: transactions.Amounts) -> list[str]:
        """Return the rows that are missing or have another amount."""
        wrong = [row for row, amount in self._rows if held.get(row) != amount]
        amounts = self.file.amounts
        return [
            f"{' '.join(row)} is {held[row]}, not {amounts[row]}" if row in held else f"{' '.join(row)} is missing"
            for row in wrong
        ]

    def _received(self, queue: str, customers: set[str], settled: bool) -> int:
        """Return how many of the customers' alerts the queue holds, or how many messages, if it is not read."""
        now = queues.attributes(self.lab, queue)
        if len(customers) > _MOST_READ or "RedrivePolicy" in now or not settled:
            return min(count(now.get("ApproximateNumberOfMessages")) or 0, len(customers))
        return len(customers & {str(alert["customerID"]) for alert in queues.alerts(self.lab, queue)})

    def _log(self, name: str) -> list[str]:
        return cloudwatch.log_lines(self.lab, name, self._since, self._groups[name])


def _uploaded(lab: Lab, key: str) -> datetime:
    (found,) = (each["LastModified"] for each in buckets.uploads(lab) if each["Key"] == key)
    uploaded: datetime = found.astimezone(UTC)
    return uploaded
