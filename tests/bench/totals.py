"""Rows a second from the upload until all totals are exact, and what one redelivered batch then does."""

import functools
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lab_lib import transactions
from lab_lib.aws import functions, streams
from lab_lib.waiting import wait_until
from tests.bench import chain, page

COMPARED, CUSTOMERS = 10_000, [200, 20_000, 1]  # rows, and of how many customers
SIZES = [(1_000, 200), *((COMPARED, who) for who in CUSTOMERS), (100_000, 200)]
LONGEST = 180  # seconds; what would take longer is left out
BATCH = 1_000  # records, as the mapping sends them


@dataclass
class Watched:
    """The first run of 10,000 rows: what it used, and what a redelivered batch did then."""

    used: Counter[str]
    redelivered: str


WATCHED: dict[tuple[str, int], Watched] = {}


def watched(way, customers):
    """Return what the first run showed; make that run if there was none."""
    if (way, customers) not in WATCHED:
        seconds(way, COMPARED, customers)
    return WATCHED[way, customers]


def seconds(way, rows, customers):
    """Return the time from the upload until all totals are exact."""
    made = list(transactions.make_up(rows, customers))
    expected = defaultdict(Decimal, {"warm-up": Decimal(1)})
    for row in made:
        expected[row["CustomerId"]] += row["TransactionAmount"]
    with tempfile.TemporaryDirectory() as folder, chain.built(way) as built:
        with (path := Path(folder, "rows.txt")).open("w") as stream:
            transactions.write(stream, made)
        before = chain.usage(built.lab)
        begun = time.monotonic()
        built.lab.client("s3").upload_file(str(path), built.lab.bucket, "rows.txt")
        wait_until_exact(built, expected, made[-1]["CustomerId"])
        took = time.monotonic() - begun
        if rows == COMPARED and (way, customers) not in WATCHED:
            chain.settle(built.lab)
            used = chain.usage(built.lab) - before
            WATCHED[way, customers] = Watched(used, redeliver(built, expected))
    return took


def wait_until_exact(built, expected, last):
    """Wait until each total is right. Only once the last row's customer is right, all are read."""
    key, dynamodb = {"CustomerId": {"S": last}}, built.lab.client("dynamodb")

    def exact():
        item = dynamodb.get_item(TableName="TransactionTotal", Key=key, ConsistentRead=True).get("Item", {})
        balance = Decimal(item.get("accountBalance", {}).get("N", 0))
        return balance == expected[last] and built.totals() == expected

    wait_until(exact, "exact totals", timeout=1800, longest_pause=0.2, say_after=1800)


def redeliver(built, expected):
    """Give the function its last batch again, and say what became wrong."""
    before, batch = chain.alerts(built.lab), streams.records(built.lab)[-BATCH:]
    functions.invoke(built.lab, "TotalNotifier", {"Records": batch})
    chain.settle(built.lab)
    wrong = sum(total != expected[customer] for customer, total in built.totals().items())
    again = chain.alerts(built.lab) - before
    return f"{wrong:,} totals too high, {again:,} alerts too many" if wrong or again else "nothing"


def measure():
    """Return the section's text."""
    rates, last = {}, {}
    for rows, customers in SIZES:
        print(f"{rows:,} rows, {customers:,} customers", file=sys.stderr)
        took = page.rounds(ways(rows, customers, last))
        last |= {(way, customers): statistics.median(values) / rows for way, values in took.items()}
        rates[rows, customers] = {way: [rows / value for value in values] for way, values in took.items()}
    lines = [
        [f"{rows:,}", f"{customers:,}", *(page.spread(rate.get(way, [])) for way in chain.WAYS)]
        for (rows, customers), rate in rates.items()
    ]
    header = ["Rows", "Customers", *chain.WAYS.values()]
    return "\n\n".join([page.table(header, lines), NOTES, redelivered(), met(rates)])


def ways(rows, customers, last):
    """Return {way: function that returns the seconds}, without those that would take too long, by their last speed."""
    return {
        way: functools.partial(seconds, way, rows, customers)
        for way in chain.WAYS
        if way == "ours" or last.get((way, customers), 0) * rows < LONGEST
    }


def redelivered():
    header = ["Customers", *chain.WAYS.values()]
    lines = [[f"{who:,}", *(watched(way, who).redelivered for way in chain.WAYS)] for who in CUSTOMERS]
    title = f"What the last {BATCH:,} records do when they come once more, after {COMPARED:,} rows:"
    return f"{title}\n\n{page.table(header, lines)}"


def met(rates):
    """Return the table of goals, each for 200, 20,000 and one customer, at 10,000 rows."""

    def slower(way):
        """Return how many times as long as ours the other way takes."""
        pairs = [(rates[COMPARED, who]["ours"], rates[COMPARED, who][way]) for who in CUSTOMERS]
        return [statistics.median(ours) / statistics.median(theirs) for ours, theirs in pairs]

    by_row, batches = slower("per_row"), [1 / ratio for ratio in slower("batched")]
    return "Ratios for 200 / 20,000 / one customer:\n\n" + page.goals(
        ("row by row takes at least 15 times as long", page.listed(by_row), min(by_row) >= 15, ROW_BY_ROW),
        ("at most 1.5 times the time of batches", page.listed(batches), max(batches) <= 1.5, ""),
    )


# What stands in the way of a goal.
ROW_BY_ROW = "of 20,000 customers, most rows have another one, so a transaction of 100 actions takes 50 rows, not 99"
NOTES = f"""Rows a second, from the upload until every total is exact, on a warm chain.

| Way | How it does it |
|---|---|
| batches | what an engineer would write first: batch writers, and one `UpdateItem` a customer a batch |
| row by row | the calls of the handout |

What takes longer than 20 s is measured once; what would take longer than {LONGEST} s is left out."""
