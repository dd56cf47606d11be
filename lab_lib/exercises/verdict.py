"""Say what was sent in a try, what the account should hold then, and how it differs. Nothing here calls AWS.

The reference is a model of a few lines: each record counts once, with its new amount minus the old one.
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from string import ascii_uppercase
from typing import Any

from lab_lib.aws import queues
from lab_lib.aws.json_text import amount, json_object
from lab_lib.aws.streams import Record, customer
from lab_lib.checks.differences import SUBJECT
from lab_lib.checks.lookalikes import visible
from lab_lib.exercises.bench import Held
from lab_lib.exercises.draw import HIGH, Batch, Start, Step, Topic
from lab_lib.wording import listing, number

_TRANSACTION = re.compile("T[0-9]{15}")  # as drawn
_MOST_NAMED, _MOST_SUMS, _LONGEST_NAME = 6, 5_000, 60
_MOST_RECORDS = 14  # of a batch, or a customer, that are told one by one
_LONGEST_ITEM, _MOST_A_RECORD = 10_000, 4  # characters of an item, and how many more with each record of the history
_LIMIT = 400_000  # bytes of an item, for DynamoDB


def effect(record: Record) -> Decimal:
    """Return what a record adds to its customer's total."""
    images = [record["dynamodb"].get(name, {}) for name in ("OldImage", "NewImage")]
    old, new = (Decimal(image.get("TransactionAmount", {}).get("N", 0)) for image in images)
    return new - old


def transaction(record: Record) -> str:
    """Return the TransactionId of a record."""
    return str(record["dynamodb"]["Keys"]["TransactionId"]["S"])


def expect(batches: Iterable[Batch]) -> tuple[dict[str, Decimal], dict[str, tuple[int, int]], set[str]]:
    """Return the right totals, the fewest and most alerts of each customer, and the ids of the dead letters.

    A function that looks after each batch sees the fewest crossings.
    """
    totals, fewest, most = defaultdict[str, Decimal](Decimal), Counter[str](), Counter[str]()
    seen, letters = set[str](), set[str]()
    for batch in batches:
        before = dict(totals)
        for record in (change for change in batch if change["eventID"] not in seen):
            name, total = customer(record), totals[customer(record)]
            seen.add(record["eventID"])
            totals[name] += effect(record)
            most[name] += total < HIGH <= totals[name]
            if "S" in record["dynamodb"].get("NewImage", {}).get("TransactionAmount", {}):
                letters.add(transaction(record))
        fewest.update(name for name, total in totals.items() if before.get(name, Decimal(0)) < HIGH <= total)
    return dict(totals), {name: (fewest[name], most[name]) for name in totals}, letters


