"""TransactionProcessor, called in process on moto."""

import codecs
import csv
import io
import json
from decimal import Decimal
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import buckets, tables
from lab_lib.handlers import transaction_processor as processor

HEADER = "customer_id|customer_address|trn_id|trn_date|trn_amount"
ROW = "C1|1 Smith Street|T1|03/16/2017|100"
KEY = "transactions.txt"


@pytest.fixture(scope="module", autouse=True)
def own_clients():
    """The handler's clients are made once for this module, as they are for a warm function."""
    processor.aws.cache_clear()
    yield
    processor.aws.cache_clear()


@pytest.fixture(autouse=True)
def account(lab, monkeypatch):
    """The bucket, the two tables, and the function's environment."""
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    for name in ("Customer", "Transactions"):
        tables.ensure_table(lab, name)
        monkeypatch.setenv(f"{name.upper()}_TABLE", name)


@pytest.fixture
def upload(lab):
    """Put text or bytes into the bucket; the event that S3 sends for it."""

    def upload(body, key=KEY):
        content = body.encode() if isinstance(body, str) else body
        lab.client("s3").put_object(Bucket=lab.bucket, Key=key, Body=content)
        # The form in which S3 sends a key: blanks as "+", all but letters, digits and a few signs as %XX.
        return {"s3": {"bucket": {"name": lab.bucket}, "object": {"key": quote_plus(key, safe="/")}}}

    return upload


@pytest.fixture
def process(upload):
    """Upload rows under the usual header, let the function process them, and give its report."""

    def process(*rows, key=KEY):
        return call(upload("\n".join([HEADER, *rows]) + "\n", key))["files"][0]

    return process


@pytest.fixture
def amounts(lab):
    """{(customer, transaction): amount} in the table."""

    def amounts():
        rows = tables.items(lab, "Transactions")
        return {(row["CustomerId"], row["TransactionId"]): row["TransactionAmount"] for row in rows}

    return amounts


@pytest.fixture
def rejected(lab):
    """The lines, reasons and rows that were kept of an upload."""

    def rejected(key=KEY):
        body = lab.client("s3").get_object(Bucket=lab.bucket, Key=f"rejected/{key}.csv")["Body"].read()
        return list(csv.reader(io.StringIO(body.decode(), newline="")))

    return rejected


@pytest.fixture
def keys(lab):
    return lambda: [each["Key"] for each in buckets.objects(lab)]


@pytest.fixture
def dynamodb_calls():
    """The names of the calls that the function makes to DynamoDB."""
    made, events = [], processor.aws("resource", "dynamodb").meta.client.meta.events
    events.register("before-call.dynamodb", lambda model, **_: made.append(model.name), unique_id="count")
    yield made
    events.unregister("before-call.dynamodb", unique_id="count")


def rejected_reason(rejected):
    return rejected()[1][1]


def call(*records):
    return processor.lambda_handler({"Records": list(records)}, None)


def test_a_row_becomes_a_customer_and_a_transaction(lab, process):
    report = process("C1|1 Smith Street, London|T1|03/16/2017|99.50")

    assert report == {"key": KEY, "rows": 1, "written": 1, "rejected": 0}
    assert tables.items(lab, "Customer") == [{"CustomerId": "C1", "Address": "1 Smith Street, London"}]
    assert tables.items(lab, "Transactions") == [
        {
            "CustomerId": "C1",
            "TransactionId": "T1",
            "TransactionDate": "03/16/2017",
            "TransactionAmount": Decimal("99.50"),
        }
    ]


def test_every_record_of_an_event_is_processed(upload, amounts):
    records = [upload(f"{HEADER}\nC{n}|home|T{n}|03/16/2017|{n}\n", f"{n}.txt") for n in (1, 2, 3)]

    answer = call(*records)

    assert [file["key"] for file in answer["files"]] == ["1.txt", "2.txt", "3.txt"]
    assert amounts() == {("C1", "T1"): 1, ("C2", "T2"): 2, ("C3", "T3"): 3}


