"""Compare the account with the classic TotalNotifier, had it received the same stream records.

The classic function adds the new amount of each record to the customer's total, whatever the change was, and keeps no
marker. It publishes for every total that is then at or above the threshold. A record without a new amount raises
KeyError, and a missing topic raises NotFound. Lambda then delivers the whole batch again, and nothing behind it.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
from boto3.dynamodb.types import DYNAMODB_CONTEXT

from lab_lib.aws import queues, streams, tables
from lab_lib.aws.streams import Record, customer
from lab_lib.lab import Lab


@dataclass(frozen=True)
class Outcome:
    """The totals, the alerts and the backlog of the classic function."""

    totals: dict[str, Decimal]
    alerts: dict[str, int]  # the number of alerts published, by customer
    backlog: list[Record]  # the record at which the function fails, and all records behind it

    @property
    def stuck(self) -> set[str]:
        """The customers whose changes are in the backlog."""
        return {customer(record) for record in self.backlog}


def outcome(records: list[Record], threshold: Decimal, times: int = 1, without_topic: int = 0) -> Outcome:
    """Return what the classic function makes of one batch that is delivered `times` times.

    The topic is missing during the first `without_topic` deliveries.
    """
    totals, alerts, backlog = defaultdict[str, Decimal](Decimal), Counter[str](), list[Record]()
    for delivery in range(times):
        backlog = _run(records, totals, alerts, threshold, has_topic=delivery >= without_topic)
    return Outcome(dict(totals), dict(alerts), backlog)


def compare(
    lab: Lab, *customers: str, after: streams.Place | None = None, times: int = 1, without_topic: int = 0
) -> pd.DataFrame:
    """Return what the account holds of these customers, and the classic function's outcome for the same changes.

    CustomerId; total and alerts of the account; classic total, classic alerts, and stuck: whether the classic function
    leaves changes uncounted. The changes behind the place `after` are one batch, delivered as in `outcome`.
    """
    classic = outcome(streams.records(lab, *customers, after=after), lab.threshold, times, without_topic)
    totals = {item["CustomerId"]: item["accountBalance"] for item in tables.items(lab, "TransactionTotal")}
    alerts = Counter(alert["customerID"] for alert in queues.alerts(lab, queues.ALERT_QUEUES[0]))
    columns = {
        "CustomerId": customers,
        "total": [totals.get(name, Decimal(0)) for name in customers],
        "alerts": [alerts[name] for name in customers],
        "classic total": [classic.totals.get(name, Decimal(0)) for name in customers],
        "classic alerts": [classic.alerts.get(name, 0) for name in customers],
        "stuck": [name in classic.stuck for name in customers],
    }
    return pd.DataFrame(columns)


def _run(
    records: list[Record], totals: dict[str, Decimal], alerts: Counter[str], threshold: Decimal, has_topic: bool
) -> list[Record]:
    """Run the function once, which changes totals and alerts. Return the records that it leaves unprocessed."""
    for place, record in enumerate(records):
        try:
            amount = Decimal(record["dynamodb"]["NewImage"]["TransactionAmount"]["N"])
        except KeyError:
            return records[place:]
        name = customer(record)
        totals[name] = DYNAMODB_CONTEXT.add(totals[name], amount)
        if totals[name] >= threshold:
            if not has_topic:
                return records[place:]  # the amount is added already, and stays
            alerts[name] += 1
    return []
