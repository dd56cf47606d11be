"""Draw transactions files, each kind of value that docs/faults.md allows often enough to be seen. Nothing calls AWS.

The files of a probe are like the handout's, but for one that has every kind. In those which even the handout's own code
must get right, amounts are whole, nothing is corrected, and the row that brings a customer to the threshold is the
customer's last, but for two customers of the file with every kind.
"""

import csv
import io
import re
import tomllib
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from itertools import cycle, pairwise
from math import ceil
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from lab_lib.handlers.transaction_processor.transactions_file import COLUMNS

T = TypeVar("T")
KINDS = tomllib.loads(Path(__file__).with_name("values.toml").read_text("utf-8"))
_LONG_LINES = (  # too long are a customer, a transaction and the whole
    b"B" * 2049 + b"|1 Smith Street|T1|03/16/2017|5",
    b"B7|1 Smith Street|" + b"T" * 1025 + b"|03/16/2017|5",
    b"B8|" + b"x" * 130_000 + b"|T1|03/16/2017|5",
)


class DrawnLine(NamedTuple):
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


class Values:
    """Draws the values of fields. No id is drawn twice."""

    def __init__(self, chance: Random, ids: Iterable[str] = ()) -> None:
        self.chance = chance
        self._ids = {*ids}

    def new_id(self, form: str) -> str:
        """Return an id of this form, such as "C{}", with a number that makes it new."""
        number = self.chance.randrange(10 ** self.chance.randint(2, 6))
        id = form.replace("{}", str(number))
        if id in self._ids:
            return self.new_id(form)
        self._ids.add(id)
        return id

    def odd_day(self) -> str:
        """Return a day of the years 1990 to 2035, often the last of its month or the 29th of February."""
        chance = self.chance
        year = chance.randint(1990, 2035)
        if chance.random() < 0.2:
            return f"02/29/{year // 4 * 4}"  # a leap year
        month = chance.randint(1, 12)
        last = 28 if month == 2 else monthrange(year, month)[1]
        day = chance.choice((last, chance.randint(1, last)))
        return f"{month:02}/{day:02}/{year}"

    def shuffled(self, items: list[T]) -> list[T]:
        """Return the elements in any order."""
        return self.chance.sample(items, len(items))

    def parts(self, total: int, count: int) -> list[int]:
        """Return this many positive whole numbers, which add up to the total."""
        cuts = sorted(self.chance.sample(range(1, total), count - 1))
        return [end - begin for begin, end in pairwise([0, *cuts, total])]

    def mixed(self, *lists: list[T]) -> list[T]:
        """Return the elements of all lists in one, in which those of each list keep their order."""
        turns = []
        for items in lists:
            turns += [iter(items)] * len(items)  # the same iterator at each turn of this list
        return [next(turn) for turn in self.shuffled(turns)]


