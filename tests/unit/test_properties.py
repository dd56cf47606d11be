"""What must hold for every file and for every order of deliveries. Hypothesis looks for a counterexample.

The examples are the same in each run, so that a failure can be repeated. `HYPOTHESIS_PROFILE=thorough` tries more of
them, and then looks for the simplest one that fails, which takes minutes.
"""

import itertools
import json
import os
from collections import Counter, defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from in_process import HEADER, Notifier, Processor, record

from lab_lib import transactions
from lab_lib.aws import buckets
from lab_lib.errors import NotATransactionsFile

pytestmark = pytest.mark.property

settings.register_profile(
    "thorough",
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one account for all examples of a test
)
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=15, phases=[Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# Files

anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12)
good_rows = st.tuples(
    st.sampled_from(["C1", "C2", "Zoë 李", "<script>alert(1)</script>", "back\\slash", "O'Hara"]),
    anything.map(lambda value: value.replace("|", " ").replace('"', " ")),
    st.sampled_from([f"T{number}" for number in range(40)]),
    st.dates().map(lambda day: f"{day.month:02}/{day.day:02}/{day.year:04}"),
    st.decimals(-(10**9), 10**9, places=2, allow_nan=False).map(lambda number: f"{number:f}"),
).map("|".join)
bad_rows = st.one_of(
    st.sampled_from(['C9|"an open quote|T1|03/16/2017|1', 'C9|"a" b|T1|03/16/2017|1', '"', "=cmd()|+1|-1|@x|1"]),
    st.sampled_from(["C9|home|T1|02/30/2017|1", "C9|home|T1|03/16/2017|1e5", f"C9|home|T1|03/16/2017|{'9' * 39}"]),
    anything,
    st.lists(anything, max_size=7).map("|".join),
)
texts = st.builds(
    lambda rows, end: end.join([HEADER, *rows, ""]).encode(),
    st.lists(st.one_of(good_rows, bad_rows), max_size=30),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
not_files = st.one_of(
    st.binary(max_size=200),
    texts.map(lambda text: text.decode().encode("utf-16")),
    texts.map(lambda text: text.replace(b"|", b",")),
    st.tuples(texts, st.sampled_from([b"\xff", b"\0", b"\xc3"])).map(b"".join),
)


@given(rows=st.lists(good_rows, max_size=30), noise=st.lists(st.none() | bad_rows, min_size=30, max_size=30))
def test_a_good_row_counts_whatever_stands_around_it(rows, noise):
    wanted, lines = {}, [HEADER]
    for row, bad in zip(rows, noise, strict=False):
        customer, _, transaction, _, amount = row.split("|")
        wanted[customer, transaction] = Decimal(amount)
        lines += [row, bad] if bad else [row]

    file = transactions.parse("my.txt", "\n".join(lines).encode())

    assert wanted.items() <= file.amounts().items()
    assert len(file.rows) + len(file.rejected) == sum(any(map(str.strip, line.split("|"))) for line in lines[1:])


@pytest.fixture
def processor(lab, monkeypatch):
    return Processor(lab, monkeypatch)


@given(content=st.one_of(texts, not_files))
def test_the_function_does_with_a_file_what_the_lab_predicts(lab, processor, content):
    processor.empty()
    event = processor.upload(content, key="my.txt")
    predicted = prediction(content)

    if isinstance(predicted, str):
        assert predicted.startswith("my.txt is no transactions file: ")
        assert "\n" not in predicted
        with pytest.raises(Exception, match=r"^my\.txt: "):
            processor.run(event)
        assert processor.held() == ([], [], [])
    else:
        (report,) = processor.run(event)["files"]
        rejected = [{"line": row["line"], "reason": row["reason"]} for row in buckets.rejected_rows(lab, "my.txt")]
        assert (processor.amounts(), rejected) == (predicted.amounts(), predicted.rejected)
        assert (report["written"], report["rejected"]) == (len(predicted.rows), len(rejected))


def prediction(content):
    """Return the file as the lab reads it, or the words in which it refuses it."""
    try:
        return transactions.parse("my.txt", content)
    except NotATransactionsFile as error:
        return str(error)


# Deliveries

changes = st.lists(
    st.tuples(
        st.sampled_from(["A", 'B "quoted"\n<b>', "C"]),
        st.sampled_from(["T1", "T2", "T3"]),
        st.none() | st.integers(-90_000, 190_000),  # cents; None deletes the transaction
    ),
    min_size=1,
    max_size=12,
)


def stream_of(changes):
    """Return (customer, difference in cents, record) of each change; a write that changes nothing gives no record."""
    now, stream = {}, []
    for customer, transaction, cents in changes:
        old = now.get((customer, transaction))
        now[customer, transaction] = cents
        if old != cents:
            amounts = (amount if amount is None else Decimal(amount) / 100 for amount in (cents, old))
            stream.append((customer, (cents or 0) - (old or 0), record(customer, *amounts, transaction)))
    return stream


def mixed(stream, chance):
    """Mix the records of different items: the stream orders only the records of one item."""
    of_item = defaultdict(list)
    for each in stream:
        of_item[json.dumps(each[2]["dynamodb"]["Keys"])].append(each)
    order = [item for item, its in of_item.items() for _ in its]
    chance.shuffle(order)
    return [of_item[item].pop(0) for item in order]


def one_each(of):
    """A list with one for each batch that there may be."""
    return st.lists(of, min_size=12, max_size=12)


def batches_of(stream, sizes):
    """Return the batches of these sizes, each as a list of records, and what must come of them.

    This is the totals in cents and how often each customer reached the threshold, looked at after each batch.
    """
    rest, batches, cents, high, crossings = iter(stream), [], defaultdict(int), set(), Counter()
    for size in sizes:
        batch = list(itertools.islice(rest, size))
        for customer, difference, _ in batch:
            cents[customer] += difference
        reached = {customer for customer, total in cents.items() if total >= 150_000}
        crossings.update(reached - high)
        high = reached
        batches += [[each for _, _, each in batch]] if batch else []
    return batches, cents, crossings


@pytest.fixture
def notifier(lab, monkeypatch):
    return Notifier(lab, monkeypatch)


def held(notifier):
    """The totals in cents, and how many alerts went out to each customer."""
    totals = {customer: int(total * 100) for customer, total in notifier.totals().items()}
    return totals, Counter(customer for customer, _ in notifier.alerts())


@given(
    made=changes,
    chance=st.randoms(use_true_random=False),
    sizes=one_each(st.integers(1, 6)),
    again=one_each(st.sampled_from(["never", "never", "whole", "its end"])),
)
def test_totals_and_alerts_are_exact_however_the_stream_is_mixed_cut_and_delivered_again(
    notifier, made, chance, sizes, again
):
    notifier.empty()
    batches, cents, crossings = batches_of(mixed(stream_of(made), chance), sizes)

    for batch, part in zip(batches, again, strict=False):
        notifier.run(*batch)
        if part != "never":
            notifier.run(*batch[len(batch) // 2 if part == "its end" else 0 :])

    assert held(notifier) == (cents, crossings)


@given(made=changes, sizes=one_each(st.integers(1, 6)), moments=one_each(st.none() | st.integers(0, 9)))
def test_a_stop_anywhere_costs_no_amount_and_no_alert_when_the_batch_comes_again(notifier, made, sizes, moments):
    notifier.empty()
    batches, cents, crossings = batches_of(stream_of(made), sizes)
    stops = 0

    for batch, moment in zip(batches, moments, strict=False):
        stops += notifier.run_until(moment, *batch)
        notifier.run(*batch)

    totals, alerts = held(notifier)
    assert totals == cents
    assert alerts.keys() == crossings.keys()
    assert all(count <= alerts[name] <= count + stops for name, count in crossings.items())
