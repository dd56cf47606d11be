"""Draw the files of a probe: like a bank's, never the same twice, and with nothing in them that marks them.

In the first file everything is such that the handout's own code must be right: whole amounts, no correction, and the
row that brings a customer to the threshold is the customer's last. Nothing here calls AWS.
"""

import re
import string
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from random import Random
from typing import NamedTuple

from lab_lib.checks.expected import Row, Snapshot
from lab_lib.handlers.transaction_processor.transactions_file import COLUMNS

_FEWEST = 30  # rows of the first file
_LONGEST = 30  # characters of an id that others are like
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


@dataclass(frozen=True)
class Files:
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
        return [self.first, self.second, self.third, self.fourth, self.correction, self.cents]


def draw(chance: Random, held: Snapshot, threshold: Decimal, fit: str = "{}.txt", taken: Collection[str] = ()) -> Files:
    """Return new files for an account that holds this.

    `fit` makes keys that fit the filter of the bucket's trigger. No new customer has an id that is `taken`.
    """
    return _Draw(chance, held, threshold, taken).files(fit)


class _Draw:
    """Remembers what was drawn: ids, addresses and totals of customers, and their transactions."""

    def __init__(self, chance: Random, held: Snapshot, threshold: Decimal, taken: Collection[str]) -> None:
        self.chance, self.held, self.threshold = chance, held, threshold
        self.limit = max(int(threshold.to_integral_value(ROUND_CEILING)), 1)  # the lowest whole total with an alert
        self._ids = {*held.customers, *held.totals, *(customer for customer, _ in held.rows)}
        self._style = _most_usual(self._ids) or "C2"
        self._ids |= {*taken}
        self._rows: set[Row] = {*held.rows}
        self._transaction = _most_usual({transaction for _, transaction in held.rows}) or "T24"
        self._addresses, self._totals = dict[str, str](), dict[str, int]()

    def files(self, fit: str) -> Files:
        crossing, low = self._customers()
        lines = self._lines(crossing, low | self._known())
        refunded = self.chance.choice([*crossing])
        again = [self._moved(line) for line in lines]
        second = [*again, self._line(refunded, self.limit - 1 - self.chance.randint(0, 20) - self._totals[refunded])]
        self.chance.shuffle(second)
        place = self.chance.randint(5, len(second) - 10)
        bad = self._line(self.chance.choice([*low]), 0)._replace(amount=self.chance.choice(_NO_AMOUNTS))
        second.insert(place, bad)
        self._addresses[next(iter(low))] = self._address()
        second += [self._line(name, -self.chance.randint(1, 40)) for name in [*low][:3]]
        third = [self._moved(line) for line in second if line is not bad]
        third.append(self._line(refunded, self.limit + self.chance.randint(0, 30) - self._totals[refunded]))
        fourth = [self._moved(line) for line in self.chance.sample(lines, self.chance.randint(2, 8))]
        fourth.append(self._line(self._nearly, self.limit + self.chance.randint(0, 5) - self._totals[self._nearly]))
        below = low.keys() - {self._nearly}
        corrected = [line._replace(amount=str(int(line.amount) - 3)) for line in again if line.customer in below][:2]
        cents = [
            self._line(name, 0)._replace(amount=text)
            for name, text in zip(sorted(below), ("-0.10", "-10.25"), strict=False)
        ]
        stems = [f"{self.chance.choice(_WORDS)} {number}" for number in self.chance.sample(range(1, 10**6), 5)]
        stems.insert(2, stems[1])
        contents = map(self._content, (lines, second, third, fourth, [*map(self._moved, corrected)], cents))
        files = [File(fit.format(stem), content) for stem, content in zip(stems, contents, strict=True)]
        return Files([*crossing, *low], *files)

    def _customers(self) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """Return new customers with their amounts: those who reach the threshold with the last one, and the others."""
        chance, limit = self.chance, self.limit
        pairs = [self._differing_in_case(), self._differing_at_the_end()]
        others = [self._new_id() for _ in range(chance.randint(6, 9))]
        odd = [self._new_id(f"{chance.randint(2, 9)}{self._style}"), self._new_id("0471"), self._new_id("A-7")]
        for pair in pairs:
            chance.shuffle(pair)
        chance.shuffle(odd)
        names = [pairs[0][0], pairs[1][0], odd.pop(), others.pop()]
        chance.shuffle(names)
        over = [0, chance.randint(0, 4), chance.randint(5, 60), chance.randint(100, 9_000)]  # small and large amounts
        crossing = {name: self._up_to(limit + more) for name, more in zip(names, over, strict=True)}
        low = {name: self._below(chance.randint(1, 4)) for name in (pairs[0][1], pairs[1][1], *odd, *others)}
        self._nearly = nearly = others[0]
        low[nearly] = [*low[nearly], limit - 1 - sum(low[nearly])]  # a total just below the threshold
        low[others[1]].append(0)
        while sum(map(len, (crossing | low).values())) < _FEWEST:
            name = chance.choice([name for name in low if name != nearly])
            low[name] += self._below(1, sum(low[name]))
        return crossing, low

    def _up_to(self, goal: int) -> list[int]:
        """Return amounts that reach the threshold with the last one, and then make this total."""
        least = goal - self.limit + 1
        last = self.chance.randint(least, min(least + 4, goal))
        parts = self._below(self.chance.randint(1, 4))
        return [*parts, goal - last - sum(parts), last]

    def _below(self, number: int, total: int = 0) -> list[int]:
        """Return amounts, some of them negative, that keep a total below the threshold."""
        amounts = list[int]()
        for _ in range(number):
            high = min(self.limit - 1 - total - sum(amounts), 400)
            is_negative = high < 1 or self.chance.random() < 0.2
            amounts.append(self.chance.randint(*((-60, -1) if is_negative else (1, high))))
        return amounts

    def _known(self) -> dict[str, list[int]]:
        """Return a customer or two who are there already, each with an amount that changes no side of the threshold."""
        sums = self.held.sums()
        right = [
            name
            for name, item in self.held.customers.items()
            if name in sums
            and self.held.totals.get(name, {}).get("accountBalance") == sums[name]
            and _is_plain(name)
            and _is_plain(item.get("Address"))
        ]
        high = [name for name in right if sums[name] >= self.threshold]
        low = [name for name in right if sums[name] < self.threshold]
        self._addresses |= {name: self.held.customers[name]["Address"] for name in right}
        chosen = [self.chance.choice(names) for names in (high, low) if names]
        return {name: [self.chance.randint(1, 90) * (1 if name in high else -1)] for name in chosen}

    def _lines(self, crossing: dict[str, list[int]], low: dict[str, list[int]]) -> list[Line]:
        """Return the lines of all of them, mixed; those of one customer in their order, and some crossings late."""
        waiting = {name: [*amounts] for name, amounts in (crossing | low).items()}
        late = {name: waiting[name].pop() for name in self.chance.sample([*crossing], 2)}
        lines, moving = list[Line](), [name for name in low if len(low[name]) > 2][:2]
        while waiting := {name: amounts for name, amounts in waiting.items() if amounts}:
            name = self.chance.choice([*waiting])
            lines.append(self._line(name, waiting[name].pop(0)))
            if name in moving and len(waiting[name]) == 1:
                self._addresses[name] = self._address()
        for line in self._near_duplicates([name for name in low if name not in self.held.customers]):
            lines.insert(self.chance.randint(0, len(lines)), line)
        return [*lines, *(self._line(name, amount) for name, amount in late.items())]

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
        return Line(customer, self._addresses[customer], self._new_transaction(customer), date, str(amount))

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

    def _new_id(self, style: str = "") -> str:
        """Return an id in this style, or in that of those that the account holds, such as C7 beside C2."""
        return self._styled(style or self._style, self._ids)

    def _new_transaction(self, customer: str) -> str:
        taken = {transaction for name, transaction in self._rows if name == customer}
        transaction = self._styled(self._transaction, taken)
        self._rows.add((customer, transaction))
        return transaction

    def _styled(self, model: str, taken: set[str]) -> str:
        """Return the model with another number, which nobody has. Where all short ones are taken, it gets longer.

        A zero at the beginning stays.
        """
        beginning, digits, end = re.fullmatch(r"(0?.*?)([0-9]*)([^0-9]*)", model, re.DOTALL).groups()  # type: ignore[union-attr]
        size = max(len(digits), 1)
        while True:
            size += 10**size <= 20 * len(taken)
            styled = f"{beginning}{self.chance.randrange(10**size):0{len(digits)}}{end}"
            if styled not in taken:
                taken.add(styled)
                return styled

    def _letters(self, number: int) -> str:
        return "".join(self.chance.choices(string.ascii_letters, k=number))

    def _differing_in_case(self) -> list[str]:
        stem = f"{self._new_id()}{self._letters(5)}"
        return [stem.lower(), stem.upper()]

    def _differing_at_the_end(self) -> list[str]:
        stem = f"{self._new_id()}{self._letters(40)}"[:40]
        return [f"{stem}{end}" for end in self.chance.sample(string.ascii_letters, 2)]


def _most_usual(ids: set[str]) -> str:
    """Return an id that looks as most of them do, but for the digits; "" if none is short and plain."""
    shapes = {name: re.sub("[0-9]+", "0", name) for name in sorted(ids) if len(name) <= _LONGEST and _is_plain(name)}
    usual = [shape for shape, _ in Counter(shapes.values()).most_common(1)]
    return next((name for name, shape in shapes.items() if shape in usual), "")


def _is_plain(text: object) -> bool:
    """Return True for a text that stands in a transactions file as it is."""
    return isinstance(text, str) and text.isprintable() and text.strip() == text != "" and not {*text} & {*'|"\\'}
