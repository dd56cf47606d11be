"""Define the cases that a learner's function is tried with, and draw them. Most of them are faults.

A try is a history: starts of the function, and the batches that each gets. What comes before and after the fault is
ordinary, and drawn too, so that only a function that keeps what it knows in its account can tell what came before.
Nothing in customers, amounts and records reveals the case.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from lab_lib.aws import tables
from lab_lib.aws.streams import Record, effect
from lab_lib.checks.bank import KINDS, Values
from lab_lib.errors import UsageError
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.settings import DEFAULT_THRESHOLD

Batch = list[Record]
Change = tuple[str, Decimal]  # of a customer's total
HIGH = DEFAULT_THRESHOLD  # of a trial
LARGE = "ten-thousand"  # the case that takes long


class Start(NamedTuple):
    """A start of the function: the batches that it gets.

    A batch that fails comes again in halves, to a second start, and what fails there to the next start of the history.
    If it `crashes`, the function is killed at one of its calls, and the history is tried for each of them. Without
    `has_topic`, the topic is gone until both starts have ended.
    """

    batches: list[Batch]
    crashes: bool = False
    has_topic: bool = True


History = list[Start]  # of a try
Steps = Sequence[Batch | Start]  # of a case: a batch that stands alone has a start of its own


class Draw(Values):
    """Draws one try of a case. Its values are those of a bank, and its numbers like DynamoDB's."""

    def __init__(self, chance: Random, lab: Lab) -> None:
        super().__init__(chance)
        self._lab = lab
        self.pair = self.customers(2)  # of most cases
        self._number = chance.randrange(10**18, 10**19)  # of the last change in the stream

    def customers(self, number: int) -> list[str]:
        """Return the ids of new customers."""
        forms = ["C{}", *KINDS["customers"]]
        return [self.new_id(self.chance.choice(forms)) for _ in range(number)]

    def small(self) -> Decimal:
        """Return an amount with cents, so small that thirty of them do not reach the threshold."""
        return Decimal(self.chance.randrange(1_00, 49_99)) / 100

    def high(self) -> Decimal:
        """Return an amount that reaches the threshold alone."""
        return Decimal(self.chance.randrange(1500_00, 2000_00)) / 100

    def amounts(self, *customers: str) -> list[Change]:
        """Return two or three small amounts of each customer, by default of the pair, in any order."""
        changes = []
        for name in customers or self.pair:
            number = self.chance.randint(2, 3)
            changes.append([(name, self.small()) for _ in range(number)])
        return self.mixed(*changes)

    def parts_of(self, customer: str, total: Decimal, number: int) -> list[Change]:
        """Return this many positive amounts, which bring the customer's total to this one."""
        parts = self.parts(int(total * 100), number)
        return [(customer, Decimal(cents) / 100) for cents in parts]

    def batch(self, changes: list[Change]) -> Batch:
        """Return the records of new transactions, in this order."""
        return [self.new(*change) for change in changes]

    def ordinary(self, *customers: str) -> Batch:
        """Return two or three small new transactions of each customer, by default of the pair, in any order."""
        return self.batch(self.amounts(*customers))

    def batches(self) -> list[Batch]:
        """Return three to five ordinary batches."""
        return [self.ordinary() for _ in range(self.chance.randint(3, 5))]

    def around_poison(self) -> Batch:
        """Return a batch of small new transactions, with a record whose amount is a text among them."""
        batch = self.ordinary()
        poison = self.new(self.chance.choice(self.pair), Decimal(0))
        poison["dynamodb"]["NewImage"]["TransactionAmount"] = {"S": self.chance.choice(KINDS["wrong_amounts"])}
        batch.insert(self.chance.randrange(1, len(batch)), poison)
        return batch

    def rise(self) -> Batch:
        """Return a batch in which a total rises by at least the threshold."""
        one, other = self.pair
        rising = [(one, self.small()), (one, self.high())]
        return self.batch(self.mixed(rising, self.amounts(other)))

    def new(self, customer: str, amount: Decimal) -> Record:
        """Return the record of a new transaction."""
        number = self.chance.randrange(10**15)
        row = {
            "CustomerId": {"S": customer},
            "TransactionId": {"S": f"T{number:015}"},  # with all digits, so that no id is a part of another one
            "TransactionDate": {"S": self.odd_day()},
            "TransactionAmount": {"N": f"{amount:f}"},
        }
        return self._record("INSERT", row, NewImage=row)

    def corrected(self, record: Record, amount: Decimal) -> Record:
        """Return the record of a correction."""
        row = record["dynamodb"]["NewImage"]
        corrected = {**row, "TransactionAmount": {"N": f"{amount:f}"}}
        return self._record("MODIFY", row, OldImage=row, NewImage=corrected)

    def deleted(self, record: Record) -> Record:
        """Return the record of a deletion."""
        row = record["dynamodb"]["NewImage"]
        return self._record("REMOVE", row, OldImage=row)

    def _record(self, kind: str, row: dict[str, Any], **images: Any) -> Record:
        """Return the record of a change of this row, as Lambda gets it."""
        self._number += self.chance.randrange(1, 10**6)
        return {
            "eventID": f"{self.chance.getrandbits(128):032x}",
            "eventName": kind,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self._lab.region,
            "eventSourceARN": self._lab.arn("dynamodb", f"table/{tables.STREAMED}/stream/2026-11-26T00:00:00.000"),
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_000_000,
                "Keys": {name: row[name] for name in tables.KEYS[tables.STREAMED]},
                **images,
                "SequenceNumber": f"{self._number:021}",
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }


