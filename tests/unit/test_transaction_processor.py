"""TransactionProcessor in process: what becomes of the rows of an upload."""

import codecs
import itertools
import json
from contextlib import suppress
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from in_process import HEADER, Processor, before, fail

from lab_lib.aws import buckets, tables

ROW = "C1|1 Smith Street|T1|03/16/2017|100"
KEY = "transactions.txt"


@pytest.fixture
def processor(lab, monkeypatch):
    return Processor(lab, monkeypatch)


def test_a_row_becomes_a_customer_and_a_transaction(lab, processor):
    report = processor.process("C1|1 Smith Street, London|T1|03/16/2017|99.50")

    assert report == {"key": KEY, "rows": 1, "written": 1, "rejected": 0}
    assert tables.items(lab, "Customer") == [{"CustomerId": "C1", "Address": "1 Smith Street, London"}]
    dated = {"TransactionDate": "03/16/2017", "TransactionAmount": Decimal("99.50")}
    assert tables.items(lab, "Transactions") == [{"CustomerId": "C1", "TransactionId": "T1", **dated}]


def test_every_object_of_an_event_is_processed_and_reported_in_the_log(lab, processor, capsys):
    keys = ["of march.txt", "a+b%20c.txt", "März/取引 100%.txt"]
    records = [processor.upload(f"C{key}|home|T1|03/16/2017|1", key=key) for key in ["gone.txt", *keys]]
    lab.client("s3").delete_object(Bucket=lab.bucket, Key="gone.txt")

    reports = processor.run(*records)["files"]

    assert reports[0] == {"key": "gone.txt", "gone": True}
    assert [report["key"] for report in reports[1:]] == keys
    assert {customer for customer, _ in processor.amounts()} == {f"C{key}" for key in keys}
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == reports


def test_what_is_no_upload_changes_nothing(processor):
    assert processor.handler({"Event": "s3:TestEvent"}, None) == {"files": []}  # S3 sends it with a new notification
    assert processor.run(processor.upload(b"written by the function itself", key="rejected/notes.txt")) == {"files": []}


# Rows


