"""Read, count, write and make up transactions files."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal, Inexact
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab_lib.errors import NotATransactionsFile, UsageError
from lab_lib.handlers.transaction_processor.transactions_file import MOST_ROWS
from lab_lib.language import _
from lab_lib.workspace.private_files import read_file

Amounts = dict[tuple[str, str], Decimal]  # by customer and transaction


@dataclass
class Recount:
    """A file, counted by other code than the function's."""

    key: str  # of the S3 object that an upload creates
    good: int = 0  # lines that TransactionProcessor writes; of two of the same transaction the last one counts
    amounts: Amounts = field(default_factory=dict)  # in the order of the lines that count
    rejected: dict[int, str] = field(default_factory=dict)  # by the number of the line: the code of its first fault
    days: dict[tuple[str, str], str] = field(default_factory=dict)  # by customer and transaction: MM/DD/YYYY
    addresses: dict[str, str] = field(default_factory=dict)  # by customer

    @property
    def bad(self) -> int:
        return len(self.rejected)

    @property
    def rows(self) -> int:
        return self.good + self.bad


def preview(path: str | Path) -> Recount:
    """Count a file's rows.

    UsageError if it cannot be read, or has more rows than one call of TransactionProcessor writes. NotATransactionsFile
    if its header is wrong.
    """
    path = Path(path)
    counted = recount(str(path), read_file(path, bytes, "Name a transactions file."))
    if counted.rows > MOST_ROWS:
        raise UsageError(
            "{path} has {rows:,} rows, and a call of TransactionProcessor writes {most:,} at most. Split the file, "
            "with all rows of a customer in one part.",
            path=path,
            rows=counted.rows,
            most=MOST_ROWS,
        )
    counted.key = path.name
    return counted


def recount(key: str, content: bytes) -> Recount:
    """Count the rows of a file again, with none of the function's code, to judge it.

    A line is a row. A field in quotes ends with its line, and may hold | and "", which stands for one quote.
    NotATransactionsFile if the header is wrong.
    """
    counted = Recount(key)
    header, *lines = re.split("\r\n|\r|\n", content.decode(errors="surrogateescape"))
    columns = _read_columns(key, header)
    for number, text in enumerate(lines, 2):
        if len(text) <= _LONGEST_LINE and _BLANK.fullmatch(text):
            continue
        parts = _FIELD.findall(text)
        fields = dict(zip(columns, map(_unquoted, parts), strict=False))  # another number of them is a fault
        fault = _fault_of_line(text, parts) or _fault_of_fields(fields)
        if fault:
            counted.rejected[number] = fault
            continue
        counted.good += 1
        counted.addresses[fields["customer_id"]] = fields["customer_address"]
        transaction = fields["customer_id"], fields["trn_id"]
        counted.amounts.pop(transaction, None)  # the last line of a transaction counts, and is in its place
        counted.amounts[transaction] = Decimal(fields["trn_amount"])
        counted.days[transaction] = day(fields["trn_date"])
    return counted


@lru_cache(maxsize=10_000)  # a file has few days, and many rows of each
def day(text: str) -> str:
    """Return the day as MM/DD/YYYY, "" if the text is none. Month and day may have one digit."""
    if not re.fullmatch("[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", text):
        return ""
    month, number, year = map(int, text.split("/"))
    try:
        date(year, month, number)
    except ValueError:
        return ""
    return f"{month:02}/{number:02}/{year:04}"


def day_of(item: dict[str, Any]) -> str:
    """Return the day of an item of the table Transactions as MM/DD/YYYY, "" if it has none."""
    return day(str(item.get("TransactionDate")).strip())


def is_there(item: dict[str, Any] | None, amount: Decimal, written: str) -> bool:
    """Return True if this item of Transactions has the amount and the day."""
    return item is not None and item.get("TransactionAmount") == amount and day_of(item) == written


