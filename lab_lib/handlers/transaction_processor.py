"""TransactionProcessor: copies the rows of an uploaded file into Customer and Transactions.

A row that cannot be read is kept, with its line and the reason, under rejected/ in the bucket.
A file that cannot be read at all is an error: Lambda tries it twice more, then the event goes
to the dead-letter queue.
"""

import csv
import functools
import hashlib
import io
import json
import os
import re
from datetime import datetime
from decimal import Decimal
from urllib.parse import unquote_plus

import boto3
from boto3.dynamodb.types import DYNAMODB_CONTEXT
from botocore.exceptions import ClientError

COLUMNS = ["customer_id", "customer_address", "trn_id", "trn_date", "trn_amount"]
REJECTED = "rejected/"
# Bytes: DynamoDB's limits for a key, and what leaves room for the rest in an item of 400 KB.
LONGEST = {"customer_id": 2048, "trn_id": 1024, "customer_address": 300_000}
MOST_KEPT = 100_000  # characters of a rejected row; the whole of it is in the upload
AMOUNT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
# Made once, kept while Lambda stays warm.
aws = functools.cache(lambda kind, service: getattr(boto3, kind)(service))


class UnreadableFile(Exception):
    """The object is no transactions file."""


def lambda_handler(event, context):
    """Process every object that the event names; an event can name several."""
    reports = []
    for record in event.get("Records", []):
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        if not key.startswith(REJECTED):  # what this function writes must not start it again
            reports.append(process(bucket, key))
            print(json.dumps(reports[-1]))
    return {"files": reports}


def process(bucket, key):
    """Copy one object into the tables, and once more if it was replaced meanwhile.

    Two uploads of one key can be under way at once. The one that ends last may be the older
    one; so whoever ends makes sure that the newest rows are in the tables.
    """
    report, etag = copy(bucket, key)
    while newest(bucket, key) not in (etag, None):
        report, etag = copy(bucket, key)
    return report


def copy(bucket, key):
    """How many rows there were, were written, were rejected; and the ETag of what was copied."""
    try:
        text, etag = open_text(bucket, key)
        last = last_lines(text)
        text, _ = open_text(bucket, key, IfMatch=etag)
        good, bad = write_rows(current_rows(text, last))
    except UnreadableFile as error:
        raise UnreadableFile(f"{key}: {error}") from None
    except aws("client", "s3").exceptions.NoSuchKey:
        return {"key": key, "gone": True}, None
    keep_rejected(bucket, key, bad)
    counts = {"rows": good + len(bad), "written": good, "rejected": len(bad)}
    return {"key": key, **counts}, etag


