"""The processor's seconds of `lab check` by the rows and alerts of an account."""

import functools
import statistics
import time
from contextlib import contextmanager
from decimal import Decimal

import psutil

from lab_lib import checks, transactions
from lab_lib.aws import buckets, cleanup, functions, queues
from lab_lib.embedded import server
from lab_lib.lab import open_lab
from lab_lib.waiting import wait_until
from tests.bench import chain, page
from tests.lab.chains import Chain

GOAL, MOST = (30_000, 448), 5  # rows and alerts; seconds
SIZES = [(1_000, 448), (10_000, 448), (30_000, 1), GOAL, (30_000, 900), (100_000, 448)]
CUSTOMERS = 900


def measure():
    """Return the section's text."""
    took = {}
    for size, alerts in SIZES:
        with filled(size, alerts) as lab:
            title = f"{size:,} rows, {alerts} alerts"
            took[size, alerts] = page.rounds({title: functools.partial(processor_seconds, lab)})[title]
    reached = statistics.median(took[GOAL])
    lines = [[f"{size:,}", alerts, page.spread(seconds, ".1f")] for (size, alerts), seconds in took.items()]
    text = f"""Seconds of the processor, in the command and in the embedded AWS. The rows are of {CUSTOMERS} customers,
and in one file. At most {queues.MOST:,} messages of a queue are read, however many it holds."""
    goal = page.goal(f"{GOAL[0]:,} rows with {GOAL[1]} alerts in at most {MOST} s", f"{reached:.1f}", reached <= MOST)
    return "\n\n".join([page.table(["Rows", "Alerts", "Seconds"], lines), text, goal])


@contextmanager
def filled(size, alerts):
    """Give the lab of an account in which a file of so many rows has gone all the way."""
    built, made = Chain(open_lab(account=next(chain.ACCOUNTS))).build(), list(rows(size, alerts))
    lab, expected = built.lab, chain.totals_of(made)
    for name in functions.SOURCES:
        functions.ensure_function(lab, name, timeout=functions.LONGEST_TIMEOUT)
    with chain.file_of(made) as path:
        buckets.upload(lab, path)
    wait_until(lambda: built.totals() == expected, "the totals", timeout=1800, longest_pause=1, say_after=1800)
    chain.settle(lab)
    yield lab
    list(cleanup.delete_all(lab))


def rows(size, alerts):
    """Generate rows of which so many customers reach the threshold, each by the first of theirs."""
    for number, row in enumerate(transactions.make_up(size, CUSTOMERS)):
        amount = Decimal("1500.10" if number < alerts else "0.10")
        yield row | {"CustomerId": f"C{number % CUSTOMERS}", "TransactionAmount": amount}


def processor_seconds(lab):
    """Return what a check takes of the processor, here and in the embedded AWS: a busy computer changes it little."""
    before = used()
    checks.run(lab)
    return used() - before


def used():
    of_server = psutil.Process(server.running().pid).cpu_times()
    return time.process_time() + of_server.user + of_server.system
