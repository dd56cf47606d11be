"""Read, total, write and generate transactions files.

Reading follows the rules of TransactionProcessor, so that the lab knows beforehand what the function will do.
"""

import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Context, Decimal, Inexact
from pathlib import Path
from typing import Any

from lab_lib.errors import NotATransactionsFile, UsageError
from lab_lib.handlers import transaction_processor as processor

Amounts = dict[tuple[str, str], Decimal]  # by customer and transaction
Row = dict[str, Any]  # CustomerId, Address, TransactionId, TransactionDate: str; TransactionAmount: Decimal


@dataclass(frozen=True)
class TransactionsFile:
    """A file as TransactionProcessor reads it."""

    key: str  # the key of the S3 object that an upload creates
    rows: list[Row]
    rejected: list[dict[str, Any]]  # line (the header is line 1) and reason

    def amounts(self) -> Amounts:
        """Return the amount of each (customer, transaction)."""
        return {(row["CustomerId"], row["TransactionId"]): row["TransactionAmount"] for row in self.rows}


def read(path: str | Path) -> TransactionsFile:
    """Read a file. UsageError if it is missing, NotATransactionsFile if it is not a transactions file."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Name a transactions file.") from None
    return replace(parse(str(path), content), key=Path(path).name)


def parse(key: str, content: bytes) -> TransactionsFile:
    """Return the file in an object's content. NotATransactionsFile if it is not one."""
    rows, rejected = [], []
    try:
        last = processor.last_lines(processor.decoded(io.BytesIO(content)))
        for line, row, reason, _ in processor.current_rows(processor.decoded(io.BytesIO(content)), last):
            if reason:
                rejected.append({"line": line, "reason": reason})
            else:
                rows.append(row)
    except processor.UnreadableFile as error:
        raise NotATransactionsFile(f"{key} is no transactions file: {error}.") from None
    return TransactionsFile(key, rows, rejected)


def read_amounts(items: list[dict[str, Any]]) -> Amounts:
    """Return the amounts in items of the table Transactions. Items without a numeric amount are left out."""
    numbers = [row for row in items if isinstance(row.get("TransactionAmount"), Decimal)]
    return {(row["CustomerId"], row["TransactionId"]): row["TransactionAmount"] for row in numbers}


def totals(amounts: Amounts) -> dict[str, Decimal]:
    """Return each customer's exact total, also where it has more digits than DynamoDB keeps."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for (customer, _), amount in amounts.items():
        sums[customer] = _EXACT.add(sums[customer], amount)
    return dict(sums)


def write(path: str | Path, rows: Iterable[Row]) -> None:
    """Write a transactions file."""
    with Path(path).open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, delimiter="|", lineterminator="\n")
        lines.writerow(processor.COLUMNS)
        for row in rows:
            texts = [row[name] for name in ("CustomerId", "Address", "TransactionId", "TransactionDate")]
            lines.writerow([*texts, f"{row['TransactionAmount']:f}"])


def make_up(rows: int, customers: int, seed: int = 0) -> Iterator[Row]:
    """Generate transactions of 1.00 to 40.00. The same seed gives the same transactions."""
    chance = random.Random(seed)  # noqa: S311, no secret is generated
    for number in range(1, rows + 1):
        customer = chance.randint(1, customers)
        yield {
            "CustomerId": f"C{customer}",
            "Address": f"{customer} Smith Street, London",
            "TransactionId": f"T{number:06}",
            "TransactionDate": f"{chance.randint(1, 12):02}/{chance.randint(1, 28):02}/2017",
            "TransactionAmount": Decimal(chance.randint(100, 4000)) / 100,
        }


_EXACT = Context(prec=300, traps=[Inexact])  # DynamoDB's numbers reach from 1E-130 to 1E+126
