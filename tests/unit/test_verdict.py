"""What a case leads to, and the words for what differs. A function may leave in its account what it likes."""

import json
from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest

from lab_lib.aws import streams
from lab_lib.exercises import cases
from lab_lib.exercises.bench import Held
from lab_lib.exercises.draw import Draw, Start
from lab_lib.exercises.runner import Outcome
from lab_lib.exercises.verdict import Story

DONE, FAILED = Outcome(1), Outcome(0, "KeyError: 'N' (line 14)")
SUBJECT = "Warning! Account balance is very high"


@pytest.fixture
def draw(lab):
    return Draw(Random(1), lab)


def story(*batches):
    return Story([Start([*batches])])


def held(totals, deliveries, alerts=(), letters=()):
    """Return what an account holds, with the alerts as SNS gives them to a queue."""
    bodies = [json.dumps({"customerID": name, "accountBalance": str(balance)}) for name, balance in alerts]
    envelopes = [json.dumps({"Subject": SUBJECT, "Message": body}) for body in bodies]
    return Held({name: Decimal(total) for name, total in totals.items()}, envelopes, [*letters], 0, deliveries)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.id)
def test_the_totals_of_a_case_are_the_sums_of_its_rows(case, lab):
    for seed in range(3):
        steps, rows, letters = case.draw(Draw(Random(seed), lab)), defaultdict(dict), set()
        records = [record for step in steps if isinstance(step, Start) for batch in step.batches for record in batch]
        for record in sorted(records, key=lambda record: record["dynamodb"]["SequenceNumber"]):
            row = streams.change(record)
            amount, name = row["new amount"], row["TransactionId"]
            rows[row["CustomerId"]][name] = amount if isinstance(amount, Decimal) else 0
            letters |= {name} if isinstance(amount, str) else set()

        expected = Story(steps)

        assert expected.totals == {name: sum(amounts.values()) for name, amounts in rows.items()}
        assert expected.letters == letters


def test_a_crossing_within_a_batch_may_be_seen_or_not_and_one_at_its_end_must_be(draw):
    up, down = draw.batch([("A", Decimal(1600))]), draw.batch([("A", Decimal(-200))])
    again = draw.batch([("A", Decimal(300))])

    ranges = [
        story(*batches).alerts["A"]
        for batches in ([up + down + again], [up, down, again], [up, down + again], [up + down], [down, up])
    ]

    assert ranges == [(1, 2), (2, 2), (1, 2), (0, 1), (0, 0)]


def test_the_words_say_what_was_sent(draw):
    batch = draw.batch([("Ana", Decimal("1600")), ("Ben", Decimal("20.5"))])
    corrected, more = draw.corrected(batch[1], Decimal("30")), draw.batch([("Ben", Decimal(5))])
    told = Story([Start([batch]), Start([batch, [corrected, draw.deleted(more[0]), draw.poison("Ana")]])])

    assert told.sent.splitlines()[0] == "sent to start 1: A 1600, B 20.5"
    assert told.sent.splitlines()[1].startswith(
        "sent to start 2: A 1600, B 20.5 once more; B 20.5 → 30, B 5 deleted, A '"
    )


@pytest.mark.parametrize(
    ("totals", "cause", "found"),
    [
        ({"Ana": 3200, "Ben": 30}, "records that come again are added again", "A 3200 instead of 1600"),
        ({"Ana": 1600, "Ben": "50.5"}, "the old amount of a correction is not subtracted", "B 50.5 instead of 30"),
        ({"Ana": 1600}, "some records are not added", "B no total instead of 30"),
        ({"Ana": 1600, "Ben": 31}, "totals are wrong", "B 31 instead of 30"),
        ({"Ana": 1600, "Ben": 30, "Cleo\n": 1}, "totals are wrong", "Cleo[U+000A] 1 instead of no total"),
    ],
)
def test_a_total_is_told_with_the_cause_that_explains_it(totals, cause, found, draw):
    batch = draw.batch([("Ana", Decimal("1600")), ("Ben", Decimal("20.5"))])
    corrected = [draw.corrected(batch[1], Decimal("30"))]
    deliveries = [(batch, DONE), (batch[:1], DONE), (corrected, DONE)]
    told = story(batch, batch[:1], corrected)

    assert told.differences(held(totals, deliveries, [("Ana", 1600)])) == [(cause, found)]
    assert told.differences(held({"Ana": 1600, "Ben": 30}, deliveries, [("Ana", "1.6E+3")])) == []


