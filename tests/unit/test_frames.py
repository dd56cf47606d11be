"""What the notebooks do not show of the frames: they compare frames of a full account with their outputs."""

from decimal import Decimal

import pytest

from lab_lib.aws import tables
from lab_lib.pages import frames


@pytest.mark.parametrize(
    ("read", "columns"),
    [
        (frames.objects, ["Key", "Size"]),
        (frames.totals, ["CustomerId", "accountBalance", "alerted"]),
        (frames.running_balance, [*frames.COLUMNS["Transactions"], "balance"]),
        (frames.logs, ["function", "message"]),
        (frames.changes, ["kind", "CustomerId", "TransactionId", "old amount", "new amount"]),
    ],
)
def test_an_empty_account_gives_an_empty_frame_with_its_columns(lab, read, columns):
    frame = read(lab)

    assert ([*frame.columns], len(frame)) == (columns, 0)


def test_the_running_balance_adds_up_the_transactions_of_the_highest_total_by_date(lab):
    for name in ("TransactionTotal", "Transactions"):
        tables.ensure_table(lab, name)
    for customer, total in (("C1", 9), ("C", 3)):
        tables.put_item(lab, "TransactionTotal", {"CustomerId": customer, "accountBalance": total})
    for customer, number, date, amount in [
        ("C", "T1", "12/31/2016", 3),
        ("C1", "T1", "01/02/2017", Decimal("-0.1")),
        ("C1", "T2", "12/31/2016", 9),
        ("C1", "T3", "12/31/2016", "a lot"),
        ("C10", "T4", "12/31/2016", 1),
    ]:
        item = {"CustomerId": customer, "TransactionId": number, "TransactionDate": date, "TransactionAmount": amount}
        tables.put_item(lab, "Transactions", item)

    rows = frames.running_balance(lab)[["CustomerId", "TransactionId", "balance"]].to_numpy().tolist()

    assert rows == [["C1", "T2", 9], ["C1", "T1", Decimal("8.9")]]
