"""The whole chain under faults: no amount is lost or counted twice, whatever fails and is delivered again.

The unit tests of both functions meet each fault at each call. Here the triggers of the embedded AWS deliver again to
the deployed ones. Nothing of lab_lib adds up here, and amounts are fractions, so that no digit is lost.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest

from lab_lib.aws import buckets, functions, queues, streams, tables
from lab_lib.calls.waiting import wait_until

CANCELLED = {"__type": "TransactionCanceledException", "CancellationReasons": [{"Code": "TransactionConflict"}]}
FAULTS = {
    "GetObject": "killed after",
    "BatchWriteItem": "killed before",
    "TransactWriteItems": [400, json.dumps(CANCELLED)],
    "Publish": "killed after",
}


def held(lab, keys):
    """Return totals, who was alerted, and the numbers and codes of the rejected lines."""
    totals = {item["CustomerId"]: item for item in tables.items(lab, "TransactionTotal")}
    alerted = {customer for customer, item in totals.items() if item.get("alerted")}
    rejected = [(row["line"], row["code"]) for key in keys for row in buckets.rejected_rows(lab, key)]
    return {customer: item["accountBalance"] for customer, item in totals.items()}, alerted, rejected


@pytest.mark.slow
def test_files_at_once_count_once_while_calls_go_wrong_and_are_delivered_again(chain):
    lab, faults = chain.lab, chain.let_fail(*functions.SOURCES)
    for call, fault in FAULTS.items():
        faults.fail(call, fault, "C")
    files, totals = {}, Counter()
    for number in range(10):
        files[f"C{number}.txt"] = lines = []
        for row in range(30):
            customer = (number + row) % 10
            amount = f"{row * customer}.30"
            totals[f"C{customer}"] += Fraction(amount)
            lines.append(f"C{customer}|a street|{number}-{row}|03/16/2017|{amount}")
        lines.append(f"C0|a street|{number}-X|02/30/2017|{number}")
    high = {customer for customer, total in totals.items() if total >= 1500}
    due = totals, high, [(32, "date-not-day")] * 10

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(chain.put, files.keys(), files.values()))
        wait_until(lambda: held(lab, files) == due and not faults.left(), "all to be counted", timeout=60)
        records = streams.records(lab, *totals)
        batches = [{"Records": part} for part in (records, records, records[:50], records[25:])]
        list(pool.map(lambda batch: functions.invoke(lab, "TotalNotifier", batch), batches))

    assert held(lab, files) == due
    for queue in queues.ALERT_QUEUES:
        alerts = Counter(customer for customer, _ in chain.alerts(queue))
        assert alerts.keys() == high
        assert alerts.total() <= len(high) + 1  # the one that was killed after it published
