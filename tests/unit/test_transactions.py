from decimal import Decimal
from pathlib import Path

import pytest

from lab_lib import transactions
from lab_lib.errors import NotATransactionsFile, UsageError

SAMPLE = Path(__file__).parents[2] / "data" / "transactions.txt"
HEADER = "customer_id|customer_address|trn_id|trn_date|trn_amount"
ROW = "C1|1 Smith Street, London|T01|03/16/2017|100"


@pytest.fixture
def read(tmp_path):
    """Read a file of these lines, or of these bytes as they are."""

    def read(*lines):
        content = lines[0] if isinstance(lines[0], bytes) else "\n".join([*lines, ""]).encode()
        (tmp_path / "my.txt").write_bytes(content)
        return transactions.read(tmp_path / "my.txt")

    return read


@pytest.fixture
def totals(read):
    return lambda *lines: transactions.totals(read(*lines).amounts())


def test_the_sample_has_24_rows_and_the_handouts_totals():
    sample = transactions.read(SAMPLE)

    assert (sample.key, len(sample.rows), sample.rejected) == ("transactions.txt", 24, [])
    assert transactions.totals(sample.amounts()) == {"C1": Decimal(598), "C2": Decimal(1750)}


def test_a_row_becomes_a_transaction(read):
    assert read(HEADER, ROW).rows == [
        {
            "CustomerId": "C1",
            "Address": "1 Smith Street, London",
            "TransactionId": "T01",
            "TransactionDate": "03/16/2017",
            "TransactionAmount": Decimal(100),
        }
    ]


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{HEADER}\n{ROW}\n",
        f"{HEADER}\r\n{ROW}\r\n",
        f"{HEADER}\r{ROW}\r",
        f"{HEADER}\n{ROW}",
        f"{HEADER}\n\n  \n{ROW}\n\n",
        f"{HEADER}\n||||\n{ROW}\n",
        f"{HEADER.replace('|', ' | ')}\nC1 | 1 Smith Street, London|T01|03/16/2017| 100 \n",
        "trn_amount|trn_id|customer_id|trn_date|customer_address\n100|T01|C1|03/16/2017|1 Smith Street, London\n",
        f'{HEADER}\nC1|"1 Smith Street, London"|T01|03/16/2017|100\n',
        f"{HEADER}\nC1|1 Smith Street, London|T01|3/16/2017|+100\n",
    ],
    ids=[
        "byte order mark",
        "CRLF",
        "CR",
        "no last line end",
        "blank lines",
        "empty fields",
        "blanks",
        "columns",
        "quotes",
        "short day and plus sign",
    ],
)
def test_the_same_row_is_read_however_it_is_written(read, content):
    file = read(content.encode())

    assert file.rows == read(HEADER, ROW).rows
    assert file.rejected == []


def test_names_of_any_script_are_read(read):
    (row,) = read(HEADER, "Zoë 李|Łódź|T–1|03/16/2017|1").rows

    assert (row["CustomerId"], row["Address"], row["TransactionId"]) == ("Zoë 李", "Łódź", "T–1")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("C1|a|T1|03/16/2017", "4 fields; wanted 5"),
        ("C1|a|T1|03/16/2017|1|x", "6 fields; wanted 5"),
        ("|a|T1|03/16/2017|1", "customer_id is empty"),
        ("C1|a| |03/16/2017|1", "trn_id is empty"),
        ("C1|a|T1|03/16/2017|", "trn_amount is ''"),
        ("C1|a|T1|03/16/2017|ten", "trn_amount is 'ten'"),
        ("C1|a|T1|03/16/2017|1,000", "trn_amount is '1,000'"),
        ("C1|a|T1|03/16/2017|1_000", "trn_amount is '1_000'"),
        ("C1|a|T1|03/16/2017|1e3", "trn_amount is '1e3'"),
        ("C1|a|T1|03/16/2017|NaN", "trn_amount is 'NaN'"),
        ("C1|a|T1|03/16/2017|-Infinity", "trn_amount is '-Infinity'"),
        ("C1|a|T1|03/16/2017|١٠٠", "trn_amount is '١٠٠'"),
        ("C1|a|T1|03/16/2017|$5", "trn_amount is '$5'"),
        (f"C1|a|T1|03/16/2017|{'9' * 39}", "trn_amount has more than 38 digits"),
        ("C1|a|T1|16/03/2017|1", "trn_date is '16/03/2017'"),
        ("C1|a|T1|02/29/2017|1", "trn_date is '02/29/2017'"),
        ("C1|a|T1|2017-03-16|1", "trn_date is '2017-03-16'"),
        ("C1|a|T1||1", "trn_date is ''"),
        (f"{'é' * 1025}|a|T1|03/16/2017|1", "customer_id is longer than 2048 bytes"),
        (f"C1|a|{'T' * 1025}|03/16/2017|1", "trn_id is longer than 1024 bytes"),
    ],
    ids=lambda value: value[:40],
)
def test_a_bad_row_is_rejected_with_its_line_and_reason_and_the_others_are_read(read, row, reason):
    file = read(HEADER, ROW, row, ROW.replace("T01", "T02"))

    (rejected,) = file.rejected
    assert rejected["line"] == 3
    assert rejected["reason"].startswith(reason)
    assert [each["TransactionId"] for each in file.rows] == ["T01", "T02"]


