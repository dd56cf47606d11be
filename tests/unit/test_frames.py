"""What the notebooks do not show of the frames: they compare frames of a full account with their outputs."""

from decimal import Decimal

import pytest

from lab_lib.aws import buckets, cloudwatch, tables
from lab_lib.views import frames


def rows(frame):
    return frame.to_numpy().tolist()


@pytest.mark.parametrize(
    ("read", "columns"),
    [
        *((lambda lab, name=name: frames.table(lab, name), columns) for name, columns in frames.COLUMNS.items()),
        (frames.objects, ["Key", "Size"]),
        (frames.totals, ["CustomerId", "accountBalance", "alerted"]),
        (frames.running_balance, [*frames.COLUMNS["Transactions"], "balance"]),
        (lambda lab: frames.alerts(lab, "CustomerNotify"), ["customerID", "accountBalance"]),
        (lambda lab: frames.rejected(lab, "a.txt"), ["line", "reason", "row"]),
        (frames.logs, ["function", "message"]),
        (frames.dead_letters, ["what", "why"]),
        (frames.changes, ["kind", "CustomerId", "TransactionId", "old amount", "new amount"]),
    ],
)
def test_an_empty_account_gives_an_empty_frame_with_its_columns(lab, read, columns):
    frame = read(lab)

    assert list(frame.columns) == columns
    assert len(frame) == 0


def test_every_table_begins_with_its_key():
    assert {name: columns[: len(tables.KEYS[name])] for name, columns in frames.COLUMNS.items()} == tables.KEYS


def test_totals_are_exact_and_alerted_is_a_truth_value(lab):
    tables.ensure_table(lab, "TransactionTotal")
    tables.put_item(lab, "TransactionTotal", {"CustomerId": "C1", "accountBalance": Decimal("0.1")})
    assert frames.totals(lab)["alerted"].dtype == bool
    tables.put_item(lab, "TransactionTotal", {"CustomerId": "C2", "accountBalance": Decimal("0.2"), "alerted": True})

    totals = frames.totals(lab)

    assert rows(totals) == [["C1", Decimal("0.1"), False], ["C2", Decimal("0.2"), True]]
    assert totals["accountBalance"].sum() == Decimal("0.3")


def test_the_running_balance_adds_up_the_transactions_of_the_highest_total_by_date(lab):
    tables.ensure_table(lab, "TransactionTotal")
    tables.ensure_table(lab, "Transactions")
    for customer, total in (("C1", 9), ("C", 3)):
        tables.put_item(lab, "TransactionTotal", {"CustomerId": customer, "accountBalance": Decimal(total)})
    for customer, number, date, amount in [
        ("C", "T1", "12/31/2016", Decimal(3)),
        ("C1", "T1", "01/02/2017", Decimal("-0.1")),
        ("C1", "T2", "12/31/2016", Decimal(9)),
        ("C1", "T3", "12/31/2016", "a lot"),
        ("C10", "T4", "12/31/2016", Decimal(1)),
    ]:
        item = {"CustomerId": customer, "TransactionId": number, "TransactionDate": date, "TransactionAmount": amount}
        tables.put_item(lab, "Transactions", item)
    tables.put_item(lab, "Transactions", {"CustomerId": "C1", "TransactionId": "T5"})

    frame = frames.running_balance(lab)

    assert frame["CustomerId"].unique() == ["C1"]
    assert frame[["TransactionId", "balance"]].to_numpy().tolist() == [["T2", 9], ["T1", Decimal("8.9")]]


def test_rejected_rows_show_their_whole_reason(lab):
    buckets.ensure_bucket(lab)
    reason = "trn_amount is 'ninety'; wanted a number such as 100 or 99.50"
    buckets.put(lab, "rejected/a.txt.csv", f"line,reason,row\r\n7,{reason},C1||\r\n".encode())

    assert rows(frames.rejected(lab, "a.txt")) == [[7, reason, "C1||"]]
    assert reason in frames.rejected(lab, "a.txt").to_html()


def test_logs_are_what_the_functions_printed(lab, monkeypatch):
    usual = ["INIT_START Runtime", "START RequestId: 1", "END RequestId: 1", "REPORT RequestId: 1 Duration: 2 ms"]
    lines = {"TransactionProcessor": [*usual[:2], '{"key": "a.txt"}', *usual[2:]], "TotalNotifier": ["END of the day"]}
    monkeypatch.setattr(cloudwatch, "log_lines", lambda lab, name, **_: lines[name])

    messages = [["TransactionProcessor", '{"key": "a.txt"}'], ["TotalNotifier", "END of the day"]]
    assert rows(frames.logs(lab)) == messages


def test_changes_are_the_records_of_the_stream(lab):
    tables.ensure_table(lab, "Transactions")
    key = {"CustomerId": "C1", "TransactionId": "T1"}
    tables.put_item(lab, "Transactions", {**key, "TransactionAmount": 1000})
    tables.put_item(lab, "Transactions", {**key, "CustomerId": "C2", "TransactionAmount": "a lot"})
    tables.put_item(lab, "Transactions", {**key, "TransactionAmount": 1400})
    tables.delete_item(lab, "Transactions", key)

    later = [["MODIFY", "C1", "T1", 1000, 1400], ["REMOVE", "C1", "T1", 1400, None]]
    assert rows(frames.changes(lab, "C1")) == [["INSERT", "C1", "T1", None, 1000], *later]
    assert rows(frames.changes(lab, "C2")) == [["INSERT", "C2", "T1", None, "a lot"]]
