"""The classic function, with exact numbers; the threshold is 1500."""

from decimal import Decimal

import pytest

from lab_lib.exercises.classic import Batch, outcome

THRESHOLD = Decimal(1500)


@pytest.fixture
def record():
    """A stream record: the customer's amount was `old` and is `new`; a text amount is one that is no number."""

    def image(amount):
        return {"TransactionAmount": {"S": amount} if isinstance(amount, str) else {"N": str(amount)}}

    def record(customer, new=None, old=None):
        images = {name: image(amount) for name, amount in (("NewImage", new), ("OldImage", old)) if amount is not None}
        return {"dynamodb": {"Keys": {"CustomerId": {"S": customer}, "TransactionId": {"S": "T1"}}, **images}}

    return record


@pytest.fixture
def classic():
    """classic(batch, batch …): what the classic function leaves behind; a list of records is a batch that came once."""

    def classic(*batches):
        return outcome([each if isinstance(each, Batch) else Batch(each) for each in batches], THRESHOLD)

    return classic


def test_new_transactions_are_added_up_like_everywhere(classic, record):
    found = classic(
        [record("C1", 100), record("C2", Decimal("0.10"))], [record("C1", 25), record("C2", Decimal("0.20"))]
    )

    assert found.totals == {"C1": 125, "C2": Decimal("0.30")}
    assert (found.alerts, found.waiting, found.stuck) == ({}, [], set())


def test_no_batch_leaves_nothing(classic):
    found = classic()

    assert (found.totals, found.alerts, found.waiting) == ({}, {}, [])


@pytest.mark.parametrize(("times", "total"), [(1, 1400), (2, 2800), (3, 4200)])
def test_a_batch_counts_as_often_as_it_is_delivered(classic, record, times, total):
    found = classic(Batch([record("C1", 1000), record("C1", 400)], times))

    assert found.totals == {"C1": total}


def test_a_correction_is_added_to_what_it_corrects(classic, record):
    found = classic([record("C1", 1000), record("C1", 400)], [record("C1", new=150, old=400)])

    assert found.totals == {"C1": 1550}
    assert found.alerts == {"C1": 1}


def test_every_change_at_or_above_the_threshold_is_an_alert(classic, record):
    found = classic([record("C1", Decimal("1499.99")), record("C1", Decimal("0.01")), record("C1", 5), record("C2", 1)])

    assert found.alerts == {"C1": 2}


def test_a_total_that_sinks_below_the_threshold_and_rises_again_is_an_alert_again(classic, record):
    found = classic([record("C1", 1600), record("C1", -200), record("C1", 300)])

    assert found.totals == {"C1": 1700}
    assert found.alerts == {"C1": 2}


def test_a_deleted_transaction_blocks_all_that_is_behind_it(classic, record):
    removed, behind, later = record("C1", old=200), record("C2", 30), record("C3", 7)

    found = classic([record("C1", 200), removed, behind], [later])

    assert found.totals == {"C1": 200}
    assert found.waiting == [removed, behind, later]
    assert found.stuck == {"C1", "C2", "C3"}


@pytest.mark.parametrize(("times", "total"), [(1, 30), (3, 90), (10, 300)])
def test_what_is_before_the_blocking_record_is_added_again_at_each_retry(classic, record, times, total):
    found = classic(Batch([record("C1", 30), record("C1", old=200), record("C1", 20)], times))

    assert found.totals == {"C1": total}
    assert found.stuck == {"C1"}


def test_alerts_before_the_blocking_record_go_out_at_each_retry(classic, record):
    found = classic(Batch([record("C1", 1500), record("C2", old=1)], times=3))

    assert found.totals == {"C1": 4500}
    assert found.alerts == {"C1": 3}
    assert found.stuck == {"C2"}


@pytest.mark.parametrize("old", [None, 200])
def test_an_amount_that_is_no_number_blocks_too(classic, record, old):
    poison = record("C1", new="a lot", old=old)

    found = classic([poison, record("C1", 75)])

    assert found.totals == {}
    assert found.waiting[0] == poison
    assert len(found.waiting) == 2


def test_without_a_topic_the_amount_is_added_with_each_delivery(classic, record):
    found = classic(Batch([record("C1", 1500)], times=3, without_topic=2))

    assert found.totals == {"C1": 4500}
    assert found.alerts == {"C1": 1}
    assert found.waiting == []


def test_a_missing_topic_holds_up_what_is_behind_the_alert(classic, record):
    high, behind = record("C1", 1500), record("C2", 10)

    found = classic(Batch([high, behind], times=2, without_topic=2))

    assert found.totals == {"C1": 3000}
    assert found.alerts == {}
    assert found.waiting == [high, behind]


def test_when_the_topic_is_back_what_was_behind_the_alert_counts_once(classic, record):
    found = classic(Batch([record("C1", 1500), record("C2", 10)], times=3, without_topic=2))

    assert found.totals == {"C1": 4500, "C2": 10}


def test_a_missing_topic_does_not_matter_below_the_threshold(classic, record):
    found = classic(Batch([record("C1", 1499)], times=1, without_topic=1))

    assert found.totals == {"C1": 1499}
    assert found.waiting == []


def test_a_large_total_is_exact_to_the_last_digit(classic, record):
    found = classic([record("C1", Decimal("99999999999999999999999999999999999.99")), record("C1", Decimal("0.01"))])

    assert found.totals == {"C1": Decimal("1E+35")}