@pytest.mark.parametrize("amount", ["0." + "0" * 170 + "1", "0." + "0" * 140 + "1", "0." + "0" * 170])
def test_an_amount_that_is_too_small_for_dynamodb_is_rejected(read, amount):
    # DynamoDB's numbers go down to 1E-130.
    file = read(HEADER, f"C1|a|T1|03/16/2017|{amount}")

    assert [each["line"] for each in file.rejected] == [2]


@pytest.mark.parametrize("amount", ["-5", "0", "0.01", "-0.50", "007", "9" * 38])
def test_any_other_amount_is_read(read, amount):
    (row,) = read(HEADER, f"C1|a|T1|03/16/2017|{amount}").rows

    assert row["TransactionAmount"] == Decimal(amount)


def test_the_line_of_a_rejected_row_counts_blank_lines_and_lines_inside_quotes(read):
    file = read(HEADER, "", 'C1|"two', 'lines"|T1|03/16/2017|1', "C1|a|T2|03/16/2017|x")

    assert [each["line"] for each in file.rejected] == [5]
    assert file.rows[0]["Address"] == "two\nlines"


def test_parse_reads_the_bytes_of_an_object_and_keeps_its_whole_key():
    file = transactions.parse("year/my.txt", f"{HEADER}\n{ROW}\nC1|a|T2|03/16/2017|x\n".encode())

    assert file.key == "year/my.txt"
    assert [row["TransactionId"] for row in file.rows] == ["T01"]
    assert [(each["line"], each["reason"][:15]) for each in file.rejected] == [(3, "trn_amount is '")]


def test_parse_and_read_agree():
    content = SAMPLE.read_bytes()

    assert transactions.parse(SAMPLE.name, content) == transactions.read(SAMPLE)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", f"{HEADER}\n\0".encode()])
def test_parse_names_the_object_that_is_no_transactions_file(content):
    with pytest.raises(NotATransactionsFile, match=r"^year/my\.txt is no transactions file: ") as caught:
        transactions.parse("year/my.txt", content)

    assert "\n" not in str(caught.value)


def test_parse_of_a_header_alone_has_no_rows():
    assert transactions.parse("a.txt", HEADER.encode()) == transactions.TransactionsFile("a.txt", [], [])


def test_the_last_row_of_a_transaction_counts(totals):
    assert totals(HEADER, ROW, ROW.replace("100", "7")) == {"C1": Decimal(7)}


def test_the_same_transaction_number_of_another_customer_is_another_transaction(totals):
    assert totals(HEADER, ROW, ROW.replace("C1", "C2")) == {"C1": Decimal(100), "C2": Decimal(100)}


def test_totals_lose_no_digit(totals):
    rows = [f"C1|a|T1|03/16/2017|{'9' * 35}", "C1|a|T2|03/16/2017|0.01"]

    assert totals(HEADER, *rows) == {"C1": Decimal("9" * 35 + ".01")}


def test_a_transaction_that_comes_again_is_read_from_its_last_row_and_the_earlier_one_is_rejected(read):
    file = read(HEADER, ROW, "C1|1 Smith Street, London|T01|03/16/2017|7")

    assert file.amounts() == {("C1", "T01"): 7}
    assert len(file.rows) == 1
    assert file.rejected == [{"line": 2, "reason": "superseded by line 3"}]


