"""The books of a test: what was uploaded, counted again from its text, and what the account must hold because of it.

Nothing of lab_lib counts here. Amounts are fractions, so that no digit is lost.
"""

import time
from collections import Counter
from fractions import Fraction

from lab_lib.aws import buckets, queues, tables
from lab_lib.waiting import wait_until

THRESHOLD = 1500


def count(lines):
    """{(customer, transaction): amount}, and the numbers of the lines that do not count; line 1 is the header."""
    amounts, bad, found = {}, [], {}
    for number, line in enumerate(lines, 2):
        try:
            customer, _, transaction, _, amount = line.split("|")
            amount = Fraction(amount)
        except ValueError:
            bad.append(number)
            continue
        row = customer, transaction
        if row in found:
            bad.append(found[row])
        amounts[row], found[row] = amount, number
    return amounts, sorted(bad)


class Books:
    """What the customers of one test are owed; other customers of the account are none of its business."""

    def __init__(self, chain, record_property):
        self.chain, self.record = chain, record_property
        self.amounts = {}  # {(customer, transaction): amount}
        self.customers = set()
        self.bad = {}  # {key: numbers of the lines that do not count}
        self.poison = set()  # the (customer, transaction) that must be set aside in the dead letters
        self.high, self.crossings = set(), Counter()
        self.started = time.monotonic()

    @property
    def lab(self):
        return self.chain.lab

    def upload(self, key, lines):
        amounts, self.bad[key] = count(lines)
        self._enter(amounts)
        self.chain.put(key, lines)

    def delete(self, customer, transaction):
        """Delete a row of Transactions by hand."""
        del self.amounts[customer, transaction]
        key = {"CustomerId": {"S": customer}, "TransactionId": {"S": transaction}}
        self.lab.client("dynamodb").delete_item(TableName="Transactions", Key=key)

    def put(self, customer, transaction, amount):
        """Put a row into Transactions by hand; its amount is as DynamoDB has it, such as {"N": "1"}, or None."""
        key = {"CustomerId": {"S": customer}, "TransactionId": {"S": transaction}}
        item = {**key, "TransactionDate": {"S": "03/16/2017"}, **({"TransactionAmount": amount} if amount else {})}
        self.lab.client("dynamodb").put_item(TableName="Transactions", Item=item)
        self.customers.add(customer)
        self.amounts.pop((customer, transaction), None)
        if amount and "N" in amount:
            self._enter({(customer, transaction): Fraction(amount["N"])})
        else:
            self.poison.add((customer, transaction))

    def refuse(self, customer, transaction):
        """Count this row as one that can never be added."""
        del self.amounts[customer, transaction]
        self.poison.add((customer, transaction))

    def totals(self):
        sums = dict.fromkeys(self.customers, Fraction())
        for (customer, _), amount in self.amounts.items():
            sums[customer] += amount
        return sums

    def close(self):
        """All that was entered is through: whoever has reached the threshold since the last time is alerted once."""
        high = {customer for customer, total in self.totals().items() if total >= THRESHOLD}
        self.crossings.update(high - self.high)
        self.high = high

    def wait(self):
        """Wait until the functions are through, by what they leave behind last; and close the books."""

        def through():
            alerted = {item["CustomerId"] for item in self._total_items() if item.get("alerted")}
            notified = self._totals_held() == self.totals() and alerted == self.high
            return notified and self._bad_held() == self.bad and set(self.letters()) == self.poison

        self.close()
        wait_until(through, "the books to balance", timeout=120)

    def must_balance(self, fault, remedy, repeats=0, letters_again=0):
        """Close the books, compare them with the account, and enter the outcome into the table of the faults.

        So many alerts, and so many dead letters, may have come once more than they ought to.
        """
        self.close()
        totals, letters = self._totals_held(), self.letters()
        alerts = {queue: self.alerts(queue) for queue in queues.ALERT_QUEUES}
        bad = self._bad_held()
        self._record(fault, remedy, totals, alerts["CustomerNotify"], bad, letters)

        assert totals == self.totals()
        for sent in alerts.values():
            counted = Counter(customer for customer, _ in sent)
            assert counted.keys() == self.crossings.keys()
            assert counted >= self.crossings
            assert (counted - self.crossings).total() <= repeats
            assert [balance for _, balance in sent if balance < THRESHOLD] == []
        assert bad == self.bad
        assert set(letters) == self.poison
        assert len(letters) <= len(self.poison) + letters_again

    def letters(self):
        """The (customer, transaction) of the stream records in the dead letters."""
        letters = self.chain.messages(queues.DEAD_LETTERS)
        keys = [letter["record"]["dynamodb"]["Keys"] for letter in letters if "record" in letter]
        rows = [(each["CustomerId"]["S"], each["TransactionId"]["S"]) for each in keys]
        return sorted(row for row in rows if row[0] in self.customers)

    def alerts(self, queue):
        return [(customer, balance) for customer, balance in self.chain.alerts(queue) if customer in self.customers]

    def _record(self, fault, remedy, totals, alerts, bad, letters):
        exact = [totals.get(customer) == total for customer, total in self.totals().items()]
        outcome = {
            "table": "Faults",
            "fault": fault,
            "then": remedy,
            "totals": f"{sum(exact)} of {len(exact)}",
            "alerts": f"{len(alerts)} for {self.crossings.total()}",
            "bad rows": f"{sum(map(len, bad.values()))} of {sum(map(len, self.bad.values()))}",
            "letters": f"{len(letters)} for {len(self.poison)}",
            "s": f"{time.monotonic() - self.started:.1f}",
        }
        for name, value in outcome.items():
            self.record(name, value)

    def _enter(self, amounts):
        self.amounts |= amounts
        self.customers |= {customer for customer, _ in amounts}

    def _total_items(self):
        return [item for item in tables.items(self.lab, "TransactionTotal") if item["CustomerId"] in self.customers]

    def _totals_held(self):
        return {item["CustomerId"]: item["accountBalance"] for item in self._total_items()}

    def _bad_held(self):
        return {key: [row["line"] for row in buckets.rejected_rows(self.lab, key)] for key in self.bad}
