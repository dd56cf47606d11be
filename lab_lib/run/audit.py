"""Compare a transactions file of any size with the table Transactions, by none of the code of the functions.

The rows of both are kept in a temporary file of SQLite, which sorts them. So memory does not grow with the rows.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from lab_lib import transactions
from lab_lib.checks.expected import ROWS, Fault
from lab_lib.errors import LabError
from lab_lib.language import N_, _
from lab_lib.private_files import open_file
from lab_lib.waiting import Line

_Row = tuple[str, str, str, str]  # customer, transaction, source, amount
_ACCOUNT, _FILE = "account", "file"  # the sources
_MOST_FAULTS = 5  # that are kept: a message names so many
_OFTEN = 20_000  # rows


class Audit:
    """The rows of a file and of an account. Use `opened`."""

    def __init__(self, rows: sqlite3.Connection) -> None:
        self._rows = rows
        self.good = self.rejected = self.wrong = 0  # lines of the file; rows that differ
        rows.execute("PRAGMA journal_mode = OFF")
        rows.execute("CREATE TABLE rows (customer TEXT, id TEXT, source TEXT, amount TEXT)")

    def read_file(self, path: Path) -> None:
        """Keep the rows of a file, and count its lines."""
        with open_file(path, "r", encoding="utf-8", errors="surrogateescape") as stream:
            self._keep(self._good(transactions.read_again(path, (line.removesuffix("\n") for line in stream))))

    def read_items(self, items: Iterable[dict[str, Any]]) -> None:
        """Keep the items of the table Transactions."""
        amounts = (pair for item in items for pair in transactions.read_amounts([item]).items())
        self._keep((*row, _ACCOUNT, str(amount)) for row, amount in amounts)

    def compare(self) -> tuple[dict[str, Decimal], list[Fault]]:
        """Return the total of each customer in the account, and how its rows differ from the file.

        Of two rows of a transaction in the file the last one counts. The account may have rows of other files.
        """
        totals, faults = dict[str, Decimal](), list[Fault]()
        ordered = self._rows.execute("SELECT * FROM rows ORDER BY customer, id, source, rowid")
        for _customer, rows in groupby(ordered, key=itemgetter(0)):
            held = transactions.Amounts()
            for row, versions in groupby(rows, key=itemgetter(0, 1)):
                amounts = {source: Decimal(amount) for *_, source, amount in versions}
                wanted, there = amounts.get(_FILE), amounts.get(_ACCOUNT)
                if there is not None:
                    held[row] = there
                if wanted is not None and there != wanted:
                    self.wrong += 1
                    what = "" if there is None else "TransactionAmount"
                    faults += [Fault(ROWS, " ".join(row), what, there, wanted)] * (self.wrong <= _MOST_FAULTS)
            totals |= transactions.totals(held)
        return totals, faults

    def _good(self, lines: Iterable[transactions.Line]) -> Iterator[_Row]:
        for _number, _fault, row in lines:
            if row:
                self.good += 1
                yield row["customer_id"], row["trn_id"], _FILE, row["trn_amount"]
            else:
                self.rejected += 1

    def _keep(self, rows: Iterable[_Row]) -> None:
        """Keep the rows, and show how many were read."""
        with Line() as line:
            for number, row in enumerate(rows, 1):
                self._rows.execute("INSERT INTO rows VALUES (?, ?, ?, ?)", row)
                if number % _OFTEN == 0:
                    so_far = _("{count:,} rows read", count=number)
                    line.wait(N_("the account to be compared with the file"), "", so_far)


@contextmanager
def opened() -> Iterator[Audit]:
    """Yield an audit. LabError if its temporary file cannot be written."""
    rows = sqlite3.connect("")  # on disk, deleted when it is closed
    try:
        yield Audit(rows)
    except sqlite3.Error as error:
        raise LabError(
            f"Cannot keep the rows in a temporary file: {error}. Free some space, or name another folder in TMPDIR."
        ) from None
    finally:
        rows.close()
