"""Print the processor's seconds of `lab check`, in the command and in the embedded AWS, by the rows of an account."""

import time
from decimal import Decimal

import psutil

from lab_lib import checks
from lab_lib.aws import cleanup
from lab_lib.embedded import server
from tests.bench import labs
from tests.bench.rows import make_up
from tests.own_aws import own_aws

SIZES = [(1_000, 448), (10_000, 448), (30_000, 1), (30_000, 448), (30_000, 900), (100_000, 448)]  # rows and alerts
CUSTOMERS = 900
ROUNDS = 3


def main():
    for size, alerts in SIZES:
        lab = labs.build()
        labs.take_in(lab, "rows.txt", rows(size, alerts))
        seconds = [f"{seconds_of_check(lab):.1f}" for _ in range(ROUNDS)]
        print(f"{size:,} rows, {alerts} alerts: {', '.join(seconds)} s", flush=True)
        list(cleanup.delete_all(lab))


def rows(size, alerts):
    """Generate rows of which so many customers reach the threshold, each by the first of theirs."""
    for number, row in enumerate(make_up(size, CUSTOMERS)):
        amount = Decimal("1500.10" if number < alerts else "0.10")
        yield row | {"CustomerId": f"C{number % CUSTOMERS}", "TransactionAmount": amount}


def seconds_of_check(lab):
    """Return what a check takes of the processor: how busy the computer is changes it little."""
    before = used()
    checks.run(lab)
    return used() - before


def used():
    of_server = psutil.Process(server.running().pid).cpu_times()
    return time.process_time() + of_server.user + of_server.system


if __name__ == "__main__":
    with own_aws("bench"):
        main()
