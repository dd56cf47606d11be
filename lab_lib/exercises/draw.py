"""Draw customers, amounts and records of the stream of Transactions. Nothing in them reveals the case."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from lab_lib.aws import tables
from lab_lib.aws.streams import Record, made_up
from lab_lib.exercises.proxy import NO_CUT, Cut
from lab_lib.lab import Lab
from lab_lib.settings import DEFAULT_THRESHOLD

T = TypeVar("T")
Batch = list[Record]
Change = tuple[str, Decimal]  # of a customer's total
HIGH = DEFAULT_THRESHOLD  # of a trial
TRIES = 3  # deliveries without a record more that is processed, after which the batch is held up


@dataclass(frozen=True)
class Start:
    """A start of the function: the batches that it gets. A batch that fails comes again in halves, to a new start."""

    batches: list[Batch]
    tries: int = TRIES
    cut: Cut = NO_CUT


@dataclass(frozen=True)
class Topic:
    """From here on the topic is there, or is not."""

    is_there: bool


@dataclass(frozen=True)
class Weigh:
    """Here the items of both tables are weighed."""


Step = Start | Topic | Weigh
_TEXTS = ("12,50", "a lot", "1 000", "--5", "n/a", "€ 20")
_KINDS = ("C{}", "CUST-{}", "{}", "K{}", "customer {}")


class Draw:
    """Draws one try of a case. Its ids and numbers are like those of a bank and of DynamoDB."""

    def __init__(self, chance: Random, lab: Lab) -> None:
        self.chance = chance
        self._style = chance.choice(_KINDS)
        self._number = chance.randrange(10**18, 10**19)  # of the last change in the stream
        self._transactions = set[int]()
        self._time = float(chance.randrange(1_795_000_000, 1_796_000_000))
        self._where = {
            "awsRegion": lab.region,
            "eventSourceARN": lab.arn("dynamodb", f"table/{tables.STREAMED}/stream/2026-11-26T00:00:00.000"),
        }

    def customers(self, number: int) -> list[str]:
        """Return the ids of new customers."""
        return [self._style.format(id) for id in self.chance.sample(range(1_000, 10**7), number)]

    def small(self) -> Decimal:
        """Return an amount with cents, so small that thirty of them do not reach the threshold."""
        return Decimal(self.chance.randrange(1_00, 49_99)) / 100

    def high(self) -> Decimal:
        """Return an amount that reaches the threshold alone."""
        return Decimal(self.chance.randrange(1500_00, 2000_00)) / 100

    def rise(self, customer: str) -> list[Change]:
        """Return up to two small amounts, and one that brings the customer's total to the threshold."""
        return [(customer, self.small()) for _ in range(self.chance.randint(0, 2))] + [(customer, self.high())]

    def parts(self, whole: Decimal, number: int) -> list[Decimal]:
        """Return this many positive amounts, whose sum is the whole."""
        cents = int(whole * 100)
        ends = sorted(self.chance.sample(range(1, cents), number - 1))
        return [Decimal(end - begin) / 100 for begin, end in zip([0, *ends], [*ends, cents], strict=True)]

    def new(self, customer: str, amount: Decimal) -> Record:
        """Return the record of a new transaction."""
        row = {
            "CustomerId": {"S": customer},
            "TransactionId": {"S": f"T{self._transaction():09}"},
            "TransactionDate": {"S": f"11/{self.chance.randrange(1, 27):02}/2026"},
            "TransactionAmount": {"N": f"{amount:f}"},
        }
        return self._record("INSERT", row, NewImage=row)

    def poison(self, customer: str) -> Record:
        """Return the record of a new transaction whose amount is a text."""
        record = self.new(customer, Decimal(0))
        record["dynamodb"]["NewImage"]["TransactionAmount"] = {"S": self.chance.choice(_TEXTS)}
        return record

    def corrected(self, record: Record, amount: Decimal) -> Record:
        """Return the record of a correction."""
        row = record["dynamodb"]["NewImage"]
        return self._record("MODIFY", row, OldImage=row, NewImage={**row, "TransactionAmount": {"N": f"{amount:f}"}})

    def deleted(self, record: Record) -> Record:
        """Return the record of a deletion."""
        row = record["dynamodb"]["NewImage"]
        return self._record("REMOVE", row, OldImage=row)

    def amounts(self, *customers: str) -> list[Change]:
        """Return two or three small amounts of each customer, in any order."""
        return self.mixed(*([(name, self.small()) for _ in range(self.chance.randint(2, 3))] for name in customers))

    def around_poison(self, *customers: str) -> Batch:
        """Return a batch of small new transactions, with a record whose amount is a text among them."""
        amounts, poisoned = self.amounts(*customers), self.chance.choice(customers)
        place = self.chance.randrange(1, len(amounts))
        return [*self.batch(amounts[:place]), self.poison(poisoned), *self.batch(amounts[place:])]

    def around_rise(self) -> tuple[Batch, Batch, Batch]:
        """Return an ordinary batch, one in which a total reaches the threshold, and one in which it rises more."""
        one, other = self.customers(2)
        before, batch = self.ordinary(one, other), self.batch(self.mixed(self.rise(one), self.amounts(other)))
        return before, batch, self.batch(self.mixed([(one, self.high())], self.amounts(other)))

    def shuffled(self, batch: Batch) -> Batch:
        """Return the records in any order."""
        return self.chance.sample(batch, len(batch))

    def mixed(self, *lists: list[T]) -> list[T]:
        """Return the elements of all lists in one, in which those of each list keep their order."""
        queues, mixed = [list(items) for items in lists if items], list[T]()
        while queues:
            mixed.append(self.chance.choices(queues, [len(items) for items in queues])[0].pop(0))
            queues = [items for items in queues if items]
        return mixed

    def batch(self, changes: list[Change]) -> Batch:
        """Return the records of new transactions, in this order."""
        return [self.new(*change) for change in changes]

    def ordinary(self, *customers: str) -> Batch:
        """Return two or three small new transactions of each customer, in any order."""
        return self.batch(self.amounts(*customers))

    def batches(self, *customers: str) -> list[Batch]:
        """Return three to five ordinary batches."""
        return [self.ordinary(*customers) for _ in range(self.chance.randint(3, 5))]

    def starts(self, *batches: Batch) -> list[Step]:
        """Return starts that get these batches in turn: each to the start before it, or to a new one."""
        groups = list[list[Batch]]()
        for batch in batches:
            if groups and self.chance.random() < 0.5:
                groups[-1].append(batch)
            else:
                groups.append([batch])
        return [Start(group) for group in groups]

    def _transaction(self) -> int:
        """Return a number that no transaction has had."""
        while (number := self.chance.randrange(10**9)) in self._transactions:
            pass
        self._transactions.add(number)
        return number

    def _record(self, kind: str, row: dict[str, Any], **images: Any) -> Record:
        self._number += self.chance.randrange(1, 10**6)
        self._time += self.chance.random() < 0.03  # many changes are of the same second
        made = made_up(kind, row, self._number, self._where, **images)
        made["dynamodb"]["ApproximateCreationDateTime"] = self._time
        return {**made, "eventID": f"{self.chance.getrandbits(128):032x}"}
