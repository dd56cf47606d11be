"""Say what was sent in a try, what the account should hold then, and how it differs. Nothing here calls AWS.

The reference is a model of a few lines: each record counts once, with its new amount minus the old one.
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from string import ascii_uppercase
from typing import Any

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, json_object
from lab_lib.aws.streams import Record, customer
from lab_lib.checks.alerts import SUBJECT
from lab_lib.checks.lookalikes import visible
from lab_lib.exercises.bench import Held
from lab_lib.exercises.draw import HIGH, Batch, Start, Step, Topic
from lab_lib.wording import listing

_TRANSACTION = re.compile("T[0-9]{9}")  # as drawn
_MOST_NAMED, _MOST_SUMS, _LONGEST_NAME = 6, 5_000, 60
_MOST_RECORDS = 14  # of a batch, or a customer, that are told one by one
_MOST_A_RECORD = 4  # characters by which an item may grow with a record, as a counter in it does
_LIMIT = 400_000  # bytes of an item, for DynamoDB


def read(step: Step) -> list[Batch]:
    """Return the batches of a step."""
    return step.batches if isinstance(step, Start) else []


def effect(record: Record) -> Decimal:
    """Return what a record adds to its customer's total."""
    images = [record["dynamodb"].get(name, {}) for name in ("OldImage", "NewImage")]
    old, new = (Decimal(image.get("TransactionAmount", {}).get("N", 0)) for image in images)
    return new - old


@dataclass(frozen=True)
class Expected:
    """The right content of an account: totals, fewest and most alerts of each customer, ids of dead letters."""

    totals: dict[str, Decimal]
    alerts: dict[str, tuple[int, int]]
    letters: frozenset[str]


def expect(steps: Iterable[Step]) -> Expected:
    """Return the right content after a history. A function that looks after each batch sees the fewest crossings."""
    totals, fewest, most = defaultdict[str, Decimal](Decimal), Counter[str](), Counter[str]()
    seen, letters = set[str](), set[str]()
    for batch in (batch for step in steps for batch in read(step)):
        before = dict(totals)
        for record in (change for change in batch if change["eventID"] not in seen):
            name, total = customer(record), totals[customer(record)]
            seen.add(record["eventID"])
            totals[name] += effect(record)
            most[name] += total < HIGH <= totals[name]
            if "S" in record["dynamodb"].get("NewImage", {}).get("TransactionAmount", {}):
                letters.add(record["dynamodb"]["Keys"]["TransactionId"]["S"])
        fewest.update(name for name, total in totals.items() if before.get(name, Decimal(0)) < HIGH <= total)
    return Expected(dict(totals), {name: (fewest[name], most[name]) for name in totals}, frozenset(letters))


