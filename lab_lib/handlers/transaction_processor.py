"""TransactionProcessor: copies the rows of an uploaded file into Customer and Transactions.

A row that cannot be read is kept, with its line and the reason, under rejected/ in the bucket.
A file that cannot be read at all is an error: Lambda tries it twice more, then the event goes
to the dead-letter queue.
"""

import csv
import functools
import io
import json
import os
import re
from datetime import datetime
from decimal import Decimal
from urllib.parse import unquote_plus

import boto3
from boto3.dynamodb.types import DYNAMODB_CONTEXT

COLUMNS = ["customer_id", "customer_address", "trn_id", "trn_date", "trn_amount"]
REJECTED = "rejected/"
AMOUNT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
aws = functools.cache(
    lambda kind, service: getattr(boto3, kind)(service)
)  # made once, kept while Lambda stays warm


class UnreadableFile(Exception):
    """The object is no transactions file."""


def lambda_handler(event, context):
    """Process every object that the event names; an event can name several."""
    reports = []
    for record in event.get("Records", []):
        bucket, key = (
            record["s3"]["bucket"]["name"],
            unquote_plus(record["s3"]["object"]["key"]),
        )
        if not key.startswith(REJECTED):  # what this function writes must not start it again
            reports.append(process(bucket, key))
            print(json.dumps(reports[-1]))
    return {"files": reports}


def process(bucket, key):
    """Copy one object into the tables; how many rows there were, were written, were rejected."""
    try:
        text, etag = open_text(bucket, key)
        check_text(text)
        text, _ = open_text(bucket, key, IfMatch=etag)
        good, bad = write_rows(read_rows(text))
    except UnreadableFile as error:
        raise UnreadableFile(f"{key}: {error}") from None
    except aws("client", "s3").exceptions.NoSuchKey:
        return {"key": key, "gone": True}
    keep_rejected(bucket, key, bad)
    return {"key": key, "rows": good + len(bad), "written": good, "rejected": len(bad)}


def open_text(bucket, key, **conditions):
    """The object as a stream of text, and its ETag."""
    answer = aws("client", "s3").get_object(Bucket=bucket, Key=key, **conditions)
    return decoded(io.BufferedReader(answer["Body"])), answer["ETag"]


def decoded(stream):
    """Bytes as text; the byte order mark that a spreadsheet puts first is passed over."""
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


def check_text(text):
    """Read to the end before anything is written, so that no file is taken in by half."""
    try:
        lines = csv.reader(text, delimiter="|")
        check_header(next(lines, []))
        for fields in lines:
            if any("\0" in field for field in fields):
                raise UnreadableFile(
                    f"line {lines.line_num} holds a zero byte; this is no text file"
                )
    except UnicodeDecodeError:
        raise UnreadableFile("it is not UTF-8 text") from None
    except csv.Error as error:
        raise UnreadableFile(f"line {lines.line_num}: {error}") from None


def check_header(header):
    """The columns, in the file's order."""
    columns = [name.strip() for name in header]
    if not any(columns):
        raise UnreadableFile("it is empty, or begins with an empty line")
    if sorted(columns) != sorted(COLUMNS):
        raise UnreadableFile(f"line 1 is {'|'.join(header)[:80]!r}; wanted {'|'.join(COLUMNS)!r}")
    return columns


def read_rows(text):
    """Each row as (line, transaction, None), or (line, fields, reason) if it cannot be read."""
    lines = csv.reader(text, delimiter="|")
    columns, before = check_header(next(lines, [])), lines.line_num
    for fields in lines:
        line, before = before + 1, lines.line_num
        values = [field.strip() for field in fields]
        if not any(values):
            continue
        row = dict(zip(columns, values))
        reason = (
            f"{len(values)} fields; wanted {len(columns)}"
            if len(values) != len(columns)
            else fault(row)
        )
        yield (line, fields, reason) if reason else (line, transaction(row), None)


def fault(row):
    """What is wrong with the row, or None."""
    amount = row["trn_amount"]
    for name, longest in (
        ("customer_id", 2048),
        ("trn_id", 1024),
    ):  # bytes; DynamoDB's limits for a key
        if not row[name]:
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
        transactions.batch_writer(
            overwrite_by_pkeys=["CustomerId", "TransactionId"]
        ) as put_transaction,
    ):
        for line, row, reason in rows:
            if reason:
                bad.append((line, reason, "|".join(row)))
                continue
            good, customer, address = good + 1, row["CustomerId"], row.pop("Address")
            if addresses.get(customer) != address:
                addresses[customer] = address
                put_customer.put_item(Item={"CustomerId": customer, "Address": address})
            put_transaction.put_item(Item=row)
    return good, bad


def keep_rejected(bucket, key, bad):
    """Keep the rows that could not be read; forget those of an earlier upload of the file."""
    s3, kept = aws("client", "s3"), f"{REJECTED}{key}.csv"
    if not bad:
        s3.delete_object(Bucket=bucket, Key=kept)
        return
    table = io.StringIO()
    csv.writer(table).writerows([("line", "reason", "row"), *bad])
    s3.put_object(
        Bucket=bucket,
        Key=kept,
        Body=table.getvalue().encode(),
        ContentType="text/csv; charset=utf-8",
    )
