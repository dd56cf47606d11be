"""Count what delivered records of the stream must lead to in empty tables. Nothing here calls AWS."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from lab_lib.aws.streams import change, customer, effect
from lab_lib.exercises.draw import Batch


class Tally(NamedTuple):
    """The outcome that delivered records must have. Who looks after each batch sees the fewest alerts."""

    totals: dict[str, Decimal]  # by customer
    fewest: Counter[str]  # alerts by customer
    most: Counter[str]
    letters: set[str]  # the TransactionIds of the records that become dead letters: their amounts are texts


def tally(batches: Iterable[Batch], threshold: Decimal) -> Tally:
    """Return what these batches must lead to. A record that was delivered before counts once."""
    totals, fewest, most = defaultdict[str, Decimal](Decimal), Counter[str](), Counter[str]()
    seen, letters = set[str](), set[str]()
    for batch in batches:
        before = dict(totals)
        for record in batch:
            if record["eventID"] in seen:
                continue
            seen.add(record["eventID"])
            name, row = customer(record), change(record)
            total = totals[name]
            if isinstance(row["new amount"], str):
                letters.add(row["TransactionId"])
            else:
                totals[name] += effect(record)
                most[name] += total < threshold <= totals[name]
        fewest.update(name for name, total in totals.items() if before.get(name, Decimal(0)) < threshold <= total)
    return Tally(dict(totals), fewest, most, letters)
