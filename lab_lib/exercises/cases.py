"""Define the cases that a learner's function is tried with. Most of them are faults. Each try is drawn anew.

A try is a history: starts of the function, and the batches that each gets. What comes before and after the fault is
ordinary, and drawn too, so that only a function that keeps what it knows in its account can tell what came before.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from lab_lib.aws.streams import effect
from lab_lib.errors import UsageError
from lab_lib.exercises.draw import HIGH, Batch, Change, Draw, Start, Steps, Topic
from lab_lib.exercises.runner import Limits
from lab_lib.language import _

LARGE = "ten-thousand"  # the case that takes long
_LITTLE = Limits(loads=12, calls=10, items=20)  # the lab's function takes 2 loads


class Case(NamedTuple):
    """A case, as the report tells it, and what draws its history."""

    id: str
    sentence: str
    draw: Callable[[Draw], Steps]
    limits: Limits
    free: bool = False  # the function that notebook 06 begins with passes it


CASES: list[Case] = []  # in the order in which they are tried


def chosen(only: Iterable[str] = ()) -> list[Case]:
    """Return the cases with these ids, by default all. UsageError for an unknown id."""
    ids = {*only}
    if unknown := ids - {case.id for case in CASES}:
        names = _(", ").join(case.id for case in CASES)
        raise UsageError("There is no case {name!r}. The cases are {names}.", name=min(unknown), names=names)
    return [case for case in CASES if case.id in ids or not ids]


def case(sentence: str, limits: Limits = _LITTLE, free: bool = False) -> Callable[[Callable[[Draw], Steps]], None]:
    """Enter the function below in CASES."""
    return lambda draw: CASES.append(Case(draw.__name__.replace("_", "-"), sentence, draw, limits, free))


@case("Transactions are added up, cents too, and equal amounts as often as they come.", free=True)
def new_transactions(draw: Draw) -> Steps:
    return [*draw.batches(), draw.batch([(draw.pair[0], draw.small())] * 2)]


@case("A total that reaches 1500 exactly sends one alert.", free=True)
def threshold(draw: Draw) -> Steps:
    first, *others = draw.batch(draw.parts_of(draw.pair[0], HIGH, 4))
    return [[first], others]


@case("The records of two customers alternate in a batch.", free=True)
def two_customers(draw: Draw) -> Steps:
    return draw.around_rise()[:2]


@case("Lambda delivers a batch again that was processed already.")
def batch_twice(draw: Draw) -> Steps:
    return [draw.ordinary(), Start([draw.ordinary()] * 2), draw.ordinary()]


@case("A batch comes again to a new start of the function, whose memory is empty.")
def cold_start(draw: Draw) -> Steps:
    first, *others = draw.batches()
    return [first, *others, Start([first]), draw.ordinary()]


@case("Records come again in other batches, together with new ones. One of them is a correction.")
def cut_otherwise(draw: Draw) -> Steps:
    one, other = draw.ordinary(), draw.ordinary()
    corrected = draw.corrected(one[0], draw.small())
    again = [*one[1:], other[-1], corrected]
    return [one, [*other, corrected], Start([draw.mixed(again, draw.ordinary())])]


@case("A stream orders only the changes of one item: a customer's transactions come in any order.")
def out_of_order(draw: Draw) -> Steps:
    every = draw.shuffled(draw.ordinary(*draw.pair, *draw.pair))
    return [draw.ordinary(), every[:5], draw.shuffled(every[3:]), Start([draw.mixed(every[:2], draw.ordinary())])]


@case("Amounts are corrected. One is corrected back, and then once more.")
def correction(draw: Draw) -> Steps:
    batch, right = draw.ordinary(), draw.small()
    first = draw.corrected(batch[0], right)
    back = draw.corrected(first, effect(batch[0]))
    once_more = draw.corrected(back, right)  # the same change as the first one, and another record
    return [batch, [first, draw.corrected(batch[1], draw.small())], [back, once_more, *draw.ordinary()]]


@case("A transaction is deleted, and others come behind it.")
def deletion(draw: Draw) -> Steps:
    batch = draw.ordinary()
    return [batch, [draw.deleted(batch[0]), *draw.ordinary()], draw.ordinary()]


@case("An amount is a text. The good records around it count, and it is kept as a dead letter.")
def poison(draw: Draw) -> Steps:
    return [draw.ordinary(), draw.around_poison(), draw.ordinary()]


@case("The function is killed at each of its AWS calls in turn, and the batch comes again in halves.")
def crash(draw: Draw) -> Steps:
    before, batch, after = draw.around_rise()
    return [before, Start([batch], tries=1, crashes=True), after]


@case("The same, while one of the records is poison.")
def poison_and_crash(draw: Draw) -> Steps:
    return [draw.ordinary(), Start([draw.around_poison()], tries=1, crashes=True), draw.around_poison()]


@case("An alert is due while there is no topic. The batch comes again in halves, until there is one.")
def topic_away(draw: Draw) -> Steps:
    before, batch, after = draw.around_rise()
    return [before, Topic(False), Start([batch], tries=2), Topic(True), after]


@case("A total stays high, falls below 1500, and rises again: one alert each time that it reaches 1500.")
def crossings(draw: Draw) -> Steps:
    one, other = draw.pair
    amounts = draw.high(), draw.small(), -HIGH, HIGH
    return [draw.batch([(one, amount), *draw.amounts(other)]) for amount in amounts]


@case(
    "Within a batch a total reaches 1500, falls, and reaches it again. One alert is right, and so are two: "
    "Lambda decides where a batch ends.",
    free=True,
)
def dip(draw: Draw) -> Steps:
    one, other = draw.pair
    dip = draw.batch([(one, amount) for amount in (draw.high(), -HIGH, HIGH)])
    return [draw.mixed(dip, draw.ordinary(other)), draw.ordinary(other)]


@case(
    "A thousand transactions of one customer, and some of the first ones again. What the function keeps in an item "
    "must not grow with each of them.",
    Limits(loads=60, calls=10, items=20),
)
def long_history(draw: Draw) -> Steps:
    every = draw.shuffled(draw.batch(draw.parts_of(draw.pair[0], HIGH - 1, 980)))
    return _cut(every + every[:20], 250)


@case(
    "Ten batches of 1,000 records, with fewer than one AWS call for two of them. A few come again.",
    Limits(loads=60, calls=0.5, items=6),
)
def ten_thousand(draw: Draw) -> Steps:
    changes = list[Change]()
    for place, name in enumerate(draw.customers(200)):
        changes += draw.parts_of(name, HIGH - place % 10, 50)  # every tenth reaches the threshold
    every = draw.shuffled(draw.batch(changes))
    *batches, last = _cut(every, 1_000)
    return [*batches, last + every[:10]]


def _cut(records: Batch, size: int) -> list[Batch]:
    """Return the records in batches of this size."""
    return [records[start : start + size] for start in range(0, len(records), size)]
