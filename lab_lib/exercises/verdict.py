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
from lab_lib.aws.streams import Record, customer, effect
from lab_lib.checks.differences import SUBJECT
from lab_lib.checks.lookalikes import visible
from lab_lib.exercises.bench import Held
from lab_lib.exercises.draw import HIGH, Batch, History, Start, Topic
from lab_lib.language import N_, _, ngettext
from lab_lib.pages.wording import listing

_TRANSACTION = re.compile("T[0-9]{15}")  # as drawn
_MOST_NAMED, _MOST_SUMS, _LONGEST_NAME = 6, 5_000, 60
_MOST_RECORDS = 14  # of a batch, or a customer, that are told one by one
_LONGEST_ITEM, _MOST_A_RECORD = 10_000, 4  # characters of an item, and how many more with each record of the history
_LIMIT = 400_000  # bytes of an item, for DynamoDB


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

    def __init__(self, steps: History) -> None:
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
                lines.append(_("the topic comes back") if step.is_there else _("the topic is deleted"))
            elif isinstance(step, Start):
                batches = _("; ").join(self._batch(batch, seen) for batch in step.batches)
                lines.append(_("start {number}: {batches}", number=next(starts), batches=batches))
        return "\n".join(lines)

    @property
    def wanted(self) -> str:
        """Return what the account should hold."""
        totals = [f"{self.name(name)} {_shown(total)}" for name, total in self.totals.items()]
        due = {self.name(name): _range(*most) for name, most in self.alerts.items() if any(most)}
        alerts = [_("{count} for {name}", count=count, name=name) for name, count in due.items()]
        parts = [listing(totals, _MOST_NAMED), _("alerts: {alerts}", alerts=listing(alerts, _MOST_NAMED))]
        parts += [_("dead letters: {count}", count=len(self.letters))] if self.letters else []
        return _("; ").join(parts)

    def differences(self, held: Held) -> list[str]:
        """Return what is not as it should be, the most telling first."""
        faults = [*_failure(held), *self._totals(held), *self._alerts(held), *self._letters(held), *self._growth(held)]
        cut = [
            _("killed at the call {call}, and started again", call=outcome.cut)
            for outcome in held.failures
            if outcome.cut
        ]
        return cut + faults if faults else []

    def _batch(self, batch: Batch, seen: set[str]) -> str:
        again = [record["eventID"] in seen for record in batch]
        seen |= {record["eventID"] for record in batch}
        if len(batch) > _MOST_RECORDS:
            customers = ngettext("{count:,} customer", "{count:,} customers", len({*map(customer, batch)}))
            return _("{records:,} records of {customers}", records=len(batch), customers=customers)
        changes = [self._change(record) for record in batch]
        if all(again):
            return _("{changes} once more", changes=_(", ").join(changes))
        pairs = zip(changes, again, strict=True)
        return _(", ").join(_("{change} again", change=change) if old else change for change, old in pairs)

    def _change(self, record: Record) -> str:
        """Return a record in short, such as "A 12.5", "A 12.5 → 10" for a correction, "A 12.5 deleted"."""
        images = record["dynamodb"]
        values = [images[name]["TransactionAmount"] for name in ("OldImage", "NewImage") if name in images]
        amounts = " → ".join(value.get("N") or repr(value.get("S")) for value in values)
        change = f"{self.name(customer(record))} {amounts}"
        return _("{change} deleted", change=change) if record["eventName"] == "REMOVE" else change

    def _totals(self, held: Held) -> Iterator[str]:
        wrong = defaultdict[str, list[str]](list)
        for name in {**self.totals, **held.totals}:
            total, wanted = held.totals.get(name), self.totals.get(name)
            if total != wanted:
                wrong[_reason(name, held, total, wanted)].append(
                    _(
                        "{name} {total} instead of {wanted}",
                        name=self.name(name),
                        total=_shown(total),
                        wanted=_shown(wanted),
                    )
                )
        for reason, texts in wrong.items():
            yield _(reason, totals=listing(texts, _MOST_NAMED))

    def _alerts(self, held: Held) -> Iterator[str]:
        alerts = [_alert(body) for body in held.alerts]
        counted = Counter(name for name, _balance in alerts)
        strange = counted.pop("", 0)
        for name in {**self.alerts, **counted}:
            low, high = self.alerts.get(name, (0, 0))
            again = len(held.failures) if high else 0
            if not low <= counted[name] <= high + again:
                yield _(
                    "{alerts} for {name} instead of {wanted}",
                    alerts=_count(counted[name]),
                    name=self.name(name),
                    wanted=_range(low, high),
                )
        for name, balance in alerts:
            is_right, effects = held.totals.get(name) == self.totals.get(name), self._effects.get(name, [])
            if is_right and 0 < len(effects) <= _MOST_RECORDS and balance not in _sums(effects):
                yield _(
                    "an alert for {name} with {balance}, which its transactions never add up to",
                    name=self.name(name),
                    balance=_shown(balance),
                )
        if strange:
            yield _(
                "{alerts} with another subject, no customerID, or no accountBalance from 1500 on",
                alerts=_count(strange),
            )

    def _letters(self, held: Held) -> Iterator[str]:
        ids = {transaction(record) for record in self._records.values()}
        named = {id for text in held.letters for id in _TRANSACTION.findall(text)} & ids
        if missing := self.letters - named:
            yield _(
                "{records} without a dead letter that names its TransactionId",
                records=ngettext("{count:,} record", "{count:,} records", len(missing)),
            )
        if more := named - self.letters:
            yield _(
                "{records} among the dead letters",
                records=ngettext("{count:,} good record", "{count:,} good records", len(more)),
            )

    def _growth(self, held: Held) -> Iterator[str]:
        """Yield how long an item has grown, if that is too much for the records of the history."""
        records = len(self._records)
        if held.heaviest > _LONGEST_ITEM + _MOST_A_RECORD * records:
            yield _(
                "an item has {heaviest:,} characters after {records:,} records; an item of DynamoDB has at most "
                "400 KB, so it ends after about {most:,.0f} records",
                heaviest=held.heaviest,
                records=records,
                most=_LIMIT * records / held.heaviest,
            )


