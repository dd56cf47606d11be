"""Draw the files of a probe: like a bank's, never the same twice, and with nothing in them that marks them.

In the first file everything is such that the handout's own code must be right: whole amounts, no correction, and the
row that brings a customer to the threshold is the customer's last. Nothing here calls AWS.
"""

import string
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from random import Random
from typing import NamedTuple

from lab_lib.checks.expected import Snapshot
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
    """The files of a probe, in the order of their uploads, and the customers in them that the account does not have.

    The last two have what the handout does not ask for.
    """

    customers: list[str]  # those who do not reach the threshold come last
    first: File
    second: File  # the rows of the first one again, a bad line with good rows below it, and a refund
    third: File  # it replaces the second one; the customer with the refund reaches the threshold again
    fourth: File  # a customer who was just below the threshold reaches it
    correction: File
    cents: File

    @property
    def all(self) -> list[File]:
        return [*self[1:]]


class ProbeDraw:
    """Draws for an account that holds this. Remembers what was drawn: ids, addresses and totals of customers."""

    def __init__(self, chance: Random, held: Snapshot, threshold: Decimal) -> None:
        self.chance, self.held, self.threshold = chance, held, threshold
        self.limit = max(int(threshold.to_integral_value(ROUND_CEILING)), 1)  # the lowest whole total with an alert
        self._ids = {*held.customers, *held.totals, *(id for row in held.rows for id in row)}
        self._addresses, self._totals = dict[str, str](), dict[str, int]()

    def files(self, fit: str) -> Files:
        """Return new files. `fit`, such as "{}.txt", makes keys that fit the filter of the bucket's trigger."""
        chance, (crossing, low) = self.chance, self._customers()
        nearly, others = low[0], low[1:]
        lines = self._lines(crossing, low)
        refunded = chance.choice(crossing)
        again = [*map(self._moved, lines)]
        second = chance.sample(again, len(again))
        second.append(self._to(refunded, self.limit - 1 - chance.randint(0, 20)))
        bad = self._line(chance.choice(low), 0)._replace(amount=chance.choice(_NO_AMOUNTS))
        second.insert(chance.randint(5, len(second) - 10), bad)
        self._addresses[nearly] = self._address()
        second.append(self._line(nearly, -chance.randint(1, 40)))
        third = [self._moved(line) for line in second if line is not bad]
        third.append(self._to(refunded, self.limit + chance.randint(0, 30)))
        fourth = [self._moved(line) for line in chance.sample(lines, chance.randint(2, 8))]
        fourth.append(self._to(nearly, self.limit + chance.randint(0, 5)))
        corrected = [line._replace(amount=str(int(line.amount) - 3)) for line in again if line.customer in others][:2]
        cents = [
            self._line(name, 0)._replace(amount=text) for name, text in zip(others, ("-0.10", "-10.25"), strict=False)
        ]
        stems = [f"{chance.choice(_WORDS)} {number}" for number in chance.sample(range(1, 10**6), 5)]
        stems.insert(2, stems[1])
        contents = lines, second, third, fourth, [*map(self._moved, corrected)], cents
        files = [File(fit.format(stem), self._content(rows)) for stem, rows in zip(stems, contents, strict=True)]
        return Files([*crossing, *low], *files)

    def _customers(self) -> tuple[list[str], list[str]]:
        """Return new customers: those who reach the threshold, and the others. Some of their ids are odd, or alike."""
        chance = self.chance
        odd = [*map(self._new_id, ("7C{}", "0{}", "A-{}"))]
        case, end = f"{self._new_id()}{self._letters(5)}", f"{self._new_id()}{self._letters(40)}"[:40]
        alike = [case.lower(), case.upper(), *(f"{end}{letter}" for letter in chance.sample(string.ascii_letters, 2))]
        special = chance.sample([*odd, *alike], 7)
        usual = [self._new_id() for _ in range(chance.randint(6, 9))]
        return chance.sample([*special[:3], usual[0]], 4), [*usual[1:], *special[3:]]

    def _lines(self, crossing: list[str], low: list[str]) -> list[Line]:
        """Return the lines of these customers and of some that are known, mixed, but one customer's in their order."""
        chance, limit = self.chance, self.limit
        over = [0, chance.randint(0, 4), chance.randint(5, 60), chance.randint(100, 9_000)]  # small and large amounts
        amounts = {name: self._up_to(limit + more) for name, more in zip(crossing, over, strict=True)}
        amounts |= {name: self._below(chance.randint(2, 3)) for name in low} | self._known()
        amounts[low[0]].append(limit - 1 - sum(amounts[low[0]]))  # a total just below the threshold
        amounts[low[1]].append(0)
        late = chance.sample(crossing, 2)  # their last transactions come last of all
        names = [name for name in amounts for _ in amounts[name]]
        for name in late:
            names.remove(name)
        chance.shuffle(names)
        lines = [self._line(name, amounts[name].pop(0)) for name in [*names, *late]]
        for line in self._near_duplicates(low):
            lines.insert(chance.randint(0, len(lines)), line)
        for name in low[1:3]:  # they move before their last transaction
            self._addresses[name] = self._address()
            place = max(place for place, line in enumerate(lines) if line.customer == name)
            lines[place] = self._moved(lines[place])
        return lines

    def _up_to(self, goal: int) -> list[int]:
        """Return amounts that reach the threshold with the last one, and then make this total."""
        least = goal - self.limit + 1
        last = self.chance.randint(least, min(least + 4, goal))
        parts = self._below(self.chance.randint(1, 4))
        return [*parts, goal - last - sum(parts), last]

    def _below(self, number: int) -> list[int]:
        """Return amounts, some of them negative, that keep a total below the threshold."""
        highest = min((self.limit - 1) // number, 400)
        return [self.chance.randint(-60, highest) for _ in range(number)]

    def _known(self) -> dict[str, list[int]]:
        """Return a customer or two who are there already, each with an amount that changes no side of the threshold."""
        sums, held = self.held.sums(), self.held
        right = {
            name: item["Address"]
            for name, item in held.customers.items()
            if name in sums
            and held.totals.get(name, {}).get("accountBalance") == sums[name]
            and _is_plain(name)
            and _is_plain(item.get("Address"))
        }
        self._addresses |= right
        high = [name for name in right if sums[name] >= self.threshold]
        low = [name for name in right if name not in high]
        chosen = [self.chance.choice(names) for names in (high, low) if names]
        return {name: [self.chance.randint(1, 90) * (1 if name in high else -1)] for name in chosen}

    def _near_duplicates(self, names: list[str]) -> Iterator[Line]:
        """Yield transactions of one customer each that differ by their ids alone, and by little in these."""
        long, short = self._letters(20), self._letters(6).lower()
        ids = [f"{long}1", f"{long}2"], [short, short.upper()]
        for name, pair in zip(self.chance.sample(names, 2), ids, strict=True):
            line = self._line(name, -self.chance.randint(1, 20))
            self._totals[name] += int(line.amount)  # there are two of them
            yield from (line._replace(transaction=transaction) for transaction in pair)

    def _line(self, customer: str, amount: int) -> Line:
        """Return a new transaction of the customer."""
        self._addresses.setdefault(customer, self._address())
        self._totals[customer] = self._totals.get(customer, 0) + amount
        date = f"{self.chance.randint(1, 12):02}/{self.chance.randint(1, 28):02}/{self.chance.randint(2015, 2026)}"
        return Line(customer, self._addresses[customer], self._new_id("T{}"), date, str(amount))

    def _to(self, customer: str, total: int) -> Line:
        """Return a new transaction that brings the customer to this total."""
        return self._line(customer, total - self._totals[customer])

    def _moved(self, line: Line) -> Line:
        """Return the line with the address that its customer has now."""
        return line._replace(address=self._addresses[line.customer])

    def _content(self, lines: list[Line]) -> bytes:
        """Return a file with its columns in any order, blank lines, and no end of the last line."""
        order = self.chance.sample(range(len(COLUMNS)), len(COLUMNS))
        texts = ["|".join(line[place] for place in order) for line in lines]
        for _ in range(self.chance.randint(1, 3)):
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
        return "".join(self.chance.choices(string.ascii_letters, k=number))


def _is_plain(text: object) -> bool:
    """Return True for a text that stands in a transactions file as it is."""
    return isinstance(text, str) and text.isprintable() and text.strip() == text != "" and not {*text} & {*'|"\\'}
