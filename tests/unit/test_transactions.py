from decimal import Decimal
from pathlib import Path

import pytest
from in_process import HEADER

from lab_lib import transactions
from lab_lib.errors import NotATransactionsFile, UsageError

SAMPLE = Path(__file__).parents[2] / "data" / "transactions.txt"
ROW = "C1|1 Smith Street, London|T01|03/16/2017|100"


def parse(*lines):
    return transactions.parse("year/my.txt", "\n".join([HEADER, *lines]).encode())


def test_the_sample_has_24_rows_and_the_handouts_totals():
    sample = transactions.read(SAMPLE)

    assert (sample.key, len(sample.rows), sample.rejected) == ("transactions.txt", 24, [])
    assert transactions.totals(sample.amounts()) == {"C1": Decimal(598), "C2": Decimal(1750)}


def test_parse_gives_the_rows_that_count_and_the_lines_of_the_others():
    file = parse(ROW, "C1|a|T02|03/16/2017|x", "Zoë 李|Łódź|T–1|03/16/2017|-0.50", ROW.replace("100", "7"))

    assert file.key == "year/my.txt"
    assert file.amounts() == {("C1", "T01"): 7, ("Zoë 李", "T–1"): Decimal("-0.50")}
    assert [(each["line"], each["reason"][:13]) for each in file.rejected] == [
        (2, "superseded by"),
        (3, "trn_amount is"),
    ]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", f"{HEADER}\n\0".encode()])
def test_what_is_no_transactions_file_is_refused_in_one_line(content):
    with pytest.raises(NotATransactionsFile, match=r"^year/my\.txt is no transactions file: .*$"):
        transactions.parse("year/my.txt", content)


@pytest.mark.parametrize(("name", "words"), [("nowhere.txt", "No such file"), (".", "Is a directory")])
def test_a_path_that_cannot_be_read_is_a_wrong_request(tmp_path, name, words):
    with pytest.raises(UsageError, match=words):
        transactions.read(tmp_path / name)


def test_totals_are_exact_also_where_dynamodb_would_refuse_them():
    large, small = f"1{'0' * 37}", f"0.{'0' * 99}1"

    file = parse(f"C1|a|T1|03/16/2017|{large}", f"C1|a|T2|03/16/2017|{small}", "C2|a|T1|03/16/2017|5")

    assert transactions.totals(file.amounts()) == {"C1": Decimal(f"{large}.{'0' * 99}1"), "C2": 5}


def test_the_amounts_of_items_without_a_number_are_left_out():
    key = {"CustomerId": "C1", "TransactionId": "T1"}

    assert transactions.read_amounts([{**key, "TransactionAmount": "a lot"}, key]) == {}
    assert transactions.read_amounts([{**key, "TransactionAmount": Decimal(1)}]) == {("C1", "T1"): 1}


def test_what_was_written_is_read_again(tmp_path):
    odd = {"CustomerId": "Zoë 李", "Address": 'a | b, "c"', "TransactionId": "T1", "TransactionDate": "03/16/2017"}
    rows = [{**odd, "TransactionAmount": Decimal("1E+3")}, *transactions.make_up(rows=50, customers=3)]

    transactions.write(tmp_path / "a.txt", rows)

    again = transactions.read(tmp_path / "a.txt")
    assert (again.rows, again.rejected) == (rows, [])


def test_the_sample_written_again_is_the_sample(tmp_path):
    transactions.write(tmp_path / "a.txt", transactions.read(SAMPLE).rows)

    assert (tmp_path / "a.txt").read_bytes() == SAMPLE.read_bytes()


def test_make_up_invents_the_same_transactions_for_the_same_seed():
    rows = list(transactions.make_up(500, 5, seed=1))

    assert rows == list(transactions.make_up(500, 5, seed=1)) != list(transactions.make_up(500, 5, seed=2))
    assert len({row["TransactionId"] for row in rows}) == 500
    assert {row["CustomerId"] for row in rows} == {"C1", "C2", "C3", "C4", "C5"}
    assert all(1 <= row["TransactionAmount"] <= 40 for row in rows)
