"""Say what was sent in a try, what the account should hold then, and how it differs. Nothing here calls AWS.

The reference is a model of a few lines: each record counts once, with its new amount minus the old one.
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from string import ascii_uppercase
from typing import Any, NamedTuple

from lab_lib.aws.json_text import amount, json_object
from lab_lib.aws.streams import Record, change, customer, effect
from lab_lib.checks.lookalikes import visible
from lab_lib.checks.upload import SUBJECT
from lab_lib.exercises.bench import Held
from lab_lib.exercises.draw import HIGH, Batch, History, Start, Topic
from lab_lib.language import N_, _, ngettext
from lab_lib.pages.wording import listing

_TRANSACTION = re.compile("T[0-9]{15}")  # as drawn
_MOST_NAMED, _MOST_SUMS, _LONGEST_NAME = 6, 5_000, 60
_MOST_SENT = 100  # records of a history that are told one by one
_MOST_RECORDS = 14  # of a customer whose alerts are compared with all sums
_LONGEST_ITEM, _MOST_A_RECORD = 10_000, 4  # characters of an item, and how many more with each record of the history
_TOO_FEW = N_("alerts are missing")


def expect(batches: Iterable[Batch]) -> tuple[dict[str, Decimal], dict[str, tuple[int, int]], set[str]]:
    """Return the right totals, the fewest and most alerts of each customer, and the ids of the dead letters.

    A function that looks after each batch sees the fewest crossings.
    """
    totals, fewest, most = defaultdict[str, Decimal](Decimal), Counter[str](), Counter[str]()
    seen, letters = set[str](), set[str]()
    for batch in batches:
        before = dict(totals)
        for record in batch:
            if record["eventID"] in seen:
                continue
            name, total = customer(record), totals[customer(record)]
            seen.add(record["eventID"])
            totals[name] += effect(record)
            most[name] += total < HIGH <= totals[name]
            if "S" in record["dynamodb"].get("NewImage", {}).get("TransactionAmount", {}):
                letters.add(change(record)["TransactionId"])
        fewest.update(name for name, total in totals.items() if before.get(name, Decimal(0)) < HIGH <= total)
    return dict(totals), {name: (fewest[name], most[name]) for name in totals}, letters


class Difference(NamedTuple):
    """A difference: its cause, in words without what was drawn, and what was found, or "" if that says it all."""

    cause: str
    found: str = ""


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
        return self._names.get(of, visible(of, _LONGEST_NAME))

    @property
    def sent(self) -> str:
        """Return what each start of the function gets, a line each, or how much. Batches stand between semicolons."""
        if len(self._records) > _MOST_SENT:
            customers = ngettext("{count:,} customer", "{count:,} customers", len(self.totals))
            return _("{records:,} records of {customers}", records=len(self._records), customers=customers)
        seen, lines, starts = set[str](), list[str](), itertools.count(1)
        for step in self.steps:
            if isinstance(step, Topic):
                lines.append(_("the topic comes back") if step.is_there else _("the topic is deleted"))
            else:
                batches = _("; ").join(self._batch(batch, seen) for batch in step.batches)
                lines.append(_("sent to start {number}: {batches}", number=next(starts), batches=batches))
        return "\n".join(lines)

    def differences(self, held: Held) -> list[Difference]:
        """Return what is not as it should be, the most telling first."""
        return [*_failure(held), *self._totals(held), *self._alerts(held), *self._letters(held), *self._growth(held)]

    def is_right_so_far(self, held: Held) -> bool:
        """Return whether there are totals, each right after its customer's first records, and no alert is wrong."""
        reached = {total in itertools.accumulate(self._effects[name]) for name, total in held.totals.items()}
        causes = {difference.cause for difference in self._alerts(held)}
        return reached == {True} and causes <= {_(_TOO_FEW)}

    def _batch(self, batch: Batch, seen: set[str]) -> str:
        again = [record["eventID"] in seen for record in batch]
        seen |= {record["eventID"] for record in batch}
        texts = [self._change(record) for record in batch]
        if all(again):
            return _("{changes} once more", changes=_(", ").join(texts))
        pairs = zip(texts, again, strict=True)
        return _(", ").join(_("{change} again", change=text) if old else text for text, old in pairs)

    def _change(self, record: Record) -> str:
        """Return a record in short, such as "A 12.5", "A 12.5 → 10" for a correction, "A 12.5 deleted"."""
        images = record["dynamodb"]
        values = [images[name]["TransactionAmount"] for name in ("OldImage", "NewImage") if name in images]
        amounts = " → ".join(value.get("N") or repr(value.get("S")) for value in values)
        text = f"{self.name(customer(record))} {amounts}"
        return _("{change} deleted", change=text) if record["eventName"] == "REMOVE" else text

    def _totals(self, held: Held) -> Iterator[Difference]:
        causes, texts = list[str](), list[str]()
        for name in {**self.totals, **held.totals}:
            total, wanted = held.totals.get(name), self.totals.get(name)
            if total != wanted:
                causes.append(_cause(name, held, total, wanted))
                texts.append(_instead(self.name(name), _shown(total), _shown(wanted)))
        if texts:
            yield Difference(_(next(filter(None, causes), N_("totals are wrong"))), listing(texts, _MOST_NAMED))

    def _alerts(self, held: Held) -> Iterator[Difference]:
        alerts = [_alert(body) for body in held.alerts]
        yield from next((wrong for _name, _balance, wrong in alerts if wrong), [])
        counted = Counter(name for name, *_rest in alerts if name)
        for name in {**self.alerts, **counted}:
            low, high = self.alerts.get(name, (0, 0))
            again = len(held.failures) if high else 0
            if not low <= counted[name] <= high + again:
                wanted = _("{low} to {high}", low=low, high=high) if low < high else low
                found = _(
                    "{alerts} for {name} instead of {wanted}",
                    alerts=ngettext("{count:,} alert", "{count:,} alerts", counted[name]),
                    name=self.name(name),
                    wanted=wanted,
                )
                yield Difference(_(_TOO_FEW if counted[name] < low else N_("too many alerts are sent")), found)
        for name, balance, wrong in alerts:
            is_right, effects = held.totals.get(name) == self.totals.get(name), self._effects[name]
            if not wrong and is_right and 0 < len(effects) <= _MOST_RECORDS and balance not in _sums(effects):
                found = _(
                    "an alert for {name} with {balance}, which its transactions never add up to",
                    name=self.name(name),
                    balance=balance,
                )
                yield Difference(_("an alert tells a total that there never was"), found)

    def _letters(self, held: Held) -> Iterator[Difference]:
        ids = {change(record)["TransactionId"] for record in self._records.values()}
        named = {id for text in held.letters for id in _TRANSACTION.findall(text)} & ids
        if self.letters - named:
            yield Difference(_("a bad record has no dead letter that names its TransactionId"))
        if named - self.letters:
            yield Difference(_("good records are among the dead letters"))

    def _growth(self, held: Held) -> Iterator[Difference]:
        """Yield whether an item has grown too much for the records of the history."""
        if held.heaviest > _LONGEST_ITEM + _MOST_A_RECORD * len(self._records):
            yield Difference(_("an item grows with each record, and an item of DynamoDB has at most 400 KB"))


