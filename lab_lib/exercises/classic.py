"""What the classic TotalNotifier would have made of the same stream records. Only `compare` calls AWS.

It adds the new amount of each record to the customer's total, whatever the change was, and keeps no marker. On every
total that is then at or above the threshold, it publishes. A record without a new amount raises KeyError, as a
missing topic raises NotFound; Lambda then hands the whole batch over again, and nothing behind it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
from boto3.dynamodb.types import DYNAMODB_CONTEXT

from lab_lib.aws import queues, streams, tables
from lab_lib.aws.streams import Record, customer
from lab_lib.lab import Lab


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


def compare(
    lab: Lab, *customers: str, after: streams.Place | None = None, times: int = 1, without_topic: int = 0
) -> pd.DataFrame:
    """What the account holds of the customers, beside what the classic function would have made of their changes.

    CustomerId; total, alerts: the account's; classic total, classic alerts, stuck: whether changes are left uncounted.
    The changes after a place count, as one batch that comes so many times, the first ones without a topic.
    """
    batch = Batch(streams.records(lab, *customers, after=after), times, without_topic)
    classic = outcome([batch], lab.threshold)
    totals = {item["CustomerId"]: item["accountBalance"] for item in tables.items(lab, "TransactionTotal")}
    alerts = Counter(alert["customerID"] for alert in queues.alerts(lab, queues.ALERT_QUEUES[0]))
    rows = {
        "CustomerId": customers,
        "total": [totals.get(name, Decimal(0)) for name in customers],
        "alerts": [alerts[name] for name in customers],
        "classic total": [classic.totals.get(name, Decimal(0)) for name in customers],
        "classic alerts": [classic.alerts.get(name, 0) for name in customers],
        "stuck": [name in classic.stuck for name in customers],
    }
    return pd.DataFrame(rows)


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