class Story:
    """The words for a history: its customers are A, B and so on, in the order in which they come.

    `totals`, `alerts` and `letters` are what is expected.
    """

    def __init__(self, steps: list[Step]) -> None:
        batches = [batch for step in steps if isinstance(step, Start) for batch in step.batches]
        self.steps, (self.totals, self.alerts, self.letters) = steps, expect(batches)
        self._records = {record["eventID"]: record for batch in batches for record in batch}
        self._effects = defaultdict[str, list[Decimal]](list)
        for record in self._records.values():
            self._effects[customer(record)].append(effect(record))
        letters = ascii_uppercase if len(self.totals) <= len(ascii_uppercase) else ""
        self._names = dict(zip(self.totals, letters, strict=False))

    def name(self, of: str) -> str:
        """Return the letter of a customer of the history; others have their ids."""
        return self._names.get(of, visible(of[:_LONGEST_NAME]))

    @property
    def sent(self) -> str:
        """Return what each start of the function gets, a line each. Batches stand between semicolons."""
        seen, lines, starts = set[str](), list[str](), itertools.count(1)
        for step in self.steps:
            if isinstance(step, Topic):
                lines.append("the topic comes back" if step.is_there else "the topic is deleted")
            elif isinstance(step, Start):
                texts = [self._batch(batch, seen) for batch in step.batches]
                lines.append(f"start {next(starts)}: {'; '.join(texts)}")
        return "\n".join(lines)

    @property
    def wanted(self) -> str:
        """Return what the account should hold."""
        totals = [f"{self.name(name)} {_shown(total)}" for name, total in self.totals.items()]
        alerts = [f"{_range(*most)} for {self.name(name)}" for name, most in self.alerts.items() if any(most)]
        letters = f"; dead letters: {len(self.letters)}" if self.letters else ""
        return f"{listing(totals, _MOST_NAMED)}; alerts: {listing(alerts, _MOST_NAMED)}{letters}"

    def differences(self, held: Held) -> list[str]:
        """Return what is not as it should be, the most telling first."""
        faults = [*_failure(held), *self._totals(held), *self._alerts(held), *self._letters(held), *self._growth(held)]
        cut = [f"killed at the call {outcome.cut}, and started again" for outcome in held.failures if outcome.cut]
        return cut + faults if faults else []

    def _batch(self, batch: Batch, seen: set[str]) -> str:
        again = [record["eventID"] in seen for record in batch]
        seen |= {record["eventID"] for record in batch}
        if len(batch) > _MOST_RECORDS:
            return f"{len(batch):,} records of {number(len({*map(customer, batch)}), 'customer')}"
        if all(again):
            return ", ".join(map(self._change, batch)) + " once more"
        return ", ".join(self._change(record) + " again" * old for record, old in zip(batch, again, strict=True))

    def _change(self, record: Record) -> str:
        """Return a record in short, such as "A 12.5", "A 12.5 → 10" for a correction, "A 12.5 deleted"."""
        images = record["dynamodb"]
        values = [images[name]["TransactionAmount"] for name in ("OldImage", "NewImage") if name in images]
        amounts = " → ".join(value.get("N") or repr(value.get("S")) for value in values)
        return f"{self.name(customer(record))} {amounts}{' deleted' if record['eventName'] == 'REMOVE' else ''}"

    def _totals(self, held: Held) -> Iterator[str]:
        wrong = defaultdict[str, list[str]](list)
        for name in {**self.totals, **held.totals}:
            total, wanted = held.totals.get(name), self.totals.get(name)
            if total != wanted:
                text = f"{self.name(name)} {_shown(total)} instead of {_shown(wanted)}"
                wrong[_reason(name, held, total, wanted)].append(text)
        for reason, texts in wrong.items():
            yield listing(texts, _MOST_NAMED) + reason

    def _alerts(self, held: Held) -> Iterator[str]:
        alerts = [_alert(body) for body in held.alerts]
        counted = Counter(name for name, _ in alerts)
        strange = counted.pop("", 0)
        for name in {**self.alerts, **counted}:
            low, high = self.alerts.get(name, (0, 0))
            again = len(held.failures) if high else 0
            if not low <= counted[name] <= high + again:
                yield f"{_count(counted[name])} for {self.name(name)} instead of {_range(low, high)}"
        for name, balance in alerts:
            is_right, effects = held.totals.get(name) == self.totals.get(name), self._effects.get(name, [])
            if is_right and 0 < len(effects) <= _MOST_RECORDS and balance not in _sums(effects):
                told = f"an alert for {self.name(name)} with {_shown(balance)}"
                yield f"{told}, which its transactions never add up to"
        if strange:
            yield f"{_count(strange)} with another subject, no customerID, or no accountBalance from 1500 on"

    def _letters(self, held: Held) -> Iterator[str]:
        ids = {transaction(record) for record in self._records.values()}
        named = {id for text in held.letters for id in _TRANSACTION.findall(text)} & ids
        if missing := self.letters - named:
            yield f"{number(len(missing), 'record')} without a dead letter that names its TransactionId"
        if more := named - self.letters:
            yield f"{number(len(more), 'good record')} among the dead letters"

    def _growth(self, held: Held) -> Iterator[str]:
        """Yield how long an item has grown, if that is too much for the records of the history."""
        records = len(self._records)
        if held.heaviest > _LONGEST_ITEM + _MOST_A_RECORD * records:
            yield (
                f"an item has {held.heaviest:,} characters after {records:,} records; an item of DynamoDB has at most "
                f"400 KB, so it ends after about {_LIMIT * records / held.heaviest:,.0f} records"
            )


def _failure(held: Held) -> Iterator[str]:
    """Yield why the last delivery failed, if it did: the batch comes again and again."""
    if held.deliveries and (why := held.deliveries[-1][1].why):
        yield f"the last batch still fails: {why}; what is behind it waits"


def _reason(name: str, held: Held, total: Any, wanted: Decimal | None) -> str:
    """Return why a customer's total differs, if the amounts of one kind of record add up to the difference."""
    if wanted is None or not isinstance(total, Decimal | None):
        return ""
    again, corrected, deleted, counted = (list[Decimal]() for _ in range(4))
    seen = set[str]()
    for record in (record for batch, _ in held.deliveries for record in batch if customer(record) == name):
        (again if record["eventID"] in seen else counted).append(effect(record))
        seen.add(record["eventID"])
        if old := record["dynamodb"].get("OldImage"):
            amounts = deleted if record["eventName"] == "REMOVE" else corrected
            amounts.append(Decimal(old["TransactionAmount"].get("N", 0)))
    reasons = {
        ": records that came again were added again": again,
        ": the old amount of a correction was not subtracted": corrected,
        ": the amount of a deleted transaction was not subtracted": deleted,
        ": some of its records were not added": [-part for part in counted],
    }
    difference = (total or Decimal(0)) - wanted
    return next((why for why, parts in reasons.items() if difference in _sums(parts) - {0}), "")


def _sums(parts: list[Decimal]) -> set[Decimal]:
    """Return what some of these amounts may add up to; not all sums if there are too many."""
    sums = {Decimal(0)}
    for part in parts:
        if len(sums) > _MOST_SUMS:
            return sums | {sum(parts, Decimal(0))}
        sums |= {total + part for total in sums}
    return sums


def _alert(body: str) -> tuple[str, Decimal]:
    """Return the customer and the balance of an alert; "" for the customer if it is none."""
    envelope = json_object(body)
    message: dict[str, Any] = queues.alert(envelope)
    name, balance = message.get("customerID"), amount(message.get("accountBalance"))
    if envelope.get("Subject") == SUBJECT and isinstance(name, str) and balance is not None and balance >= HIGH:
        return name, balance
    return "", Decimal(0)


def _count(alerts: int) -> str:
    return number(alerts, "alert") if alerts else "no alerts"


def _range(low: int, high: int) -> str:
    return f"{low} to {high}" if low < high else str(low or "none")


def _shown(value: Any) -> str:
    if value is None:
        return "no total"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else visible(repr(value)[:_LONGEST_NAME])
