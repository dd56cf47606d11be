"""Seconds until all totals are exact: a file in parts, beside a single call of TransactionProcessor."""

import functools
import time
from decimal import Decimal

from lab_lib import transactions
from lab_lib.aws import buckets, executions, machines
from tests.bench import chain, page, totals

ROWS, CUSTOMERS, PARTS = 100_000, 20_000, [1, 4, 16]
KEY = "large/rows.csv"  # starts nothing


def in_parts(parts):
    """Return the time from the start of the machine until all totals are exact."""
    with chain.built() as built:
        made = list(transactions.make_up(ROWS, CUSTOMERS))
        expected = chain.totals_of(made) | {"warm-up": Decimal(1)}
        machines.ensure_all(built.lab)
        with chain.file_of(made) as path:
            buckets.upload(built.lab, path, KEY)
        begun = time.monotonic()
        executions.start(built.lab, KEY, parts)
        totals.wait_until_exact(built, expected, made[-1]["CustomerId"])
        return time.monotonic() - begun


def measure():
    """Return the section's text."""
    ways = {"a single call": functools.partial(totals.seconds, "ours", ROWS, CUSTOMERS)}
    ways |= {f"the machine, {parts} part{'s' * (parts > 1)}": functools.partial(in_parts, parts) for parts in PARTS}
    took = page.rounds(ways)
    lines = [[way, page.spread(seconds, ".0f"), f"{ROWS / min(seconds):,.0f}"] for way, seconds in took.items()]
    return f"{page.table([f'{ROWS:,} rows', 'Seconds', 'Rows a second'], lines)}\n\n{NOTES}"


NOTES = f"""Seconds until every total is exact, of {CUSTOMERS:,} customers, on a warm chain. The machine is made before.
The embedded AWS computes in one process, so parts gain nothing here: the difference is what they cost."""