class Case(NamedTuple):
    """A case, as the report tells it, and what draws its history."""

    id: str
    sentence: str
    draw: Callable[[Draw], Steps]
    calls: float  # AWS calls that the function may make for each record
    free: bool = False  # the function that notebook 06 begins with passes it

    def history(self, draw: Draw) -> History:
        """Draw the history of a try."""
        starts = []
        for step in self.draw(draw):
            if isinstance(step, Start):
                starts.append(step)
            else:
                starts.append(Start([step]))
        return starts


CASES: list[Case] = []  # in the order in which they are tried


def chosen(only: Iterable[str] = ()) -> list[Case]:
    """Return the cases with these ids, by default all. UsageError for an unknown id."""
    known = [case.id for case in CASES]
    ids = {*only} or {*known}
    unknown = ids.difference(known)
    if unknown:
        names = _(", ").join(known)
        raise UsageError("There is no case {name!r}. The cases are {names}.", name=min(unknown), names=names)
    return [case for case in CASES if case.id in ids]


def case(sentence: str, calls: float = 10, free: bool = False) -> Callable[[Callable[[Draw], Steps]], None]:
    """Enter the function below in CASES."""

    def enter(draw: Callable[[Draw], Steps]) -> None:
        id = draw.__name__.replace("_", "-")
        CASES.append(Case(id, sentence, draw, calls, free))

    return enter


@case("Transactions are added up, cents too, and equal amounts as often as they come.", free=True)
def new_transactions(draw: Draw) -> Steps:
    batches = draw.batches()
    equal = [(draw.pair[0], draw.small())] * 2
    return [Start([*batches, draw.batch(equal)])]


@case("A total that reaches 1500 exactly sends one alert.", free=True)
def threshold(draw: Draw) -> Steps:
    first, *others = draw.batch(draw.parts_of(draw.pair[0], HIGH, 4))
    return [[first], others]


@case("The records of two customers alternate in a batch.", free=True)
def two_customers(draw: Draw) -> Steps:
    return [draw.ordinary(), draw.rise()]


@case("Lambda delivers a batch again that was processed already.")
def batch_twice(draw: Draw) -> Steps:
    return [draw.ordinary(), Start([draw.ordinary()] * 2), draw.ordinary()]


@case("A batch comes again to a new start of the function, whose memory is empty.")
def cold_start(draw: Draw) -> Steps:
    first, *others = draw.batches()
    return [first, *others, first, draw.ordinary()]


