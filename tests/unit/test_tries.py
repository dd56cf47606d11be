"""The learner's own files: amounts for any threshold, and what is refused."""

from dataclasses import replace
from decimal import Decimal

import pytest
from handlers import HEADER

from lab_lib.aws import tables, topics
from lab_lib.errors import StepMissing, UsageError
from lab_lib.exercises import tries


@pytest.fixture
def account(lab):
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    return lab


def file(*rows):
    lines = [f"{customer}|Lima|A{number}|03/01/2017|{amount}" for number, (customer, amount) in enumerate(rows, 1)]
    return "\n".join([HEADER, *lines])


@pytest.mark.parametrize("threshold", ["1500", "0", "0.000000000000001", "999999999999999"])
def test_amounts_stay_below_any_threshold_and_one_more_reaches_it(account, threshold):
    lab = replace(account, threshold=Decimal(threshold))

    amounts = [Decimal(amount) for amount in tries.amounts(lab)]

    assert max(*amounts, sum(amounts)) < lab.threshold  # all have one sign
    for number, amount in enumerate(amounts, 1):
        row = {"CustomerId": "my-ana", "TransactionId": f"A{number}", "TransactionAmount": amount}
        tables.put_item(lab, "Transactions", row)
    for transaction, others in {"A4": amounts, "A3": amounts[:2]}.items():
        assert sum(others) + Decimal(tries.missing(lab, "my-ana", transaction)) == lab.threshold


def test_the_handouts_threshold_has_whole_amounts(account):
    assert tries.amounts(account) == ["500", "300", "300"]


@pytest.mark.parametrize(
    ("key", "rows", "why"),
    [
        ("mine.txt", [("my-ana", 1)], "called 'mine.txt'; wanted my-first.txt or my-second.txt"),
        (tries.FIRST, [("my-ana", 1), ("C1", 1)], "my-first.txt has the customer C1; wanted ids that begin with my-"),
    ],
)
def test_a_file_that_could_not_be_taken_away_or_would_fail_is_refused(account, key, rows, why):
    with pytest.raises(UsageError, match=why):
        tries.upload(account, key, file(*rows))


def test_rows_that_are_there_count_as_long_as_no_topic_takes_the_alert(account, monkeypatch):
    monkeypatch.setattr(tries.chain, "wait_until_uploads_start", lambda lab: 1 / 0)
    row = {"CustomerId": "my-ana", "TransactionId": "A9", "TransactionAmount": Decimal(1400)}
    tables.put_item(account, "Transactions", row)

    with pytest.raises(UsageError, match="my-ana can come to 1500; wanted less"):  # on its way
        tries.upload(account, tries.FIRST, file(("my-ana", 100), ("my-ana", -900)))
    topics.ensure_topic(account)
    with pytest.raises(ZeroDivisionError):  # it goes on
        tries.upload(account, tries.FIRST, file(("my-ana", 100)))


def test_without_the_first_file_there_is_no_total_to_wait_for(account):
    with pytest.raises(StepMissing, match="Run the cell that uploads it"):
        tries.wait_for_totals(account)
