"""Follow a file that is uploaded in parts. Memory holds a few numbers a customer, and what differs."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from pathlib import Path

from lab_lib import transactions
from lab_lib.aws import functions, large_files, queues, tables
from lab_lib.aws.tables import Item
from lab_lib.calls.waiting import counted
from lab_lib.checks.arrivals import Inbox
from lab_lib.checks.chain import Upload
from lab_lib.checks.upload import Snapshot, compare_row
from lab_lib.lab import Lab
from lab_lib.pages.chain_parts import Link
from lab_lib.transactions import Row
from lab_lib.workspace.private_files import open_file

_MOST = 5  # faults that are told


@contextmanager
def following(lab: Lab, path: str | Path, show: Callable[[list[Link], bool], None]) -> Iterator[None]:
    """Follow the large file that the block uploads, as `chain.following` follows others."""
    functions.require_threshold(lab)
    upload, letters = LargeUpload(lab, Path(path)), Inbox(lab, queues.DEAD_LETTERS)
    yield
    upload.wait(letters, show)


class LargeUpload(Upload):
    """An upload in parts. All of its rows have been sent when somebody looks for the first time."""

    def __init__(self, lab: Lab, path: Path) -> None:
        before = Snapshot.of((), (), tables.items(lab, "TransactionTotal"))
        super().__init__(lab, path.name, transactions.Recount(), before=before)
        self._path, self._customers = path, set[str]()
        self._wrong: dict[large_files.Key, tuple[Row, Item | None]] | None = None

    def wait(self, letters: Inbox, show: Callable[[list[Link], bool], None]) -> None:
        """Wait until all that is due is there, for as long as so many rows may take."""
        self.look()
        show(self.links, False)
        super().wait(letters, show)

    def _written(self) -> int:
        """Compare the rows with the table, by none of the function's code, and later those again that differed."""
        rows = self._rows() if self._wrong is None else iter([row for row, _ in self._wrong.values()])
        self._wrong = large_files.differing(self.lab, rows)
        self.due = self.changes = self.file.good
        self._faults = [
            next(compare_row(key, item, row["TransactionAmount"], row["TransactionDate"]))
            for key, (row, item) in islice(self._wrong.items(), _MOST)
        ]
        if not self._wrong and not self._all_in:
            self._add_up()
        return self.due - len(self._wrong)

    def _rows(self) -> Iterator[Row]:
        with io.TextIOWrapper(open_file(self._path), "utf-8", "surrogateescape") as stream:
            lines = (line.removesuffix("\n") for line in stream)
            for number, _text, row, fault in transactions.read_again(self._path, lines):
                if fault:
                    self.file.rejected[number] = fault
                    continue
                self.file.good += 1
                self._customers.add(row["customer_id"])
                yield {
                    "CustomerId": row["customer_id"],
                    "TransactionId": row["trn_id"],
                    "TransactionDate": transactions.day(row["trn_date"]),
                    "TransactionAmount": Decimal(row["trn_amount"]),
                }

    def _add_up(self) -> None:
        """Work out the totals that the rows in the account lead to, other files' rows too."""
        items = counted(tables.scan(self.lab, "Transactions"), "the totals to be added up")
        pairs = (pair for item in items for pair in transactions.read_amounts([item]).items())
        sums = transactions.add_up(pair for pair in pairs if pair[0][0] in self._customers)
        limit, balances = self.lab.threshold, self.before.balances.items()
        high = {name for name, balance in balances if isinstance(balance, Decimal) and balance >= limit}
        self._totals, self._all_in = sums, True
        self.crossing = {name: total for name, total in sums.items() if total >= limit and name not in high}