def test_every_file_is_reported_in_the_log_as_one_line_of_json(upload, capsys):
    first, second = upload(f"{HEADER}\n{ROW}\n", "one.txt"), upload(f"{HEADER}\nbad\n", "two.txt")

    answer = call(first, second)

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == answer["files"]


def test_an_event_without_records_is_nothing_to_do():
    # S3 sends such a one when a notification is set up.
    assert processor.lambda_handler({"Event": "s3:TestEvent"}, None) == {"files": []}


@pytest.mark.parametrize("key", ["of march.txt", "a+b.txt", "März/取引 1.txt", "100%.txt", "a&b=c?.txt", "a%20b.txt"])
def test_a_key_with_odd_characters_is_found(upload, amounts, key):
    answer = call(upload(f"{HEADER}\n{ROW}\n", key))

    assert answer["files"][0]["key"] == key
    assert amounts() == {("C1", "T1"): 100}


def test_an_object_that_is_gone_is_reported_and_the_next_one_is_processed(lab, upload, amounts):
    gone, there = upload(f"{HEADER}\nC9|home|T9|03/16/2017|9\n", "gone.txt"), upload(f"{HEADER}\n{ROW}\n")
    lab.client("s3").delete_object(Bucket=lab.bucket, Key="gone.txt")

    answer = call(gone, there)

    assert answer["files"][0] == {"key": "gone.txt", "gone": True}
    assert answer["files"][1]["written"] == 1
    assert amounts() == {("C1", "T1"): 100}


