"""Rows a second from the upload until all totals are exact, and what one redelivered batch then does."""

import functools
import statistics
import sys
import time
from decimal import Decimal

from lab_lib import transactions
from lab_lib.aws import functions, streams
from lab_lib.waiting import wait_until
from tests.bench import chain, page

COMPARED, CUSTOMERS = 10_000, [200, 20_000, 1]  # rows, and of how many customers
SIZES = [(1_000, 200), *((COMPARED, who) for who in CUSTOMERS), (100_000, 200)]
BATCH = 1_000  # records, as the mapping sends them


def seconds(way, rows, customers):
    """Return the time from the upload until all totals are exact."""
    with chain.built(way) as built:
        return upload(built, rows, customers)[1]


def upload(built, rows, customers):
    """Upload so many rows; return the totals, and the seconds until they are exact."""
    made = list(transactions.make_up(rows, customers))
    expected = chain.totals_of(made) | {"warm-up": Decimal(1)}
    with chain.file_of(made) as path:
        begun = time.monotonic()
        built.lab.client("s3").upload_file(str(path), built.lab.bucket, "rows.txt")
        wait_until_exact(built, expected, made[-1]["CustomerId"])
        return expected, time.monotonic() - begun


def wait_until_exact(built, expected, last):
    """Wait until each total is right. Only once the last row's customer is right, all are read."""
    key, dynamodb = {"CustomerId": {"S": last}}, built.lab.client("dynamodb")

    def exact():
        item = dynamodb.get_item(TableName="TransactionTotal", Key=key, ConsistentRead=True).get("Item", {})
        balance = Decimal(item.get("accountBalance", {}).get("N", 0))
        return balance == expected[last] and built.totals() == expected

    wait_until(exact, "exact totals", timeout=1800, longest_pause=0.2, say_after=1800)


def redeliver(way, customers):
    """Give the function the last batch of 10,000 rows again, and say what became wrong."""
    with chain.built(way) as built:
        expected, _ = upload(built, COMPARED, customers)
        chain.settle(built.lab)
        return wrong_after_redelivery(built, expected)


def wrong_after_redelivery(built, expected):
    before, batch = chain.alerts(built.lab), streams.records(built.lab)[-BATCH:]
    functions.invoke(built.lab, "TotalNotifier", {"Records": batch})
    chain.settle(built.lab)
    wrong = sum(total != expected[customer] for customer, total in built.totals().items())
    again = chain.alerts(built.lab) - before
    return f"{wrong:,} totals too high, {again:,} alerts too many" if wrong or again else "nothing"


def measure():
    """Return the section's text."""
    rates = {}
    for rows, customers in SIZES:
        print(f"{rows:,} rows, {customers:,} customers", file=sys.stderr)
        took = page.rounds({way: functools.partial(seconds, way, rows, customers) for way in chain.WAYS})
        rates[rows, customers] = {way: [rows / value for value in values] for way, values in took.items()}
    lines = [
        [f"{rows:,}", f"{customers:,}", *(page.spread(rate[way]) for way in chain.WAYS)]
        for (rows, customers), rate in rates.items()
    ]
    header = ["Rows", "Customers", *chain.WAYS.values()]
    return "\n\n".join([page.table(header, lines), NOTES, redelivered(), met(rates)])


def redelivered():
    header = ["Customers", *chain.WAYS.values()]
    lines = [[f"{who:,}", *(redeliver(way, who) for way in chain.WAYS)] for who in CUSTOMERS]
    title = f"What the last {BATCH:,} records do when they come once more, after {COMPARED:,} rows:"
    return f"{title}\n\n{page.table(header, lines)}"


def met(rates):
    """Return the goal, for 200, 20,000 and one customer, at 10,000 rows."""
    medians = [{way: statistics.median(rates[COMPARED, who][way]) for way in chain.WAYS} for who in CUSTOMERS]
    ratios = [median["batched"] / median["ours"] for median in medians]
    measured = " / ".join(f"{ratio:.2f}" for ratio in ratios)
    return "Ratios for 200 / 20,000 / one customer:\n\n" + page.goal(
        "at most 1.5 times the time of batches", measured, max(ratios) <= 1.5
    )


NOTES = """Rows a second, from the upload until every total is exact, on a warm chain. "batches" is what an engineer
would write first: batch writers, and one `UpdateItem` a customer a batch. What takes over 20 s is measured once."""
