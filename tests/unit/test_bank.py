"""The files of a probe have every kind of value of docs/faults.md, and lead to what each is drawn for."""

import re
from collections import Counter
from decimal import Decimal
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lib import transactions
from lab_lib.checks.bank import Bank
from lab_lib.checks.upload import Snapshot, expect

THRESHOLDS = [Decimal(text) for text in ("1500", "10.50", "1", "99999999999999999999")]
seeds = st.integers(0, 2**32)
KINDS = [r"\| \d", r"\|\+\d", r"\|0\d+\|", "02/29/", "/31/", r"/19\d\d", r"/203\d", r'"[^"|]*\|', "é"]
REASONS = {
    "amount-not-number",
    "amount-too-long",
    "date-not-day",
    "field-too-long",
    "fields-count",
    "id-empty",
    "line-too-long",
    "not-utf8",
    "quotes",
}


def after(before, threshold, *files):
    """Return what an account holds after files, and what was expected of them."""
    due = expect(before, [transactions.recount(*file) for file in files], threshold)
    rows = [
        {"CustomerId": row[0], "TransactionId": row[1], "TransactionAmount": amount, "TransactionDate": due.days[row]}
        for row, amount in due.amounts.items()
    ]
    customers = [{"CustomerId": name, "Address": address} for name, address in due.addresses.items()]
    totals = [{"CustomerId": name, "accountBalance": total} for name, total in due.totals.items()]
    return Snapshot.of([*before.rows.values(), *rows], [*before.customers.values(), *customers], totals), due


def opened(seed, threshold=THRESHOLDS[0]):
    """Return a bank for an account with the handout's customers."""
    return Bank(Random(seed), ["C1", "C2"], threshold, ["{}.txt"])


@pytest.mark.parametrize("threshold", THRESHOLDS)
@given(seeds)
@settings(max_examples=10, deadline=None)
def test_each_file_leads_to_what_it_is_drawn_for(threshold, seed):
    bank, held = opened(seed, threshold), Snapshot()
    plain = bank.plain()
    crossing, nearly = (line.customer for line in plain[-2:])
    file, wide = bank.file(plain), bank.odd_file(bank.wide())
    again = bank.file(bank.again(plain, crossing), file.key)
    files = [file, wide, again, bank.file([bank.to(crossing, bank.limit), bank.to(nearly, bank.limit)])]
    crossed = []
    for each in files:
        assert len(transactions.recount(*each).rejected) == (each is again)
        held, due = after(held, threshold, each)
        crossed.append([*due.crossing])
        assert all(amount == int(amount) for amount in due.amounts.values())
        assert len(due.going_on) == 2 * (each is files[1])
        for customer in due.crossing.keys() - due.going_on:  # with the last row about this customer
            amounts = [amount for (name, _), amount in due.amounts.items() if name == customer]
            before = due.totals[customer] - sum(amounts)
            assert max(accumulate(amounts[:-1], initial=before)) < threshold
    assert crossed[0] == [crossing]
    assert len(crossed[1]) == 16
    assert crossed[2] == []
    assert {*crossed[3]} == {crossing, nearly}


@given(seeds, st.sampled_from(THRESHOLDS[:3]))
@settings(max_examples=10, deadline=None)
def test_corrections_cents_and_forms_cross_too_and_each_reason_for_a_rejection_comes(seed, threshold):
    bank, held = opened(seed, threshold), Snapshot()
    plain, rejected = bank.plain(), bank.rejected()
    held, _ = after(held, threshold, bank.file(plain))
    held, corrected = after(held, threshold, bank.file(bank.corrections(plain)))
    assert plain[-1].customer in corrected.crossing
    held, cents = after(held, threshold, bank.file(bank.cents()))
    assert any(total != int(total) for total in cents.totals.values())
    _, forms = after(held, threshold, bank.forms())
    assert any('"' in name for name in forms.crossing)
    assert {*transactions.recount(*rejected).rejected.values()} == REASONS


def test_three_probes_have_each_kind_of_value():
    for bank in map(opened, range(3)):
        file = bank.odd_file(bank.wide())
        assert len(file.content) > 2**16
        addresses = {*transactions.recount(*file).addresses.values()}
        assert len(addresses) > 25
        assert {"", "|", '"', "\t"} <= {*addresses, *"".join(addresses)}
        assert file.content.count(b"\r\n") > 100
        lines = [f"|{line}|" for line in file.content.decode().splitlines() if line]
        assert max(Counter(lines).values()) >= 2  # twice in one file
        for kind in KINDS:
            assert re.search(kind, "\n".join(lines)), kind


def test_keys_fit_the_trigger_and_five_of_them_are_of_each_kind():
    bank = Bank(Random(1), [], THRESHOLDS[0], ["in/{}.csv"])
    keys = [bank.odd_key() for _ in range(5)]

    assert len({re.sub(r"\d+", "", key) for key in keys}) == 5
    assert all(key.startswith("in/") and key.endswith(".csv") for key in keys)