def test_alerts_may_come_again_after_a_failure_only_and_tell_a_total_that_there_was(draw):
    batch = draw.batch([("Ana", Decimal(1000)), ("Ana", Decimal(700))])
    once, twice = [(batch, DONE)], [(batch, FAILED), (batch, DONE)]

    def differences(deliveries, *balances):
        alerts = [("Ana", balance) for balance in balances]
        return story(batch).differences(held({"Ana": 1700}, deliveries, alerts))

    assert differences(twice, 1700, 1700) == differences(once, 1700) == []
    assert differences(once, 1700, 1700) == [("too many alerts are sent", "2 alerts for A instead of 1")]
    assert differences(once) == [("alerts are missing", "0 alerts for A instead of 1")]
    odd = "an alert for A with 1E+9999999, which its transactions never add up to"
    assert differences(once, "1E+9999999") == [("an alert tells a total that there never was", odd)]
    assert differences([(batch, FAILED)])[0] == (f"the last batch still fails: {FAILED.why}", "what is behind it waits")


def test_a_function_that_is_stopped_may_be_right_so_far(draw):
    batch = draw.batch([("Ana", Decimal(1000)), ("Ben", Decimal(5)), ("Ana", Decimal(700))])

    def is_right(totals, *alerts):
        return story(batch).is_right_so_far(held(totals, [], [("Ana", alert) for alert in alerts]))

    assert is_right({"Ana": 1000})
    assert is_right({"Ana": 1700, "Ben": 5}, 1700)
    for totals, *alerts in [{}], [{"Ana": 1000, "Ben": 6}], [{"Ana": 1700}, 1700, 1700]:
        assert not is_right(totals, *alerts)


def test_each_poison_record_has_a_dead_letter_and_no_good_one_has(draw):
    good, poison = draw.batch([("Ana", Decimal(1))]), [draw.poison("Ana")]
    letters = [json.dumps(poison[0]), json.dumps(poison[0])]

    def causes(letters):
        account = held({"Ana": 1}, [(good + poison, DONE)], letters=letters)
        return [difference.cause for difference in story(good, poison).differences(account)]

    assert causes(letters) == []
    assert causes([]) == ["a bad record has no dead letter that names its TransactionId"]
    assert causes([*letters, json.dumps(good)]) == ["good records are among the dead letters"]


@pytest.mark.parametrize(
    ("subject", "name", "balance", "found"),
    [
        ({"a": []}, "Ana", "1600", f"Subject {{'a': []}} instead of '{SUBJECT}'"),
        (SUBJECT, [], "1600", "customerID [] instead of a text"),
        (None, None, None, "customerID missing instead of a text; accountBalance missing instead of a text with a num"),
        *((SUBJECT, "Ana", value, f"accountBalance {value!r} inst") for value in (1600, "900")),
    ],
)
def test_an_alert_is_told_with_each_field_that_is_wrong(subject, name, balance, found, draw):
    batch = draw.batch([("Ana", Decimal(1600))])
    message = json.dumps({"customerID": name, "accountBalance": balance} if subject else ["x" * 10**5])
    body = json.dumps({"Subject": subject, "Message": message})
    account = Held({"Ana": Decimal(1600), "x" * 10**5: {"a": []}}, [body, '{"Message": 5}'], [body], 0, [(batch, DONE)])

    total, *alerts = story(batch).differences(account)

    assert total.found == f"{'x' * 60} … {{'a': []}} instead of no total"
    assert alerts[0].cause == f"the {alerts[0].found.partition(' ')[0]} of an alert is wrong"
    assert found in "; ".join(alert.found for alert in alerts)