def newest(bucket, key):
    """The ETag of the object as it is now; None if it is gone."""
    try:
        return aws("client", "s3").head_object(Bucket=bucket, Key=key)["ETag"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return None
        raise


def open_text(bucket, key, **conditions):
    """The object as a stream of text, and its ETag."""
    answer = aws("client", "s3").get_object(Bucket=bucket, Key=key, **conditions)
    return decoded(io.BufferedReader(answer["Body"])), answer["ETag"]


def decoded(stream):
    """Bytes as text; the byte order mark that a spreadsheet puts first is passed over."""
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


def last_lines(text):
    """{(customer, transaction): the last line that has it}.

    It reads to the end before anything is written, so that no file is taken in by half.
    """
    try:
        return {key_of(row): line for line, row, _, _ in read_rows(text) if row}
    except UnicodeDecodeError:
        raise UnreadableFile("it is not UTF-8 text") from None


def current_rows(text, last):
    """The rows, of which only the last one counts where a transaction comes more than once."""
    for line, row, reason, raw in read_rows(text):
        if row and last[key_of(row)] != line:
            row, reason = None, f"superseded by line {last[key_of(row)]}"
        yield line, row, reason, raw


def key_of(row):
    return row["CustomerId"], row["TransactionId"]


def read_rows(text):
    """Each row as (line, transaction, None, text), or (line, None, reason, text) if it is bad."""
    rows = records(text)
    columns = columns_of(*next(rows, (1, [], "")))
    for line, fields, raw in rows:
        if isinstance(fields, csv.Error):
            yield line, None, f"its quotes or its length are wrong: {fields}", raw
            continue
        values = [field.strip() for field in fields]
        if not any(values):
            continue
        row = dict(zip(columns, values))
        counted = len(values) == len(columns)
        reason = fault(row) if counted else f"{len(values)} fields; wanted {len(columns)}"
        yield line, None if reason else transaction(row), reason, raw


def records(text):
    """Each record as (line, fields, text).

    A quote that is never closed swallows the lines behind it. So a record of several lines
    that does not come out right is taken apart again, and each line stands for itself.
    """
    line, taken = 1, []
    for fields in split(noted(text, taken)):
        whole = len(taken) == 1 or (isinstance(fields, list) and len(fields) == len(COLUMNS))
        parts = [(taken, fields)] if whole else [([each], next(split([each]))) for each in taken]
        for lines, alone in parts:
            yield line, alone, "".join(lines).rstrip("\r\n")
            line += len(lines)
        taken.clear()


def noted(lines, taken):
    """The lines, each of which is added to `taken` when it is read."""
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise UnreadableFile(f"line {number} holds a zero byte; this is no text file")
        taken.append(line)
        yield line


def split(lines):
    """The fields of each record; the error, for one that is no CSV."""
    reader = csv.reader(lines, delimiter="|", strict=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield error


def columns_of(line, fields, raw):
    """The columns, in the file's order, by its header."""
    columns = [] if isinstance(fields, csv.Error) else [name.strip() for name in fields]
    if not raw.strip("| \t"):
        raise UnreadableFile("it is empty, or begins with an empty line")
    if sorted(columns) != sorted(COLUMNS):
        raise UnreadableFile(f"line {line} is {raw[:80]!r}; wanted {'|'.join(COLUMNS)!r}")
    return columns


def fault(row):
    """What is wrong with the row, or None."""
    amount = row["trn_amount"]
    for name, longest in LONGEST.items():
        if not row[name] and name != "customer_address":
            return f"{name} is empty"
        if len(row[name].encode()) > longest:
            return f"{name} is longer than {longest} bytes"
    if not AMOUNT.fullmatch(amount):
        return f"trn_amount is {amount[:40]!r}; wanted a number such as 100 or 99.50"
    try:
        number = DYNAMODB_CONTEXT.create_decimal(amount)
    except ArithmeticError:
        return "trn_amount has more than 38 digits"
    if number and number.adjusted() < -130:
        return "trn_amount is too small for DynamoDB"
    try:
        datetime.strptime(row["trn_date"], "%m/%d/%Y")
    except ValueError:
        return f"trn_date is {row['trn_date'][:40]!r}; wanted a day as MM/DD/YYYY"
    return None


def transaction(row):
    """The row as the tables hold it."""
    day = datetime.strptime(row["trn_date"], "%m/%d/%Y")
    return {
        "CustomerId": row["customer_id"],
        "Address": row["customer_address"],
        "TransactionId": row["trn_id"],
        "TransactionDate": f"{day:%m/%d}/{day.year:04}",
        "TransactionAmount": Decimal(row["trn_amount"]),
    }


def write_rows(rows):
    """Write the good rows in batches of 25, in order; how many they were, and the bad ones."""
    dynamodb = aws("resource", "dynamodb")
    customers = dynamodb.Table(os.environ["CUSTOMER_TABLE"])
    transactions = dynamodb.Table(os.environ["TRANSACTIONS_TABLE"])
    good, bad, addresses = 0, [], {}
    # The batch writer sends again what DynamoDB had no room for.
    with (
        customers.batch_writer(overwrite_by_pkeys=["CustomerId"]) as put_customer,
        transactions.batch_writer() as put_transaction,
    ):
        for line, row, reason, raw in rows:
            if reason:
                bad.append((line, reason, raw[:MOST_KEPT]))
                continue
            good, customer, address = good + 1, row["CustomerId"], row.pop("Address")
            if addresses.get(customer) != address:
                addresses[customer] = address
                put_customer.put_item(Item={"CustomerId": customer, "Address": address})
            put_transaction.put_item(Item=row)
    return good, bad


def keep_rejected(bucket, key, bad):
    """Keep the rows that could not be read; forget those of an earlier upload of the file."""
    s3, kept = aws("client", "s3"), rejected_key(key)
    if not bad:
        s3.delete_object(Bucket=bucket, Key=kept)
        return
    table = io.StringIO()
    csv.writer(table).writerows([("line", "reason", "row"), *bad])
    kind, body = "text/csv; charset=utf-8", table.getvalue().encode()
    s3.put_object(Bucket=bucket, Key=kept, Body=body, ContentType=kind)


def rejected_key(key):
    """Where the rejected rows of an upload are kept; S3 takes no key of more than 1024 bytes."""
    kept = f"{REJECTED}{key}.csv"
    digest = hashlib.sha256(key.encode()).hexdigest()
    return kept if len(kept.encode()) <= 1024 else f"{REJECTED}{digest}.csv"
