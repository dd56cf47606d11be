"""Rows a second from the upload until all totals are exact, and what one redelivered batch then does."""

import functools
import itertools
import math
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
from tests.bench import chain, floor, page

SIZES, CUSTOMERS = [1_000, 10_000, 100_000], [200, 20_000, 1]
COMPARED = 10_000  # rows
LONGEST = 180  # seconds; what would take longer is left out
BATCH = 1_000  # records, as the mapping sends them
FLOORS = {"the calls alone": 1, "the same, two threads": 2}


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


def measure(sizes):
    """Return the section's text, for files of so many rows, and of 10,000."""
    rates, last = {}, {}
    for size, customers in itertools.product(sorted({*sizes, COMPARED}), CUSTOMERS):
        print(f"{size:,} rows, {customers:,} customers", file=sys.stderr)
        took = page.rounds(ways(size, customers, last))
        last |= {(name, customers): statistics.median(each) / size for name, each in took.items()}
        rates[size, customers] = {name: [size / each for each in seconds] for name, seconds in took.items()}
    lines = [
        [f"{size:,}", f"{customers:,}", *(page.spread(found.get(name, [])) for name in [*chain.WAYS, *FLOORS])]
        for (size, customers), found in rates.items()
    ]
    header = ["Rows", "Customers", *chain.WAYS.values(), *FLOORS]
    return "\n\n".join([page.table(header, lines), NOTES, redelivered(), met(rates)])


def ways(size, customers, last):
    """Return {name: function that returns the seconds}, without those that would take too long, by their last speed."""
    found = {way: functools.partial(seconds, way, size, customers) for way in chain.WAYS}
    for name, threads in FLOORS.items():
        found[name] = functools.partial(floor.seconds, size, customers, threads)
    return {
        name: way for name, way in found.items() if name == "ours" or last.get((name, customers), 0) * size < LONGEST
    }


def redelivered():
    header = ["Customers", *chain.WAYS.values()]
    lines = [[f"{who:,}", *(watched(way, who).redelivered for way in chain.WAYS)] for who in CUSTOMERS]
    what = f"What the last {BATCH:,} records do when they come once more, after {COMPARED:,} rows:"
    return f"{what}\n\n{page.table(header, lines)}"


def met(rates):
    """Return the table of goals, each for 200, 20,000 and one customer, at 10,000 rows."""

    def ratios(other, size=COMPARED):
        pairs = [(rates[size, who].get(other) or [math.nan], rates[COMPARED, who]["ours"]) for who in CUSTOMERS]
        return [statistics.median(theirs) / statistics.median(ours) for theirs, ours in pairs]

    def goal(what, found, holds):
        return what, page.listed(found), all(map(holds, found))

    largest = max(size for size, _ in rates)  # 1.00 if nothing larger was measured
    return "Ratios for 200 / 20,000 / one customer:\n\n" + page.goals(
        goal("row by row takes at least 15 times as long", [1 / each for each in ratios("per_row")], lambda x: x >= 15),
        goal("Powertools takes longer", [1 / each for each in ratios("powertools")], lambda x: x > 1),
        goal("at most 1.5 times the time of batches", ratios("batched"), lambda x: x <= 1.5),
        goal("at most 1.3 times the calls alone", ratios("the calls alone"), lambda x: x <= 1.3),
        goal("at most 2.2 times the calls in two threads", ratios("the same, two threads"), lambda x: x <= 2.2),
        goal(f"as fast with {largest:,} rows (0.9 to 1.1)", ratios("ours", largest), lambda x: 0.9 <= x <= 1.1),
    )


NOTES = f"""Rows a second, from the upload until every total is exact, on a warm chain.

| Way | How it does it |
|---|---|
| batches | what an engineer would write first: batch writers, and one `UpdateItem` a customer a batch |
| Powertools | the same reader; `BatchProcessor`, with idempotency by record in a table |
| row by row | the calls of the handout |
| the calls alone | our batches and transactions, made beforehand, from one client, one after the other |
| the same, two threads | the two halves of these calls at the same time |

What takes longer than 20 s is measured once; what would take longer than {LONGEST} s is left out."""