def test_a_quote_that_is_never_closed_costs_its_own_line(read):
    file = read(HEADER, 'C1|"a|T1|03/16/2017|1', ROW)

    assert [each["line"] for each in file.rejected] == [2]
    assert [row["TransactionId"] for row in file.rows] == ["T01"]


def test_totals_have_every_digit_also_where_dynamodb_would_refuse_them(totals):
    sums = totals(HEADER, f"C1|a|T1|03/16/2017|1{'0' * 37}", f"C1|a|T2|03/16/2017|0.{'0' * 99}1")

    assert sums == {"C1": Decimal(f"1{'0' * 37}.{'0' * 99}1")}


def test_totals_of_nothing_are_nothing(totals):
    assert totals(HEADER) == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"customer_id|trn_id\nC1|T1\n", "line 1 is 'customer_id|trn_id'; wanted"),
        (b"a,b,c,d,e\n1,2,3,4,5\n", "line 1 is"),
        (HEADER.replace("trn_id", "customer_id").encode(), "line 1 is"),
        (f"{HEADER}|more\n".encode(), "line 1 is"),
        (ROW.encode(), "line 1 is"),
        (f"{HEADER}\n{ROW}\n".encode() + b"C1|Caf\xe9|T2|03/16/2017|1\n", "it is not UTF-8 text"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "it is not UTF-8 text"),
        (f"{HEADER}\n{ROW}\n\0\0\n".encode(), "zero byte"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is no transactions file"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_a_file_that_cannot_be_read_at_all_is_refused_in_one_line(read, content, reason):
    with pytest.raises(NotATransactionsFile) as caught:
        read(content)

    assert reason in str(caught.value)
    assert "my.txt is no transactions file" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_whose_last_row_is_not_utf8_is_refused_however_long_it_is(read):
    rows = "".join(f"C1|a|T{number}|03/16/2017|1\n" for number in range(20_000))

    with pytest.raises(NotATransactionsFile):
        read(f"{HEADER}\n{rows}".encode() + b"\xff")


def test_a_missing_file_is_a_wrong_request(tmp_path):
    with pytest.raises(UsageError, match=r"Cannot read .*nowhere\.txt: No such file") as caught:
        transactions.read(tmp_path / "nowhere.txt")

    assert not isinstance(caught.value, NotATransactionsFile)


def test_a_folder_is_a_wrong_request(tmp_path):
    with pytest.raises(UsageError, match="Is a directory"):
        transactions.read(tmp_path)


def test_what_was_written_is_read_again(tmp_path):
    rows = [
        {
            "CustomerId": "Zoë 李",
            "Address": 'a | b, "c"\nd',
            "TransactionId": "T1",
            "TransactionDate": "03/16/2017",
            "TransactionAmount": Decimal("-0.10"),
        },
        *transactions.make_up(rows=50, customers=3),
    ]

    transactions.write(tmp_path / "a.txt", rows)

    again = transactions.read(tmp_path / "a.txt")
    assert (again.rows, again.rejected) == (rows, [])


def test_the_sample_written_again_is_the_sample(tmp_path):
    transactions.write(tmp_path / "a.txt", transactions.read(SAMPLE).rows)

    assert (tmp_path / "a.txt").read_bytes() == SAMPLE.read_bytes()


def test_what_was_written_with_an_exponent_is_read_again(tmp_path):
    row = {**transactions.read(SAMPLE).rows[0], "TransactionAmount": Decimal("1E+3")}

    transactions.write(tmp_path / "a.txt", [row])

    assert transactions.read(tmp_path / "a.txt").rows == [row]


def test_make_up_gives_the_same_transactions_for_the_same_seed():
    assert list(transactions.make_up(100, 5, seed=1)) == list(transactions.make_up(100, 5, seed=1))
    assert list(transactions.make_up(100, 5, seed=1)) != list(transactions.make_up(100, 5, seed=2))


def test_make_up_keeps_to_its_numbers():
    rows = list(transactions.make_up(2000, 5))

    assert len({row["TransactionId"] for row in rows}) == len(rows) == 2000
    assert {row["CustomerId"] for row in rows} == {"C1", "C2", "C3", "C4", "C5"}
    assert all(1 <= row["TransactionAmount"] <= 40 for row in rows)
