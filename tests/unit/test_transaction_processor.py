"""TransactionProcessor: the rules of a file with plain values, then the function in process."""

import io
import json
from decimal import Decimal

import pytest
import transaction_processor
import transactions_file
from botocore.exceptions import ClientError
from handlers import HEADER, Stopped, before, fail, stop
from transactions_file import Unreadable, read_lines

from lab_lib.aws import buckets
from lab_lib.transactions import why_rejected

ROW = "C1|1 Smith Street|T1|03/16/2017|100"
KEY = "transactions.txt"

# Rules of a file; test_properties compares them with the recount


AMOUNTS = ["0", "99.50", "-12.25", "+7", f"-{'9' * 36}.99", f"0.{'9' * 37}", "007"]
NO_AMOUNTS = ["", "ten", "1_000", "1,000", "NaN", "-Infinity", "1e5", "１００", "٣", ".5", "$5"]
NO_DAYS = ["", "2017-03-16", "16/03/2017", "02/29/2017", "03/16/17", "03/16/20170", "03/ 6/2017", "０3/16/2017"]
FAULTS = [
    ("x" * 130_001, "line-too-long", "it is longer than 130000 characters"),
    ("C1|Z\udcfcrich|T1|03/16/2017|1", "not-utf8", "it is not UTF-8 text"),
    ("C1|\0|T1|03/16/2017|1", "not-utf8", "it is not UTF-8 text"),
    ('C1|home|T1|03/16/2017|"1', "quotes", "its quotes are wrong: unexpected end of data"),
    ('C1|"a" b|T1|03/16/2017|1', "quotes", "its quotes are wrong: '|' expected after '\"'"),
    ("||||03/16/2017|1", "fields-count", "6 fields; wanted 5"),
    ("  |home||soon|1", "id-empty", "customer_id is empty"),
    (f"C1|{'李' * 33_334}||soon|1", "field-too-long", "customer_address is longer than 100000 bytes"),
    (f"C1|home|{'é' * 513}|soon|1", "field-too-long", "trn_id is longer than 1024 bytes"),
    *((f"C1|home|T1|{day}|ten", "date-not-day", f"trn_date is {day!r}; wanted a day as") for day in NO_DAYS),
    *((f"C1|home|T1|3/6/2017|{ten}", "amount-not-number", f"trn_amount is {ten!r}; wanted a") for ten in NO_AMOUNTS),
    (f"C1|home|T1|03/16/2017|{'0' * 38}.1", "amount-too-long", "trn_amount has more than 38 digits"),
]


def test_a_bad_line_is_rejected_for_its_first_fault_and_the_others_are_rows():
    rows = [f'C1|flat 5"|{amount}|03/16/2017|{amount}' for amount in AMOUNTS]
    content = "\n".join([HEADER, *(line for line, *_ in FAULTS), "", *rows, "x" * 300_000])

    lines = list(read_lines(io.BytesIO(content.encode(errors="surrogateescape"))))

    assert [row["TransactionAmount"] for _, row, _, _ in lines if row] == [Decimal(amount) for amount in AMOUNTS]
    for number, (line, code, reason) in enumerate(FAULTS, 2):  # 1 is the header
        place, _, fault, text = lines[number - 2]
        assert (place, text, fault.code) == (number, line, code)
        assert str(fault).startswith(reason)
        assert why_rejected(code, fault.values, "") == str(fault)  # which other languages have too
    assert len(lines[-1][3]) == 130_001  # only the beginning of a huge line is in memory


def test_a_large_file_is_read_as_its_rows_are_asked_for():
    stream = io.BytesIO("\n".join([HEADER, *[ROW] * 50_000]).encode())

    lines = read_lines(stream)
    next(lines)

    assert stream.tell() < 20_000  # of 1.8 MB


# The function


def test_every_object_of_an_event_is_processed_and_reported_in_the_log(lab, processor, capsys):
    keys = ["of march.txt", "a+b%20c.txt", "März/取引 100%.txt", "k" * 1024]
    records = [processor.upload(f"C{key}|home|T1|03/16/2017|1", "bad", key=key) for key in ["gone.txt", *keys]]
    buckets.delete_object(lab, "gone.txt")

    gone, *reports = processor.run(*records)["files"]

    assert gone == {"key": "gone.txt", "gone": True}
    assert [report["key"] for report in reports] == keys
    assert {customer for customer, _ in processor.amounts()} == {f"C{key}" for key in keys}
    assert [len(buckets.rejected_rows(lab, key)) for key in keys] == [1, 1, 1, 1]
    assert max(len(item["Key"].encode()) for item in buckets.objects(lab)) == 1024  # S3's limit; moto has none
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    uploads = [(record["s3"]["object"]["sequencer"], record["eventTime"]) for record in records]
    assert [(line["sequencer"], line["time"]) for line in logged] == uploads