def _failure(held: Held) -> Iterator[Difference]:
    """Yield why the last delivery failed, if it did: the batch comes again and again."""
    if held.deliveries and (why := held.deliveries[-1][1].why):
        yield Difference(_("the last batch still fails: {why}", why=why), _("what is behind it waits"))


def _cause(name: str, held: Held, total: Any, wanted: Decimal | None) -> str:
    """Return why a total is wrong, if amounts of one kind of record are the difference; otherwise ""."""
    if wanted is None or not isinstance(total, Decimal | None):
        return ""
    again, corrected, deleted, counted = (list[Decimal]() for _kind in range(4))
    seen = set[str]()
    for record in (record for batch, _outcome in held.deliveries for record in batch if customer(record) == name):
        (again if record["eventID"] in seen else counted).append(effect(record))
        seen.add(record["eventID"])
        if old := record["dynamodb"].get("OldImage"):
            amounts = deleted if record["eventName"] == "REMOVE" else corrected
            amounts.append(Decimal(old["TransactionAmount"].get("N", 0)))
    causes = {
        N_("records that come again are added again"): again,
        N_("the old amount of a correction is not subtracted"): corrected,
        N_("the amount of a deleted transaction is not subtracted"): deleted,
        N_("some records are not added"): [-part for part in counted],
    }
    difference = (total or Decimal(0)) - wanted
    return next((cause for cause, parts in causes.items() if difference in _sums(parts) - {0}), "")


def _sums(parts: list[Decimal]) -> set[Decimal]:
    """Return what some of these amounts may add up to; not all sums if there are too many."""
    sums = {Decimal(0)}
    for part in parts:
        if len(sums) > _MOST_SUMS:
            return sums | {sum(parts, Decimal(0))}
        sums |= {total + part for total in sums}
    return sums


def _alert(body: str) -> tuple[str, Decimal | None, list[Difference]]:
    """Return the customer and the balance of an alert, and its fields that are wrong."""
    envelope = json_object(body)
    message = json_object(envelope.get("Message"))
    subject, name, balance = envelope.get("Subject"), message.get("customerID"), message.get("accountBalance")
    number = amount(balance)
    fields = (
        ("Subject", subject, repr(SUBJECT), subject == SUBJECT),
        ("customerID", name, _("a text"), isinstance(name, str)),
        ("accountBalance", balance, _("a text with a number from {least} on", least=HIGH), (number or 0) >= HIGH),
    )
    wrong = [
        Difference(_("the {field} of an alert is wrong", field=field), _instead(field, _repr(found), wanted))
        for field, found, wanted, is_right in fields
        if not is_right
    ]
    return name if isinstance(name, str) else "", number, wrong


def _instead(name: str, found: str, wanted: str) -> str:
    return _("{name} {found} instead of {wanted}", name=name, found=found, wanted=wanted)


def _shown(value: Any) -> str:
    if value is None:
        return _("no total")
    return f"{value.normalize():f}" if isinstance(value, Decimal) else _repr(value)


def _repr(value: Any) -> str:
    return _("missing") if value is None else visible(repr(value), _LONGEST_NAME)
