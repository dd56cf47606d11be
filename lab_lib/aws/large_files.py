"""Upload a file in parts, each an object of its own. S3 and Lambda do the rest, as with any upload."""

import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from posixpath import splitext

from lab_lib import transactions
from lab_lib.aws import parts, queues, tables
from lab_lib.aws.parts import Part
from lab_lib.aws.tables import Item
from lab_lib.calls.waiting import counted
from lab_lib.errors import LabError, none_if_absent
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.lab import Lab
from lab_lib.transactions import Row
from lab_lib.workspace.private_files import open_file

# A new table takes 4,000 writes a second. So each of four calls has twice the 500 that it needs to end in time.
MOST_AT_ONCE = 4
_SILENCE = 900  # seconds without a new row: a new trigger takes up to ten minutes, and a failed call is tried again
_LONGEST = 24 * 3600  # seconds
Key = tuple[str, str]  # customer and transaction


def upload(lab: Lab, path: Path, key: str) -> list[Part]:
    """Upload the parts of a file, and wait until the last row of each is written. Return the parts.

    A few parts are under way at a time. A part whose object and rows are there already is not uploaded again. Parts
    that an earlier upload of this key has left are deleted: an event of theirs that comes late finds nothing.

    UsageError, before anything is uploaded, if a customer has too many rows. LabError if a part cannot be written.
    """
    assigned = parts.assign(path, transactions.preview(path).lines)
    try:
        with tempfile.TemporaryDirectory(prefix="lab-parts-") as folder:
            cut = parts.cut(path, key, assigned, Path(folder))
            _delete_others(lab, key, {part.key for part in cut})
            _send(lab, key, cut)
    except OSError as error:
        raise LabError(
            f"The parts of {path.name} cannot be written to {tempfile.gettempdir()}: {error.strerror}. They need "
            f"{path.stat().st_size / 1e6:,.0f} MB. Free some space, or name another folder in TMPDIR."
        ) from None
    return cut


def differing(lab: Lab, rows: Iterable[Row]) -> dict[Key, tuple[Row, Item | None]]:
    """Return the rows that the table Transactions does not hold so, each with what it holds instead.

    Of two rows of a transaction the later one counts. Memory holds only what differs.
    """
    wrong = dict[Key, tuple[Row, Item | None]]()
    left = counted(rows, "the rows to be compared with the table")
    while batch := {_key(row): row for row in islice(left, 100)}:
        keys = [dict(zip(tables.KEYS["Transactions"], key, strict=True)) for key in batch]
        held = {_key(item): item for item in tables.find_items(lab, "Transactions", keys)}
        for key, row in batch.items():
            if transactions.is_there(held.get(key), row["TransactionAmount"], row["TransactionDate"]):
                wrong.pop(key, None)
            else:
                wrong[key] = row, held.get(key)
    return wrong


def _delete_others(lab: Lab, key: str, wanted: set[str]) -> None:
    """Delete the object of this key, and those of its other parts, with what was rejected of them."""
    s3 = lab.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=lab.bucket, Prefix=splitext(key)[0]):
        for found in (item["Key"] for item in page.get("Contents", [])):
            if found == key or (parts.is_part(found, key) and found not in wanted):
                s3.delete_object(Bucket=lab.bucket, Key=found)
                s3.delete_object(Bucket=lab.bucket, Key=rejected_key(found))


def _send(lab: Lab, key: str, cut: list[Part]) -> None:
    """Upload the parts that are not there, a few at a time, and wait until they are written."""
    way = _Way(lab, key, cut)
    left = [part for part in cut if not _was_taken_in(lab, part)]
    while left:
        part = left.pop(0)
        lab.client("s3").delete_object(Bucket=lab.bucket, Key=rejected_key(part.key))  # of an earlier content
        about = {"ContentType": "text/plain; charset=utf-8", "Metadata": {parts.DIGEST: part.digest}}
        lab.client("s3").upload_file(str(part.path), lab.bucket, part.key, ExtraArgs=about)
        way.parts.append(part)
        way.wait(MOST_AT_ONCE - 1 if left else 0)


def _was_taken_in(lab: Lab, part: Part) -> bool:
    """Return True if the part's object is there, and all its rows."""
    where = {"Bucket": lab.bucket, "Key": part.key}
    now = none_if_absent(lambda: lab.client("s3").head_object(**where))
    if now is None or now["Metadata"].get(parts.DIGEST) != part.digest:
        return False
    with open_file(part.path) as stream:
        is_whole = not differing(lab, (row for _, _, row, _ in transactions.read_lines(stream) if row))
    part.written = part.lines if is_whole else 0
    return is_whole


class _Way:
    """The parts that are under way, of all parts of a file."""

    def __init__(self, lab: Lab, key: str, all_parts: list[Part]) -> None:
        self.parts = list[Part]()
        self._lab, self._key, self._all = lab, key, all_parts
        self._rows, self._letters = sum(part.lines for part in all_parts), self._dead_letters()
        self._since = time.monotonic()  # of the last new row

    def wait(self, most: int) -> None:
        """Wait until at most so many parts are under way. LabError if one was given up, or nothing more comes."""
        self._lab.wait_until(
            lambda: self._look() <= most,
            "TransactionProcessor to write the parts",
            timeout=_LONGEST,
            so_far=lambda: f"{self._written:,} of {self._rows:,} rows",
            longest_pause=5,
        )

    @property
    def _written(self) -> int:
        return sum(part.written for part in self._all)

    def _look(self) -> int:
        """Look for the rows of the parts, and return how many parts are still under way."""
        work, before = self._lab.work(), self._written  # asked before the look, so that it sees all there will be
        for part in self.parts:
            part.written = _find_written(self._lab, part)
        self.parts = [part for part in self.parts if part.written < part.lines]
        if not self.parts or self._written > before:
            self._since = time.monotonic()
        else:
            is_silent = time.monotonic() - self._since > _SILENCE if work is None else not work.busy
            self._raise_if_over(is_silent)
        return len(self.parts)

    def _raise_if_over(self, is_silent: bool) -> None:
        """Raise LabError if a part was given up, or nothing more comes."""
        again = "What was written stays. Do this again after the repair: it goes on from there."
        for what, why in self._dead_letters() - self._letters:
            if what in [part.key for part in self.parts]:
                raise LabError(f"TransactionProcessor has failed for good with {what}: {why}. {again}")
        if is_silent:
            raise LabError(
                f"{self._written:,} of {self._rows:,} rows of {self._key} are there, and nothing more comes. "
                f"`lab check` tells which link is broken. {again}"
            )

    def _dead_letters(self) -> Counter[tuple[str, str]]:
        return Counter((letter["what"], letter["why"]) for letter in queues.dead_letters(self._lab))


def _find_written(lab: Lab, part: Part) -> int:
    """Return how many lines of a part are in the table, up to a marked row: they are written in their order."""
    marks = [*part.marks.values()]

    def is_missing(mark: tuple[int, Row]) -> bool:
        customer, transaction = _key(row := mark[1])
        key = {"CustomerId": customer, "TransactionId": transaction}
        item = tables.find_item(lab, "Transactions", key)
        return not transactions.is_there(item, row["TransactionAmount"], row["TransactionDate"])

    if not marks or not is_missing(marks[-1]):
        return part.lines
    first = bisect_left(marks, True, key=is_missing)
    return marks[first - 1][0] if first else 0


def _key(row: Item) -> Key:
    return row["CustomerId"], row["TransactionId"]