def test_bad_rows_are_kept_with_their_line_and_reason_and_the_others_are_written(lab, processor):
    good = {"a": "0", "b": "99.50", "c": "-12.25", "d": "+7", "e": f"-{'9' * 36}.99", "f": f"0.{'9' * 38}", "g": "007"}
    bad = {
        "C1|home|T1|03/16/2017": "4 fields; wanted 5",
        "C1|home|T1|03/16/2017|1|2": "6 fields; wanted 5",
        "  |home|T1|03/16/2017|1": "customer_id is empty",
        "C1|home||03/16/2017|1": "trn_id is empty",
        f"{'é' * 1025}|home|T1|03/16/2017|1": "customer_id is longer than 2048 bytes",
        f"C1|home|{'é' * 513}|03/16/2017|1": "trn_id is longer than 1024 bytes",
        f"C1|{'李' * 100_001}|T1|03/16/2017|1": "customer_address is longer than 300000 bytes",
        **{
            f"C1|home|T1|03/16/2017|{amount}": f"trn_amount is {amount!r}; wanted a number such as 100 or 99.50"
            for amount in ("", "ten", "1_000", "1,000", "NaN", "-Infinity", "1e5", "１００", "٣", ".5", "$5")
        },
        f"C1|home|T1|03/16/2017|{'1' * 39}": "trn_amount has more than 38 digits",
        f"C1|home|T1|03/16/2017|0.{'0' * 139}1": "trn_amount is too small for DynamoDB",
        **{
            f"C1|home|T1|{day}|1": f"trn_date is {day!r}; wanted a day as MM/DD/YYYY"
            for day in ("", "2017-03-16", "16/03/2017", "02/29/2017", "03/16/17")
        },
    }

    report = processor.process(*bad, "", *(f"C1|home|{name}|03/16/2017|{good[name]}" for name in good), "bad")

    assert (report["written"], report["rejected"]) == (len(good), len(bad) + 1)
    assert processor.amounts() == {("C1", name): Decimal(amount) for name, amount in good.items()}
    rejected = buckets.rejected_rows(lab, KEY)
    assert {row["row"]: row["reason"] for row in rejected[:-1]} == {row[:100_000]: why for row, why in bad.items()}
    assert [row["line"] for row in rejected] == [*range(2, 2 + len(bad)), 3 + len(bad) + len(good)]  # 1 is the header


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(codecs.BOM_UTF8 + f"{HEADER}\n{ROW}\n".encode(), id="byte order mark"),
        pytest.param(f"{HEADER}\r\n{ROW}\r\n".encode(), id="CRLF"),
        pytest.param(f"{HEADER}\n\n{ROW}\n   \n||||".encode(), id="blank lines, no last newline"),
        pytest.param(f"{HEADER}  \n C1 |1 Smith Street  |\tT1|3/16/2017 | +100\n".encode(), id="blanks, short day"),
        pytest.param(f'{HEADER}\n"C1"|"1 Smith Street"|"T1"|"03/16/2017"|"100"\n'.encode(), id="quotes"),
        pytest.param(
            b"trn_amount|trn_id|customer_id|trn_date|customer_address\n100|T1|C1|03/16/2017|1 Smith Street\n",
            id="another order",
        ),
    ],
)
def test_what_editors_and_spreadsheets_make_of_a_file_is_read_the_same(lab, processor, content):
    assert processor.run(processor.upload(content))["files"] == [{"key": KEY, "rows": 1, "written": 1, "rejected": 0}]
    assert tables.items(lab, "Customer") == [{"CustomerId": "C1", "Address": "1 Smith Street"}]
    dated = {"TransactionDate": "03/16/2017", "TransactionAmount": 100}
    assert tables.items(lab, "Transactions") == [{"CustomerId": "C1", "TransactionId": "T1", **dated}]


def test_a_quote_that_is_never_closed_costs_its_own_line_and_no_other(lab, processor):
    processor.process('C2|"Rose Cottage|T2|03/16/2017|2', 'C3|"home"|T3|03/16/2017|3', 'C4|"a" b|T4|03/16/2017|4', ROW)

    assert [row["line"] for row in buckets.rejected_rows(lab, KEY)] == [2, 4]
    assert processor.amounts() == {("C1", "T1"): 100, ("C3", "T3"): 3}


def test_the_last_row_of_a_transaction_and_the_last_address_of_a_customer_count(lab, processor):
    between = [f"C2|home|T{number}|03/16/2017|1" for number in range(60)]  # more than two batches of DynamoDB's
    rows = [f"C1|{address}|T1|03/16/2017|{amount}" for address, amount in (("old", 1), ("new", 2), ("old", 3))]

    processor.process(rows[0], *between, rows[1], rows[2], "C1|home|T1|03/16/2017|a lot")

    assert processor.amounts()["C1", "T1"] == 3
    assert len(processor.amounts()) == 61
    assert tables.items(lab, "Customer")[0] == {"CustomerId": "C1", "Address": "old"}
    superseded = [row["line"] for row in buckets.rejected_rows(lab, KEY) if row["reason"] == "superseded by line 64"]
    assert superseded == [2, 63]


def test_a_file_that_comes_again_changes_nothing_and_a_mended_one_forgets_its_bad_rows(lab, processor):
    rows = [*(f"C{number % 3}|home|T{number}|03/16/2017|{number}" for number in range(50)), "bad"]
    processor.process(*rows)
    before = processor.held()

    processor.process(*rows)
    assert processor.held() == before

    processor.process(ROW, "still bad")
    assert [row["row"] for row in buckets.rejected_rows(lab, KEY)] == ["still bad"]
    processor.process(ROW)
    assert [each["Key"] for each in buckets.objects(lab)] == [KEY]


