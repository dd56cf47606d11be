from decimal import Decimal

import pytest
from handlers import HEADER

from lab_lib import transactions
from lab_lib.errors import NotATransactionsFile, UsageError

ROW = "C1|1 Smith Street, London|T01|03/16/2017|100"


WIDE = f"{HEADER}\n{ROW}".encode("utf-16")


@pytest.mark.parametrize("content", [b"", ROW.encode(), HEADER.encode() + b" " * 130_000, WIDE], ids=range(4))
def test_what_is_no_transactions_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "my.txt"
    path.write_bytes(content)

    for read in (transactions.preview, lambda path: transactions.recount(path, content)):
        with pytest.raises(NotATransactionsFile, match=r"^\S*/my\.txt is no transactions file: .*$"):
            read(path)


def test_a_preview_counts_good_and_bad_lines_and_refuses_a_file_with_too_many_and_none(tmp_path, monkeypatch):
    path = tmp_path / "my.txt"
    path.write_text("\n".join([HEADER, "bad", ROW, "", "bad"]))
    preview = transactions.preview(path)
    assert (preview.good, preview.bad, preview.rows) == (1, 2, 3)

    monkeypatch.setattr(transactions, "MOST_ROWS", 2)
    with pytest.raises(UsageError, match=r"has 3 rows, and .* 2 at most\. Split the file"):
        transactions.preview(path)
    with pytest.raises(UsageError, match="No such file"):
        transactions.preview(tmp_path / "nowhere.txt")


def test_totals_are_exact_where_dynamodb_would_refuse_them_and_leave_out_items_without_a_number():
    texts = {"T1": Decimal("1E+37"), "T2": Decimal("1E-100"), "T3": "a lot"}
    items = [{"CustomerId": "C1", "TransactionId": name, "TransactionAmount": texts[name]} for name in texts]

    amounts = transactions.read_amounts([*items, {"CustomerId": "C2"}])

    assert transactions.totals(amounts) == {"C1": Decimal(f"1{'0' * 37}.{'0' * 99}1")}
