"""What must hold for every file and for every order of deliveries. Hypothesis looks for a counterexample.

The examples are the same in each run, so that a failure can be repeated. `HYPOTHESIS_PROFILE=thorough` tries more of
them, and then looks for the simplest one that fails, which takes minutes.
"""

import codecs
import os
from collections import Counter
from decimal import Decimal

import pytest
import transaction_processor
from botocore.exceptions import ClientError
from handlers import HEADER, Stopped, fail, record, stop
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from transactions_file import Unreadable

from lab_lib import transactions
from lab_lib.aws import buckets
from lab_lib.errors import NotATransactionsFile

pytestmark = pytest.mark.property

settings.register_profile(
    "thorough",
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one account for all examples of a test
)
settings.register_profile(
    "quick", settings.get_profile("thorough"), max_examples=15, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# Files

values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12)
good_rows = st.tuples(
    st.sampled_from(["C1", "C2", "Zoë 李", "<script>alert(1)</script>", "back\\slash", "O'Hara"]),
    values.map(lambda value: f" {value}".replace("|", " ")),  # a quote begins a field only in its first place
    st.sampled_from([f"T{number}" for number in range(20)]),
    st.dates().map(lambda day: f"{day.month}/{day.day}/{day.year:04}"),
    st.decimals(-(10**9), 10**9, places=2, allow_nan=False).map(lambda number: f"{number:f}"),
)
ODD = ["", " ", "１００", "1e5", "9" * 39, "02/30/2017", '"open', '"a" b', 'a "b" c', '"a|""b"', "\0", "x" * 130_000]
NOISE = [b"", b"  ", b'||" "||', b'"', b"|" * 5, b"\xff", b"\xc3", b"x" * 300_000]
odd_rows = st.tuples(good_rows, st.integers(0, 4), st.sampled_from(ODD) | values).map(
    lambda drawn: (*drawn[0][: drawn[1]], drawn[2], *drawn[0][drawn[1] + 1 :])
)


@st.composite
def files(draw):
    """Return a file: columns in some order, good rows, odd ones and noise between them."""
    order, end = draw(st.permutations(range(5))), draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    rows = draw(st.lists(good_rows | odd_rows | st.sampled_from(NOISE) | st.binary(max_size=20), max_size=30))
    rows = [HEADER.split("|"), *rows]
    lines = [row if isinstance(row, bytes) else "|".join(row[place] for place in order).encode() for row in rows]
    return draw(st.sampled_from([b"", codecs.BOM_UTF8])) + end.join(lines) + draw(st.sampled_from([b"", end, b"\xe6"]))


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    monkeypatch.setattr(transaction_processor, "MOST_REMEMBERED", 2)  # customers


MIXED = [
    b"trn_id|customer_id|customer_address|trn_date|trn_amount",
    b'"T|2"|C1|"a ""b"" | c"|03/06/2017|"2.50"',
    b"T1| C1 ||3/6/2017|1",
    b"T1|C1|away|12/31/2017|-3",
    *(b"T%d|C%d|home|1/1/2017|1" % (number, number % 4) for number in range(3, 30)),
    b"T1|C1|home|12/31/2017|-4",
    b"T1|C1|last|12/31/2017|-5",
    *(
        b"",
        b' | |" "||',
        b'T1|"C1" x|home|1/1/2017|1',
        b"T1|C1|\xff|1/1/2017|1",
        b"T1|C1|\0|1/1/2017|1",
        b"x" * 300_000,
    ),
]


@given(content=files() | st.binary(max_size=200))
@example(content=codecs.BOM_UTF8 + b"\r\n".join(MIXED))
@example(content=b"\xff" + b"\r\n".join(MIXED))
def test_the_function_does_with_a_file_what_the_recount_says(lab, processor, content):
    processor.empty()
    event = processor.upload(content, key="my.txt")
    try:
        file = transactions.recount("my.txt", content)
    except NotATransactionsFile:
        for _ in range(2):  # it fails each time
            with pytest.raises(Unreadable, match=r"^my\.txt: .*$"):
                processor.run(event)
        assert processor.held() == ([], [], [])
        return

    (report,) = processor.run(event)["files"]

    counts = {"rows": file.good + len(file.rejected), "written": file.good, "rejected": len(file.rejected)}
    assert report == {"key": "my.txt", **counts}
    customers, rows, _ = processor.held()
    assert processor.amounts() == file.amounts
    assert {(row["CustomerId"], row["TransactionId"]): row["TransactionDate"] for row in rows} == file.days
    assert {customer["CustomerId"]: customer["Address"] for customer in customers} == file.addresses
    assert {row["line"]: row["code"] for row in buckets.rejected_rows(lab, "my.txt")} == file.rejected


# Deliveries

TEXT = {"S": "ten"}  # an amount that is no number, and counts as 0
CALLS = ["TransactWriteItems", "BatchGetItem", "Publish", "SendMessage"]
changes = st.tuples(
    st.sampled_from(["A", 'B "quoted"\n<b>', "C"]),
    st.sampled_from(["T1", "T2", "T3"]),
    st.none() | st.just(TEXT) | st.integers(-90_000, 190_000),  # cents; None deletes the transaction
)
deliveries = st.tuples(
    st.lists(changes, min_size=1, max_size=6),
    st.sampled_from(CALLS) | st.integers(0, 20),  # the call that fails, or the moment at which the function is stopped
    st.sampled_from([0, 1, 2]),  # then the whole batch is delivered again, or its end, or nothing
)


def records_of(changes, now):
    """Yield customer, difference in cents and record of each change of what is there `now`; some change nothing."""
    for customer, transaction, new in changes:
        old = now.get((customer, transaction))
        now[customer, transaction] = new
        if old != new:
            cents = [amount if isinstance(amount, int) else 0 for amount in (new, old)]
            images = (Decimal(amount) / 100 if isinstance(amount, int) else amount for amount in (new, old))
            yield customer, cents[0] - cents[1], record(customer, *images, transaction)


@given(deliveries=st.lists(deliveries, min_size=1, max_size=6))
def test_totals_and_alerts_are_exact_however_the_stream_is_cut_stopped_and_delivered_again(notifier, deliveries):
    notifier.empty()
    now, cents, high, crossings, texts, repeats = {}, Counter(), set(), Counter(), set(), 0

    for changes, fault, part in deliveries:
        batch = []
        for customer, difference, change in records_of(changes, now):
            batch.append(change)
            cents[customer] += difference
            if TEXT in change["dynamodb"].get("NewImage", {}).values():
                texts.add(change["eventID"])
        reached = {customer for customer, total in cents.items() if total >= 150_000}
        crossings.update(reached - high)
        high = reached
        try:
            notifier.run(*batch, fault=stop(fault) if isinstance(fault, int) else fail(fault))
        except (ClientError, Stopped):
            repeats += 1
            notifier.run(*batch)
        notifier.run(*batch[len(batch) * part // 2 :])

    alerts = Counter(customer for customer, _ in notifier.alerts())
    assert Counter({customer: int(total * 100) for customer, total in notifier.totals().items()}) == cents
    assert alerts.keys() == crossings.keys()
    assert crossings.total() <= alerts.total() <= crossings.total() + repeats
    assert {letter["record"]["eventID"] for letter in notifier.letters()} == texts
