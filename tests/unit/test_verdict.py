"""What a case leads to, and the words for what differs. A function may leave in its account what it likes."""

import json
from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest

from lab_lib.aws import streams
from lab_lib.checks import upload
from lab_lib.exercises import cases
from lab_lib.exercises.bench import Held
from lab_lib.exercises.draw import Draw, Start, Topic
from lab_lib.exercises.runner import Outcome
from lab_lib.exercises.verdict import Story

DONE, FAILED = Outcome(1), Outcome(0, "KeyError: 'N' (line 14)")


@pytest.fixture
def draw(lab):
    return Draw(Random(1), lab)


def judged(batches, totals, alerts=(), letters=(), ends=(DONE,), heaviest=0):
    """Return the faults of an account that holds this after these batches, the last of which ended so."""
    items = {name: {"accountBalance": total} for name, total in totals.items()}
    sent = [upload.Alert(name, balance, upload.SUBJECT, None) for name, balance in alerts]
    deliveries = [*((batch, DONE) for batch in batches[:-1]), *((batches[-1], end) for end in ends)]
    faults = Story([Start([*batches])]).faults(Held(items, sent, [*letters], heaviest, deliveries))
    return [(fault.cause, str(fault)) for fault in faults]


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.id)
def test_the_totals_of_a_case_are_the_sums_of_its_rows(case, draw):
    steps, rows, totals = draw.starts(case.draw(draw)), {}, defaultdict(Decimal)
    records = [record for step in steps if isinstance(step, Start) for batch in step.batches for record in batch]
    for record in sorted(records, key=lambda record: record["dynamodb"]["SequenceNumber"]):
        row = streams.change(record)
        rows[row["CustomerId"], row["TransactionId"]] = row["new amount"]
    for (name, _), amount in rows.items():
        totals[name] += amount if isinstance(amount, Decimal) else 0

    due = Story(steps).due

    assert due.totals == totals
    assert len(due.letters) == sum(isinstance(amount, str) for amount in rows.values())


def test_the_words_say_what_was_sent(draw):
    batch = draw.batch([("Ana", Decimal("1600")), ("Ben", Decimal("20.5"))])
    corrected = draw.corrected(batch[1], Decimal("30"))

    story = Story([Start([batch, batch[:1]]), Topic(False), Start([[corrected, draw.deleted(batch[0])]])])

    assert story.sent.splitlines() == [
        "sent to a new start: Ana 1600, Ben 20.5; Ana 1600 again",
        "the topic is deleted",
        "sent to a new start: Ben 20.5 → 30, Ana 1600 deleted",
    ]


@pytest.mark.parametrize(
    ("totals", "cause", "found"),
    [
        ({"Ana": 3199}, "records that come again are added again", "Ana has accountBalance 3199, not 1599"),
        ({"Ben": "50.5"}, "the old amount of a correction is not subtracted", "Ben has accountBalance 50.5, not 30.0"),
        ({"Cleo": 7}, "the amount of a deleted transaction is not subtracted", "Cleo has accountBalance 7, not 0"),
        ({"Ana": 1600}, "some records are not added", "Ana has accountBalance 1600, not 1599"),
        ({"Ben": 31}, "totals are wrong", "Ben has accountBalance 31, not 30.0"),
        ({"Dora\n": 1}, "totals are wrong", "Dora[U+000A] has accountBalance 1, not 0"),
    ],
)
def test_a_total_is_told_with_the_cause_that_explains_it(totals, cause, found, draw):
    batch = draw.batch([("Ana", Decimal(1600)), ("Ana", Decimal(-1)), ("Ben", Decimal("20.5")), ("Cleo", Decimal(7))])
    changed = [draw.corrected(batch[2], Decimal(30)), draw.deleted(batch[3])]
    right = {"Ana": Decimal(1599), "Ben": Decimal(30), "Cleo": Decimal(0)}
    held = right | {name: Decimal(total) for name, total in totals.items()}

    assert judged([batch, batch[:1], changed], held, [("Ana", "1.6E+3")]) == [(cause, found)]
    assert judged([batch, batch[:1], changed], right, [("Ana", "1599")]) == []


def test_what_was_not_written_and_what_is_no_number_are_told(draw):
    batch = draw.batch([("Ana", Decimal(10)), ("Ben", Decimal(20))])

    faults = judged([batch], {"Ana": "x" * 10**5})

    assert faults[0] == ("some records are not added", f"Ana has accountBalance '{'x' * 60}', not 10")
    assert faults[1][1] == "Ben has accountBalance nothing, not 20"


@pytest.mark.parametrize(
    ("changes", "right"), [([1600, -200, 300], {1, 2}), ([1600, -200], {0, 1}), ([1600, 100], {1}), ([100, 200], {0})]
)
def test_alerts_are_counted_and_may_come_again_after_a_failure_only(changes, right, draw):
    batch, total = draw.batch([("Ana", Decimal(change)) for change in changes]), Decimal(sum(changes))

    def told(count, *ends):
        return judged([batch], {"Ana": total}, [("Ana", "1600")] * count, ends=[*ends, DONE])

    assert {count for count in range(4) if not told(count)} == right
    assert {count for count in range(4) if not told(count, FAILED)} == right | (
        {max(right) + 1} if max(right) else set()
    )
    few, many = ([cause for cause, _ in told(count)] for count in (min(right) - 1, max(right) + 1))
    assert (few, many) == (["alerts are missing"] * (min(right) > 0), ["too many alerts are sent"])


@pytest.mark.parametrize(
    ("name", "balance", "field", "found"),
    [
        (
            "Ana",
            1600,
            "accountBalance",
            "an alert for Ana has accountBalance 1600, not 'a text with a number from 1500",
        ),
        ("Ana", "1700", "accountBalance", "an alert for Ana has accountBalance '1700', not 'a total that there was'"),
        (7, "1600", "customerID", "an alert for 7 has customerID 7, not 'a text'"),
    ],
)
def test_an_alert_is_told_with_the_field_that_is_wrong(name, balance, field, found, draw):
    batch = draw.batch([("Ana", Decimal(1600))])

    cause, told = judged([batch], {"Ana": Decimal(1600)}, [(name, balance)])[0]

    assert (cause, told[: len(found)]) == (f"the {field} of an alert is wrong", found)


def test_a_failure_comes_first_and_an_item_may_not_grow(draw):
    batch, ana = draw.batch([("Ana", Decimal(1))]), {"Ana": Decimal(1)}

    assert judged([batch], {}, ends=[FAILED])[0] == (
        f"the last batch still fails: {FAILED.why}",
        "what is behind it waits",
    )
    assert judged([batch], ana, heaviest=10_000) == []
    assert "at most 400 KB" in judged([batch], ana, heaviest=10_005)[0][0]


def test_each_poison_record_has_a_dead_letter_and_no_good_one_has(draw):
    good, poison = draw.batch([("Ana", Decimal(1))]), [draw.poison("Ana")]
    letter, ana = json.dumps(poison[0]), {"Ana": Decimal(1)}

    assert judged([good, poison], ana, letters=[letter, letter]) == []
    ((cause, _),) = judged([good, poison], ana)
    assert cause == "a bad record has no dead letter that names its TransactionId"
    ((cause, _),) = judged([good, poison], ana, letters=[letter, json.dumps(good)])
    assert cause == "good records are among the dead letters"
