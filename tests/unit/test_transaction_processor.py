"""TransactionProcessor: the rules of a file with plain values, then the function in process."""

import io
import itertools
import json
from decimal import Decimal

import pytest
import transaction_processor
import transactions_file
from botocore.exceptions import ClientError
from handlers import HEADER, Processor, before, fail
from transactions_file import Unreadable, read_lines

from lab_lib import transactions
from lab_lib.aws import buckets, tables

ROW = "C1|1 Smith Street|T1|03/16/2017|100"
KEY = "transactions.txt"


def read(content):
    """Return number, row, reason and text of each line, as the function reads it. The recount agrees."""
    lines, file = list(read_lines(io.BytesIO(content))), transactions.recount(KEY, content)
    rows = [row for _, row, _, _ in lines if row]
    assert file.amounts == {(row["CustomerId"], row["TransactionId"]): row["TransactionAmount"] for row in rows}
    assert file.days == {(row["CustomerId"], row["TransactionId"]): row["TransactionDate"] for row in rows}
    assert file.addresses == {row["CustomerId"]: row["Address"] for row in rows}
    assert file.rejected == [number for number, row, _, _ in lines if not row]
    return lines


# Rules of a file


def test_a_bad_line_is_rejected_with_its_number_and_reason_and_the_others_are_rows():
    good = {"a": "0", "b": "99.50", "c": "-12.25", "d": "+7", "e": f"-{'9' * 36}.99", "f": f"0.{'9' * 37}", "g": "007"}
    number = "number such as 99.50, in the digits 0-9"
    bad = {
        "C1|home|T1|03/16/2017": "4 fields; wanted 5",
        "C1|home|T1|03/16/2017|1|2": "6 fields; wanted 5",
        "  |home|T1|03/16/2017|1": "customer_id is empty",
        "C1|home||03/16/2017|1": "trn_id is empty",
        f"{'é' * 1025}|home|T1|03/16/2017|1": "customer_id is longer than 2048 bytes",
        f"C1|home|{'é' * 513}|03/16/2017|1": "trn_id is longer than 1024 bytes",
        f"C1|{'李' * 33_334}|T1|03/16/2017|1": "customer_address is longer than 100000 bytes",
        'C1|home|T1|03/16/2017|"1': "its quotes are wrong: unexpected end of data",
        'C1|"a" b|T1|03/16/2017|1': "its quotes are wrong: '|' expected after '\"'",
        "C1|Z\udcfcrich|T1|03/16/2017|1": "it is not UTF-8 text",
        "C1|\0|T1|03/16/2017|1": "it has a zero byte, or more than 130000 characters",
        "x" * 130_001: "it has a zero byte, or more than 130000 characters",
        **{
            f"C1|home|T|03/16/2017|{amount}": f"trn_amount is {amount!r}; wanted a {number}"
            for amount in ("", "ten", "1_000", "1,000", "NaN", "-Infinity", "1e5", "１００", "٣", ".5", "$5")
        },
        f"C1|home|T1|03/16/2017|{'0' * 38}.1": "trn_amount has more than 38 digits",
        **{
            f"C1|home|T1|{day}|1": f"trn_date is {day!r}; wanted a day as MM/DD/YYYY, in the digits 0-9"
            for day in (
                "",
                "2017-03-16",
                "16/03/2017",
                "02/29/2017",
                "03/16/17",
                "03/16/20170",
                "03/ 6/2017",
                "０3/16/2017",
            )
        },
    }

    rows = [f'C1|flat 5"|{name}|03/16/2017|{good[name]}' for name in good]
    lines = read("\n".join([HEADER, *bad, "", *rows, "x" * 300_000]).encode(errors="surrogateescape"))

    amounts = {row["TransactionId"]: row["TransactionAmount"] for _, row, _, _ in lines if row}
    assert amounts == {name: Decimal(amount) for name, amount in good.items()}
    numbered = enumerate(bad.items(), 2)  # 1 is the header
    *rejected, huge = [(number, reason, text) for number, row, reason, text in lines if not row]
    assert rejected == [(number, reason, text) for number, (text, reason) in numbered]
    assert (huge[0], len(huge[2])) == (3 + len(bad) + len(good), 130_001)  # only its beginning is in memory