def test_a_bad_row_is_kept_with_its_line_and_the_reason_and_the_others_are_written(process, amounts, rejected):
    report = process("C1|home|T1|03/16/2017|1", "C1|home|T2|03/16/2017|ten", "C1|home|T3|03/16/2017|3")

    assert report == {"key": KEY, "rows": 3, "written": 2, "rejected": 1}
    assert amounts() == {("C1", "T1"): 1, ("C1", "T3"): 3}
    assert rejected() == [
        ["line", "reason", "row"],
        ["3", "trn_amount is 'ten'; wanted a number such as 100 or 99.50", "C1|home|T2|03/16/2017|ten"],
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("C1|home|T1|03/16/2017", "4 fields; wanted 5"),
        ("C1|home|T1|03/16/2017|1|2", "6 fields; wanted 5"),
        ("what is this", "1 fields; wanted 5"),
        ("|home|T1|03/16/2017|1", "customer_id is empty"),
        ("  |home|T1|03/16/2017|1", "customer_id is empty"),
        ("C1|home||03/16/2017|1", "trn_id is empty"),
        (f"{'é' * 1025}|home|T1|03/16/2017|1", "customer_id is longer than 2048 bytes"),
        (f"C1|home|{'é' * 513}|03/16/2017|1", "trn_id is longer than 1024 bytes"),
        ("C1|home|T1|03/16/2017|", "trn_amount is ''; wanted a number such as 100 or 99.50"),
        ("C1|home|T1||1", "trn_date is ''; wanted a day as MM/DD/YYYY"),
        ("C1|home|T1|2017-03-16|1", "trn_date is '2017-03-16'; wanted a day as MM/DD/YYYY"),
        ("C1|home|T1|16/03/2017|1", "trn_date is '16/03/2017'; wanted a day as MM/DD/YYYY"),
        ("C1|home|T1|02/29/2017|1", "trn_date is '02/29/2017'; wanted a day as MM/DD/YYYY"),
        ("C1|home|T1|03/16/17|1", "trn_date is '03/16/17'; wanted a day as MM/DD/YYYY"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason(lab, process, rejected, row, reason):
    report = process(row)

    assert report["rejected"] == 1
    assert rejected()[1] == ["2", reason, row]
    assert tables.items(lab, "Customer") == tables.items(lab, "Transactions") == []


def test_the_longest_keys_that_dynamodb_takes_are_written(process, amounts):
    process(f"{'é' * 1024}|home|{'é' * 512}|03/16/2017|1")

    assert amounts() == {("é" * 1024, "é" * 512): 1}


def test_the_line_of_a_bad_row_is_the_one_that_an_editor_shows(process, rejected):
    process("", 'C1|"two', 'lines"|T1|03/16/2017|1', "", "bad", "C1|home|T2|03/16/2017|2", "bad again")

    assert [row[0] for row in rejected()] == ["line", "6", "8"]


def test_a_clean_upload_of_the_same_file_forgets_its_rejected_rows(process, keys):
    process("bad")
    process("bad", key="other.txt")

    process(ROW)

    assert keys() == ["other.txt", "rejected/other.txt.csv", KEY]


def test_rows_that_are_rejected_again_replace_the_earlier_ones(process, rejected):
    process("bad", "worse")

    process(ROW, "still bad")

    assert [row[2] for row in rejected()] == ["row", "still bad"]


def test_a_key_under_rejected_is_ignored(upload, keys):
    answer = call(upload("what the function itself has written", "rejected/notes.txt"))

    assert answer == {"files": []}
    assert keys() == ["rejected/notes.txt"]


@pytest.mark.parametrize(
    "body",
    [
        codecs.BOM_UTF8 + f"{HEADER}\n{ROW}\n".encode(),
        f"{HEADER}\r\n{ROW}\r\n",
        f"{HEADER}\r{ROW}\r",
        f"{HEADER}\n{ROW}",
        f"{HEADER}\n\n{ROW}\n\n   \n||||\n",
        f"{HEADER}  \n C1 |1 Smith Street  |\tT1|03/16/2017 | 100  \n",
        f'{HEADER}\n"C1"|"1 Smith Street"|"T1"|"03/16/2017"|"100"\n',
        "trn_amount|trn_id|customer_id|trn_date|customer_address\n100|T1|C1|03/16/2017|1 Smith Street\n",
        f"{HEADER}\nC1|1 Smith Street|T1|3/16/2017|100\n",
    ],
    ids=["bom", "crlf", "cr", "no-last-newline", "blank-lines", "blanks", "quoted", "other-order", "short-date"],
)
def test_what_editors_and_spreadsheets_make_of_a_file_is_read_the_same(lab, upload, body):
    answer = call(upload(body))

    assert answer["files"] == [{"key": KEY, "rows": 1, "written": 1, "rejected": 0}]
    assert tables.items(lab, "Customer") == [{"CustomerId": "C1", "Address": "1 Smith Street"}]
    transaction = {"TransactionId": "T1", "TransactionDate": "03/16/2017", "TransactionAmount": 100}
    assert tables.items(lab, "Transactions") == [{"CustomerId": "C1", **transaction}]


def test_a_quoted_field_may_hold_the_delimiter_quotes_and_a_newline(lab, process):
    process('C1|"flat 2|3, ""Rose"",\nLondon"|T1|03/16/2017|1')

    assert tables.items(lab, "Customer")[0]["Address"] == 'flat 2|3, "Rose",\nLondon'


OPEN = 'C2|"Rose Cottage|T2|03/16/2017|2'  # a quote that is never closed


@pytest.mark.parametrize(
    ("behind", "lines"),
    [
        ([], [2]),
        (["C3|home|T3|03/16/2017|3"], [2]),
        ([f"C3|{'home' * 300}|T{n}|03/16/2017|3" for n in range(120)], [2]),  # more than a field may hold
        (['C3|"home"|T3|03/16/2017|3', "C4|home|T4|03/16/2017|4"], [2]),
        ([OPEN, "C4|home|T4|03/16/2017|4", OPEN], [2, 3, 5]),
        (["C3|home|T3|03/16/2017|x", "C4|home|T4|03/16/2017|4"], [2, 3]),
    ],
    ids=["nothing", "a row", "many rows", "quotes", "more of them", "a bad row"],
)
def test_a_quote_that_is_never_closed_costs_its_own_line_and_no_other(process, amounts, rejected, behind, lines):
    report = process(OPEN, *behind, ROW)

    good = len(behind) + 2 - len(lines)
    assert (report["written"], report["rejected"]) == (good, len(lines))
    assert [int(row[0]) for row in rejected()[1:]] == lines
    assert rejected()[1] == ["2", "its quotes or its length are wrong: unexpected end of data", OPEN]
    assert ("C1", "T1") in amounts()
    assert ("C2", "T2") not in amounts()


def test_a_field_that_is_too_long_for_csv_costs_its_own_line(process, amounts, rejected):
    report = process(f"C2|{'x' * 200_000}|T2|03/16/2017|1", ROW)

    assert (report["written"], report["rejected"]) == (1, 1)
    assert rejected_reason(rejected) == "its quotes or its length are wrong: field larger than field limit (131072)"
    assert rejected()[1][2] == f"C2|{'x' * 99_997}"
    assert amounts() == {("C1", "T1"): 100}


def test_an_address_that_would_make_the_item_too_large_is_rejected(process, rejected):
    report = process(f"C2|{'李' * 100_001}|T2|03/16/2017|1", ROW)

    assert (report["written"], report["rejected"]) == (1, 1)
    assert rejected_reason(rejected) == "customer_address is longer than 300000 bytes"


def test_a_row_is_kept_as_it_stands_in_the_file(process, rejected):
    row = 'C1|"two\nlines, ""quoted"""|T1|03/16/2017|a lot'

    process(row)

    assert rejected()[1][2] == row


@pytest.mark.parametrize("key", [f"{'long' * 255}.txt", f"{'é' * 510}.txt"], ids=["ascii", "two bytes"])
def test_rows_of_the_longest_keys_are_kept_too(lab, process, key):
    report = process(ROW, "bad", key=key)

    assert report["rejected"] == 1
    assert [row["row"] for row in buckets.rejected_rows(lab, key)] == ["bad"]


def test_a_date_before_the_year_1000_keeps_its_four_digits(lab, process):
    process("C1|home|T1|01/02/0999|1")

    assert tables.items(lab, "Transactions")[0]["TransactionDate"] == "01/02/0999"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (codecs.BOM_UTF8, "it is empty"),
        (b"\n \n", "it is empty"),
        (b"hello\n" * 100, "line 1 is 'hello'"),
        (ROW.encode(), f"wanted '{HEADER}'"),
        (HEADER.replace("|", ",").encode() + b"\nC1,home,T1,03/16/2017,1\n", "line 1 is 'customer_id,"),
        (HEADER.removesuffix("|trn_amount").encode() + b"\nC1|home|T1|03/16/2017\n", "line 1 is 'customer_id|"),
        (f"{HEADER}|note\n{ROW}|x\n".encode(), "line 1 is 'customer_id|"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "it is not UTF-8 text"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "it is not UTF-8 text"),
        (f"{HEADER}\n{ROW}\nC2|\0|T2|03/16/2017|1\n".encode(), "line 3 holds a zero byte"),
    ],
    ids=["empty", "bom", "blank", "text", "no-header", "commas", "less", "more", "png", "utf-16", "zero"],
)
def test_a_file_that_is_no_transactions_file_fails_with_its_key_and_the_reason(lab, upload, keys, body, words):
    record = upload(body)

    with pytest.raises(processor.UnreadableFile) as caught:
        call(record)

    assert str(caught.value).startswith(f"{KEY}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert tables.items(lab, "Customer") == tables.items(lab, "Transactions") == []
    assert keys() == [KEY]


@pytest.mark.parametrize("wrong", [b"Z\xfcrich", b"\xe2\x82"], ids=["latin-1", "cut-off"])
def test_nothing_is_written_from_a_file_whose_end_is_not_utf_8(lab, upload, wrong):
    good = "".join(f"C1|1 Smith Street|T{n}|03/16/2017|1\n" for n in range(1000))
    record = upload(f"{HEADER}\n{good}".encode() + wrong)

    with pytest.raises(processor.UnreadableFile, match="it is not UTF-8 text"):
        call(record)

    assert tables.items(lab, "Customer") == tables.items(lab, "Transactions") == []


def test_a_file_that_is_replaced_while_it_is_read_is_not_taken_for_the_one_that_was_checked(
    lab, upload, amounts, monkeypatch
):
    record, s3 = upload(f"{HEADER}\n{ROW}\n"), processor.aws("client", "s3")
    get_object = s3.get_object

    def then_replace(**arguments):
        answer = get_object(**arguments)
        upload("something else")
        return answer

    monkeypatch.setattr(s3, "get_object", then_replace)

    with pytest.raises(ClientError, match="PreconditionFailed"):
        call(record)

    assert amounts() == {}


def test_of_two_uploads_of_one_key_the_newer_one_stays_also_when_the_older_one_ends_last(
    upload, amounts, rejected, monkeypatch
):
    older = upload(f"{HEADER}\nC1|home|T1|03/16/2017|1\nC1|home|T2|03/16/2017|old\n")
    dynamodb = processor.aws("resource", "dynamodb").meta.client
    write, done = dynamodb.batch_write_item, []

    def after_the_newer_one(**arguments):
        if not done:  # the older file was read to its end, and is about to be written
            done.append("newer")
            call(upload(f"{HEADER}\nC1|home|T1|03/16/2017|2\nC1|home|T3|03/16/2017|new\n"))
        return write(**arguments)

    monkeypatch.setattr(dynamodb, "batch_write_item", after_the_newer_one)

    call(older)

    assert amounts() == {("C1", "T1"): 2}
    assert rejected()[1][2] == "C1|home|T3|03/16/2017|new"


def test_an_upload_that_is_deleted_when_it_was_copied_is_reported_as_copied(lab, upload, amounts, monkeypatch):
    record, s3 = upload(f"{HEADER}\n{ROW}\n"), processor.aws("client", "s3")
    head_object = s3.head_object

    def after_a_deletion(**arguments):
        lab.client("s3").delete_object(Bucket=lab.bucket, Key=KEY)
        return head_object(**arguments)

    monkeypatch.setattr(s3, "head_object", after_a_deletion)

    assert call(record)["files"] == [{"key": KEY, "rows": 1, "written": 1, "rejected": 0}]
    assert amounts() == {("C1", "T1"): 100}


@pytest.mark.parametrize(
    "amount",
    ["0", "99.50", "-12.25", "+7", "007", "0.01", "9" * 38, f"-{'9' * 36}.99", f"0.{'9' * 38}", f"{'0' * 50}1"],
)
def test_an_amount_is_kept_to_the_last_digit(process, amounts, amount):
    report = process(f"C1|home|T1|03/16/2017|{amount}")

    assert report["written"] == 1
    assert amounts() == {("C1", "T1"): Decimal(amount)}


@pytest.mark.parametrize(
    "amount",
    ["1_000", "1,000", "NaN", "Infinity", "1e5", "0x10", "１００", "٣", ".5", "5.", "--1", "$5", "1 000", "²"],
)
def test_an_amount_that_is_no_plain_number_is_rejected(process, amounts, rejected, amount):
    report = process(f"C1|home|T1|03/16/2017|{amount}")

    assert report["rejected"] == 1
    assert rejected()[1][1] == f"trn_amount is {amount!r}; wanted a number such as 100 or 99.50"
    assert amounts() == {}


@pytest.mark.parametrize("amount", ["1" * 39, f"{'1' * 37}.10", f"0.{'1' * 39}"])
def test_an_amount_of_more_digits_than_dynamodb_keeps_is_rejected(process, amounts, rejected, amount):
    report = process(f"C1|home|T1|03/16/2017|{amount}")

    assert report["rejected"] == 1
    assert rejected()[1][1] == "trn_amount has more than 38 digits"
    assert amounts() == {}


@pytest.mark.parametrize("amount", [f"0.{'0' * 200}1", f"0.{'0' * 200}", f"0.{'0' * 139}1"])
def test_an_amount_smaller_than_dynamodb_knows_is_rejected_and_the_others_are_written(process, amounts, amount):
    # The smallest number that DynamoDB takes is 1E-130.
    report = process(ROW, f"C2|home|T2|03/16/2017|{amount}")

    assert (report["written"], report["rejected"]) == (1, 1)
    assert amounts() == {("C1", "T1"): 100}


@pytest.mark.parametrize("between", [0, 60])
def test_the_last_row_of_a_transaction_counts_and_the_earlier_one_is_reported(process, amounts, rejected, between):
    others = [f"C2|home|T{n}|03/16/2017|1" for n in range(between)]

    report = process("C1|home|T1|03/16/2017|1", *others, "C1|home|T1|03/16/2017|2")

    assert (report["written"], report["rejected"]) == (between + 1, 1)
    assert amounts()["C1", "T1"] == 2
    assert len(amounts()) == between + 1
    assert rejected()[1] == ["2", f"superseded by line {between + 3}", "C1|home|T1|03/16/2017|1"]


def test_of_three_rows_of_a_transaction_both_earlier_ones_name_the_last(process, rejected):
    process(*[f"C1|home|T1|03/16/2017|{amount}" for amount in (1, 2, 3)])

    assert [row[:2] for row in rejected()[1:]] == [["2", "superseded by line 4"], ["3", "superseded by line 4"]]


def test_a_bad_row_supersedes_nothing(process, amounts):
    process(ROW, "C1|1 Smith Street|T1|03/16/2017|a lot")

    assert amounts() == {("C1", "T1"): 100}


@pytest.mark.parametrize("between", [0, 60])
@pytest.mark.parametrize("addresses", [["old", "new"], ["old", "new", "old"]])
def test_the_last_address_of_a_customer_counts(lab, process, addresses, between):
    others = [f"C{n}|home|T1|03/16/2017|1" for n in range(2, between + 2)]
    rows = [f"C1|{address}|T1|03/16/2017|1" for address in addresses]

    process(*[row for each in rows for row in (each, *others)])

    assert tables.items(lab, "Customer")[0] == {"CustomerId": "C1", "Address": addresses[-1]}


def test_a_row_that_stands_twice_is_written_once(process, amounts):
    # DynamoDB refuses a batch in which an item comes twice.
    report = process(ROW, ROW)

    assert (report["written"], report["rejected"]) == (1, 1)
    assert amounts() == {("C1", "T1"): 100}


def test_the_same_file_twice_gives_the_same_tables(lab, process):
    rows = [f"C{n % 3}|home|T{n}|03/16/2017|{n}" for n in range(50)]
    process(*rows)
    before = tables.items(lab, "Customer"), tables.items(lab, "Transactions")

    process(*rows)

    assert (tables.items(lab, "Customer"), tables.items(lab, "Transactions")) == before


def test_a_thousand_rows_are_written_in_forty_batches_and_one_for_their_customers(process, amounts, dynamodb_calls):
    report = process(*[f"C{n % 20}|home|T{n}|03/16/2017|{n}" for n in range(1000)])

    assert report["written"] == 1000
    assert dynamodb_calls == ["BatchWriteItem"] * 41
    assert len(amounts()) == 1000


def test_what_dynamodb_had_no_room_for_is_sent_again(process, amounts, monkeypatch):
    dynamodb = processor.aws("resource", "dynamodb").meta.client
    write, left = dynamodb.batch_write_item, []

    def half(RequestItems):  # boto3 names it so
        (table, requests) = next(iter(RequestItems.items()))
        kept = requests[len(requests) // 2 :] if not left else []
        left.extend(kept)
        write(RequestItems={table: requests[: len(requests) - len(kept)]})
        return {"UnprocessedItems": {table: kept} if kept else {}}

    monkeypatch.setattr(dynamodb, "batch_write_item", half)

    process(*[f"C1|home|T{n}|03/16/2017|1" for n in range(40)])

    assert len(left) > 10
    assert len(amounts()) == 40


def test_an_error_of_dynamodb_goes_up_so_that_lambda_tries_again(process, keys, monkeypatch):
    dynamodb = processor.aws("resource", "dynamodb").meta.client

    def throttled(**_):
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "BatchWriteItem")

    monkeypatch.setattr(dynamodb, "batch_write_item", throttled)

    with pytest.raises(ClientError, match="slow down"):
        process(ROW, "bad")

    assert keys() == [KEY]


def test_a_refusal_to_read_the_object_is_never_a_gone_object(upload, monkeypatch):
    def refuse(**_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")

    record = upload(f"{HEADER}\n{ROW}\n")
    monkeypatch.setattr(processor.aws("client", "s3"), "get_object", refuse)

    with pytest.raises(ClientError, match="AccessDenied"):
        call(record)
