"""What a case leads to, and the words for what differs. A function may leave in its account what it likes."""

import json
from decimal import Decimal
from random import Random

import pytest

from lab_lib.aws import streams
from lab_lib.checks import upload
from lab_lib.exercises.bench import Held
from lab_lib.exercises.cases import Draw, Start
from lab_lib.exercises.runner import Outcome
from lab_lib.exercises.verdict import describe, expect, find_faults

DONE, FAILED = Outcome(1), Outcome(0, "KeyError: 'N' (line 14)")
ANA = {"Ana": Decimal(1600)}


@pytest.fixture
def draw(lab):
    return Draw(Random(1), lab)


def judged(batches, held, alerts=(), letters=(), ends=(DONE,), heaviest=0):
    """Return the causes and words of what differs in an account after these batches, which came once for each end."""
    items = {name: {"accountBalance": total} for name, total in held.items()}
    sent = [upload.Alert("Ana", balance, upload.SUBJECT, None) for balance in alerts]
    deliveries = [(batch, end) for end in ends for batch in batches]
    held = Held(items, sent, letters, heaviest, deliveries)
    return [*find_faults([Start(batches)], held)]


def test_the_words_say_what_was_sent(draw):
    batch = draw.batch([("Ana", Decimal("1600")), ("Ben", Decimal("20.5"))])
    changed = [draw.corrected(batch[1], Decimal("30")), draw.deleted(batch[0])]

    assert describe([Start([batch, batch[:1]]), Start([changed], has_topic=False)]).splitlines() == [
        "sent to a new start: Ana 1600, Ben 20.5; Ana 1600 again",
        "the topic is deleted",
        "sent to a new start: Ben 20.5 → 30, Ana 1600 deleted",
        "the topic comes back",
    ]


@pytest.mark.parametrize(
    ("name", "total", "cause", "found"),
    [
        ("Ana", 3199, "records that come again are added again", "3199, not 1599"),
        ("Ben", 70, "the old amount of a correction is not subtracted", "70, not 50"),
        ("Cleo", 7, "the amount of a deleted transaction is not subtracted", "7, not 0"),
        ("Ana", 1600, "some records are not added", "1600, not 1599"),
        ("Dora", "x", "totals are wrong", "'x', not 0"),
    ],
)
def test_a_total_is_told_with_the_cause_that_explains_it(name, total, cause, found, draw):
    amounts = [("Ana", 1600), ("Ana", -1), ("Ben", 20), ("Cleo", 7)]
    batch = draw.batch([(customer, Decimal(amount)) for customer, amount in amounts])
    batches = [batch, batch[:1], [draw.corrected(batch[2], Decimal(50)), draw.deleted(batch[3])]]
    right = {"Ana": Decimal(1599), "Ben": Decimal(50), "Cleo": Decimal(0)}

    total = Decimal(total) if isinstance(total, int) else total
    assert judged(batches, right | {name: total}, ["1600"]) == [(cause, f"{name} has accountBalance {found}")]
    assert judged(batches, right, ["1599"]) == []


@pytest.mark.parametrize(
    ("changes", "alerts", "ends", "cause"),
    [
        ([1600, -200, 300], [], [DONE], "alerts are missing"),
        ([1600, -200, 300], ["1600", "1600"], [DONE], ""),
        ([1600], ["1600", "1600"], [DONE], "too many alerts are sent"),
        ([1600], ["1600", "1600"], [FAILED, DONE], ""),
        ([-200, 1600], ["1600"], [FAILED, DONE], "too many alerts are sent"),
        ([1600], ["1700"], [DONE], "the accountBalance of an alert is wrong"),
    ],
)
def test_alerts_tell_a_total_that_there_was_and_come_again_after_a_failure_only(changes, alerts, ends, cause, draw):
    batch = draw.batch([("Ana", Decimal(change)) for change in changes])
    told = judged([batch], {"Ana": Decimal(sum(changes))}, alerts, ends=ends)

    assert [cause for cause, _ in told] == [cause] * bool(cause)


def test_each_poison_record_has_a_dead_letter_and_no_good_one_has(draw):
    batch = draw.around_poison()
    (poison,) = [record for record in batch if isinstance(streams.change(record)["new amount"], str)]
    right = expect([Start([batch])]).totals

    def causes(*records):
        told = judged([batch], right, letters=[json.dumps(record) for record in records])
        return [cause for cause, _ in told]

    assert causes(poison, poison) == []
    assert causes() == ["a bad record has no dead letter that names its TransactionId"]
    assert causes(*batch) == ["good records are among the dead letters"]


def test_a_failure_comes_first_and_an_item_may_grow_a_little(draw):
    batches = [draw.batch([*ANA.items()])]

    assert judged(batches, {}, ends=[FAILED]) == [
        (f"the last batch still fails: {FAILED.why}", "what is behind it waits"),
        ("some records are not added", "Ana has accountBalance nothing, not 1600"),
        ("alerts are missing", "alerts for Ana: 0 instead of 1"),
    ]
    assert judged(batches, ANA, ["1600"], heaviest=10_000) == []
    assert "at most 400 KB" in judged(batches, ANA, ["1600"], heaviest=10_005)[0][0]