def test_a_large_file_is_read_as_its_rows_are_asked_for():
    stream = io.BytesIO("\n".join([HEADER, *[ROW] * 50_000]).encode())

    lines = read_lines(stream)
    next(lines)

    assert stream.tell() < 20_000  # of 1.8 MB


# The function


@pytest.fixture
def processor(lab, monkeypatch):
    return Processor(lab, monkeypatch)


def test_every_object_of_an_event_is_processed_and_reported_in_the_log(lab, processor, capsys):
    keys = ["of march.txt", "a+b%20c.txt", "März/取引 100%.txt", "k" * 1024]
    records = [processor.upload(f"C{key}|home|T1|03/16/2017|1", "bad", key=key) for key in ["gone.txt", *keys]]
    buckets.delete_object(lab, "gone.txt")

    reports = processor.run(*records)["files"]

    assert reports[0] == {"key": "gone.txt", "gone": True}
    assert [report["key"] for report in reports[1:]] == keys
    assert {customer for customer, _ in processor.amounts()} == {f"C{key}" for key in keys}
    assert [len(buckets.rejected_rows(lab, key)) for key in ["gone.txt", *keys]] == [0, 1, 1, 1, 1]
    assert max(len(item["Key"].encode()) for item in buckets.objects(lab)) == 1024  # S3's limit; moto has none
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    uploads = [(record["s3"]["object"]["sequencer"], record["eventTime"]) for record in records]
    assert [(line["sequencer"], line["time"]) for line in logged] == uploads


def test_what_is_no_upload_changes_nothing(processor):
    assert processor.run(event={"Event": "s3:TestEvent"}) == {"files": []}  # S3 sends it with a new notification
    (report,) = processor.run(processor.upload(ROW, key="rejected/a.csv"))["files"]
    assert report == {"key": "rejected/a.csv", "skipped": "rejected/ is only for rejected lines"}
    assert processor.amounts() == {}


@pytest.mark.parametrize("remembered", [2, 50_000])
def test_the_last_row_of_a_transaction_and_the_last_address_of_a_customer_count(
    lab, processor, monkeypatch, remembered
):
    monkeypatch.setattr(transaction_processor, "MOST_REMEMBERED", remembered)
    between = [f"C{2 + number % 5}|home|T{number}|03/16/2017|1" for number in range(60)]  # more than two batches
    rows = [f"C1|{address}|T1|03/16/2017|{amount}" for address, amount in (("old", 1), ("new", 2), ("old", 3))]

    report = processor.process(rows[0], *between, rows[1], rows[2], "C1|home|T1|03/16/2017|a lot")

    assert (report["written"], report["rejected"]) == (63, 1)
    assert processor.amounts()["C1", "T1"] == 3
    assert len(processor.amounts()) == 61
    addresses = {item["CustomerId"]: item["Address"] for item in tables.items(lab, "Customer")}
    assert addresses == {"C1": "old", **dict.fromkeys(["C2", "C3", "C4", "C5", "C6"], "home")}
    for requests in (calls["RequestItems"] for name, calls in processor.made if name == "BatchWriteItem"):
        ((table, items),) = requests.items()
        keys = [[item["PutRequest"]["Item"][key] for key in tables.KEYS[table]] for item in items]
        assert all(keys.count(key) == 1 for key in keys)  # DynamoDB refuses the call otherwise; moto does not


def test_all_rejected_lines_are_counted_and_the_first_ones_are_kept(lab, processor, monkeypatch):
    monkeypatch.setattr(transaction_processor, "MOST_KEPT", 2)

    report = processor.process("C1|Z\udcfcrich|T1|03/16/2017|1", ROW, "x" * 2_000, "bad", "bad")

    assert report == {"key": KEY, "rows": 5, "written": 1, "rejected": 4}
    rejected = [(row["line"], row["row"]) for row in buckets.rejected_rows(lab, KEY)]
    assert rejected == [(2, "C1|Z?rich|T1|03/16/2017|1"), (4, "x" * 1_000)]


def test_a_file_that_is_uploaded_again_changes_nothing_and_a_fixed_one_forgets_its_bad_rows(lab, processor):
    rows = [*(f"C{number % 3}|home|T{number}|03/16/2017|{number}" for number in range(50)), "bad"]
    processor.process(*rows)
    held = processor.held()

    processor.process(*rows)
    assert processor.held() == held

    processor.process(ROW, "still bad")
    assert [row["row"] for row in buckets.rejected_rows(lab, KEY)] == ["still bad"]
    processor.process(ROW)
    assert [item["Key"] for item in buckets.objects(lab)] == [KEY]


