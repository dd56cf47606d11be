"""Draw the files of a probe: like a bank's, never the same twice, and with nothing in them that marks them.

In the first file everything is such that the handout's own code must be right: whole amounts, no correction, and the
row that brings a customer to the threshold is the customer's last. Nothing here calls AWS.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from random import Random
from string import ascii_letters
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
    second: File  # the rows of the first one again, a bad line with good rows below it, and a refund
    third: File  # it replaces the second one; the customer with the refund reaches the threshold again
    fourth: File  # a customer who was just below the threshold reaches it, and one who was above it has a row more
    correction: File
    cents: File


class Bank:
    """Draws for an account that holds this. Remembers the ids, addresses and totals of its customers."""

    def __init__(self, chance: Random, held: Snapshot, threshold: Decimal) -> None:
        self.chance = chance
        self.limit = max(int(threshold.to_integral_value(ROUND_CEILING)), 1)  # the lowest whole total with an alert
        self._ids = {*held.customers, *held.totals, *(id for row in held.rows for id in row)}
        self._addresses, self._totals = dict[str, str](), dict[str, int]()

    def files(self, fit: str) -> Files:
        """Return new files. `fit`, such as "{}.txt", makes keys that fit the filter of the bucket's trigger."""
        chance, limit, customers = self.chance, self.limit, self._customers()
        crossing, (nearly, *low) = customers[:4], customers[4:]
        refunded = chance.choice(crossing)
        first = self._first(crossing, nearly, low)
        bad = self._line(low[0], 0)._replace(amount=chance.choice(_NO_AMOUNTS))
        self._addresses[nearly] = self._address()
        second = chance.sample(self._moved(first), len(first))
        second.insert(len(second) // 2, bad)
        second += [self._to(refunded, limit - chance.randint(1, 20)), self._line(nearly, -chance.randint(1, 40))]
        third = [line for line in second if line is not bad]
        third.append(self._to(refunded, limit + chance.randint(0, 30)))
        fourth = chance.sample(self._moved(first), 5)
        above = next(name for name in crossing if name != refunded)
        fourth += [self._line(above, chance.randint(1, 90)), self._to(nearly, limit + chance.randint(0, 5))]
        wrong = [line for line in self._moved(first) if line.customer in low[:2]][:2]
        correction = [line._replace(amount=str(int(line.amount) - 3)) for line in wrong]
        cents = [
            self._line(name, 0)._replace(amount=text) for name, text in zip(low[2:], ("-0.10", "-10.25"), strict=False)
        ]
        stems = [f"{chance.choice(_WORDS)} {number}" for number in chance.sample(range(1, 10**6), 5)]
        stems.insert(2, stems[1])
        contents = map(self._content, (first, second, third, fourth, correction, cents))
        return Files(crossing, *map(File, map(fit.format, stems), contents))

    def _customers(self) -> list[str]:
        """Return new customers. Some of their ids are odd, and some differ by their case or their end alone."""
        odd = [self._new_id(form) for form in ("7C{}", "0{}", "A-{}")]
        word, long = f"{self._new_id()}{self._letters(5)}", f"{self._new_id()}{self._letters(40)}"
        alike = [word.lower(), word.upper(), f"{long}a", f"{long}b"]
        usual = [self._new_id() for _ in range(self.chance.randint(5, 8))]
        return self.chance.sample([*odd, *alike, *usual], 7 + len(usual))

    def _first(self, crossing: list[str], nearly: str, low: list[str]) -> list[Line]:
        """Return the lines of the first file, mixed, but one customer's in their order."""
        chance, amounts = self.chance, {name: self._below() for name in [*crossing, nearly, *low]}
        for name, over in zip(
            crossing, (0, chance.randint(1, 4), chance.randint(5, 60), chance.randint(100, 9_000)), strict=True
        ):
            before = self.limit - chance.randint(1, 4)
            amounts[name] += [before - sum(amounts[name]), self.limit + over - before]
        amounts[nearly].append(self.limit - 1 - sum(amounts[nearly]))
        amounts[low[0]].append(0)
        names = [name for name in amounts for _ in amounts[name]]
        chance.shuffle(names)
        lines = [self._line(name, amounts[name].pop(0)) for name in names]
        for name in low[1:3]:  # they move before their last transaction
            self._addresses[name] = self._address()
            last = max(place for place, line in enumerate(lines) if line.customer == name)
            lines[last] = self._moved([lines[last]])[0]
        twin, id = self._line(low[3], -1), self._letters(6).lower()  # two transactions that differ by their case
        self._totals[low[3]] -= 1
        return [*lines, twin._replace(transaction=id), twin._replace(transaction=id.upper())]

    def _below(self) -> list[int]:
        """Return amounts, some of them negative, all sums of which are below the threshold."""
        number = self.chance.randint(2, 4)
        return [self.chance.randint(-60, min((self.limit - 1) // number, 400)) for _ in range(number)]

    def _line(self, customer: str, amount: int) -> Line:
        """Return a new transaction of the customer."""
        self._addresses.setdefault(customer, self._address())
        self._totals[customer] = self._totals.get(customer, 0) + amount
        date = f"{self.chance.randint(1, 12):02}/{self.chance.randint(1, 28):02}/{self.chance.randint(2015, 2026)}"
        return Line(customer, self._addresses[customer], self._new_id("T{}"), date, str(amount))

    def _to(self, customer: str, total: int) -> Line:
        """Return a new transaction that brings the customer to this total."""
        return self._line(customer, total - self._totals[customer])

    def _moved(self, lines: Iterable[Line]) -> list[Line]:
        """Return the lines with the addresses that their customers have now."""
        return [line._replace(address=self._addresses[line.customer]) for line in lines]

    def _content(self, lines: list[Line]) -> bytes:
        """Return a file with its columns in any order, a blank line, and no end of the last line."""
        order = self.chance.sample(range(len(COLUMNS)), len(COLUMNS))
        texts = ["|".join(line[place] for place in order) for line in lines]
        texts.insert(self.chance.randrange(len(texts)), "")
        return "\n".join(["|".join(COLUMNS[place] for place in order), *texts]).encode()

    def _address(self) -> str:
        return f"{self.chance.randint(1, 199)} {self.chance.choice(_STREETS)}"

    def _new_id(self, form: str = "C{}") -> str:
        """Return an id of this form that neither a customer nor a transaction has."""
        new = form.format(self.chance.randrange(10**6))
        if new in self._ids:
            return self._new_id(form)
        self._ids.add(new)
        return new

    def _letters(self, number: int) -> str:
        return "".join(self.chance.choices(ascii_letters, k=number))
