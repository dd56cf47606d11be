"""The books of a test: its uploads, added up from their text, and what the account must hold because of them.

Nothing of lab_lib adds up here. Amounts are fractions, so that no digit is lost.
"""

from collections import Counter
from contextlib import suppress
from fractions import Fraction

from lab_lib.aws import buckets, queues, tables
from lab_lib.calls.waiting import wait_until
from lab_lib.errors import TimedOut

THRESHOLD = 1500


class Books:
    """What the account must hold of the customers of one test. It may hold other customers too."""

    def __init__(self, chain):
        self.chain, self.lab = chain, chain.lab
        self.amounts = {}  # {(customer, transaction): amount}
        self.bad = {}  # {key: numbers of the lines that are rejected}

    def upload(self, key, lines):
        """Upload these rows under the usual header; a row counts if it has five fields and its amount is a number."""
        self.bad[key] = []
        for number, line in enumerate(lines, 2):
            try:
                customer, _, transaction, _, amount = line.split("|")
                self.amounts[customer, transaction] = Fraction(amount)
            except ValueError:
                self.bad[key].append(number)
        self.chain.put(key, lines)

    @property
    def customers(self):
        return {customer for customer, _ in self.amounts}

    def totals(self):
        sums = Counter()
        for (customer, _), amount in self.amounts.items():
            sums[customer] += amount
        return sums

    def must_balance(self, repeats=0):
        """Wait until the account holds what it must. Each alert came once; `repeats` of them may have come again."""
        totals = self.totals()
        high = {customer for customer, total in totals.items() if total >= THRESHOLD}
        wanted = {"totals": totals, "alerted": high, "bad lines": self.bad}
        with suppress(TimedOut):  # the comparison then tells what is missing
            wait_until(lambda: self.held() == wanted, "the books to balance", timeout=60, longest_pause=0.2)
        assert self.held() == wanted
        for queue in queues.ALERT_QUEUES:
            sent = Counter(customer for customer, _ in self.chain.alerts(queue) if customer in self.customers)
            assert sent.keys() == high
            assert sent.total() <= len(high) + repeats

    def held(self):
        items = [item for item in tables.items(self.lab, "TransactionTotal") if item["CustomerId"] in self.customers]
        return {
            "totals": {item["CustomerId"]: item["accountBalance"] for item in items},
            "alerted": {item["CustomerId"] for item in items if item.get("alerted")},
            "bad lines": {key: [row["line"] for row in buckets.rejected_rows(self.lab, key)] for key in self.bad},
        }