def _failure(held: Held) -> Iterator[str]:
    """Yield why the last delivery failed, if it did: the batch comes again and again."""
    if held.deliveries and (why := held.deliveries[-1][1].why):
        yield _("the last batch still fails: {why}; what is behind it waits", why=why)


def _reason(name: str, held: Held, total: Any, wanted: Decimal | None) -> str:
    """Return a message about wrong `{totals}`, with the reason if amounts of one kind of record are the difference."""
    if wanted is None or not isinstance(total, Decimal | None):
        return "{totals}"
    again, corrected, deleted, counted = (list[Decimal]() for _kind in range(4))
    seen = set[str]()
    for record in (record for batch, _outcome in held.deliveries for record in batch if customer(record) == name):
        (again if record["eventID"] in seen else counted).append(effect(record))
        seen.add(record["eventID"])
        if old := record["dynamodb"].get("OldImage"):
            amounts = deleted if record["eventName"] == "REMOVE" else corrected
            amounts.append(Decimal(old["TransactionAmount"].get("N", 0)))
    reasons = {
        N_("{totals}: records that came again were added again"): again,
        N_("{totals}: the old amount of a correction was not subtracted"): corrected,
        N_("{totals}: the amount of a deleted transaction was not subtracted"): deleted,
        N_("{totals}: some of its records were not added"): [-part for part in counted],
    }
    difference = (total or Decimal(0)) - wanted
    return next((why for why, parts in reasons.items() if difference in _sums(parts) - {0}), "{totals}")


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
    return ngettext("{count:,} alert", "{count:,} alerts", alerts) if alerts else _("no alerts")


def _range(low: int, high: int) -> str:
    return _("{low} to {high}", low=low, high=high) if low < high else str(low or _("none"))


def _shown(value: Any) -> str:
    if value is None:
        return _("no total")
    return f"{value.normalize():f}" if isinstance(value, Decimal) else visible(repr(value)[:_LONGEST_NAME])
