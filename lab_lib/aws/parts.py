"""Cut a file that has more rows than a call of TransactionProcessor writes into parts. Nothing here calls AWS.

All lines of a customer are in one part, in the order of the file. So of two lines of a transaction the later one
counts, whichever part is written first.
"""

import hashlib
import math
import re
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import splitext

from lab_lib import transactions
from lab_lib.calls.waiting import counted
from lab_lib.errors import UsageError
from lab_lib.handlers.transaction_processor import transactions_file
from lab_lib.handlers.transaction_processor.transactions_file import MOST_KEPT
from lab_lib.transactions import Row
from lab_lib.workspace.private_files import open_file

DIGEST = "sha256"
_MARKED = 5_000  # lines of a part, of which one row is remembered


@dataclass
class Part:
    """A part of a file, on its way from a file on disk to the table Transactions."""

    key: str  # of its object
    path: Path
    lines: int = 0  # below the header
    marks: dict[int, tuple[int, Row]] = field(default_factory=dict)  # good rows, the last one too, and their lines
    numbers: dict[int, int] = field(default_factory=dict)  # of lines that are to be rejected: here, and in the file
    written: int = 0  # lines, as far as it was followed

    @property
    def digest(self) -> str:
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, DIGEST).hexdigest()


def is_large(path: Path) -> bool:
    """Return True if the file has more rows than a call writes."""
    try:
        with open_file(path) as stream:
            transactions_file.check_rows(stream)
    except transactions_file.Unreadable:
        return True
    return False


def is_part(key: str, whole: str) -> bool:
    """Return True if this is the key of a part of the file that has the other key."""
    stem, end = map(re.escape, splitext(whole))
    return re.fullmatch(rf"{stem}\.part-\d+-of-\d+{end}", key) is not None


def assign(path: Path, lines: Counter[str]) -> dict[str, int]:
    """Return the part of each customer of a file, from 0; `lines` says how many lines each has.

    No part has more lines than a call writes. Those without a customer are in the first one. UsageError if a customer
    has more.
    """
    most = transactions_file.MOST_ROWS
    assigned, loads = {"": 0}, [0] * max(math.ceil(lines.total() / most), 1)
    loads[0] = lines[""]
    for customer, count in lines.most_common():
        if count > most:
            whose = f"of the customer {customer}" if customer else "without a customer"
            raise UsageError(
                f"{path} has {count:,} rows {whose}, and a call of TransactionProcessor writes {most:,}. They must "
                "stay together, since of two rows of a transaction the later one counts. Split the file."
            )
        if customer in assigned:
            continue
        load = min(loads)
        part = loads.index(load)
        if load + count > most:  # it is the part with most room
            part = len(loads)
            loads.append(0)
        loads[part] += count
        assigned[customer] = part
    return assigned


def cut(path: Path, key: str, assigned: dict[str, int], folder: Path) -> list[Part]:
    """Write the parts of a file into the folder, in one pass."""
    (stem, end), count = splitext(key), max(assigned.values()) + 1
    parts = [Part(f"{stem}.part-{number}-of-{count}{end}", folder / str(number)) for number in range(1, count + 1)]
    with open_file(path) as stream:
        header = next(transactions_file.text_lines(stream))
    with ExitStack() as files, open_file(path) as stream:
        streams = [files.enter_context(part.path.open("xb")) for part in parts]
        for each in streams:
            each.write(f"{header}\n".encode())
        for number, customer, row, text in counted(transactions.read_lines(stream), "the parts to be written"):
            part = parts[assigned[customer]]
            streams[assigned[customer]].write(f"{text}\n".encode(errors="surrogateescape"))
            part.lines += 1
            if row:
                part.marks[part.lines // _MARKED] = part.lines, row
            elif len(part.numbers) < MOST_KEPT:
                part.numbers[part.lines + 1] = number
    return parts
