"""What a case leads to, and the words for what differs. A function may leave in its account what it likes."""

import itertools
import json
from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest

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


def number_of(record):
    return record["dynamodb"]["SequenceNumber"]


def batches_of(steps):
    return [batch for step in steps if isinstance(step, Start) for batch in step.batches]


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.id)
def test_the_totals_of_a_case_are_the_sums_of_its_rows_and_only_some_cases_are_out_of_order(case, lab):
    for seed in range(3 if case.id == cases.LARGE else 10):
        steps = case.draw(Draw(Random(seed), lab))
        rows, letters, records = defaultdict(dict), set(), list(itertools.chain(*batches_of(steps)))
        numbers = list(dict.fromkeys(map(number_of, records)))
        for record in sorted(records, key=number_of):
            keys, image = record["dynamodb"]["Keys"], record["dynamodb"].get("NewImage", {})
            amount = image.get("TransactionAmount", {})
            rows[keys["CustomerId"]["S"]][keys["TransactionId"]["S"]] = Decimal(amount.get("N", 0))
            letters |= {keys["TransactionId"]["S"]} if "S" in amount else set()

        expected = Story(steps)

        assert expected.totals == {name: sum(amounts.values()) for name, amounts in rows.items()}
        assert expected.letters == letters
        assert (numbers == sorted(numbers)) == (case.id not in ("out-of-order", "long-history", cases.LARGE))


def test_a_crossing_within_a_batch_may_be_seen_or_not_and_one_at_its_end_must_be(draw):
    up, down = draw.batch([("A", Decimal(1600))]), draw.batch([("A", Decimal(-200))])
    again = draw.batch([("A", Decimal(300))])

    ranges = [
        story(*batches).alerts["A"]
        for batches in ([up + down + again], [up, down, again], [up, down + again], [up + down], [down, up])
    ]

    assert ranges == [(1, 2), (2, 2), (1, 2), (0, 1), (0, 0)]


def test_the_words_say_what_was_sent_expected_and_found_and_why(draw):
    batch = draw.batch([("Ana", Decimal("1600")), ("Ben", Decimal("20.5"))])
    corrected, more = draw.corrected(batch[1], Decimal("30")), draw.batch([("Ben", Decimal(5))])
    told = Story([Start([batch]), Start([batch, [corrected, draw.deleted(more[0]), draw.poison("Ana")]])])

    assert told.sent.splitlines()[0] == "start 1: A 1600, B 20.5"
    assert told.sent.splitlines()[1].startswith("start 2: A 1600, B 20.5 once more; B 20.5 → 30, B 5 deleted, A '")
    assert told.wanted == "A 1600, B 25; alerts: 1 for A; dead letters: 1"


@pytest.mark.parametrize(
    ("totals", "difference"),
    [
        ({"Ana": 3200, "Ben": 30}, "A 3200 instead of 1600: records that came again were added again"),
        ({"Ana": 1600, "Ben": "50.5"}, "B 50.5 instead of 30: the old amount of a correction was not subtracted"),
        ({"Ana": 1600}, "B no total instead of 30: some of its records were not added"),
        ({"Ana": 1600, "Ben": 31}, "B 31 instead of 30"),
        ({"Ana": 1600, "Ben": 30, "Cleo\n": 1}, "Cleo[U+000A] 1 instead of no total"),
    ],
)
def test_a_total_is_told_with_the_fault_that_explains_it(totals, difference, draw):
    batch = draw.batch([("Ana", Decimal("1600")), ("Ben", Decimal("20.5"))])
    corrected = [draw.corrected(batch[1], Decimal("30"))]
    deliveries = [(batch, DONE), (batch[:1], DONE), (corrected, DONE)]
    told = story(batch, batch[:1], corrected)

    assert told.differences(held(totals, deliveries, [("Ana", 1600)])) == [difference]
    assert told.differences(held({"Ana": 1600, "Ben": 30}, deliveries, [("Ana", "1.6E+3")])) == []


def test_alerts_may_come_again_after_a_failure_only_and_tell_a_total_that_there_was(draw):
    batch = draw.batch([("Ana", Decimal(1000)), ("Ana", Decimal(700))])
    once, twice = [(batch, DONE)], [(batch, FAILED), (batch, DONE)]

    def differences(deliveries, *balances):
        alerts = [("Ana", balance) for balance in balances]
        return story(batch).differences(held({"Ana": 1700}, deliveries, alerts))

    assert differences(twice, 1700, 1700) == differences(once, 1700) == []
    assert differences(once, 1700, 1700) == ["2 alerts for A instead of 1"]
    assert differences(once) == ["no alerts for A instead of 1"]
    assert differences(once, 1500) == ["an alert for A with 1500, which its transactions never add up to"]
    assert differences([(batch, FAILED)])[0] == f"the last batch still fails: {FAILED.why}; what is behind it waits"


def test_each_poison_record_has_a_dead_letter_and_no_good_one_has(draw):
    good, poison = draw.batch([("Ana", Decimal(1))]), [draw.poison("Ana")]
    letters = [json.dumps(poison[0]), json.dumps(poison[0])]

    def differences(letters):
        return story(good, poison).differences(held({"Ana": 1}, [(good + poison, DONE)], letters=letters))

    assert differences(letters) == []
    assert differences([]) == ["1 record without a dead letter that names its TransactionId"]
    assert differences([*letters, json.dumps(good)]) == ["1 good record among the dead letters"]


def test_an_item_that_grows_with_each_record_ends_at_400_kb(draw):
    batch = draw.batch([("Ana", Decimal(1))] * 1_000)
    account = held({"Ana": 1_000}, [(batch, DONE)])

    account.heaviest = 1_000
    assert story(batch).differences(account) == []
    account.heaviest = 40_000
    assert story(batch).differences(account) == [
        "an item has 40,000 characters after 1,000 records; an item of DynamoDB has at most 400 KB, "
        "so it ends after about 10,000 records"
    ]


@pytest.mark.parametrize(
    "body",
    [
        '{"Message": 5}',
        *(
            json.dumps({"Subject": SUBJECT, "Message": json.dumps({"customerID": customer, "accountBalance": balance})})
            for customer, balance in [("Ana", []), ("Ana", "sNaN"), ("Ana", "1E+999999999999999999999"), ([], "1600")]
        ),
        json.dumps({"Subject": {"a": []}, "Message": ["x" * 10**5]}),
    ],
    ids=lambda body: body[:30],
)
def test_a_message_that_is_no_alert_only_costs_its_case(body, draw):
    batch = draw.batch([("Ana", Decimal(1))])
    account = Held({"Ana": Decimal(1), "x" * 10**5: {"a": []}}, [body], [body], 0, [(batch, DONE)])

    total, alert = story(batch).differences(account)

    assert total == f"{'x' * 60} {{'a': []}} instead of no total"
    assert alert == "1 alert with another subject, no customerID, or no accountBalance from 1500 on"
