"""The files of a probe are drawn anew for each account, and lead to what the handout's own code does right."""

from decimal import Decimal
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lib import transactions
from lab_lib.checks.bank import Bank
from lab_lib.checks.upload import Snapshot, expect

EMPTY = Snapshot()
THRESHOLDS = [Decimal(text) for text in ("1500", "10.50", "1", "99999999999999999999")]


def after(before, content, threshold=THRESHOLDS[0]):
    """Return what an account holds after a file, and what was expected of it."""
    due = expect(before, [transactions.recount("x.txt", content)], threshold)
    rows = [
        {"CustomerId": row[0], "TransactionId": row[1], "TransactionAmount": amount, "TransactionDate": due.days[row]}
        for row, amount in due.amounts.items()
    ]
    customers = [{"CustomerId": name, "Address": address} for name, address in due.addresses.items()]
    totals = [{"CustomerId": name, "accountBalance": total} for name, total in due.totals.items()]
    return Snapshot.of([*before.rows.values(), *rows], [*before.customers.values(), *customers], totals), due


HANDOUTS, _ = after(
    EMPTY,
    b"customer_id|customer_address|trn_id|trn_date|trn_amount\n"
    b"C1|1 Smith Street, London|T01|03/16/2017|598\nC2|2 Smith Street, London|T02|03/16/2017|1750",
)


@pytest.mark.parametrize("threshold", THRESHOLDS)
@given(st.integers(0, 2**32), st.sampled_from([EMPTY, HANDOUTS]))
@settings(max_examples=15)
def test_each_file_leads_to_what_it_is_drawn_for(threshold, seed, held):
    files, known, expected = Bank(Random(seed), held, threshold).files("{}.txt"), {*held.customers}, []
    for file in files[1:]:
        held, outcome = after(held, file.content, threshold)
        expected.append(outcome)

    first, second, third, fourth, correction, cents = expected
    assert 30 <= len(first.amounts) <= 80
    assert [len(expectation.crossing) for expectation in expected] == [4, 0, 1, 1, 0, 0]
    assert third.crossing.keys() <= first.crossing.keys()
    assert fourth.crossing.keys() <= first.totals.keys() - first.crossing.keys()
    assert [len(transactions.recount("x", file.content).rejected) for file in files[1:]] == [0, 0, 1, 0, 0, 0]
    assert first.amounts.items() <= second.amounts.items() <= third.amounts.items()
    assert files.second.key == files.third.key
    assert all(amount == int(amount) for expectation in expected[:-1] for amount in expectation.amounts.values())
    assert [amount == int(amount) for amount in cents.amounts.values()] == [False, False]
    assert correction.amounts.keys() <= first.amounts.keys()
    assert not known & first.addresses.keys()
    assert {*files.crossing} == first.crossing.keys()
    assert not first.crossing.keys() & (correction.addresses.keys() | cents.addresses.keys())
    assert not correction.addresses.keys() & cents.addresses.keys()
    for customer in first.crossing:  # with the last row about this customer
        amounts = [amount for (name, _), amount in first.amounts.items() if name == customer]
        assert max(accumulate(amounts[:-1])) < threshold


def test_keys_fit_the_trigger():
    files = Bank(Random(1), EMPTY, THRESHOLDS[0]).files("in/{}.csv")

    assert all(file.key.startswith("in/") and file.key.endswith(".csv") for file in files[1:])
