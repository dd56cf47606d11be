"""Work out the outcome of an upload, and compare the tables with it. Nothing here calls AWS."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.language import N_, _
from lab_lib.transactions import Amounts, Recount, day_of, is_there, read_amounts, totals

Row = tuple[str, str]  # CustomerId, TransactionId
Item = dict[str, Any]  # of a table
Totals = dict[str, Decimal]  # by customer
ROWS, ADDRESSES, TOTALS, ALERTS = N_("rows"), N_("addresses"), N_("totals"), N_("alerts")  # what may differ
_LONGEST = 60  # characters of a text that is shown


@dataclass(frozen=True)
class Snapshot:
    """The items of Transactions, Customer and TransactionTotal at one moment, by their keys."""

    rows: Mapping[Row, Item] = field(default_factory=dict)
    customers: Mapping[str, Item] = field(default_factory=dict)
    totals: Mapping[str, Item] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Item], customers: Iterable[Item], totals: Iterable[Item]) -> "Snapshot":
        """Return the snapshot that has these items, as `tables.items` returns them."""
        by_customer = [{item["CustomerId"]: item for item in items} for items in (customers, totals)]
        return cls({(item["CustomerId"], item["TransactionId"]): item for item in rows}, *by_customer)

    @property
    def balances(self) -> dict[str, Any]:
        """Return the total that each customer has, whatever it is."""
        return {customer: item.get("accountBalance") for customer, item in self.totals.items()}

    def sums(self) -> Totals:
        """Return the totals that the rows lead to: 0 of a customer whose rows were all deleted."""
        return dict.fromkeys(self.totals, Decimal(0)) | totals(read_amounts(self.rows.values()))


class Fault(NamedTuple):
    """A difference between what there must be and what there is. `attribute` is "" if all of it is missing."""

    part: str  # rows, addresses, totals or alerts
    key: str
    attribute: str
    found: Any
    wanted: Any

    def __str__(self) -> str:
        texts = self._asdict() | {"found": _shown(self.found), "wanted": _shown(self.wanted)}
        if self.part == ALERTS:
            return _("no alert for {key}, who has {wanted}", **texts)
        missing, differs = N_("{key} is missing"), N_("{key} has {attribute} {found}, not {wanted}")
        return _(differs if self.attribute else missing, **texts)


@dataclass(frozen=True)
class Expected:
    """The outcome that files must have.

    Rows are in the order of the files; of two rows of one transaction the later one counts.
    """

    amounts: Amounts
    days: dict[Row, str]  # MM/DD/YYYY
    addresses: dict[str, str]  # by customer
    changed: list[Row]  # the rows that are new or different: the stream has a record of each
    totals: Totals  # of every customer: 0 of one whose rows were all deleted
    crossing: Totals  # the totals of those who had not reached the threshold before, and reach it now

    @property
    def own_totals(self) -> Totals:
        """Return the totals of the files' customers."""
        return {customer: self.totals[customer] for customer in self.addresses}


def expect(before: Snapshot, files: Iterable[Recount], threshold: Decimal) -> Expected:
    """Return what the upload of these files, one after the other, must lead to in an account that held `before`."""
    amounts, days, addresses = Amounts(), dict[Row, str](), dict[str, str]()
    for file in files:
        amounts |= file.amounts
        days |= file.days
        addresses |= file.addresses
    earlier = before.sums()
    sums = earlier | totals(read_amounts(before.rows.values()) | amounts)
    crossing = {
        customer: total
        for customer, total in sums.items()
        if total >= threshold and (customer not in earlier or earlier[customer] < threshold)
    }
    changed = [row for row in amounts if not is_there(before.rows.get(row), amounts[row], days[row])]
    return Expected(amounts, days, addresses, changed, sums, crossing)


def row_faults(expected: Expected, rows: Mapping[Row, Item], as_written: bool = False) -> Iterator[Fault]:
    """Yield how items of Transactions differ from the files; `as_written`, a day has its zeros too."""
    for row, amount in expected.amounts.items():
        yield from faults_of_row(row, rows.get(row), amount, expected.days[row], as_written)


def faults_of_row(row: Row, item: Item | None, amount: Decimal, day: str, as_written: bool = False) -> Iterator[Fault]:
    """Yield how the item of a row differs from what the file has."""
    key = " ".join(row)
    if item is None:
        yield Fault(ROWS, key, "", None, amount)
        return
    held, date = item.get("TransactionAmount"), item.get("TransactionDate")
    if not isinstance(held, Decimal) or held != amount:
        yield Fault(ROWS, key, "TransactionAmount", held, amount)
    if (date if as_written else day_of(item)) != day:
        yield Fault(ROWS, key, "TransactionDate", date, day)


def address_faults(expected: Expected, customers: Mapping[str, Item]) -> Iterator[Fault]:
    """Yield how items of Customer differ from the files. Each has the address of the last row about the customer."""
    for customer, address in expected.addresses.items():
        item = customers.get(customer)
        if item is None:
            yield Fault(ADDRESSES, customer, "", None, address)
        elif str(item.get("Address") or "").strip() != address:
            yield Fault(ADDRESSES, customer, "Address", item.get("Address"), address)


def total_faults(wanted: Mapping[str, Decimal], totals: Mapping[str, Item]) -> Iterator[Fault]:
    """Yield how items of TransactionTotal differ from these totals."""
    for customer, total in wanted.items():
        item = totals.get(customer)
        balance = (item or {}).get("accountBalance")
        if item is None:
            yield Fault(TOTALS, customer, "", None, total)
        elif not isinstance(balance, Decimal) or balance != total:
            yield Fault(TOTALS, customer, "accountBalance", balance, total)


def _shown(value: Any) -> str:
    """Return a number as it is, a text in quotes, and of a long one its beginning."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return _("nothing") if value is None else repr(value[:_LONGEST] if isinstance(value, str) else value)