class Story:
    """The words for a history: its customers are A, B and so on, in the order in which they come."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps, self.expected = steps, expect(steps)
        self._records = {record["eventID"]: record for step in steps for batch in read(step) for record in batch}
        letters = zip(self.expected.totals, ascii_uppercase, strict=False)
        self._names = dict(letters) if len(self.expected.totals) <= len(ascii_uppercase) else {}

    def name(self, of: str) -> str:
        """Return the letter of a customer of the history; others have their ids."""
        return self._names.get(of, visible(of[:_LONGEST_NAME]))

    @property
    def sent(self) -> str:
        """Return what each start of the function gets, a line each. Batches stand between semicolons."""
        seen, lines, number = set[str](), list[str](), itertools.count(1)
        for step in self.steps:
            if isinstance(step, Topic):
                lines.append("the topic comes back" if step.is_there else "the topic is deleted")
            elif batches := read(step):
                parts = list[str]()
                for batch in batches:
                    parts.append(self._batch(batch, seen))
                    seen |= {record["eventID"] for record in batch}
                lines.append(f"start {next(number)}: {'; '.join(parts)}")
        return "\n".join(lines)

    @property
    def wanted(self) -> str:
        """Return what the account should hold."""
        totals = [f"{self.name(customer_id)} {_shown(total)}" for customer_id, total in self.expected.totals.items()]
        alerts = [
            f"{_range(*bounds)} for {self.name(name)}" for name, bounds in self.expected.alerts.items() if any(bounds)
        ]
        letters = [f"dead letters: {len(self.expected.letters)}"] * bool(self.expected.letters)
        return "; ".join([_listed(totals, "totals"), f"alerts: {_listed(alerts, 'customers') or 'none'}", *letters])

    def differences(self, held: Held) -> list[str]:
        """Return what is not as it should be, the most telling first."""
        faults = [*_failure(held), *self._totals(held), *self._alerts(held), *self._letters(held), *self._growth(held)]
        cut = [f"killed at the call {outcome.cut}, and started again" for outcome in held.failures if outcome.cut]
        return cut * bool(faults) + faults

    def _batch(self, batch: Batch, seen: set[str]) -> str:
        again = [record["eventID"] in seen for record in batch]
        if all(again) or len(batch) > _MOST_RECORDS:
            customers = {customer(record) for record in batch}
            texts = [self._change(record) for record in batch] if len(batch) <= _MOST_RECORDS else []
            some = f"{len(batch):,} records of {len(customers)} customer{'s' * (len(customers) > 1)}"
            return (", ".join(texts) or some) + " once more" * all(again)
        return ", ".join(self._change(record) + " again" * old for record, old in zip(batch, again, strict=True))

    def _change(self, record: Record) -> str:
        """Return a record in short, such as "A 12.5", "A 12.5 → 10" for a correction, "A 12.5 deleted"."""
        images = record["dynamodb"]
        values = [images[name]["TransactionAmount"] for name in ("OldImage", "NewImage") if name in images]
        amounts = " → ".join(value.get("N") or repr(value.get("S")) for value in values)
        return f"{self.name(customer(record))} {amounts}{' deleted' if record['eventName'] == 'REMOVE' else ''}"

    def _totals(self, held: Held) -> Iterator[str]:
        wrong = defaultdict[str, list[str]](list)
        for name in {**self.expected.totals, **held.totals}:
            total, wanted = held.totals.get(name), self.expected.totals.get(name)
            if total != wanted:
                shown = ["no total" if value is None else _shown(value) for value in (total, wanted)]
                text = f"{self.name(name)} {shown[0]} instead of {shown[1]}"
                wrong[_reason(name, held, wanted)].append(text)
        for reason, texts in wrong.items():
            yield listing(texts, _MOST_NAMED) + f": {reason}" * bool(reason)

    def _alerts(self, held: Held) -> Iterator[str]:
        alerts, effects = [_alert(body) for body in held.alerts], self._effects()
        counted = Counter(name for name, _ in alerts)
        strange = counted.pop("", 0)
        for name in {**self.expected.alerts, **counted}:
            low, high = self.expected.alerts.get(name, (0, 0))
            again = len(held.failures) if high else 0
            if not low <= counted[name] <= high + again:
                yield f"{_count(counted[name])} for {self.name(name)} instead of {_range(low, high)}"
        for name, balance in alerts:
            right = held.totals.get(name) == self.expected.totals.get(name)
            if right and name in effects and not _may_be(balance, effects[name]):
                told = f"an alert for {self.name(name)} with {_shown(balance)}"
                yield f"{told}, which its transactions never add up to"
        if strange:
            yield f"{_count(strange)} with another subject, no customerID, or no accountBalance from 1500 on"

    def _letters(self, held: Held) -> Iterator[str]:
        ids = {record["dynamodb"]["Keys"]["TransactionId"]["S"] for record in self._records.values()}
        named = {id for text in held.letters for id in _TRANSACTION.findall(text)} & ids
        if missing := self.expected.letters - named:
            plural = "s" * (len(missing) > 1)
            yield f"{len(missing)} record{plural} without a dead letter that names its TransactionId"
        if more := named - self.expected.letters:
            yield f"{len(more)} good record{'s' * (len(more) > 1)} among the dead letters"

    def _growth(self, held: Held) -> Iterator[str]:
        if len(held.weights) == 2:
            before, after = held.weights
            records = sum(len(batch) for batch, outcome in held.deliveries if not outcome.why) / 2
            grown = {key: (after[key] - before[key]) / records for key in after.keys() & before.keys()}
            for key, characters in sorted(grown.items(), key=lambda growth: growth[1])[-1:]:
                if characters > _MOST_A_RECORD:
                    table, _, name = key.partition(" ")
                    yield (
                        f"the item of {self.name(name)} in {table} grows by {characters:.0f} bytes with each record; "
                        f"an item has at most 400 KB, so it ends after about {_LIMIT / characters:,.0f} records"
                    )

    def _effects(self) -> dict[str, list[Decimal]]:
        effects = defaultdict[str, list[Decimal]](list)
        for record in self._records.values():
            effects[customer(record)].append(effect(record))
        return effects


def _failure(held: Held) -> Iterator[str]:
    """Yield why the last delivery failed, if it did: the batch comes again and again."""
    if held.deliveries and (why := held.deliveries[-1][1].why):
        yield f"the last batch still fails: {why}; what is behind it waits"


def _reason(name: str, held: Held, wanted: Decimal | None) -> str:
    """Return why a customer's total differs, if the difference tells it."""
    total, delivered = held.totals.get(name), Counter[str]()
    added, changed, deleted, every = (list[Decimal]() for _ in range(4))
    records = (record for batch, _ in held.deliveries for record in batch if customer(record) == name)
    for record in records:
        delivered[record["eventID"]] += 1
        (every if delivered[record["eventID"]] == 1 else added).append(effect(record))
        if old := record["dynamodb"].get("OldImage"):
            amounts = deleted if record["eventName"] == "REMOVE" else changed
            amounts.append(Decimal(old["TransactionAmount"].get("N", 0)))
    if wanted is None or not isinstance(total, Decimal | None):
        return ""
    difference = (total or Decimal(0)) - wanted
    reasons = [
        (difference, added, "records that came again were added again"),
        (difference, changed, "the old amount of a correction was not subtracted"),
        (difference, deleted, "the amount of a deleted transaction was not subtracted"),
        (-difference, every, "some of its records were not added"),
    ]
    return next((why for rest, parts, why in reasons if rest in _sums(parts) - {0}), "")


