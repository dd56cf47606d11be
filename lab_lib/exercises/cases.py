"""Define the cases that a learner's function is tried with. Most of them are faults. Each try is drawn anew.

A try is a history: starts of the function, and the batches that each gets. What comes before and after the fault is
ordinary, and drawn too, so that only a function that keeps what it knows in its account can tell what came before.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from lab_lib.aws.streams import customer
from lab_lib.errors import UsageError
from lab_lib.exercises.draw import HIGH, Batch, Draw, History, Start, Topic
from lab_lib.exercises.runner import Limits

LARGE = "ten-thousand"  # the case that takes long
_LITTLE = Limits(loads=12, calls=10, items=20)  # the lab's function takes 2 loads


class Case(NamedTuple):
    """A case, as the report tells it, and what draws its history."""

    id: str
    sentence: str
    draw: Callable[[Draw], History]
    limits: Limits
    free: bool = False  # the function that notebook 06 begins with passes it


CASES: list[Case] = []  # in the order in which they are tried


def chosen(only: Iterable[str] = ()) -> list[Case]:
    """Return the cases with these ids, by default all. UsageError for an unknown id."""
    ids = {*only}
    if unknown := ids - {case.id for case in CASES}:
        raise UsageError(f"There is no case {min(unknown)!r}. The cases are {', '.join(case.id for case in CASES)}.")
    return [case for case in CASES if case.id in ids or not ids]


def case(
    name: str, sentence: str, limits: Limits = _LITTLE, free: bool = False
) -> Callable[[Callable[[Draw], History]], None]:
    """Enter the function below in CASES."""
    return lambda draw: CASES.append(Case(name, sentence, draw, limits, free))


@case("new-transactions", "Transactions are added up, cents too, and equal amounts as often as they come.", free=True)
def _new_transactions(draw: Draw) -> History:
    one, other = draw.pair
    equal = [(one, draw.small())] * 2
    return draw.starts(*draw.batches(), draw.batch(draw.mixed(equal, draw.amounts(other))))


@case("threshold", "A total that reaches 1500 exactly sends one alert.", free=True)
def _threshold(draw: Draw) -> History:
    first, *others = [(draw.pair[0], amount) for amount in draw.parts(HIGH, draw.chance.randint(2, 5))]
    return draw.starts(draw.batch([first]), draw.batch(others))


@case("two-customers", "The records of two customers alternate in a batch.", free=True)
def _two_customers(draw: Draw) -> History:
    before, rise, _ = draw.around_rise()
    return draw.starts(before, rise, draw.ordinary(draw.pair[1]))


@case("batch-twice", "Lambda delivers a batch again that was processed already.")
def _batch_twice(draw: Draw) -> History:
    batches = draw.batches()
    place = draw.chance.randrange(len(batches))
    return [*draw.starts(*batches[:place]), Start([batches[place]] * 2), *draw.starts(*batches[place + 1 :])]


@case("cold-start", "A batch comes again to a new start of the function, whose memory is empty.")
def _cold_start(draw: Draw) -> History:
    batches = draw.batches()
    place = draw.chance.randint(2, len(batches))
    again = draw.chance.choice(batches[: place - 1])  # the last one may be known by what the function keeps of it
    return [*draw.starts(*batches[:place]), *draw.starts(again, *batches[place:])]


@case("cut-otherwise", "Records come again in other batches, together with new ones. One of them is a correction.")
def _cut_otherwise(draw: Draw) -> History:
    one, other = draw.ordinary(), draw.ordinary()
    corrected = draw.corrected(draw.chance.choice(one), draw.small())
    again = [*draw.shuffled(one)[:2], *draw.shuffled(other)[:2], corrected]
    mixed = draw.mixed(again, draw.ordinary())
    return [*draw.starts(one, [*other, corrected]), *draw.starts(mixed, draw.ordinary())]


@case("out-of-order", "A stream orders only the changes of one item: a customer's transactions come in any order.")
def _out_of_order(draw: Draw) -> History:
    before, every = draw.ordinary(), draw.batch(draw.amounts(*draw.pair, *draw.pair))
    every.sort(key=customer)  # so that each one's records are delivered in turns, now and later
    now, later = draw.shuffled(every[::2]), every[1::2]
    later, last = draw.shuffled(later + now[:2]), draw.mixed(now[2:4], later[:1], draw.ordinary())
    return [*draw.starts(before, now, later), *draw.starts(last)]


@case("correction", "Amounts are corrected. One is corrected back, and then once more.")
def _correction(draw: Draw) -> History:
    batch = draw.ordinary()
    (wrong, other), right = draw.chance.sample(batch, 2), draw.small()
    corrected = draw.corrected(wrong, right)
    second, third = [corrected, *draw.ordinary()], [draw.corrected(other, draw.small())]
    third.append(draw.corrected(corrected, Decimal(wrong["dynamodb"]["NewImage"]["TransactionAmount"]["N"])))
    third.append(draw.corrected(third[-1], right))  # the same change as the first one, and another record
    return draw.starts(batch, second, [*third, *draw.ordinary()])


@case("deletion", "A transaction is deleted, and others come behind it.")
def _deletion(draw: Draw) -> History:
    batch = draw.ordinary()
    return draw.starts(batch, [draw.deleted(draw.chance.choice(batch)), *draw.ordinary()], draw.ordinary())


@case("poison", "An amount is a text. The good records around it count, and it is kept as a dead letter.")
def _poison(draw: Draw) -> History:
    return draw.starts(draw.ordinary(), draw.around_poison(), draw.ordinary())


@case("crash", "The function is killed at each of its AWS calls in turn, and the batch comes again in halves.")
def _crash(draw: Draw) -> History:
    return _killed(draw, *draw.around_rise())


@case("poison-and-crash", "The same, while one of the records is poison.")
def _poison_and_crash(draw: Draw) -> History:
    return _killed(draw, draw.ordinary(), draw.around_poison(), draw.around_poison())


def _killed(draw: Draw, before: Batch, batch: Batch, after: Batch) -> History:
    """Return a history in which the function is killed at each of its calls for the batch in turn."""
    return [*draw.starts(before), Start([batch], tries=1, crashes=True), *draw.starts(after)]


@case("topic-away", "An alert is due while there is no topic. The batch comes again in halves, until there is one.")
def _topic_away(draw: Draw) -> History:
    before, batch, after = draw.around_rise()
    return [*draw.starts(before), Topic(False), Start([batch], tries=2), Topic(True), *draw.starts(after)]


@case("crossings", "A total stays high, falls below 1500, and rises again: one alert each time that it reaches 1500.")
def _crossings(draw: Draw) -> History:
    one, other = draw.pair
    first, more = draw.batch(draw.rise(one)), draw.batch([(one, draw.small())])
    between = draw.ordinary(other)
    fall, second = draw.batch([(one, -draw.high()), (one, draw.small())]), draw.batch([(one, draw.high() + HIGH)])
    return draw.starts(first, more, between, fall, second)


@case(
    "dip",
    "Within a batch a total reaches 1500, falls, and reaches it again. One alert is right, and so are two: "
    "Lambda decides where a batch ends.",
    free=True,
)
def _dip(draw: Draw) -> History:
    one, other = draw.pair
    up = draw.high()
    dip = [(one, up), (one, draw.small() - up), (one, draw.high())]
    return draw.starts(draw.batch(draw.mixed(dip, draw.amounts(other))), draw.ordinary(other))


@case(
    "long-history",
    "A thousand transactions of one customer, and some of the first ones again. What the function keeps in an item "
    "must not grow with each of them.",
    Limits(loads=60, calls=10, items=20),
)
def _long_history(draw: Draw) -> History:
    every = draw.shuffled(
        draw.batch([(draw.pair[0], Decimal(draw.chance.randrange(1, 100)) / 100) for _ in range(980)])
    )
    first, second, third, last = (every[start : start + 250] for start in range(0, 1_000, 250))
    return draw.starts(first, second, third, draw.mixed(last, first[:20]))


@case(
    LARGE,
    "Ten batches of 1,000 records, with fewer than one AWS call for two of them. A few come again.",
    Limits(loads=60, calls=0.5, items=6),
)
def _ten_thousand(draw: Draw) -> History:
    customers = draw.customers(200)
    high, low = customers[:20], customers[20:]
    amounts = [(name, part) for name in high for part in draw.parts(HIGH, 50)]
    amounts += [(name, Decimal(draw.chance.randrange(1, 25_00)) / 100) for name in low for _ in range(50)]
    every = draw.shuffled(draw.batch(amounts))
    *batches, last = (every[start : start + 1_000] for start in range(0, 10_000, 1_000))
    return draw.starts(*batches, draw.mixed(last, every[:10]))
