"""The cases that a learner's function is tried with, most of them faults. Each has customers A, B … of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from lab_lib.exercises.bench import Bench
from lab_lib.exercises.holding import Holding
from lab_lib.exercises.made_up_records import MadeUpRecords

Act = Callable[[Bench, MadeUpRecords], None]
_BATCH = 1_000  # records, as the trigger of TotalNotifier has


@dataclass(frozen=True)
class Case:
    """A case: `run` acts on the function, and the account should hold `wanted` afterwards."""

    name: str
    sentence: str
    run: Act
    wanted: Holding
    seconds: float = 3
    crashes: bool = False  # is repeated, with a crash after each of the function's AWS calls

    def holds(self, found: Holding) -> bool:
        """Return whether the account holds what it should. After a crash, an alert may come twice."""
        if self.crashes and found.alerts.keys() == self.wanted.alerts.keys():
            found = replace(found, alerts=self.wanted.alerts)
        return found == self.wanted


CASES: list[Case] = []  # in the order in which they are tried


def many_records() -> Case:
    """Return the case that takes long: 10,000 records of 200 customers, of whom 20 reach the threshold."""
    names = [f"{number:03}" for number in range(200)]
    amounts = {name: "30" if number < 20 else "1.5" for number, name in enumerate(names)}

    def run(bench: Bench, records: MadeUpRecords) -> None:
        every = [records.new(name, amounts[name]) for _ in range(50) for name in names]
        batches = (every[start : start + _BATCH] for start in range(0, len(every), _BATCH))
        all(map(bench.deliver, batches))  # up to the first one that is held up

    wanted = Holding({name: 50 * Decimal(amounts[name]) for name in names}, dict.fromkeys(names[:20], 1))
    sentence = "Ten batches of 1,000 records each, within 15 seconds: TransactionProcessor writes about as fast."
    return Case("10,000 records", sentence, run, wanted, seconds=15)


def case(
    name: str,
    sentence: str,
    totals: dict[str, str],
    alerts: dict[str, int] | None = None,
    letters: int = 0,
    crashes: bool = False,
) -> Callable[[Act], None]:
    """Enter the function below in CASES."""
    wanted = Holding({customer: Decimal(total) for customer, total in totals.items()}, alerts or {}, letters)
    return lambda run: CASES.append(Case(name, sentence, run, wanted, crashes=crashes))


@case("new transactions", "Three transactions are added up, cents too.", {"A": "300.3"})
def _new(bench: Bench, records: MadeUpRecords) -> None:
    bench.deliver(records.batch("AA", "100.1", "150.05"), records.batch("A", "50.15"))


@case("the threshold", "A total that reaches 1500 exactly sends one alert.", {"A": "1500"}, {"A": 1})
def _threshold(bench: Bench, records: MadeUpRecords) -> None:
    bench.deliver(records.batch("A", "1000"), records.batch("A", "500"))


@case("two customers", "The records of two customers alternate in a batch.", {"A": "1600", "B": "300"}, {"A": 1})
def _two_customers(bench: Bench, records: MadeUpRecords) -> None:
    bench.deliver(records.batch("ABAB", "700", "100", "900", "200"))


@case("batch twice", "Lambda delivers a batch again that was counted already.", {"A": "1600", "B": "20"}, {"A": 1})
def _twice(bench: Bench, records: MadeUpRecords) -> None:
    batch = records.batch("ABA", "700", "20", "900")
    bench.deliver(batch, batch)  # the second one to the same start of the function
    bench.deliver(batch)  # and once more to a new start


@case(
    "batch cut otherwise",
    "The records come again in other batches, with a new one at the end.",
    {"A": "150", "B": "60"},
)
def _cut(bench: Bench, records: MadeUpRecords) -> None:
    batch = records.batch("ABABAA", "10", "20", "30", "40", "50", "60")
    bench.deliver(batch[:3], batch[3:5])
    bench.deliver(batch[:2], batch[1:])


@case("correction", "An amount is corrected from 200 to 50, which makes the total smaller.", {"A": "150"})
def _correction(bench: Bench, records: MadeUpRecords) -> None:
    right, wrong = records.batch("AA", "100", "200")
    bench.deliver([right, wrong], [records.corrected(wrong, "50")])


@case("deletion", "A transaction is deleted; another one comes behind it.", {"A": "130"})
def _deletion(bench: Bench, records: MadeUpRecords) -> None:
    right, wrong = records.batch("AA", "100", "200")
    bench.deliver([right, wrong], [records.deleted(wrong), records.new("A", "30")])


@case(
    "poison record",
    "An amount is a text. The good records around it count, and it is kept as a dead letter.",
    {"A": "150", "B": "70"},
    letters=1,
)
def _poison(bench: Bench, records: MadeUpRecords) -> None:
    bench.deliver([records.new("A", "100"), records.poison("A", "12,50"), *records.batch("BA", "70", "50")])


@case(
    "crash",
    "The function is killed after each of its AWS calls in turn, and the batch comes again.",
    {"A": "1600", "B": "20"},
    {"A": 1},
    crashes=True,
)
def _crash(bench: Bench, records: MadeUpRecords) -> None:
    bench.deliver(records.batch("AB", "1600", "20"))


@case(
    "the topic is away",
    "An alert is due while there is no topic. The batch comes again until there is one.",
    {"A": "1600"},
    {"A": 1},
)
def _topic(bench: Bench, records: MadeUpRecords) -> None:
    bench.remove_topic()
    try:
        bench.deliver(records.batch("A", "1600"), tries=2)
    finally:
        bench.restore_topic()
    bench.deliver()


@case("one alert a crossing", "A total stays high, falls below 1500, and rises again.", {"A": "1650"}, {"A": 2})
def _crossings(bench: Bench, records: MadeUpRecords) -> None:
    for amount in ("1600", "100", "-500", "50", "400"):
        bench.deliver(records.batch("A", amount))
