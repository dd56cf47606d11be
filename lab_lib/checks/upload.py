"""Judge an upload: what a history must lead to, and how an account differs from that, link by link.

A history is what an account held, changes made by hand among it, and the files that were uploaded after that, one
replaced by another among them. What is delivered again changes nothing. Nothing here calls AWS; evidence.py reads.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
SUBJECT = "Warning! Account balance is very high"  # the handout's
_LONGEST = 60  # characters of a text that is shown
# The words of differences, with the fields of Difference in braces.
_MISSING = N_("{key} is missing")
_DIFFERS = N_("{key} has {attribute} {found}, not {wanted}")
_ALERT_DIFFERS = N_("an alert for {key} has {attribute} {found}, not {wanted}")


class Difference(NamedTuple):
    """A difference between what there must be and what there is; without an `attribute`, the whole is missing.

    `words` is a marked text, where it is told otherwise.
    """

    key: Row | str
    attribute: str = ""
    found: Any = None
    wanted: Any = None
    words: str = ""

    def __str__(self) -> str:
        words = self.words or (_DIFFERS if self.attribute else _MISSING)
        parts = [self.key] if isinstance(self.key, str) else self.key
        key = " ".join(part[:_LONGEST] for part in parts)
        fields = self._asdict() | {"key": key, "found": _shown(self.found), "wanted": _shown(self.wanted)}
        return _(words, **fields)


class Snapshot(NamedTuple):
    """The items of Transactions, Customer and TransactionTotal at one moment, by their keys."""

    rows: Mapping[Row, Item] = {}
    customers: Mapping[str, Item] = {}
    totals: Mapping[str, Item] = {}

    @classmethod
    def of(cls, rows: Iterable[Item], customers: Iterable[Item], totals: Iterable[Item]) -> "Snapshot":
        """Return the snapshot that has these items, as `tables.items` returns them."""
        return cls(
            {(item["CustomerId"], item["TransactionId"]): item for item in rows},
            {item["CustomerId"]: item for item in customers},
            {item["CustomerId"]: item for item in totals},
        )

    @property
    def balances(self) -> dict[str, Any]:
        """Return the total that each customer has, whatever it is. Somebody may keep other items in the table."""
        return {name: item["accountBalance"] for name, item in self.totals.items() if "accountBalance" in item}

    def sums(self) -> Totals:
        """Return the totals that the rows lead to: 0 of a customer whose rows were all deleted."""
        return dict.fromkeys(self.balances, Decimal(0)) | totals(read_amounts(self.rows.values()))


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
    crossing: Totals  # those of the files' customers whose total in the account is below the threshold, and reaches it
    going_on: set[str]  # of those, who has rows behind the one that reaches it

    @property
    def own_totals(self) -> Totals:
        """Return the totals of the files' customers."""
        return {customer: self.totals[customer] for customer in self.addresses}


def expect(before: Snapshot, files: Iterable[Recount], threshold: Decimal) -> Expected:
    """Return what the upload of these files, one after the other, must lead to in an account that held `before`."""
    amounts = Amounts()
    days = dict[Row, str]()
    addresses = dict[str, str]()
    for file in files:
        amounts |= file.amounts
        days |= file.days
        addresses |= file.addresses
    held = read_amounts(before.rows.values())
    balances = before.balances
    sums = before.sums() | totals(held | amounts)
    crossing = Totals()
    for customer in addresses:
        balance = balances.get(customer)
        had_reached = isinstance(balance, Decimal) and balance >= threshold
        if sums[customer] >= threshold and not had_reached:
            crossing[customer] = sums[customer]
    changed = [row for row in amounts if not is_there(before.rows.get(row), amounts[row], days[row])]
    added_last = Totals()  # what the last row of each customer adds
    for row, value in amounts.items():
        customer, _transaction = row
        added_last[customer] = value - held.get(row, 0)
    going_on = set()
    for customer, total in crossing.items():
        if total - added_last.get(customer, 0) >= threshold:
            going_on.add(customer)
    return Expected(amounts, days, addresses, changed, sums, crossing, going_on)


def compare_rows(expected: Expected, held: Mapping[Row, Item], as_written: bool = False) -> Iterator[Difference]:
    """Yield how items of Transactions differ from the files; `as_written`, a day has its zeros too."""
    for row, value in expected.amounts.items():
        item = held.get(row)
        day = expected.days[row]
        if item and not as_written and day_of(item) == day:
            item = item | {"TransactionDate": day}
        yield from _compare(row, item, {"TransactionAmount": value, "TransactionDate": day})


def compare_addresses(expected: Expected, customers: Mapping[str, Item]) -> Iterator[Difference]:
    """Yield how items of Customer differ from the files. Each has the address of the last row about the customer."""
    for customer, address in expected.addresses.items():
        yield from _compare(customer, customers.get(customer), {"Address": address})


def compare_totals(wanted: Mapping[str, Decimal], held: Mapping[str, Item]) -> Iterator[Difference]:
    """Yield how items of TransactionTotal differ from these totals."""
    for customer, total in wanted.items():
        yield from _compare(customer, held.get(customer), {"accountBalance": total})


def compare_rejected(due: Mapping[int, str], kept: Iterable[Item]) -> Iterator[Difference]:
    """Yield how the rejected lines that are kept differ from those that must be, by number and the reason's code.

    Only this workbook's function writes codes.
    """
    rows = {row["line"]: row for row in kept}
    for line, code in due.items():
        if line not in rows or rows[line]["code"]:
            yield from _compare(_("line {number}", number=line), rows.get(line), {"code": code})