def test_what_is_no_upload_changes_nothing(processor):
    assert processor.run(event={"Event": "s3:TestEvent"}) == {"files": []}  # S3 sends it with a new notification
    (report,) = processor.run(processor.upload(ROW, key="rejected/a.csv"))["files"]
    assert report == {"key": "rejected/a.csv", "skipped": "rejected/ is only for rejected lines"}
    assert processor.amounts() == {}


def test_all_rejected_lines_are_counted_the_first_ones_are_kept_and_a_fixed_file_has_none(lab, processor, monkeypatch):
    monkeypatch.setattr(transaction_processor, "MOST_KEPT", 2)

    report = processor.process("C1|Z\udcfcrich|T1|03/16/2017|1", ROW, "x" * 2_000, "bad", "bad")

    assert report == {"key": KEY, "rows": 5, "written": 1, "rejected": 4}
    assert [[*row.values()] for row in buckets.rejected_rows(lab, KEY)] == [
        [2, "it is not UTF-8 text", "C1|Z?rich|T1|03/16/2017|1", "not-utf8", {}],
        [4, "1 fields; wanted 5", "x" * 1_000, "fields-count", {"found": 1}],
    ]
    processor.process(ROW)
    assert [item["Key"] for item in buckets.objects(lab)] == [KEY]


def test_a_file_of_more_rows_than_a_call_writes_is_refused_before_a_row_is_written(processor, monkeypatch):
    monkeypatch.setattr(transactions_file, "MOST_ROWS", 100)
    monkeypatch.setattr(transaction_processor, "SMALL", 16 * 100)
    rows = [f"C{number:04}|home|T1|03/16/2017|1" for number in range(101)]
    wanted = f"{KEY}: it has 101 rows, and a call writes 100: split it"

    with pytest.raises(Unreadable, match=f"^{wanted}"):
        processor.process(*rows)
    assert processor.held() == ([], [], [])

    blank = ["", " ", "||||", '""|""'] * 500
    assert processor.process(*blank, *rows[:100], *blank)["written"] == 100


# Events that come again


def test_an_event_that_comes_again_changes_nothing_unless_it_has_no_sequencer(processor):
    march, gone = processor.upload(ROW, key="a-march.txt"), processor.upload(ROW, key="gone.txt")
    buckets.delete_object(processor.lab, "gone.txt")
    processor.run(march, gone)
    processor.process(ROW.replace("100", "7"), key="a-march-corrected.txt")
    processor.upload(ROW, key="gone.txt")

    reports = processor.run(march, gone)["files"]

    skipped = "this upload was taken in before"
    assert reports == [{"key": key, "skipped": skipped} for key in ("a-march.txt", "gone.txt")]
    assert processor.amounts() == {("C1", "T1"): 7}
    del march["s3"]["object"]["sequencer"]
    assert [processor.run(march)["files"][0]["written"] for _ in range(2)] == [1, 1]


# Calls that fail, runs that are stopped, and objects that change meanwhile


CALLS = ["GetItem", "GetObject", "BatchWriteItem", "PutObject", "DeleteObject", "HeadObject", "PutItem"]


def test_a_run_that_is_stopped_or_fails_at_any_call_ends_with_that_and_the_next_one_finishes_it(processor):
    ends = [*map(stop, range(16)), *map(fail, CALLS)]  # two calls write transactions, one writes customers
    for fault in ends:
        processor.empty()
        bad = [] if fault is ends[-3] else ["bad"]  # without one, DeleteObject is called
        event = processor.upload(*[f"C1|home|T{number}|03/16/2017|0.10" for number in range(26)], *bad)

        with pytest.raises((Stopped, ClientError)):
            processor.run(event, fault=fault)
        processor.run(event)

        assert list(processor.amounts().values()) == [Decimal("0.10")] * 26
        assert [row["row"] for row in buckets.rejected_rows(processor.lab, KEY)] == bad


@pytest.mark.parametrize("call", ["GetObject", "BatchWriteItem", "HeadObject"])
def test_of_two_versions_of_a_file_the_newer_one_stays_also_when_the_older_one_ends_last(lab, processor, call):
    older = processor.upload("C1|home|T1|03/16/2017|1", "old")

    processor.run(older, fault=before(call, lambda: processor.process("C1|home|T1|03/16/2017|2", "new")))

    assert processor.amounts() == {("C1", "T1"): 2}
    assert [row["row"] for row in buckets.rejected_rows(lab, KEY)] == ["new"]
