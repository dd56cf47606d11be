"""The processor's seconds of `lab check` by the rows and alerts of an account, and with 10,000 messages in a queue."""

import statistics
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

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
CUSTOMERS, MESSAGES = 900, 10_000


def measure():
    """Return the section's text."""
    took = {}
    for size, alerts in SIZES:
        with filled(size, alerts) as lab:
            took[f"{size:,}", f"{alerts}"] = measured(lab, f"{size:,} rows, {alerts} alerts")
            if (size, alerts) == GOAL:
                reached = statistics.median(took[f"{size:,}", f"{alerts}"])
                add_messages(lab)
                took[f"{size:,}", f"{alerts}, and {MESSAGES:,} messages"] = measured(lab, f"and {MESSAGES:,} messages")
    lines = [[*case, page.spread(seconds, ".1f")] for case, seconds in took.items()]
    text = f"""Seconds of the processor, in the command and in the embedded AWS. The rows are of {CUSTOMERS} customers,
and in one file. At most {queues.MOST:,} messages of a queue are read."""
    goal = f"{GOAL[0]:,} rows with {GOAL[1]} alerts in at most {MOST} s", f"{reached:.1f}", reached <= MOST, ""
    return "\n\n".join([page.table(["Rows", "Alerts", "Seconds"], lines), text, page.goals(goal)])


@contextmanager
def filled(size, alerts):
    """Give the lab of an account in which a file of so many rows has gone all the way."""
    built, made = Chain(open_lab(account=next(chain.ACCOUNTS))).build(), list(rows(size, alerts))
    lab, expected = built.lab, Counter()
    for name in functions.SOURCES:
        functions.ensure_function(lab, name, timeout=functions.LONGEST_TIMEOUT)
    for row in made:
        expected[row["CustomerId"]] += row["TransactionAmount"]
    with tempfile.TemporaryDirectory() as folder:
        with (path := Path(folder, "rows.txt")).open("w") as stream:
            transactions.write(stream, made)
        buckets.upload(lab, path)
    wait_until(lambda: built.totals() == expected, "the totals", timeout=1800, longest_pause=1, say_after=1800)
    chain.settle(lab)
    yield lab
    list(cleanup.delete_all(lab))


def rows(size, alerts):
    """Generate rows of which so many customers reach the threshold, each by the first of theirs."""
    for number in range(size):
        customer = number % CUSTOMERS
        yield {
            "CustomerId": f"C{customer}",
            "Address": f"{customer} Smith Street, London",
            "TransactionId": f"T{number:06}",
            "TransactionDate": f"{number % 12 + 1:02}/{number % 28 + 1:02}/2017",
            "TransactionAmount": Decimal("1500.10" if number < alerts else "0.10"),
        }


def add_messages(lab):
    """Put more messages into a queue, which are no alerts."""
    queue = {"QueueUrl": queues.find_queue(lab, queues.ALERT_QUEUES[0])}
    for _ in range(MESSAGES // 10):
        entries = [{"Id": str(number), "MessageBody": '{"more": 1}'} for number in range(10)]
        lab.client("sqs").send_message_batch(**queue, Entries=entries)


def measured(lab, title):
    return page.rounds({title: lambda: processor_seconds(lab)})[title]


def processor_seconds(lab):
    """Return what a check takes of the processor, here and in the embedded AWS: a busy computer changes it little."""
    before = used()
    checks.run(lab)
    return used() - before


def used():
    of_server = psutil.Process(server.running().pid).cpu_times()
    return time.process_time() + of_server.user + of_server.system