def compare_others(before: Snapshot, after: Snapshot, expected: Expected | None = None) -> Iterator[Difference]:
    """Yield what has come, gone or changed in the tables although no file names it."""
    rows = expected.amounts if expected else {}
    customers = expected.addresses if expected else {}
    yield from _touched(before.rows, after.rows, rows)
    yield from _touched(before.customers, after.customers, customers)
    yield from _touched(before.balances, after.balances, customers)


class Alert(NamedTuple):
    """An alert that a topic has sent: its subject and content, whatever they are, and when SNS sent it."""

    customer: Any
    balance: Any
    subject: Any
    sent: datetime

    def differences(self, threshold: Decimal, balance: Decimal | None = None) -> Iterator[Difference]:
        """Yield what is wrong with it: the Subject, and both values, which are texts; the balance may be known."""
        number = amount(self.balance)
        if self.subject != SUBJECT:
            yield Difference(self.key, "Subject", self.subject, SUBJECT, _ALERT_DIFFERS)
        if not isinstance(self.customer, str):
            words = N_("an alert for {key} has {attribute} {found}, not a text")
            yield Difference(self.key, "customerID", self.customer, words=words)
        if number is None or number < threshold:
            words = N_("an alert for {key} has {attribute} {found}, not a text with a number from {wanted} on")
            yield Difference(self.key, "accountBalance", self.balance, threshold, words)
        elif balance and self.balance not in (_shown(balance), f"{balance:f}"):
            yield Difference(self.key, "accountBalance", self.balance, _shown(balance), _ALERT_DIFFERS)

    @property
    def key(self) -> str:
        return str(self.customer) if self.customer is not None else _("nobody")


def read_alerts(messages: Iterable[Item], topic: str) -> list[Alert]:
    """Return the alerts in the envelope that SNS puts around what the topic sends, once each."""
    sent = {}
    for message in messages:
        id = message.get("MessageId")
        time = moment(message.get("Timestamp"))
        if _is_of(topic, message) and id and time:
            body = queues.alert(message)
            customer = body.get("customerID")
            balance = body.get("accountBalance")
            sent[str(id)] = Alert(customer, balance, message.get("Subject"), time)
    return list(sent.values())


def missing_alerts(due: Mapping[str, Decimal], alerts: Iterable[Alert]) -> list[Difference]:
    """Return the customers for whom an alert is due and none was sent."""
    alerted = {alert.key for alert in alerts}
    words = N_("no alert for {key}, who has {wanted}")
    missing = []
    for name, total in due.items():
        if name not in alerted:
            missing.append(Difference(name, wanted=total, words=words))
    return missing


def compare_messages(
    expected: Expected, messages: Collection[Item], topic: str, threshold: Decimal
) -> tuple[list[Difference], list[str]]:
    """Return what is wrong with the messages that an upload has led to, and the customers who got an alert again.

    One alert is due for each customer who crosses the threshold. For one who was above it before, none is, but the
    handout's code sends one; so it does for each row behind the one that crosses, and others send one for all of them.
    """
    alerts = read_alerts(messages, topic)
    totals = expected.own_totals
    found = missing_alerts(expected.crossing, alerts)
    alerted = Counter[str]()
    repeated = set[str]()
    for alert in alerts:
        customer = alert.key
        if customer in expected.crossing:
            alerted[customer] += 1
            total = None if customer in expected.going_on else expected.crossing[customer]
            found += alert.differences(threshold, total)
        elif customer in totals and totals[customer] >= threshold:
            repeated.add(customer)
        else:
            found.append(Difference(customer, words=N_("an alert for {key}, for whom none is due")))
    if not all(_is_of(topic, message) for message in messages):
        found.append(Difference("", words=N_("a message without the envelope of the topic")))
    for name, count in alerted.items():
        if count > 1 and name in expected.going_on:
            repeated.add(name)
        elif count > 1:
            found.append(Difference(name, found=count, words=N_("{found} alerts for {key}")))
    return found, sorted(name[:_LONGEST] for name in repeated)


def _is_of(topic: str, message: Item) -> bool:
    """Return whether the message is in the envelope that SNS puts around what the topic sends."""
    return (message.get("Type"), message.get("TopicArn")) == ("Notification", topic)


def _compare(key: Row | str, item: Item | None, wanted: Item) -> Iterator[Difference]:
    """Yield how an item differs from these values. Spaces around a text do not count."""
    if item is None:
        yield Difference(key, wanted=next(iter(wanted.values())))
        return
    for attribute, value in wanted.items():
        found = item.get(attribute)
        is_right = isinstance(found, Decimal) and found == value
        if isinstance(value, str):
            is_right = str(found or "").strip() == value
        if not is_right:
            yield Difference(key, attribute, found, value)


def _touched(before: Mapping[Any, Any], after: Mapping[Any, Any], named: Collection[Any]) -> Iterator[Difference]:
    for key in {**before, **after}:
        if key in named or before.get(key) == after.get(key):
            continue
        words = N_("{key} was changed") if key in before else N_("{key} is in no file")
        if key not in after:
            words = _MISSING
        yield Difference(key, words=words)


def _shown(value: Any) -> str:
    """Return a number as it is, a text in quotes, and of a long one its beginning."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, str):
        return repr(value[:_LONGEST])
    return _("nothing") if value is None else repr(value)