# Files that cannot be read


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (ROW.encode(), "line 1 is 'C1|"),
        (HEADER.replace("|", ",").encode() + b"\nC1,home,T1,03/16/2017,1\n", "line 1 is 'customer_id,"),
        (f"{HEADER}|note\n{ROW}|x\n".encode(), "line 1 is 'customer_id|"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "it is not UTF-8 text"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "it is not UTF-8 text"),
        (f"{HEADER}\n{ROW}\nC2|\0|T2|03/16/2017|1\n".encode(), "line 3 holds a zero byte"),
        (f"{HEADER}\n{ROW}\n".encode() + b"C2|Z\xfcrich", "it is not UTF-8 text"),
    ],
    ids=["empty", "no header", "commas", "another column", "picture", "UTF-16", "zero byte", "Latin-1 at its end"],
)
def test_a_file_that_cannot_be_read_fails_with_the_reason_and_writes_nothing(lab, processor, content, words):
    event = processor.upload(content)

    with pytest.raises(Exception, match=f"^{KEY}: ") as caught:
        processor.run(event)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert processor.held() == ([], [], [])


# Calls that fail, runs that are stopped, and objects that change meanwhile


def test_a_run_that_is_stopped_between_any_two_calls_is_finished_by_the_next_one(processor):
    for moment in itertools.count():
        processor.empty()
        event = processor.upload(*[f"C1|home|T{number}|03/16/2017|0.10" for number in range(26)], "bad")

        stopped = processor.run_until(moment, event)
        processor.run(event)

        assert list(processor.amounts().values()) == [Decimal("0.10")] * 26
        assert [row["row"] for row in buckets.rejected_rows(processor.lab, KEY)] == ["bad"]
        if not stopped:
            break
    assert moment >= 12  # at least two writes of transactions, and a read, a write of customers, of bad rows, a check


@pytest.mark.parametrize("call", ["GetObject", "BatchWriteItem", "PutObject", "HeadObject"])
def test_the_error_of_a_call_goes_up_so_that_lambda_tries_again(processor, call):
    event = processor.upload(ROW, "bad")

    with pytest.raises(ClientError, match="AccessDenied"):
        processor.run(event, fault=fail(call, "AccessDenied"))
    processor.run(event)

    assert processor.amounts() == {("C1", "T1"): 100}


def test_what_dynamodb_had_no_room_for_is_sent_again(processor):
    refused = []

    def half(name, make):
        if name != "BatchWriteItem" or refused:
            return make()
        ((table, requests),) = make.parameters["RequestItems"].items()
        refused.extend(requests[len(requests) // 2 :])
        make(RequestItems={table: requests[: len(requests) // 2]})
        return {"UnprocessedItems": {table: refused}}

    event = processor.upload(*[f"C1|home|T{number}|03/16/2017|1" for number in range(40)])
    processor.run(event, fault=half)

    assert refused
    assert len(processor.amounts()) == 40


@pytest.mark.parametrize("call", ["GetObject", "BatchWriteItem", "HeadObject"])
def test_of_two_versions_of_a_file_the_newer_one_stays_also_when_the_older_one_ends_last(lab, processor, call):
    older = processor.upload("C1|home|T1|03/16/2017|1", "old")

    def meanwhile():
        processor.run(processor.upload("C1|home|T1|03/16/2017|2", "new"))

    processor.run(older, fault=before(call, meanwhile))

    assert processor.amounts() == {("C1", "T1"): 2}
    assert [row["row"] for row in buckets.rejected_rows(lab, KEY)] == ["new"]


def test_a_file_that_is_replaced_between_two_readings_is_not_taken_in_by_half(processor):
    older = processor.upload("C1|home|T1|03/16/2017|1")

    def replace_after_reading(name, make):
        answer = make()
        if name == "GetObject":
            processor.upload("C1|home|T2|03/16/2017|2")
        return answer

    with suppress(ClientError):  # Lambda then tries again
        processor.run(older, fault=replace_after_reading)
    processor.run(older)

    assert processor.amounts() == {("C1", "T2"): 2}
