"""What the classic TotalNotifier would have made of the same stream records. Pure functions; nothing calls AWS.

It adds the new amount of each record to the customer's total, whatever the change was, and keeps no marker. On every
total that is then at or above the threshold, it publishes. A record without a new amount raises KeyError, as a
missing topic raises NotFound; Lambda then hands the whole batch over again, and nothing behind it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from boto3.dynamodb.types import DYNAMODB_CONTEXT

from lab_lib.streams import Record, customer


@dataclass(frozen=True)
class Batch:
    """Records that Lambda hands over together."""

    records: list[Record]
    times: int = 1  # how often it hands them over
    without_topic: int = 0  # the first so many times, there is no topic to publish to


@dataclass(frozen=True)
class Outcome:
    """What the classic function leaves behind."""

    totals: dict[str, Decimal]
    alerts: dict[str, int]  # how many were published, by customer
    waiting: list[Record]  # what it never gets to: the record that it fails at, and all behind that one

    @property
    def stuck(self) -> set[str]:
        """The customers who have changes that are not counted."""
        return {customer(record) for record in self.waiting}


def outcome(batches: Iterable[Batch], threshold: Decimal) -> Outcome:
    """Hand over the batches, one after the other, to the first that still fails at the end."""
    totals, alerts, waiting = defaultdict[str, Decimal](Decimal), Counter[str](), list[Record]()
    for batch in batches:
        if waiting:
            waiting += batch.records
            continue
        for time in range(batch.times):
            waiting = _run(batch.records, totals, alerts, threshold, has_topic=time >= batch.without_topic)
    return Outcome(dict(totals), dict(alerts), waiting)


def _run(
    records: list[Record], totals: dict[str, Decimal], alerts: Counter[str], threshold: Decimal, has_topic: bool
) -> list[Record]:
    """One run of the function, which changes totals and alerts; the records that it did not get to the end of."""
    for place, record in enumerate(records):
        try:
            amount = Decimal(record["dynamodb"]["NewImage"]["TransactionAmount"]["N"])
        except KeyError:
            return records[place:]
        name = customer(record)
        totals[name] = DYNAMODB_CONTEXT.add(totals[name], amount)
        if totals[name] >= threshold:
            if not has_topic:
                return records[place:]  # after the addition, which nothing takes back
            alerts[name] += 1
    return []
