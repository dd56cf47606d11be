"""Judge an upload: what a history must lead to, and how an account differs from that, link by link.

A history is what an account held, changes made by hand among it, and the files that were uploaded after that, one
replaced by another among them. What is delivered again changes nothing. Nothing here calls AWS; evidence.py reads.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, moment
from lab_lib.language import N_, _
from lab_lib.transactions import Amounts, Recount, day_of, is_there, read_amounts, totals

Row = tuple[str, str]  # CustomerId, TransactionId
Item = dict[str, Any]  # of a table, or a message
Totals = dict[str, Decimal]  # by customer
ROWS, ADDRESSES, REJECTED, TOTALS, ALERTS, OTHERS = "rows", "addresses", "rejected", "totals", "alerts", "others"
SUBJECT = "Warning! Account balance is very high"  # the handout's
_LONGEST = 60  # characters of a text that is shown
_WORDS = {  # of a difference, by its attribute
    "": N_("{key} is missing"),
    "alert": N_("no alert for {key}, who has {wanted}"),
    "alerts": N_("{found} alerts for {key}"),
    "below": N_("an alert for {key}, who is below the threshold"),
    "unknown": N_("a message about {key}, who is in no file"),
    "envelope": N_("a message without the envelope of the topic"),
    "gone": N_("{key} is gone"),
    "new": N_("{key} is in no file"),
    "changed": N_("{key} was changed"),
}


class Words(str):
    """A description of what is wanted, where that is not one value."""


class Difference(NamedTuple):
    """A difference between what there must be and what there is. `attribute` says of what, or is a key of _WORDS."""

    part: str  # ROWS, ADDRESSES, REJECTED, TOTALS, ALERTS or OTHERS
    key: str
    attribute: str = ""
    found: Any = None
    wanted: Any = None

    def __str__(self) -> str:
        of_alert, of_item = (
            N_("an alert for {key} has {attribute} {found}, not {wanted}"),
            N_("{key} has {attribute} {found}, not {wanted}"),
        )
        text = _WORDS.get(self.attribute) or (of_alert if self.part == ALERTS else of_item)
        wanted = self.wanted if isinstance(self.wanted, Words) else _shown(self.wanted)
        return _(text, **self._asdict() | {"found": _shown(self.found), "wanted": wanted})


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

    @property
    def _counted(self) -> list[str]:
        """Return the customers who have a total; somebody may keep other items in the table."""
        return [customer for customer, item in self.totals.items() if "accountBalance" in item]

    def sums(self) -> Totals:
        """Return the totals that the rows lead to: 0 of a customer whose rows were all deleted."""
        return dict.fromkeys(self._counted, Decimal(0)) | totals(read_amounts(self.rows.values()))


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


class Change(NamedTuple):
    """A change of a row, as the stream delivers it: what it adds to a total; None for a change that no total takes."""

    id: str
    customer: str
    effect: Decimal | None


class Tally(NamedTuple):
    """The outcome that delivered changes must have. Who looks after each batch sees the fewest alerts."""

    totals: Totals
    fewest: Counter[str]  # alerts by customer
    most: Counter[str]
    letters: set[str]  # the ids of the changes that become dead letters


def tally(batches: Iterable[Iterable[Change]], threshold: Decimal) -> Tally:
    """Return what these batches must lead to in empty tables. A change that was delivered before counts once."""
    totals, fewest, most = defaultdict[str, Decimal](Decimal), Counter[str](), Counter[str]()
    seen, letters = set[str](), set[str]()
    for batch in batches:
        before = dict(totals)
        for id, customer, effect in batch:
            if id in seen:
                continue
            seen.add(id)
            total = totals[customer]
            totals[customer] += effect or 0
            most[customer] += total < threshold <= totals[customer]
            if effect is None:
                letters.add(id)
        fewest.update(name for name, total in totals.items() if before.get(name, Decimal(0)) < threshold <= total)
    return Tally(dict(totals), fewest, most, letters)


def compare_rows(expected: Expected, held: Mapping[Row, Item], as_written: bool = False) -> Iterator[Difference]:
    """Yield how items of Transactions differ from the files; `as_written`, a day has its zeros too."""
    for row, value in expected.amounts.items():
        yield from compare_row(row, held.get(row), value, expected.days[row], as_written)


def compare_row(
    row: Row, item: Item | None, value: Decimal, day: str, as_written: bool = False
) -> Iterator[Difference]:
    """Yield how the item of a row differs from what the file has."""
    key = " ".join(row)
    if item is None:
        yield Difference(ROWS, key, wanted=value)
        return
    held, date = item.get("TransactionAmount"), item.get("TransactionDate")
    if not isinstance(held, Decimal) or held != value:
        yield Difference(ROWS, key, "TransactionAmount", held, value)
    if (date if as_written else day_of(item)) != day:
        yield Difference(ROWS, key, "TransactionDate", date, day)


def compare_addresses(expected: Expected, customers: Mapping[str, Item]) -> Iterator[Difference]:
    """Yield how items of Customer differ from the files. Each has the address of the last row about the customer."""
    for customer, address in expected.addresses.items():
        item = customers.get(customer)
        if item is None:
            yield Difference(ADDRESSES, customer, wanted=address)
        elif str(item.get("Address") or "").strip() != address:
            yield Difference(ADDRESSES, customer, "Address", item.get("Address"), address)


def compare_totals(wanted: Mapping[str, Decimal], held: Mapping[str, Item]) -> Iterator[Difference]:
    """Yield how items of TransactionTotal differ from these totals."""
    for customer, total in wanted.items():
        item = held.get(customer)
        balance = (item or {}).get("accountBalance")
        if item is None:
            yield Difference(TOTALS, customer, wanted=total)
        elif not isinstance(balance, Decimal) or balance != total:
            yield Difference(TOTALS, customer, "accountBalance", balance, total)


def compare_rejected(due: Mapping[int, str], kept: Iterable[Item]) -> Iterator[Difference]:
    """Yield how the rejected lines that are kept differ from those that must be, by number and the reason's code.

    Only this workbook's function writes codes.
    """
    codes = {row["line"]: row["code"] for row in kept}
    for line, code in due.items():
        if line not in codes:
            yield Difference(REJECTED, _("line {number}", number=line))
        elif codes[line] not in ("", code):
            yield Difference(REJECTED, _("line {number}", number=line), "code", codes[line], code)


def compare_others(before: Snapshot, after: Snapshot, expected: Expected | None = None) -> Iterator[Difference]:
    """Yield what has come, gone or changed in the tables although no file names it."""
    rows, customers = (expected.amounts, expected.addresses) if expected else ((), ())
    yield from _touched(before.rows, after.rows, rows)
    yield from _touched(before.customers, after.customers, customers)
    yield from _touched(before.balances, after.balances, customers)


class Alert(NamedTuple):
    """An alert that a topic has sent: its subject and content, whatever they are, and when SNS sent it."""

    customer: Any
    balance: Any
    subject: Any
    sent: datetime

    def differences(self, threshold: Decimal) -> Iterator[Difference]:
        """Yield what is wrong with it: the Subject, and both values, which are texts."""
        number = amount(self.balance)
        if self.subject != SUBJECT:
            yield Difference(ALERTS, self.key, "Subject", self.subject, SUBJECT)
        if not isinstance(self.customer, str):
            yield Difference(ALERTS, self.key, "customerID", self.customer, Words(_("a text")))
        if number is None or number < threshold:
            wanted = Words(_("a text with a number from {least:f} on", least=threshold))
            yield Difference(ALERTS, self.key, "accountBalance", self.balance, wanted)

    @property
    def key(self) -> str:
        return str(self.customer) if self.customer is not None else _("nobody")


def read_alerts(messages: Iterable[Item], topic: str) -> tuple[list[Alert], int]:
    """Return the alerts in the envelope that SNS puts around what the topic sends, once each, and how many are not."""
    sent = dict[str, Alert]()
    strange = 0
    for message in messages:
        number, time = message.get("MessageId"), moment(message.get("Timestamp"))
        is_sent = (message.get("Type"), message.get("TopicArn")) == ("Notification", topic)
        if is_sent and number and time:
            body = queues.alert(message)
            sent[str(number)] = Alert(body.get("customerID"), body.get("accountBalance"), message.get("Subject"), time)
        else:
            strange += 1
    return [*sent.values()], strange


def missing_alerts(due: Mapping[str, Decimal], alerts: Iterable[Alert]) -> list[Difference]:
    """Return the customers for whom an alert is due and none was sent."""
    alerted = {str(alert.customer) for alert in alerts}
    return [Difference(ALERTS, name, "alert", None, total) for name, total in due.items() if name not in alerted]


def compare_messages(
    expected: Expected, messages: Iterable[Item], topic: str, threshold: Decimal
) -> tuple[list[Difference], list[str]]:
    """Return what is wrong with the messages that an upload has led to, and the customers who got an alert again.

    One alert is due for each customer who crosses the threshold with the last row. For one who was above it before,
    none is, but the handout's code sends one.
    """
    alerts, strange = read_alerts(messages, topic)
    found, alerted, repeated = missing_alerts(expected.crossing, alerts), Counter[str](), set[str]()
    found += [Difference(ALERTS, "", "envelope")] * min(strange, 1)
    for alert in alerts:
        customer = alert.key
        if customer not in expected.addresses:
            found.append(Difference(ALERTS, customer, "unknown"))
        elif customer in expected.crossing:
            alerted[customer] += 1
            total = f"{expected.crossing[customer]:f}"
            wrong = [*alert.differences(threshold)]
            if not wrong and alert.balance != total:
                wrong = [Difference(ALERTS, customer, "accountBalance", alert.balance, total)]
            found += wrong
        elif expected.totals[customer] >= threshold:
            repeated.add(customer)
        else:
            found.append(Difference(ALERTS, customer, "below"))
    found += [Difference(ALERTS, name, "alerts", count) for name, count in alerted.items() if count > 1]
    return found, sorted(repeated)


def _touched(before: Mapping[Any, Any], after: Mapping[Any, Any], named: Collection[Any]) -> Iterator[Difference]:
    for key in {**before, **after}:
        if key not in named and before.get(key) != after.get(key):
            how = "new" if key not in before else "changed" if key in after else "gone"
            yield Difference(OTHERS, key if isinstance(key, str) else " ".join(key), how)


def _shown(value: Any) -> str:
    """Return a number as it is, a text in quotes, and of a long one its beginning."""
    if isinstance(value, Decimal | int):
        return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
    return _("nothing") if value is None else repr(value[:_LONGEST] if isinstance(value, str) else value)
