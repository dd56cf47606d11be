"""Draw customers, amounts and records of the stream of Transactions. Nothing in them reveals the case."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from lab_lib.aws import tables
from lab_lib.aws.streams import Record, made_up
from lab_lib.checks.bank import KINDS, Values
from lab_lib.lab import Lab
from lab_lib.settings import DEFAULT_THRESHOLD

Batch = list[Record]
Change = tuple[str, Decimal]  # of a customer's total
HIGH = DEFAULT_THRESHOLD  # of a trial
TRIES = 3  # deliveries without a record more that is processed, after which the batch is held up


class Start(NamedTuple):
    """A start of the function: the batches that it gets. A batch that fails comes again in halves, to a new start.

    If it `crashes`, the function is killed at one of its calls, and the history is tried for each of them.
    """

    batches: list[Batch]
    tries: int = TRIES
    crashes: bool = False


class Topic(NamedTuple):
    """From here on the topic is there, or is not."""

    is_there: bool


History = list[Start | Topic]  # of a try
Steps = Sequence[Batch | Start | Topic]  # of a case


class Draw(Values):
    """Draws one try of a case. Its values are those of a bank, and its numbers like DynamoDB's."""

    def __init__(self, chance: Random, lab: Lab) -> None:
        super().__init__(chance)
        self.pair = self.customers(2)  # of most cases
        self._number = chance.randrange(10**18, 10**19)  # of the last change in the stream
        self._where = {
            "awsRegion": lab.region,
            "eventSourceARN": lab.arn("dynamodb", f"table/{tables.STREAMED}/stream/2026-11-26T00:00:00.000"),
        }

    def customers(self, number: int) -> list[str]:
        """Return the ids of new customers."""
        return [self.new_id(self.chance.choice(["C{}", *KINDS["customers"]])) for _ in range(number)]

    def small(self) -> Decimal:
        """Return an amount with cents, so small that thirty of them do not reach the threshold."""
        return Decimal(self.chance.randrange(1_00, 49_99)) / 100

    def high(self) -> Decimal:
        """Return an amount that reaches the threshold alone."""
        return Decimal(self.chance.randrange(1500_00, 2000_00)) / 100

    def rise(self, customer: str) -> list[Change]:
        """Return up to two small amounts, and one that brings the customer's total to the threshold."""
        return [(customer, self.small()) for _ in range(self.chance.randint(0, 2))] + [(customer, self.high())]

    def parts_of(self, customer: str, total: Decimal, number: int) -> list[Change]:
        """Return this many positive amounts, which bring the customer's total to this one."""
        return [(customer, Decimal(cents) / 100) for cents in self.parts(int(total * 100), number)]

    def new(self, customer: str, amount: Decimal) -> Record:
        """Return the record of a new transaction."""
        row = {
            "CustomerId": {"S": customer},
            "TransactionId": {"S": f"T{self.chance.randrange(10**15):015}"},  # no id is a part of another one
            "TransactionDate": {"S": self.odd_day()},
            "TransactionAmount": {"N": f"{amount:f}"},
        }
        return self._record("INSERT", row, NewImage=row)

    def poison(self, customer: str) -> Record:
        """Return the record of a new transaction whose amount is a text."""
        record = self.new(customer, Decimal(0))
        record["dynamodb"]["NewImage"]["TransactionAmount"] = {"S": self.chance.choice(KINDS["wrong_amounts"])}
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
        """Return two or three small amounts of each customer, by default of the pair, in any order."""
        names = customers or self.pair
        return self.mixed(*([(name, self.small()) for _ in range(self.chance.randint(2, 3))] for name in names))

    def around_poison(self) -> Batch:
        """Return a batch of small new transactions, with a record whose amount is a text among them."""
        amounts, poisoned = self.amounts(), self.chance.choice(self.pair)
        place = self.chance.randrange(1, len(amounts))
        return [*self.batch(amounts[:place]), self.poison(poisoned), *self.batch(amounts[place:])]

    def around_rise(self) -> tuple[Batch, Batch, Batch]:
        """Return an ordinary batch, one in which a total reaches the threshold, and one in which it rises more."""
        one, other = self.pair
        before, batch = self.ordinary(), self.batch(self.mixed(self.rise(one), self.amounts(other)))
        return before, batch, self.batch(self.mixed([(one, self.high())], self.amounts(other)))

    def batch(self, changes: list[Change]) -> Batch:
        """Return the records of new transactions, in this order."""
        return [self.new(*change) for change in changes]

    def ordinary(self, *customers: str) -> Batch:
        """Return two or three small new transactions of each customer, by default of the pair, in any order."""
        return self.batch(self.amounts(*customers))

    def batches(self) -> list[Batch]:
        """Return three to five ordinary batches."""
        return [self.ordinary() for _ in range(self.chance.randint(3, 5))]

    def starts(self, steps: Steps) -> History:
        """Return the steps, with each batch that stands alone given to the start before it, or to a new one."""
        history = History()
        for step in steps:
            before = history[-1] if history else None
            if not isinstance(step, list):
                history.append(step)
            elif isinstance(before, Start) and before.tries == TRIES and self.chance.random() < 0.5:
                before.batches.append(step)
            else:
                history.append(Start([step]))
        return history

    def _record(self, kind: str, row: dict[str, Any], **images: Any) -> Record:
        self._number += self.chance.randrange(1, 10**6)
        made = made_up(kind, row, self._number, self._where, **images)
        return {**made, "eventID": f"{self.chance.getrandbits(128):032x}"}
