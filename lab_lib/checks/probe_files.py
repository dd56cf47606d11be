"""The two small files of a probe: made-up customers, and what each of them must lead to."""

import json
import secrets
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from lab_lib.aws import buckets, tables
from lab_lib.checks.rules import Account
from lab_lib.checks.step_02 import fitting_key
from lab_lib.handlers.transaction_processor.transactions_file import COLUMNS
from lab_lib.lab import Lab
from lab_lib.transactions import Amounts, totals

DATE = "03/16/2017"


@dataclass(frozen=True)
class ProbeFiles:
    """The customers of one probe, and its files.

    The first file holds what the handout's lab takes in: whole amounts, and a customer who reaches the threshold with
    the second of two. The second file holds what this workbook adds: cents, a correction, and a line to reject.
    """

    keys: tuple[str, str]
    low: str
    high: str
    cents: str
    deleted: str  # appears in a deletion only
    threshold: Decimal

    @property
    def customers(self) -> tuple[str, ...]:
        return self.low, self.high, self.cents, self.deleted

    def are_in(self, message: dict[str, Any]) -> bool:
        """Return True if a message names a customer or a file of this probe."""
        text = json.dumps(message)
        return any(name in text for name in (*self.customers, *self.keys))

    @property
    def first(self) -> Amounts:
        """Return the amounts of the first file."""
        limit = max(int(self.threshold.to_integral_value(ROUND_CEILING)), 2)
        half = limit // 2
        return {
            (self.low, "P1"): Decimal(7),
            (self.high, "P1"): Decimal(half),
            (self.high, "P2"): Decimal(limit - half + 1),
        }

    @property
    def second(self) -> Amounts:
        """Return the good amounts of the second file; the one of `low` is a correction."""
        return {(self.cents, "P1"): Decimal("100.10"), (self.low, "P1"): Decimal(8)}

    @property
    def alerted(self) -> dict[str, Decimal]:
        """Return the totals of the customers whose first file reaches the threshold."""
        return {customer: total for customer, total in totals(self.first).items() if total >= self.threshold}

    @property
    def texts(self) -> tuple[bytes, bytes]:
        """Return the contents of the files. The last line of the second one has an amount that is no number."""
        bad = [f"{self.cents}|{address(self.cents)}|P2|{DATE}|12,50"]
        return _text(_lines(self.first)), _text([*_lines(self.second), *bad])


def new_files(lab: Lab) -> ProbeFiles:
    """Return files whose customers and keys no other probe has. The keys fit the filter of the bucket's trigger."""
    nonce, account = secrets.token_hex(4), Account(lab)
    first, second = (fitting_key(account, f"{buckets.PROBE}-{nonce}-{number}") for number in (1, 2))
    low, high, cents, deleted = (f"{tables.PROBE}{nonce}-{letter}" for letter in "abcd")
    return ProbeFiles((first, second), low, high, cents, deleted, lab.threshold)


def address(customer: str) -> str:
    return f"1 {customer} Street"


def _lines(amounts: Amounts) -> list[str]:
    return [
        f"{customer}|{address(customer)}|{transaction}|{DATE}|{amount}"
        for (customer, transaction), amount in amounts.items()
    ]


def _text(lines: list[str]) -> bytes:
    return "\n".join(["|".join(COLUMNS), *lines, ""]).encode()
