"""Draw the files of a probe: like a bank's, never the same twice, and with nothing in them that marks them.

In the first file everything is such that the handout's own code must be right: whole amounts, no correction, and the
row that brings a customer to the threshold is the customer's last. Nothing here calls AWS.
"""

from collections import defaultdict
from decimal import Decimal
from math import ceil
from operator import itemgetter
from random import Random
from typing import NamedTuple

from lab_lib.checks.upload import Snapshot
from lab_lib.handlers.transaction_processor.transactions_file import COLUMNS

_WORDS = ("relevé", "März", "extracto año", "opérations", "Umsätze", "junho é", "bokföring mån", "výpis účtu")
_STREETS = ("Smith Street, London", "Rue de l'Été, Liège", "Hauptstraße, Köln", "Calle Ñuñoa, Málaga", "Åvägen, Umeå")
_NO_AMOUNTS = ("12,50", "many", "", "1 000", "--5")


class Line(NamedTuple):
    """A line of a transactions file."""

    customer: str
    address: str
    transaction: str
    date: str
    amount: str


class File(NamedTuple):
    """A file to upload."""

    key: str
    content: bytes


class Files(NamedTuple):
    """The files of a probe, in the order of their uploads. Their customers are new.

    The last two have what the handout does not ask for, each of other customers.
    """

    crossing: list[str]  # the customers who reach the threshold; the last two files have none of them
    first: File
    second: File  # the rows of the first one again, and a refund
    third: File  # it replaces the second one; the customer with the refund reaches the threshold again; a bad line
    fourth: File  # a customer who was just below the threshold reaches it, and one who was above it has a row more
    correction: File
    cents: File


class Bank:
    """Draws for an account that holds this. Remembers the ids, addresses and totals of its customers."""

    def __init__(self, chance: Random, held: Snapshot, threshold: Decimal) -> None:
        self.chance = chance
        self.limit = max(ceil(threshold), 1)  # the lowest whole total with an alert
        self._ids = set(held.customers).union(*held.rows)  # of customers and transactions
        self._addresses, self._totals = dict[str, str](), dict[str, int]()

    def files(self, fit: str) -> Files:
        """Return new files. `fit`, such as "{}.txt", makes keys that fit the filter of the bucket's trigger."""
        chance, limit, customers = self.chance, self.limit, self._customers()
        crossing, nearly, low = customers[:4], customers[4], customers[5:]
        refunded, above = chance.sample(crossing, 2)
        first = self._first(crossing, nearly, low)
        second = chance.sample(first, len(first))
        self._move(nearly)
        second += [self._to(refunded, limit - chance.randint(1, 20)), self._line(nearly, -chance.randint(1, 40))]
        third = [*second, self._to(refunded, limit + chance.randint(0, 30))]
        bad = self._line(low[0], 0)._replace(amount=chance.choice(_NO_AMOUNTS))
        third.insert(len(third) // 2, bad)
        fourth = chance.sample(first, 5)
        fourth += [self._line(above, chance.randint(1, 90)), self._to(nearly, limit + chance.randint(0, 5))]
        wrong = [line for line in first if line.customer in low[:2]][:2]
        correction = [line._replace(amount=str(int(line.amount) - 3)) for line in wrong]
        cents = [self._line(low[2], 0)._replace(amount="-0.10"), self._line(low[3], 0)._replace(amount="-10.25")]
        keys = [fit.format(f"{chance.choice(_WORDS)} {number}") for number in chance.sample(range(1, 10**6), 5)]
        keys.insert(2, keys[1])
        contents = map(self._content, (first, second, third, fourth, correction, cents))
        return Files(crossing, *map(File, keys, contents))

    def _customers(self) -> list[str]:
        """Return new customers. Some of their ids are odd, and some differ by their case or their end alone."""
        usual = ["C{}"] * self.chance.randint(6, 9)
        customers = [self._new_id(form) for form in (*usual, "7C{}", "0{}", "A-{}")]
        long = f"{self._new_id('C{}')}{self.chance.randrange(10**40)}"
        customers += [customers[0].lower(), f"{long}a", f"{long}b"]
        self.chance.shuffle(customers)
        return customers

    def _first(self, crossing: list[str], nearly: str, low: list[str]) -> list[Line]:
        """Return the lines of the first file, mixed, but one customer's in their order."""
        chance, limit = self.chance, self.limit
        lines = [line for name in (*crossing, nearly, *low) for line in self._below(name)]
        above = 0, chance.randint(1, 4), chance.randint(5, 60), chance.randint(100, 9_000)
        for name, over in zip(crossing, above, strict=True):
            lines += [self._to(name, limit - chance.randint(1, 4)), self._to(name, limit + over)]
        lines += [self._to(nearly, limit - 1), self._line(low[0], 0)]
        for name in low[1:3]:
            self._move(name)
            lines.append(self._line(name, -1))
        twin = self._line(low[3], -1)
        lines += [twin, self._line(low[3], -1)._replace(transaction=twin.transaction.lower())]
        names, own = [line.customer for line in lines], defaultdict[str, list[Line]](list)
        for line in lines:
            own[line.customer].append(line)
        chance.shuffle(names)
        return [own[name].pop(0) for name in names]

    def _below(self, customer: str) -> list[Line]:
        """Return transactions, some of them negative, all sums of which are below the threshold."""
        number = self.chance.randint(2, 4)
        highest = min((self.limit - 1) // number, 400)
        return [self._line(customer, self.chance.randint(-60, highest)) for _ in range(number)]

    def _line(self, customer: str, amount: int) -> Line:
        """Return a new transaction of the customer."""
        if customer not in self._addresses:
            self._move(customer)
        self._totals[customer] = self._totals.get(customer, 0) + amount
        date = f"{self.chance.randint(1, 12):02}/{self.chance.randint(1, 28):02}/{self.chance.randint(2015, 2026)}"
        return Line(customer, self._addresses[customer], self._new_id("T{}"), date, str(amount))

    def _to(self, customer: str, total: int) -> Line:
        """Return a new transaction that brings the customer to this total."""
        return self._line(customer, total - self._totals[customer])

    def _move(self, customer: str) -> None:
        """Give a customer a new address, which later transactions have."""
        self._addresses[customer] = f"{self.chance.randint(1, 199)} {self.chance.choice(_STREETS)}"

    def _content(self, lines: list[Line]) -> bytes:
        """Return a file with its columns in any order, a blank line, and no end of the last line."""
        ordered = itemgetter(*self.chance.sample(range(len(COLUMNS)), len(COLUMNS)))
        texts = ["|".join(ordered(line)) for line in (COLUMNS, *lines)]
        texts.insert(self.chance.randrange(1, len(texts)), "")
        return "\n".join(texts).encode()

    def _new_id(self, form: str) -> str:
        """Return an id of this form that neither a customer nor a transaction has."""
        new = form.format(self.chance.randrange(10**6))
        if new in self._ids:
            return self._new_id(form)
        self._ids.add(new)
        return new