@case("Records come again in other batches, together with new ones. One of them is a correction.")
def cut_otherwise(draw: Draw) -> Steps:
    one = draw.ordinary()
    other = draw.ordinary()
    corrected = draw.corrected(one[0], draw.small())
    again = [*one[1:], other[-1], corrected]
    return [one, [*other, corrected], draw.mixed(again, draw.ordinary())]


@case("A stream orders only the changes of one item: a customer's transactions come in any order.")
def out_of_order(draw: Draw) -> Steps:
    every = draw.shuffled(draw.ordinary(*draw.pair, *draw.pair))
    before = draw.ordinary()
    first = every[:5]
    others = draw.shuffled(every[3:])  # and two of the first ones again
    return [before, first, others, draw.mixed(every[:2], draw.ordinary())]


@case("Amounts are corrected. One is corrected back, and then once more.")
def correction(draw: Draw) -> Steps:
    batch = draw.ordinary()
    right = draw.small()
    first = draw.corrected(batch[0], right)
    back = draw.corrected(first, effect(batch[0]))
    once_more = draw.corrected(back, right)  # the same change as the first one, and another record
    another = draw.corrected(batch[1], draw.small())
    return [batch, [first, another], [back, once_more, *draw.ordinary()]]


@case("A transaction is deleted, and others come behind it.")
def deletion(draw: Draw) -> Steps:
    batch = draw.ordinary()
    deleted = draw.deleted(batch[0])
    return [batch, [deleted, *draw.ordinary()], draw.ordinary()]


@case("An amount is a text. The good records around it count, and it is kept as a dead letter.")
def poison(draw: Draw) -> Steps:
    return [draw.ordinary(), draw.around_poison(), draw.ordinary()]


@case("The function is killed at each of its AWS calls in turn, and the batch comes again in halves.")
def crash(draw: Draw) -> Steps:
    return [draw.ordinary(), Start([draw.rise()], crashes=True), draw.rise()]


@case("The same, while one of the records is poison.")
def poison_and_crash(draw: Draw) -> Steps:
    return [draw.ordinary(), Start([draw.around_poison()], crashes=True), draw.around_poison()]


@case("An alert is due while there is no topic. The batch comes again in halves, until there is one.")
def topic_away(draw: Draw) -> Steps:
    return [draw.ordinary(), Start([draw.rise()], has_topic=False), draw.rise()]


@case("A total stays high, falls below 1500, and rises again: one alert each time that it reaches 1500.")
def crossings(draw: Draw) -> Steps:
    one, other = draw.pair
    amounts = draw.high(), draw.small(), -HIGH, HIGH
    batches = []
    for amount in amounts:
        changes = [(one, amount), *draw.amounts(other)]
        batches.append(draw.batch(changes))
    return batches


@case(
    "Within a batch a total reaches 1500, falls, and reaches it again. One alert is right, and so are two: "
    "Lambda decides where a batch ends.",
    free=True,
)
def dip(draw: Draw) -> Steps:
    one, other = draw.pair
    amounts = draw.high(), -HIGH, HIGH
    dip = draw.batch([(one, amount) for amount in amounts])
    return [draw.mixed(dip, draw.ordinary(other)), draw.ordinary(other)]


@case(
    "A thousand transactions of one customer, and some of the first ones again. What the function keeps in an item "
    "must not grow with each of them.",
)
def long_history(draw: Draw) -> Steps:
    changes = draw.parts_of(draw.pair[0], HIGH - 1, 980)
    every = draw.shuffled(draw.batch(changes))
    return _cut(every + every[:20], 250)


@case(
    "Ten batches of 1,000 records, with fewer than one AWS call for two of them. A few come again.",
    calls=0.5,
)
def ten_thousand(draw: Draw) -> Steps:
    changes = []
    for place, name in enumerate(draw.customers(200)):
        changes += draw.parts_of(name, HIGH - place % 10, 50)  # every tenth reaches the threshold
    every = draw.shuffled(draw.batch(changes))
    *batches, last = _cut(every, 1_000)
    return [*batches, last + every[:10]]


def _cut(records: Batch, size: int) -> list[Batch]:
    """Return the records in batches of this size."""
    return [records[start : start + size] for start in range(0, len(records), size)]
