from decimal import Decimal
from pathlib import Path

import pytest
from in_process import HEADER

from lab_lib import transactions
from lab_lib.errors import NotATransactionsFile, UsageError

SAMPLE = Path(__file__).parents[2] / "data" / "transactions.txt"
ROW = "C1|1 Smith Street, London|T01|03/16/2017|100"


def test_the_sample_has_24_rows_and_the_handouts_totals():
    preview, file = transactions.preview(SAMPLE), transactions.recount("a", SAMPLE.read_bytes())

    assert (preview.key, preview.good, preview.bad, preview.rejected) == ("transactions.txt", 24, 0, [])
    assert (file.good, len(file.amounts), file.rejected) == (24, 24, [])
    assert transactions.totals(file.amounts) == {"C1": Decimal(598), "C2": Decimal(1750)}


def test_recount_keeps_the_last_line_of_a_transaction_in_its_place_and_the_numbers_of_the_rejected_ones():
    rows = [
        "C1|old|T01|03/16/2017|9",
        "bad",
        "C1|a|T2|3/6/2017|-0.50",
        "",
        '"Zoë ""李"""|"a|b"|" T–1"|03/16/2017|+7',
        f"{ROW}.25",
    ]

    file = transactions.recount("my.txt", "\n".join([HEADER, *rows]).encode())

    assert (file.good, file.rejected) == (4, [3])
    wanted = {("C1", "T2"): Decimal("-0.50"), ('Zoë "李"', "T–1"): Decimal(7), ("C1", "T01"): Decimal("100.25")}
    assert list(file.amounts.items()) == list(wanted.items())
    assert file.days == dict.fromkeys(wanted, "03/16/2017") | {("C1", "T2"): "03/06/2017"}
    assert file.addresses == {"C1": "1 Smith Street, London", 'Zoë "李"': "a|b"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", "''", id="empty"),
        pytest.param(ROW, r"'C1\|", id="no header"),
        pytest.param(f"\n{HEADER}", "''", id="blank line first"),
        pytest.param(HEADER.replace("|", ","), "'customer_id,", id="commas"),
        pytest.param(f"{HEADER}|note\n{ROW}|x", "'customer_id.*wanted 'customer_id", id="another column"),
        pytest.param(f"\ufeff\ufeff{HEADER}\n{ROW}", "customer_id", id="two byte order marks"),
        pytest.param(f"{HEADER}{' ' * 130_000}\n{ROW}", "", id="long header"),
        pytest.param(f"{HEADER}\n{ROW}".encode("utf-16").decode(errors="surrogateescape"), "", id="UTF-16"),
    ],
)
def test_what_is_no_transactions_file_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "my.txt"
    path.write_bytes(content.encode(errors="surrogateescape"))

    def recount(path):
        transactions.recount(path, path.read_bytes())

    for read in (transactions.preview, transactions.count_rows, recount):
        with pytest.raises(NotATransactionsFile, match=rf"^\S*/my\.txt is no transactions file: .*{words}.*$"):
            read(path)


def test_a_preview_counts_all_bad_lines_and_keeps_the_first_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(transactions.transactions_file, "MOST_KEPT", 2)
    (tmp_path / "my.txt").write_text("\n".join([HEADER, "bad", ROW, "bad", "bad"]))

    preview = transactions.preview(tmp_path / "my.txt")

    assert (preview.good, preview.bad) == (1, 3)
    assert preview.rejected == [{"line": line, "reason": "1 fields; wanted 5"} for line in (2, 4)]


@pytest.mark.parametrize(("name", "words"), [("nowhere.txt", "No such file"), (".", "Is a directory")])
def test_a_path_that_cannot_be_read_is_a_wrong_request(tmp_path, name, words):
    for read in (transactions.preview, transactions.count_rows):
        with pytest.raises(UsageError, match=words):
            read(tmp_path / name)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_counted_with_and_without_a_last_line_end(tmp_path, end):
    path = tmp_path / "a.txt"
    for last in ("", end):
        path.write_bytes((end.join([HEADER, ROW, ROW]) + last).encode())
        assert transactions.count_rows(path) == 2

        path.write_bytes((HEADER + last).encode())
        with pytest.raises(UsageError, match="no row below it"):
            transactions.count_rows(path)


def test_totals_are_exact_also_where_dynamodb_would_refuse_them():
    amounts = {("C1", "T1"): Decimal("1E+37"), ("C1", "T2"): Decimal("1E-100"), ("C2", "T1"): Decimal(5)}

    assert transactions.totals(amounts) == {"C1": Decimal(f"1{'0' * 37}.{'0' * 99}1"), "C2": 5}


def test_the_amounts_of_items_without_a_number_are_left_out():
    key = {"CustomerId": "C1", "TransactionId": "T1"}

    assert transactions.read_amounts([{**key, "TransactionAmount": "a lot"}, key]) == {}
    assert transactions.read_amounts([{**key, "TransactionAmount": Decimal(1)}]) == {("C1", "T1"): 1}


def test_what_was_written_is_read_again(tmp_path):
    odd = {"CustomerId": "Zoë 李", "Address": 'a | b, "c"', "TransactionId": "T1", "TransactionDate": "03/16/2017"}
    rows = [{**odd, "TransactionAmount": Decimal("1E+3")}, *transactions.make_up(rows=50, customers=3)]

    with (tmp_path / "a.txt").open("w", encoding="utf-8") as stream:
        transactions.write(stream, rows)

    with (tmp_path / "a.txt").open("rb") as stream:
        assert [row for _, row, _, _ in transactions.transactions_file.read_lines(stream)] == rows


def test_make_up_invents_the_same_transactions_for_the_same_seed():
    rows = list(transactions.make_up(500, 5, seed=1))

    assert rows == list(transactions.make_up(500, 5, seed=1)) != list(transactions.make_up(500, 5, seed=2))
    assert len({row["TransactionId"] for row in rows}) == 500
    assert {row["CustomerId"] for row in rows} == {"C1", "C2", "C3", "C4", "C5"}
    assert all(1 <= row["TransactionAmount"] <= 40 for row in rows)
