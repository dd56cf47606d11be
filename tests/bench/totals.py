"""Print how many rows a second go through the chain until all totals are exact."""

import io
import itertools
import time

from lab_lib import transactions
from lab_lib.aws import buckets, cleanup, functions, tables
from lab_lib.calls.waiting import wait_until
from lab_lib.checks.evidence import at_rest
from lab_lib.lab import open_lab
from tests.bench.rows import make_up, write
from tests.lab.chains import Chain
from tests.own_aws import own_aws

ACCOUNTS = map(str, itertools.count(700_000_000_001))
SIZES = [(1_000, 200), (10_000, 200), (10_000, 20_000), (10_000, 1), (100_000, 200)]  # rows and customers
ROUNDS = 3


def main():
    for size, customers in SIZES:
        print(f"{size:,} rows of {customers:,} customers, in a second:")
        for _ in range(ROUNDS):
            print(f"    {rate(list(make_up(size, customers))):,.0f}", flush=True)


def rate(rows):
    """Return the rows a second of a chain that is warm, and whose functions have all the time there is."""
    lab = Chain(open_lab(account=next(ACCOUNTS))).build().lab
    for name in functions.SOURCES:
        settings = {"FunctionName": name, "Timeout": functions.LONGEST_TIMEOUT}
        lab.client("lambda").update_function_configuration(**settings)
    take_in(lab, "warm-up.txt", rows[:1])
    begun = time.monotonic()
    take_in(lab, "rows.txt", rows)
    seconds = time.monotonic() - begun
    totals = {item["CustomerId"]: item["accountBalance"] for item in tables.items(lab, "TransactionTotal")}
    assert totals == transactions.totals(transactions.read_amounts(rows))
    list(cleanup.delete_all(lab))
    return len(rows) / seconds


def take_in(lab, key, rows):
    """Upload a file with these rows, and wait until the chain is at rest."""
    text = io.StringIO()
    write(text, rows)
    buckets.put(lab, key, text.getvalue().encode())
    wait_until(lambda: at_rest(lab), "the chain", timeout=1800, longest_pause=0.2, say_after=1800)


if __name__ == "__main__":
    with own_aws("bench"):
        main()