class Bank(Values):
    """Draws the files of a probe. Remembers the addresses and totals of its customers."""

    def __init__(self, chance: Random, customers: Iterable[str], threshold: Decimal, fits: list[str]) -> None:
        """Draw for an account that has these customers. `fits`, such as "{}.txt", make keys that the trigger takes."""
        super().__init__(chance, customers)
        self.limit = max(ceil(threshold), 1)  # the lowest whole total with an alert
        self._fits = fits
        self._addresses = dict[str, str]()
        self._totals = dict[str, int]()
        self._keys = cycle(self.shuffled(KINDS["keys"]))

    def plain(self, *others: str) -> list[DrawnLine]:
        """Return lines of new customers, and these others, one of whom crosses.

        The last customer is new, and just below the threshold.
        """
        chance = self.chance
        crossing, *more = (self.new_customer() for _ in range(chance.randint(4, 5)))
        names = [crossing, *others, *more]
        number = chance.randint(10, 46)
        names += chance.choices(names, k=number - len(names))
        lines = [self.below(name) for name in names]
        excess = chance.choice((0, chance.randint(1, 900)))
        over = self.to(crossing, self.limit + excess)
        return [*self._in_turn(lines), over, self.to(more[-1], self.limit - 1)]

    def wide(self) -> list[DrawnLine]:
        """Return lines with every kind of value: more than 100 of more than 25 customers, in more than 64 KB."""
        chance = self.chance
        limit = self.limit
        accent = self.new_id("é{}")
        long = self.new_id("L{}").ljust(2047, "x")
        plain = self.new_customer()
        names = [accent, accent.replace("é", "e\u0301"), f"{long}a", f"{long}b", plain, plain.swapcase()]
        names += map(self.new_id, KINDS["customers"])
        names += [self.new_customer() for _ in range(15)]
        names = self.shuffled(names)
        crossing = names[:16]  # SNS and SQS take ten messages at once
        low = names[16:]
        for name, address in zip(low, cycle(KINDS["addresses"]), strict=False):
            self._addresses[name] = address.format(f"{chance.randint(1, 199)} Long Street")
        several = names[1:]  # the first one reaches the threshold exactly, with one row
        several += chance.choices(several, k=50)
        several += [low[5]] * 70
        lines = [self._odd(self.below(name)) for name in several]
        for place in chance.sample(range(len(lines)), 8):
            long_address = "".join(chance.choices("abcdefé京", k=9_000))
            lines[place] = lines[place]._replace(address=long_address)
        lines = self._in_turn([*lines, *self._alike(*low[:4])])
        excesses = [0, 1, 10**6, 10 ** chance.randint(16, 24)]
        excesses += [chance.randint(1, 10 ** chance.randint(1, 9)) for _ in crossing]
        crossed = []
        for name, excess in zip(crossing, excesses, strict=False):
            crossed.append(self._odd(self.to(name, limit + excess)))
        twice = chance.sample([line for line in lines if line.customer in low], 2)
        going_on = map(self.below, crossing[:2] * 2)
        return [*lines, *crossed, *going_on, *twice, self.below(low[4])]

    def crowd(self) -> list[DrawnLine]:
        """Return lines of 101 new customers, of whom many cross."""
        names = [self.new_customer() for _ in range(101)]
        lines = [self.below(name) for name in names]
        crossing = names[: self.chance.randint(20, 40)]
        for excess, name in enumerate(crossing):
            lines.append(self.to(name, self.limit + excess))
        return lines

    def again(self, lines: list[DrawnLine], crossing: str) -> list[DrawnLine]:
        """Return the lines in another order, with more: a wrong one, and who had crossed has moved, and falls."""
        line = self._line(lines[-1].customer, 0)
        bad = line._replace(amount=self.chance.choice(KINDS["wrong_amounts"]))
        self.move(crossing)
        falls = self.to(crossing, self.limit - self.chance.randint(1, 20))
        return [bad, *self.shuffled(lines), falls]

    def cents(self) -> list[DrawnLine]:
        """Return lines of new customers with cents. One of them crosses by a cent, one by more, and one does not."""
        limit = self.limit
        lines = []
        for amounts in (
            f"{limit - 1}.99 0.01",
            f"{limit}.25",
            f"{limit - 1} 0.98",
            "-0.10 -10.25 +0.5",
            "1." + "2" * 37,
        ):
            name = self.new_customer()
            lines += [self._line(name, 0)._replace(amount=amount) for amount in amounts.split()]
        return self._in_turn(lines)

    def corrections(self, lines: list[DrawnLine]) -> list[DrawnLine]:
        """Return some of these lines with another amount or day. Of the last line's customer, that is a crossing."""
        *low, over, last = lines
        others = [line for line in low if line.customer not in (over.customer, last.customer)]
        one, other = self.chance.sample(others, 2)
        twice = self.below(one.customer)
        return [
            one._replace(amount=str(int(one.amount) - 3)),
            other._replace(date=self.odd_day()),
            twice._replace(amount=str(int(twice.amount) - 7)),
            twice,
            last._replace(amount=str(int(last.amount) + self.chance.randint(1, 60))),
        ]

    def forms(self) -> File:
        """Return a file as somebody may write it: with a byte order mark, blanks around fields, and short days."""
        name = self.new_id('"C{}"')
        lines = [self.below(name), self.to(name, self.limit), self.below(self.new_customer())]
        odd = []
        for line in lines:
            day = re.sub(r"\b0", "", line.date)
            odd.append(line._replace(customer=f" {line.customer} ", address=f" {line.address}", date=day))
        key, content = self.file(odd)
        return File(key, b"\xef\xbb\xbf" + content + b"   ")

    def rejected(self) -> File:
        """Return a file with a line for each reason for which one is rejected, and right lines between them."""
        good = [self.below(self.new_customer()) for _ in range(3)]
        wrong = [{"amount": amount} for amount in KINDS["wrong_amounts"] + KINDS["other_wrong_amounts"]]
        wrong += [{"date": day} for day in KINDS["wrong_days"]]
        wrong += [{"customer": ""}, {"transaction": " "}]
        bad = [self._line(self.new_id("B{}"), 0)._replace(**field) for field in wrong]
        key, content = self.file([*bad, *good], self.odd_key())
        header, *texts = content.split(b"\n")
        lines = [line.encode("latin-1") for line in KINDS["wrong_lines"]]
        return File(key, b"\n".join([header, *lines, *_LONG_LINES, *texts]))

    def new_customer(self) -> str:
        """Return the id of a new customer, like those of the handout."""
        return self.new_id("C{}")

    def below(self, customer: str) -> DrawnLine:
        """Return a new transaction, at times a negative one, with which the customer does not cross."""
        room = self.limit - 1 - self._totals.get(customer, 0)
        if room < 0:  # the customer is above
            return self._line(customer, self.chance.randint(1, 90))
        return self._line(customer, self.chance.randint(-60, min(room // 2, 400)))

    def to(self, customer: str, total: int) -> DrawnLine:
        """Return a new transaction that brings the customer to this total."""
        return self._line(customer, total - self._totals.get(customer, 0))

    def move(self, customer: str) -> None:
        """Give a customer a new address, which later transactions have."""
        self._addresses[customer] = f"{self.chance.randint(1, 199)} Smith Street, London"

    def file(self, lines: Iterable[DrawnLine], key: str = "", columns: list[str] = COLUMNS, end: str = "\n") -> File:
        """Return a file, by default with a key that is like the handout's."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter="|", lineterminator=end)
        writer.writerow(columns)
        ordered = itemgetter(*map(COLUMNS.index, columns))
        writer.writerows(map(ordered, lines))
        key = key or self._fits[0].format(self.new_id("transactions-{}"))
        return File(key, text.getvalue().encode())

    def odd_file(self, lines: Iterable[DrawnLine]) -> File:
        """Return a file with an odd key, its columns in any order, blank lines, and no end of the last line."""
        key, content = self.file(lines, self.odd_key(), self.shuffled(COLUMNS), "\r\n")
        return File(key, content.replace(b"\n", b"\n\n", 3).strip())

    def _in_turn(self, lines: list[DrawnLine]) -> list[DrawnLine]:
        """Return the lines in any order, but those of one customer in their own."""
        own = defaultdict[str, list[DrawnLine]](list)
        for line in lines:
            own[line.customer].append(line)
        return self.mixed(*own.values())

    def odd_key(self) -> str:
        """Return a new key that the trigger takes, with folders, signs and letters of any script."""
        return self.chance.choice(self._fits).format(self.new_id(next(self._keys)))

    def _line(self, customer: str, amount: int) -> DrawnLine:
        if customer not in self._addresses:
            self.move(customer)
        self._totals[customer] = self._totals.get(customer, 0) + amount
        date = f"{self.chance.randint(1, 12):02}/{self.chance.randint(1, 28):02}/2017"
        return DrawnLine(customer, self._addresses[customer], self.new_id("T{}"), date, str(amount))

    def _odd(self, line: DrawnLine) -> DrawnLine:
        """Return the line with any id and day, and the amount as somebody may write it."""
        id = self.new_id(self.chance.choice(KINDS["transactions"]))
        forms = KINDS["whole_amounts"]
        if line.amount.isdigit():
            forms = [*forms, *KINDS["positive_amounts"]]
        amount = self.chance.choice(forms).format(line.amount)
        return line._replace(transaction=id, date=self.odd_day(), amount=amount)

    def _alike(self, one: str, other: str, third: str, fourth: str) -> list[DrawnLine]:
        """Return lines of these customers that are much like others."""
        first = self.below(one)
        booked = self.below(third)
        return [
            first,
            self.below(one)._replace(transaction=first.transaction.swapcase()),
            self.below(other)._replace(transaction=first.transaction),
            self.below(other)._replace(transaction=other[:1024]),  # the customer's, as far as a key may be long
            booked,
            self._line(third, int(booked.amount))._replace(date=booked.date),  # all but the id is the same
            self._line(third, 0),
            self._line(self.new_customer(), 0),
            self.to(fourth, -(10 ** self.chance.randint(3, 18))),
            self.to(fourth, 0),
        ]


def plain_file(id: str) -> bytes:
    """Return the transactions file of the student with this id, as small and plain as the handout's.

    Of its two customers one stays below 1500, and the other reaches it with their last row. The same id gives the same
    file with every version of Python.
    """
    chance = Random(id)  # noqa: S311  # no secret is drawn
    parts = Values(chance).parts
    high, low = chance.sample(range(10, 100), 2)
    nearly = chance.randrange(1300, 1500)  # before the last row
    amounts = {
        high: [*parts(nearly, 11), chance.randrange(1500, 1900) - nearly],
        low: parts(chance.randrange(400, 1200), 12),
    }
    customers = chance.sample([high, low] * 12, 24)
    day = f"{chance.randint(1, 12):02}/{chance.randint(1, 28):02}/2017"
    lines = ["customer_id|customer_address|trn_id|trn_date|trn_amount"]
    for number, customer in enumerate(customers, chance.randint(25, 76)):  # no T24
        amount = amounts[customer].pop(0)
        lines.append(f"C{customer}|{customer} Smith Street, London|T{number}|{day}|{amount}")
    return "\n".join([*lines, ""]).encode()