def _sums(parts: list[Decimal]) -> set[Decimal]:
    """Return what some of these amounts may add up to; not all sums if there are too many."""
    sums = {Decimal(0)}
    for part in parts:
        if len(sums) > _MOST_SUMS:
            return sums | {sum(parts, Decimal(0))}
        sums |= {total + part for total in sums}
    return sums


def _may_be(balance: Decimal, effects: list[Decimal]) -> bool:
    """Return whether this total is possible at some time, in any order of the records."""
    return len(effects) > _MOST_RECORDS or balance in _sums(effects)


def _alert(body: str) -> tuple[str, Decimal]:
    """Return the customer and the balance of an alert; "" for the customer if it is none."""
    envelope = json_object(body)
    message: dict[str, Any] = queues.alert(envelope)
    name, balance = message.get("customerID"), amount(message.get("accountBalance"))
    if envelope.get("Subject") == SUBJECT and isinstance(name, str) and balance is not None and balance >= HIGH:
        return name, balance
    return "", Decimal(0)


def _count(alerts: int) -> str:
    return f"{alerts or 'no'} alert{'' if alerts == 1 else 's'}"


def _range(low: int, high: int) -> str:
    if low == high:
        return str(low) if low else "none"
    return f"{low} or {high}" if high == low + 1 else f"{low} to {high}"


def _shown(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else visible(repr(value)[:_LONGEST_NAME])


def _listed(texts: list[str], noun: str) -> str:
    return ", ".join(texts) if len(texts) <= _MOST_NAMED else f"{len(texts)} {noun}"
