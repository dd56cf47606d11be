import json
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote_plus

import boto3
import pytest
from botocore.exceptions import ClientError

from lab_lib import buckets, tables
from lab_lib.handlers import transaction_processor as processor

SAMPLE = (Path(__file__).parents[2] / "data" / "transactions.txt").read_bytes()
HEADER = "customer_id|customer_address|trn_id|trn_date|trn_amount\n"


@pytest.fixture(autouse=True)
def deployed(lab, monkeypatch):
    """The function as in AWS: its tables and its bucket are there, and its clients are not made yet."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", lab.session)
    monkeypatch.setenv("CUSTOMER_TABLE", "Customer")
    monkeypatch.setenv("TRANSACTIONS_TABLE", "Transactions")
    buckets.ensure_bucket(lab)
    tables.ensure_table(lab, "Customer")
    tables.ensure_table(lab, "Transactions")
    processor.aws.cache_clear()
    yield
    processor.aws.cache_clear()


@pytest.fixture
def put(lab):
    def put(key, *rows):
        content = rows[0] if rows and isinstance(rows[0], bytes) else "".join([HEADER, *[f"{row}\n" for row in rows]])
        lab.client("s3").put_object(Bucket=lab.bucket, Key=key, Body=content)

    return put


@pytest.fixture
def event(lab):
    """The event that S3 sends for these objects."""

    def event(*keys):
        bucket = {"name": lab.bucket}
        return {"Records": [{"s3": {"bucket": bucket, "object": {"key": quote_plus(key, safe="/")}}} for key in keys]}

    return event


@pytest.fixture
def upload(put, event):
    """Upload a file, and run the function for it; its answer."""

    def upload(key, *rows):
        put(key, *rows)
        return processor.lambda_handler(event(key), None)

    return upload


@pytest.fixture
def amounts(lab):
    """{(customer, transaction): amount} of the table."""

    def amounts():
        found = tables.items(lab, "Transactions")
        return {(each["CustomerId"], each["TransactionId"]): each["TransactionAmount"] for each in found}

    return amounts


@pytest.fixture
def keys(lab):
    return lambda: [each["Key"] for each in buckets.objects(lab)]


def test_the_sample_goes_into_both_tables(lab, upload):
    answer = upload("transactions.txt", SAMPLE)

    assert answer == {"files": [{"key": "transactions.txt", "rows": 24, "written": 24, "rejected": 0}]}
    assert tables.items(lab, "Customer") == [
        {"CustomerId": "C1", "Address": "1 Smith Street, London"},
        {"CustomerId": "C2", "Address": "2 Smith Street, London"},
    ]
    assert len(tables.items(lab, "Transactions")) == 24
    assert tables.items(lab, "Transactions")[0] == {
        "CustomerId": "C1",
        "TransactionId": "T01",
        "TransactionDate": "03/16/2017",
        "TransactionAmount": Decimal(100),
    }


def test_the_same_event_twice_changes_nothing(lab, upload, event):
    upload("transactions.txt", SAMPLE)
    before = tables.items(lab, "Customer"), tables.items(lab, "Transactions")

    processor.lambda_handler(event("transactions.txt"), None)

    assert (tables.items(lab, "Customer"), tables.items(lab, "Transactions")) == before


def test_every_record_of_an_event_is_processed(put, event, amounts):
    put("a.txt", "C1|a|T1|03/16/2017|1")
    put("b.txt", "C2|b|T2|03/16/2017|2")

    answer = processor.lambda_handler(event("a.txt", "b.txt"), None)

    assert [each["key"] for each in answer["files"]] == ["a.txt", "b.txt"]
    assert amounts() == {("C1", "T1"): 1, ("C2", "T2"): 2}


@pytest.mark.parametrize("test_event", [{}, {"Records": []}, {"Event": "s3:TestEvent", "Bucket": "b"}])
def test_an_event_without_objects_is_answered(test_event):
    assert processor.lambda_handler(test_event, None) == {"files": []}


@pytest.mark.parametrize("key", ["my rows.txt", "a+b.txt", "2017/März 李.txt", "100%25.txt", "a&b=c?.txt"])
def test_any_key_is_found(upload, amounts, key):
    answer = upload(key, "C1|a|T1|03/16/2017|1")

    assert answer["files"][0]["key"] == key
    assert amounts() == {("C1", "T1"): 1}


def test_an_object_that_is_gone_is_said_and_does_not_hold_up_the_others(put, event, amounts):
    put("here.txt", "C1|a|T1|03/16/2017|1")

    answer = processor.lambda_handler(event("gone.txt", "here.txt"), None)

    assert answer["files"][0] == {"key": "gone.txt", "gone": True}
    assert amounts() == {("C1", "T1"): 1}


def test_a_refusal_to_read_the_object_is_never_a_gone_object(lab, put, event, monkeypatch):
    put("a.txt", "C1|a|T1|03/16/2017|1")

    def refused(**_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")

    monkeypatch.setattr(processor.aws("client", "s3"), "get_object", refused)

    with pytest.raises(ClientError, match="AccessDenied"):
        processor.lambda_handler(event("a.txt"), None)


def test_a_bad_row_is_kept_with_its_line_and_reason_and_the_good_rows_are_written(lab, upload, amounts):
    answer = upload("my rows.txt", "C1|a|T1|03/16/2017|1", 'C1|"a, b"|T2|03/16/2017|x', "C1|a|T3|03/16/2017|3")

    assert answer["files"] == [{"key": "my rows.txt", "rows": 3, "written": 2, "rejected": 1}]
    assert amounts() == {("C1", "T1"): 1, ("C1", "T3"): 3}
    (rejected,) = buckets.rejected_rows(lab, "my rows.txt")
    assert (rejected["line"], rejected["row"]) == (3, "C1|a, b|T2|03/16/2017|x")
    assert rejected["reason"].startswith("trn_amount is 'x'")


def test_a_customer_of_bad_rows_only_is_not_written(lab, upload):
    upload("a.txt", "C9|a|T1|03/16/2017|x")

    assert tables.items(lab, "Customer") == []


def test_rejected_rows_are_forgotten_after_a_clean_upload_of_the_same_file(lab, upload, keys):
    upload("a.txt", "C1|a|T1|03/16/2017|x")
    assert keys() == ["a.txt", "rejected/a.txt.csv"]

    upload("a.txt", "C1|a|T1|03/16/2017|1")

    assert keys() == ["a.txt"]


def test_rejected_rows_of_another_file_stay(upload, keys):
    upload("a.txt", "C1|a|T1|03/16/2017|x")

    upload("b.txt", "C1|a|T1|03/16/2017|1")

    assert "rejected/a.txt.csv" in keys()


def test_rejected_rows_are_replaced_by_those_of_the_next_upload(lab, upload):
    upload("a.txt", "C1|a|T1|03/16/2017|x", "C1|a|T2|03/16/2017|x")

    upload("a.txt", "C1|a|T1|03/16/2017|1", "C1|a|T2|03/16/2017|y")

    assert [each["line"] for each in buckets.rejected_rows(lab, "a.txt")] == [3]


def test_a_key_under_rejected_is_passed_over(upload, amounts, keys):
    answer = upload("rejected/a.txt", "C1|a|T1|03/16/2017|1")

    assert answer == {"files": []}
    assert amounts() == {}
    assert keys() == ["rejected/a.txt"]


def test_nothing_is_written_from_a_file_whose_middle_is_not_utf8(lab, upload, keys):
    rows = "".join(f"C{number}|a|T{number}|03/16/2017|1\n" for number in range(3000)).encode()
    middle = len(rows) // 2

    with pytest.raises(processor.UnreadableFile, match=r"a\.txt: it is not UTF-8 text"):
        upload("a.txt", HEADER.encode() + rows[:middle] + b"\xff" + rows[middle:])

    assert tables.items(lab, "Customer") == tables.items(lab, "Transactions") == []
    assert keys() == ["a.txt"]


@pytest.mark.parametrize("content", [b"", b"a|b\n1|2\n", b"\x89PNG\r\n\x1a\n", b"\0\0\0"])
def test_a_file_that_cannot_be_read_fails_loudly_with_its_name(upload, content):
    with pytest.raises(processor.UnreadableFile, match=r"^my\.txt: "):
        upload("my.txt", content)


def test_a_file_of_the_header_alone_is_an_empty_success(upload):
    assert upload("a.txt")["files"] == [{"key": "a.txt", "rows": 0, "written": 0, "rejected": 0}]


def test_an_object_that_is_replaced_while_it_is_read_is_not_taken_in_by_halves(put, event, amounts, monkeypatch):
    put("a.txt", "C1|a|T1|03/16/2017|1")
    check_text = processor.check_text

    def replaced_meanwhile(text):
        check_text(text)
        put("a.txt", b"no transactions file")

    monkeypatch.setattr(processor, "check_text", replaced_meanwhile)

    with pytest.raises(ClientError, match="PreconditionFailed"):
        processor.lambda_handler(event("a.txt"), None)

    assert amounts() == {}


def test_an_object_that_is_deleted_while_it_is_read_is_gone(lab, put, event, amounts, monkeypatch):
    put("a.txt", "C1|a|T1|03/16/2017|1")
    check_text = processor.check_text

    def deleted_meanwhile(text):
        check_text(text)
        lab.client("s3").delete_object(Bucket=lab.bucket, Key="a.txt")

    monkeypatch.setattr(processor, "check_text", deleted_meanwhile)

    assert processor.lambda_handler(event("a.txt"), None) == {"files": [{"key": "a.txt", "gone": True}]}
    assert amounts() == {}


def test_the_last_row_of_a_transaction_counts_near_and_far(upload, amounts):
    between = [f"C2|b|T{number}|03/16/2017|1" for number in range(100)]

    upload("a.txt", "C1|a|T1|03/16/2017|1", "C1|a|T1|03/16/2017|2", *between, "C1|a|T1|03/16/2017|3")

    assert amounts()["C1", "T1"] == 3
    assert len(amounts()) == 101


def test_the_last_address_of_a_customer_counts(lab, upload):
    upload("a.txt", "C1|old|T1|03/16/2017|1", "C1|new|T2|03/16/2017|1", "C1|old|T3|03/16/2017|1")

    assert tables.items(lab, "Customer") == [{"CustomerId": "C1", "Address": "old"}]


def test_what_dynamodb_had_no_room_for_is_sent_again(lab, upload, amounts, monkeypatch):
    client = processor.aws("resource", "dynamodb").meta.client
    write, refused = client.batch_write_item, []

    def half(RequestItems):
        ((table, requests),) = RequestItems.items()
        if table == "Transactions" and not refused:
            refused.extend(requests[1:])
            write(RequestItems={table: requests[:1]})
            return {"UnprocessedItems": {table: requests[1:]}}
        return write(RequestItems=RequestItems)

    monkeypatch.setattr(client, "batch_write_item", half)

    upload("a.txt", *[f"C1|a|T{number}|03/16/2017|1" for number in range(60)])

    assert len(refused) == 24
    assert len(amounts()) == 60


def test_an_amount_keeps_all_its_digits(upload, amounts):
    upload("a.txt", f"C1|a|T1|03/16/2017|{'9' * 36}.99")

    assert amounts() == {("C1", "T1"): Decimal("9" * 36 + ".99")}


def test_the_smallest_amounts_do_not_stop_the_file(upload, amounts):
    upload("a.txt", f"C1|a|T1|03/16/2017|0.{'0' * 170}1", "C1|a|T2|03/16/2017|2")

    assert amounts() == {("C1", "T2"): 2}


def test_the_log_has_one_line_of_json_for_each_file(put, event, capsys):
    put("a.txt", "C1|a|T1|03/16/2017|1")

    answer = processor.lambda_handler(event("a.txt", "gone.txt"), None)

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == answer["files"]
