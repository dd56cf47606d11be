"""The rules of a transactions file: lines in, rows and rejected lines out. Calls no AWS service.

A line is a row, whatever stands in the lines around it. The header decides whether this is a
transactions file at all. A wrong line below it is rejected alone, for the first fault:
of the line as a whole, then of its fields in the order of COLUMNS.
"""

import csv
import hashlib
import io
import re
from datetime import date
from decimal import Decimal

COLUMNS = ["customer_id", "customer_address", "trn_id", "trn_date", "trn_amount"]
REJECTED = "rejected/"  # where the rejected lines of all uploads are kept
MOST_KEPT = 10_000  # of the rejected lines of a file; all are counted, and the upload has all
# Bytes. DynamoDB has limits for keys; an item holds 400 KB, a field of the csv module 131,072.
LONGEST = {"customer_id": 2048, "customer_address": 100_000, "trn_id": 1024}
LONGEST_LINE = 130_000  # characters
MOST_ROWS = 450_000  # that a call writes before Lambda ends it: 500 a second, for 900 seconds
DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
AMOUNT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class Unreadable(Exception):
    """The line is not a transaction. If it is the header, the file is not a transactions file."""

    def __init__(self, code, reason, **values):
        super().__init__(reason)
        self.code, self.values = code, values  # for programs: to compare, to translate


def read_lines(stream):
    """Yield (number, row, fault, text) of each line that is not blank; row or fault is None."""
    lines = enumerate(text_lines(stream), 1)
    columns = read_header(next(lines, (1, ""))[1])
    for number, text in lines:
        try:
            if row := read_line(text, columns):
                yield number, row, None, text
        except Unreadable as fault:
            yield number, None, fault, text


def check_rows(stream):
    """Raise Unreadable if there are more rows than a call can write."""
    rows = sum(1 for text in text_lines(stream) if text.strip('| "\t')) - 1  # below the header
    if rows > MOST_ROWS:
        how = "split it, with all rows of a customer in one part"
        raise Unreadable("rows", f"it has {rows:,} rows, and a call writes {MOST_ROWS:,}: {how}")


def text_lines(stream):
    """Yield the lines; of a huge one the beginning. A wrong byte becomes a lone surrogate."""
    with io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape") as text:
        while line := text.readline(LONGEST_LINE + 1):
            yield line.removesuffix("\n")
            while len(line) > LONGEST_LINE and not line.endswith("\n"):
                line = text.readline(LONGEST_LINE + 1)


def read_header(text):
    """Return the columns in the order of the file."""
    columns = split(text)
    if sorted(columns) != sorted(COLUMNS):
        found = text[:80]
        wanted = "|".join(COLUMNS)
        raise Unreadable(
            "header", f"line 1 is {found!r}; wanted {wanted!r}", found=found, wanted=wanted
        )
    return columns


def read_line(text, columns):
    """Return the line as the tables hold it, None if it is blank."""
    fields = split(text)
    if not any(fields):
        return None
    if len(fields) != len(columns):
        raise Unreadable("fields-count", f"{len(fields)} fields; wanted 5", found=len(fields))
    named = dict(zip(columns, fields))
    for column, most in LONGEST.items():
        if not named[column] and column != "customer_address":
            raise Unreadable("id-empty", f"{column} is empty", column=column)
        if len(named[column].encode()) > most:
            reason = f"{column} is longer than {most} bytes"
            raise Unreadable("field-too-long", reason, column=column, most=most)
    return {
        "CustomerId": named["customer_id"],
        "Address": named["customer_address"],
        "TransactionId": named["trn_id"],
        "TransactionDate": read_day(named["trn_date"]),
        "TransactionAmount": read_amount(named["trn_amount"]),
    }


def split(text):
    """Return the fields of one line, without the blanks around them."""
    if len(text) > LONGEST_LINE:
        raise Unreadable("line-too-long", f"it is longer than {LONGEST_LINE} characters")
    if re.search("[\0\ud800-\udfff]", text):  # a zero byte, as UTF-16 has them, or a wrong byte
        raise Unreadable("not-utf8", "it is not UTF-8 text")
    try:
        fields = next(csv.reader([text], delimiter="|", strict=True), [])
    except csv.Error as error:
        raise Unreadable("quotes", f"its quotes are wrong: {error}", error=str(error)) from None
    return [field.strip() for field in fields]


def read_day(text):
    parts = DATE.fullmatch(text)
    try:
        month, day, year = map(int, parts.groups() if parts else ())
        date(year, month, day)
    except ValueError:  # another form, or a day such as 30 February
        reason = f"trn_date is {text[:40]!r}; wanted a day as MM/DD/YYYY, in the digits 0-9"
        raise Unreadable("date-not-day", reason, found=text[:40]) from None
    return f"{month:02}/{day:02}/{year:04}"


def read_amount(text):
    if not AMOUNT.fullmatch(text):
        reason = f"trn_amount is {text[:40]!r}; wanted a number such as 99.50, in the digits 0-9"
        raise Unreadable("amount-not-number", reason, found=text[:40])
    if sum(map(str.isdigit, text)) > 38:  # DynamoDB's limit
        raise Unreadable("amount-too-long", "trn_amount has more than 38 digits")
    return Decimal(text)


def rejected_key(key):
    """Return where the rejected lines of an upload are kept; S3 takes keys of up to 1024 bytes."""
    kept = f"{REJECTED}{key}.csv"
    digest = hashlib.sha256(key.encode()).hexdigest()
    return kept if len(kept.encode()) <= 1024 else f"{REJECTED}{digest}.csv"
