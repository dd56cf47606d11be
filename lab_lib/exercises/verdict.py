"""Say what was sent in a try, and how the account differs from what that must lead to. Nothing here calls AWS."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from lab_lib.aws.json_text import amount
from lab_lib.aws.streams import Record, change, customer, effect
from lab_lib.checks import upload
from lab_lib.exercises.bench import Held
from lab_lib.exercises.cases import HIGH, History
from lab_lib.language import N_, _

_MOST_SENT = 100  # records of a history that are told one by one
_MOST_SUMMED = 12  # amounts of which all sums are tried
_LONGEST_ITEM, _MOST_A_RECORD = 10_000, 4  # characters of an item, and how many more with each record of the history
_AGAIN = N_("records that come again are added again")
_OLD = N_("the old amount of a correction is not subtracted")
_DELETED = N_("the amount of a deleted transaction is not subtracted")
_LEFT_OUT = N_("some records are not added")


class Fault(NamedTuple):
    """A fault: its cause, in words without what was drawn, and what was found, or "" if that says it all."""

    cause: str
    found: str = ""


class Due(NamedTuple):
    """The outcome that a history must have. Who looks after each batch sees the fewest alerts."""

    totals: dict[str, Decimal]  # by customer
    fewest: Counter[str]  # alerts by customer
    most: Counter[str]
    letters: set[str]  # the TransactionIds of the records that become dead letters: their amounts are texts


def expect(history: History) -> Due:
    """Return what the history must lead to. A record that was delivered before counts once."""
    due = Due(defaultdict(Decimal), Counter(), Counter(), set())
    seen = set()
    for batch in _batches(history):
        before = dict(due.totals)
        for record in batch:
            if record["eventID"] in seen:
                continue
            seen.add(record["eventID"])
            name = customer(record)
            row = change(record)
            total = due.totals[name]
            if isinstance(row["new amount"], str):  # poison
                due.letters.add(row["TransactionId"])
            else:
                due.totals[name] += effect(record)
                if total < HIGH <= due.totals[name]:
                    due.most[name] += 1
        for name, total in due.totals.items():
            if before.get(name, 0) < HIGH <= total:
                due.fewest[name] += 1
    return due


def describe(history: History) -> str:
    """Return what each start of the function gets, a line each, or how much. Batches stand between semicolons."""
    count = sum(map(len, _batches(history)))
    if count > _MOST_SENT:
        return _("{count:,} records", count=count)
    seen = set[str]()
    lines = []
    for start in history:
        if not start.has_topic:
            lines.append(_("the topic is deleted"))
        batches = []
        for batch in start.batches:
            records = [_tell(record, seen) for record in batch]
            batches.append(_(", ").join(records))
        lines.append(_("sent to a new start: {batches}", batches=_("; ").join(batches)))
        if not start.has_topic:
            lines.append(_("the topic comes back"))
    return "\n".join(lines)


def find_faults(history: History, held: Held) -> Iterator[Fault]:
    """Yield what is not as it should be, the most telling first."""
    records = {}
    for batch in _batches(history):
        for record in batch:
            records[record["eventID"]] = record
    due = expect(history)
    _batch, last = held.deliveries[-1]
    if last.why:
        yield Fault(_("the last batch still fails: {why}", why=last.why), _("what is behind it waits"))
    wanted = dict.fromkeys(held.totals, Decimal(0)) | due.totals
    items = {name: held.totals.get(name, {}) for name in wanted}
    wrong = [*upload.compare_totals(wanted, items)]
    cause = _cause(held, wrong)
    for total in wrong:
        yield Fault(cause, str(total))
    for alert in held.alerts:
        effects = [effect(record) for record in records.values() if customer(record) == alert.key]
        yield from _read_alert(alert, effects)
    yield from _count_alerts(held, due)
    named = {*re.findall("T[0-9]{15}", " ".join(held.letters))}  # as they are drawn
    if due.letters - named:
        yield Fault(_("a bad record has no dead letter that names its TransactionId"))
    sent = {change(record)["TransactionId"] for record in records.values()}
    good = sent - due.letters
    if named & good:
        yield Fault(_("good records are among the dead letters"))
    if held.heaviest > _LONGEST_ITEM + _MOST_A_RECORD * len(records):
        yield Fault(_("an item grows with each record, and an item of DynamoDB has at most 400 KB"))


def _batches(history: History) -> list[list[Record]]:
    """Return the batches of a history."""
    batches = []
    for start in history:
        batches += start.batches
    return batches


def _tell(record: Record, seen: set[str]) -> str:
    """Return a record in short, such as "C1 12.5", "C1 12.5 → 10" for a correction, "C1 12.5 deleted"."""
    amounts = []
    for name in ("OldImage", "NewImage"):
        image = record["dynamodb"].get(name)
        if image:
            value = image["TransactionAmount"]
            amounts.append(value.get("N") or repr(value["S"]))
    text = f"{customer(record)} {' → '.join(amounts)}"
    if record["eventName"] == "REMOVE":
        text = _("{change} deleted", change=text)
    if record["eventID"] in seen:
        text = _("{change} again", change=text)
    seen.add(record["eventID"])
    return text


def _cause(held: Held, wrong: list[upload.Difference]) -> str:
    """Return why totals are wrong, if amounts of one kind of record make the difference in one of them."""
    amounts = defaultdict[tuple[str, str], list[Decimal]](list)  # by customer and cause
    seen = set()
    for batch, _outcome in held.deliveries:
        for record in batch:
            name = customer(record)
            cause = _AGAIN if record["eventID"] in seen else _LEFT_OUT
            seen.add(record["eventID"])
            amounts[name, cause].append(effect(record))
            old = change(record)["old amount"]
            if old:
                cause = _DELETED if record["eventName"] == "REMOVE" else _OLD
                amounts[name, cause].append(old)
    for total in wrong:
        if not isinstance(total.found, Decimal | None):
            continue
        difference = (total.found or 0) - total.wanted
        for cause in (_AGAIN, _OLD, _DELETED, _LEFT_OUT):
            if {difference, -difference} & _sums(amounts[str(total.key), cause]):
                return _(cause)
    return _("totals are wrong")


def _read_alert(alert: upload.Alert, effects: list[Decimal]) -> Iterator[Fault]:
    """Yield what is wrong with an alert about a customer whose changes have these effects."""
    wrong = [*alert.differences(HIGH)]
    has_all_sums = len(effects) <= _MOST_SUMMED
    if not wrong and has_all_sums and amount(alert.balance) not in _sums(effects):
        words = N_("an alert for {key} has {attribute} {found}, not a total that there was")
        wrong = [upload.Difference(alert.key, "accountBalance", alert.balance, words=words)]
    for difference in wrong:
        yield Fault(_("the {field} of an alert is wrong", field=difference.attribute), str(difference))


def _count_alerts(held: Held, due: Due) -> Iterator[Fault]:
    """Yield the customers with too few alerts, or more than failures explain."""
    counted = Counter(alert.key for alert in held.alerts)
    failures = [outcome for _batch, outcome in held.deliveries if outcome.why]
    for name in due.totals:
        count = counted[name]
        most = due.most[name]
        if most:
            most += len(failures)
        if count < due.fewest[name]:
            cause = _("alerts are missing")
            wanted = due.fewest[name]
        elif count > most:
            cause = _("too many alerts are sent")
            wanted = most
        else:
            continue
        yield Fault(cause, _("alerts for {name}: {count} instead of {wanted}", name=name, count=count, wanted=wanted))


def _sums(parts: list[Decimal]) -> set[Decimal]:
    """Return what some of these amounts may add up to; of many, the first ones."""
    if len(parts) > _MOST_SUMMED:
        return {*accumulate(parts)}
    sums = {Decimal(0)}
    for part in parts:
        sums |= {total + part for total in sums}
    return sums
