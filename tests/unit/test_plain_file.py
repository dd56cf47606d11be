"""The transactions that are drawn for a student: as the handout's, and other ones for each id."""

from decimal import Decimal
from hashlib import sha256
from itertools import accumulate

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab_lib import transactions
from lab_lib.checks.bank import plain_file
from lab_lib.exercises.copies import DATA_FILE

HANDOUT = transactions.recount("transactions.txt", DATA_FILE.read_bytes())


@settings(derandomize=True, database=None, deadline=None, max_examples=25)
@given(st.text())
@example("s12")
def test_a_students_file_teaches_what_the_handouts_does(id):
    content = plain_file(id)
    counted = transactions.recount("x.txt", content)

    assert (counted.good, counted.rejected, len(content.splitlines())) == (24, {}, 25)
    assert content.splitlines()[0] == DATA_FILE.read_bytes().splitlines()[0]
    assert len({*counted.days.values()}) == 1
    assert all(amount > 0 and amount == int(amount) for amount in counted.amounts.values())
    ids = [transaction for _, transaction in counted.amounts]
    assert ids == sorted(ids)  # the order in which notebook 05 adds up a customer's rows
    assert {*ids}.isdisjoint(id for _, id in HANDOUT.amounts)  # so that no answer about the handout's file is right
    (high, total), (low, other) = sorted(transactions.totals(counted.amounts).items(), key=lambda total: -total[1])
    assert other < 1500 <= total
    assert counted.addresses.keys().isdisjoint(HANDOUT.addresses)
    assert counted.addresses == {name: f"{name[1:]} Smith Street, London" for name in (high, low)}
    balances = [*accumulate(amount for (customer, _), amount in counted.amounts.items() if customer == high)]
    assert balances[-2] < Decimal(1500)  # so that the alert has the last balance, however the rows are batched


def test_an_id_has_the_same_file_with_every_python():
    assert sha256(plain_file("s12")).hexdigest() == "e4d3fa5933af1d76b6d1cc9a76ce8f45ce547c77710ad71fd45da6c43459c36a"


def test_no_two_students_of_a_large_class_share_their_totals():
    amounts = [transactions.recount("x.txt", plain_file(f"s{number}")).amounts for number in range(500)]

    assert len({tuple(transactions.totals(each).items()) for each in amounts}) == 500