def read_amounts(items: Iterable[dict[str, Any]]) -> Amounts:
    """Return the amounts in items of the table Transactions. Items without a numeric amount are left out."""
    amounts = {}
    for item in items:
        amount = item.get("TransactionAmount")
        if isinstance(amount, Decimal):
            transaction = item.get("CustomerId", ""), item.get("TransactionId", "")
            amounts[transaction] = amount
    return amounts


def why_rejected(code: str, values: dict[str, Any], reason: str) -> str:
    """Return the reason for which TransactionProcessor rejected a line, in the user's language if its code is known."""
    try:
        return _(REASONS[code], **values)
    except LookupError:
        return reason


def totals(amounts: Amounts) -> dict[str, Decimal]:
    """Return each customer's exact total, also where it has more digits than DynamoDB keeps."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for (customer, _transaction), amount in amounts.items():
        sums[customer] = _EXACT.add(sums[customer], amount)
    return dict(sums)


def _read_columns(name: str, header: str) -> list[str]:
    """Return the columns in the order of the file."""
    text = header.removeprefix("\ufeff")
    parts = _FIELD.findall(text)
    columns = [_unquoted(part) for part in parts]
    if _fault_of_line(text, parts) or sorted(columns) != sorted(_HEADER.split("|")):
        raise NotATransactionsFile(
            "{name} is no transactions file: its first line is {beginning}; wanted {header!r}.",
            name=name,
            beginning=repr(header[:80]),
            header=_HEADER,
        )
    return columns


def _unquoted(part: str) -> str:
    if part.startswith('"'):
        part = part[1:-1].replace('""', '"')
    return part.strip()


def _fault_of_line(line: str, parts: list[str]) -> str:
    """Return the code of the first fault of a line, whatever its fields hold, "" if it has none."""
    if len(line) > _LONGEST_LINE:
        return "line-too-long"
    if "\0" in line or line.encode(errors="ignore").decode() != line:
        return "not-utf8"
    if "|".join(parts) != line:  # a quote is not closed, or something stands behind it
        return "quotes"
    return "" if len(parts) == _HEADER.count("|") + 1 else "fields-count"


def _fault_of_fields(fields: dict[str, str]) -> str:
    """Return the code of the first fault of these fields, "" if it has none."""
    for name, longest in (("customer_id", 2048), ("customer_address", 100_000), ("trn_id", 1024)):
        if name != "customer_address" and fields[name] == "":
            return "id-empty"
        if len(fields[name].encode()) > longest:
            return "field-too-long"
    if not day(fields["trn_date"]):
        return "date-not-day"
    amount = re.fullmatch(r"[+-]?([0-9]+)(?:\.([0-9]+))?", fields["trn_amount"])
    if not amount:
        return "amount-not-number"
    digits = "".join(amount.groups(""))  # before the point and behind it
    return "amount-too-long" if len(digits) > 38 else ""


REASONS = {  # by the codes of transactions_file.py
    "header": "line 1 is {found!r}; wanted {wanted!r}",
    "fields-count": "{found} fields; wanted 5",
    "id-empty": "{column} is empty",
    "field-too-long": "{column} is longer than {most} bytes",
    "line-too-long": "it is longer than 130000 characters",
    "not-utf8": "it is not UTF-8 text",
    "quotes": "its quotes are wrong: {error}",
    "date-not-day": "trn_date is {found!r}; wanted a day as MM/DD/YYYY, in the digits 0-9",
    "amount-not-number": "trn_amount is {found!r}; wanted a number such as 99.50, in the digits 0-9",
    "amount-too-long": "trn_amount has more than 38 digits",
}
_HEADER = "customer_id|customer_address|trn_id|trn_date|trn_amount"
_LONGEST_LINE = 130_000  # characters
_FIELD = re.compile(r'(?:^|\|)("(?:[^"]|"")*"|[^"|][^|]*|)')  # a line has a fault if these leave something out
_BLANK = re.compile(r'(\s*|"\s*")(\|(\s*|"\s*"))*')
_EXACT = Context(prec=300, traps=[Inexact])  # DynamoDB's numbers reach from 1E-130 to 1E+126