def test_a_file_of_more_rows_than_a_call_writes_is_refused_before_a_row_is_written(processor, monkeypatch):
    monkeypatch.setattr(transactions_file, "MOST_ROWS", 100)
    monkeypatch.setattr(transaction_processor, "SMALL", 16 * 100)
    rows = [f"C{number:04}|home|T1|03/16/2017|1" for number in range(101)]
    wanted = f"{KEY}: it has 101 rows, and a call writes 100: `lab run --data`, or aws.buckets.upload, sends"

    with pytest.raises(Unreadable, match=f"^{wanted}"):
        processor.process(*rows)
    assert processor.held() == ([], [], [])

    blank = ["", " ", "||||", '""|""'] * 500
    assert processor.process(*blank, *rows[:100], *blank)["written"] == 100


# Events that come again


def test_an_event_that_comes_again_after_a_correction_changes_nothing(processor):
    march, gone = processor.upload(ROW, key="a-march.txt"), processor.upload(ROW, key="gone.txt")
    buckets.delete_object(processor.lab, "gone.txt")
    processor.run(march, gone)
    processor.process(ROW.replace("100", "7"), key="a-march-corrected.txt")
    processor.upload(ROW, key="gone.txt")

    reports = processor.run(march, gone)["files"]

    skipped = "this upload was taken in before"
    assert reports == [{"key": key, "skipped": skipped} for key in ("a-march.txt", "gone.txt")]
    assert processor.amounts() == {("C1", "T1"): 7}


def test_the_same_key_uploaded_again_and_an_event_without_a_sequencer_are_processed(processor):
    event = processor.upload(ROW)
    processor.run(event)
    assert processor.process(ROW.replace("100", "7"))["written"] == 1

    processor.upload(ROW)
    del event["s3"]["object"]["sequencer"]
    for _ in range(2):
        assert processor.run(event)["files"] == [{"key": KEY, "rows": 1, "written": 1, "rejected": 0}]

    assert processor.amounts() == {("C1", "T1"): 100}


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
    assert moment >= 16  # two writes of transactions, one of customers, rejected lines and marker, and three reads


CALLS = ["GetItem", "GetObject", "BatchWriteItem", "PutObject", "DeleteObject", "HeadObject", "PutItem"]


@pytest.mark.parametrize("call", CALLS)
def test_the_error_of_a_call_goes_up_so_that_lambda_tries_again(processor, call):
    event = processor.upload(ROW, *["bad"] * (call != "DeleteObject"))

    with pytest.raises(ClientError, match="AccessDenied"):
        processor.run(event, fault=fail(call, "AccessDenied"))
    (report,) = processor.run(event)["files"]

    assert (report["written"], report["rejected"]) == (1, int(call != "DeleteObject"))
    assert processor.amounts() == {("C1", "T1"): 100}


def test_what_dynamodb_had_no_room_for_is_sent_again_and_not_over_a_later_row(processor):
    refused = []

    def half(name, make):
        if name != "BatchWriteItem" or refused:
            return make()
        ((table, requests),) = make.parameters["RequestItems"].items()
        refused.extend(requests[len(requests) // 2 :])
        make(RequestItems={table: requests[: len(requests) // 2]})
        return {"UnprocessedItems": {table: refused}}

    rows = [f"C1|home|T{number}|03/16/2017|{amount}" for amount in (1, 2) for number in range(40)]
    processor.run(processor.upload(*rows), fault=half)

    assert refused
    assert processor.amounts() == {("C1", f"T{number}"): 2 for number in range(40)}


@pytest.mark.parametrize(("call", "both"), [("GetObject", False), ("BatchWriteItem", True), ("HeadObject", False)])
def test_of_two_versions_of_a_file_the_newer_one_stays_also_when_the_older_one_ends_last(lab, processor, call, both):
    older = processor.upload("C1|home|T1|03/16/2017|1", "old")

    def meanwhile():
        newer = processor.upload("C1|home|T1|03/16/2017|2", "new")
        if both:
            processor.run(newer)

    processor.run(older, fault=before(call, meanwhile))

    assert processor.amounts() == {("C1", "T1"): 2}
    assert [row["row"] for row in buckets.rejected_rows(lab, KEY)] == ["new"]
