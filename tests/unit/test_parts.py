"""Files that one call cannot write: how they are cut, and compared with the table Transactions."""

from collections import Counter
from decimal import Decimal
from itertools import chain

import pytest
from handlers import HEADER
from hypothesis import given
from hypothesis import strategies as st

from lab_lib import transactions
from lab_lib.aws import large_files, parts, tables
from lab_lib.errors import UsageError
from lab_lib.handlers.transaction_processor import transactions_file

ROW = {"CustomerId": "C1", "TransactionId": "T1", "TransactionDate": "03/16/2017", "TransactionAmount": Decimal(5)}


@pytest.fixture(autouse=True)
def low_limit(monkeypatch):
    """Let a call write at most 10 rows."""
    monkeypatch.setattr(transactions_file, "MOST_ROWS", 10)


@pytest.fixture
def file(tmp_path):
    """file(*lines): the path of a file with these lines."""

    def file(*lines, end="\n"):
        (path := tmp_path / "march.txt").write_bytes(end.join([*lines, ""]).encode(errors="surrogateescape"))
        return path

    return file


@pytest.fixture
def cut(file, tmp_path):
    """cut(*lines): the parts of a file with these lines, and the lines of each."""

    def cut(*lines, **how):
        path = file(*lines, **how)
        assigned = parts.assign(path, transactions.preview(path).lines)
        made = parts.cut(path, "2017/march.txt", assigned, tmp_path)
        return made, [part.path.read_bytes().decode(errors="surrogateescape").split("\n") for part in made]

    return cut


def row(customer, number, amount="1"):
    return f"{customer}|1 Mill Lane|T{number}|03/16/2017|{amount}"


@pytest.mark.parametrize(("lines", "is_large"), [(10, False), (11, True)])
def test_only_rows_make_a_file_large(file, lines, is_large):
    rows = [row("C1", number) for number in range(lines)]

    assert parts.is_large(file(HEADER, *[""] * 30, *rows, "||||", end="\r\n")) is is_large


@given(st.dictionaries(st.text(max_size=2), st.integers(1, 10), min_size=1, max_size=40))
def test_no_part_has_more_rows_than_a_call_writes_and_few_are_made(lines):
    assigned = parts.assign("march.txt", Counter(lines))

    loads = Counter()
    for customer, count in lines.items():
        loads[assigned[customer]] += count
    count = max(assigned.values()) + 1
    assert max(loads.values()) <= 10
    assert count <= 2 * sum(lines.values()) / 10 + 1  # two parts have more together than one may have
    assert assigned[""] == 0


@pytest.mark.parametrize(("customer", "whose"), [("C7", "of the customer C7"), ("", "without a customer")])
def test_a_customer_with_more_rows_than_a_call_writes_is_refused_in_one_line(customer, whose):
    with pytest.raises(UsageError, match=rf"^march.txt has 11 rows {whose}, and a call .* writes 10\. .*$"):
        parts.assign("march.txt", Counter({"C1": 3, customer: 11}))


def test_all_lines_of_a_customer_are_in_one_part_in_their_order_and_those_of_nobody_in_the_first(cut):
    header = "trn_id|trn_date|customer_id|trn_amount|customer_address"
    good = [f'T{number % 3}|03/16/2017|C{number % 6}|{number}|"Zürich | ""B"""' for number in range(22)]
    rejected, nobody = "T1|02/30/2017|C5|1|home", ["nothing", "T1|03/16/2017||1|home", "T1|\udcfc|C1|1|home"]
    lines = [*good[:9], rejected, nobody[0], *good[9:], *nobody[1:]]

    made, written = cut(f"\ufeff{header}", *lines[:9], "", *lines[9:], end="\r\n")

    assert [part.key for part in made] == [f"2017/march.part-{number}-of-3.txt" for number in (1, 2, 3)]
    assert [content[0] for content in written] == [header] * 3
    assert [part.lines for part in made] == [len(content) - 2 for content in written]
    assert Counter(chain(*(content[1:-1] for content in written))) == Counter(lines)
    assert {*nobody} <= {*written[0]}
    for customer in (f"|C{number}|" for number in range(6)):
        theirs = [line for line in lines if customer in line and line not in nobody]
        assert theirs in [[line for line in content if line in theirs] for content in written]


def test_a_part_knows_the_numbers_in_the_file_of_the_lines_that_are_rejected(cut):
    made, written = cut(HEADER, *(row(f"C{number}", 1) for number in range(20)), "", "x", row("C3", 2, "ten"))

    found = {
        number: lines[here - 1]
        for part, lines in zip(made, written, strict=True)
        for here, number in part.numbers.items()
    }
    assert found == {23: "x", 24: row("C3", 2, "ten")}


@pytest.mark.parametrize(
    ("held", "rows", "differs"),
    [
        pytest.param({}, [{}], False, id="as in the file"),
        pytest.param({"TransactionDate": "3/16/2017", "More": "x"}, [{}], False, id="by another function"),
        pytest.param({"TransactionAmount": "5"}, [{}], True, id="text"),
        pytest.param({"TransactionDate": "03/17/2017"}, [{}], True, id="day"),
        pytest.param({"TransactionId": "T2"}, [{}], True, id="missing"),
        pytest.param({}, [{"TransactionAmount": Decimal(1)}, {}], False, id="the later row counts"),
    ],
)
def test_rows_are_compared_with_the_table(lab, held, rows, differs):
    tables.ensure_table(lab, "Transactions")
    tables.put_item(lab, "Transactions", ROW | held)

    found = large_files.differing(lab, [ROW | changes for changes in rows])

    assert [*found] == [("C1", "T1")] * differs
