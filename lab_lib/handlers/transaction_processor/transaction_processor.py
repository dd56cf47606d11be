"""TransactionProcessor: copies the rows of an uploaded file into Customer and Transactions.

What is no transactions file is an error, tried twice more, and goes to the dead-letter queue.
"""

import csv
import functools
import io
import json
import os
import time
from urllib.parse import unquote_plus

import boto3
from botocore.exceptions import ClientError
from transactions_file import MOST_KEPT, REJECTED, Unreadable, check_rows, read_lines, rejected_key

SMALL = 7_200_000  # bytes; a row has 16, at least, so this has no 450,000 rows
MOST_SHOWN = 1_000  # characters of a rejected line
MOST_REMEMBERED = 50_000  # customers whose address was written already
MARKER_LIFE = 90 * 24 * 3600  # seconds
# Made once, kept while Lambda stays warm.
aws = functools.cache(lambda kind, service: getattr(boto3, kind)(service))


def lambda_handler(event, context):
    """Take in every object that the event names; an event can name several."""
    reports = []
    for record in event.get("Records", []):
        bucket = record["s3"]["bucket"]["name"]
        upload = record["s3"]["object"]
        key = unquote_plus(upload["key"])
        sequencer = upload.get("sequencer")
        report, etag = take_in(bucket, key, sequencer)
        source = {"etag": etag, "sequencer": sequencer, "time": record.get("eventTime")}
        print(json.dumps(report | source))
        reports.append(report)
    return {"files": reports}


def take_in(bucket, key, sequencer):
    """Take in an upload, once. Return the counts of its rows, and its ETag."""
    if key.startswith(REJECTED):  # what this function writes must not start it again
        return {"key": key, "skipped": f"{REJECTED} is only for rejected lines"}, None
    marker = {"EventId": f"{bucket}/{key} {sequencer}"}
    markers = aws("resource", "dynamodb").Table(os.environ["MARKER_TABLE"])
    # S3 may send an event again, with the same sequencer, also after a newer file corrected it.
    if sequencer and "Item" in markers.get_item(Key=marker, ConsistentRead=True):
        return {"key": key, "skipped": "this upload was taken in before"}, None
    report, etag = copy(bucket, key)
    while newest(bucket, key) not in (etag, None):  # it was replaced meanwhile
        report, etag = copy(bucket, key)
    if sequencer:
        markers.put_item(Item={**marker, "ExpiresAt": int(time.time()) + MARKER_LIFE})
    return report, etag


def copy(bucket, key):
    """Copy one object into the tables. Return the counts of its rows, and its ETag."""
    get_object = functools.partial(aws("client", "s3").get_object, Bucket=bucket, Key=key)
    try:
        answer = get_object()
        if answer["ContentLength"] > SMALL:
            check_rows(io.BufferedReader(answer["Body"]))
            answer = get_object()  # once more, from the beginning
        written, rejected, kept = write_rows(read_lines(io.BufferedReader(answer["Body"])))
    except Unreadable as fault:
        raise Unreadable(fault.code, f"{key}: {fault}", key=key, **fault.values) from None
    except aws("client", "s3").exceptions.NoSuchKey:
        return {"key": key, "gone": True}, None
    keep_rejected(bucket, key, kept)
    report = {"key": key, "rows": written + rejected, "written": written, "rejected": rejected}
    return report, answer["ETag"]


def newest(bucket, key):
    """Return the ETag that the object has now, None if it is gone."""
    try:
        return aws("client", "s3").head_object(Bucket=bucket, Key=key)["ETag"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return None
        raise


def write_rows(lines):
    """Write the rows in order. Return how many, how many lines were rejected, and some of these."""
    dynamodb = aws("resource", "dynamodb")
    customers = dynamodb.Table(os.environ["CUSTOMER_TABLE"])
    transactions = dynamodb.Table(os.environ["TRANSACTIONS_TABLE"])
    written = 0
    rejected = 0
    kept = []
    addresses = {}
    # A batch writer sends 25 items a call, and again those that DynamoDB had no room for.
    with (
        customers.batch_writer(["CustomerId"]) as put_customer,
        transactions.batch_writer(["CustomerId", "TransactionId"]) as put_transaction,
    ):
        for number, row, fault, text in lines:
            if fault:
                rejected += 1
                if rejected <= MOST_KEPT:
                    values = json.dumps(fault.values)
                    kept.append((number, str(fault), text[:MOST_SHOWN], fault.code, values))
                continue
            written += 1
            customer = row["CustomerId"]
            address = row.pop("Address")
            if addresses.get(customer) != address:
                if len(addresses) >= MOST_REMEMBERED:  # memory must not grow with the file
                    addresses.clear()
                addresses[customer] = address
                put_customer.put_item(Item={"CustomerId": customer, "Address": address})
            put_transaction.put_item(Item=row)
    return written, rejected, kept


def keep_rejected(bucket, key, kept):
    """Keep the rejected lines, or forget those of an earlier upload of the file."""
    s3 = aws("client", "s3")
    place = {"Bucket": bucket, "Key": rejected_key(key)}
    if not kept:
        s3.delete_object(**place)
        return
    table = io.StringIO()
    csv.writer(table).writerows([("line", "reason", "row", "code", "values"), *kept])
    content = table.getvalue().encode(errors="replace")  # a line may not be UTF-8
    s3.put_object(**place, Body=content, ContentType="text/csv; charset=utf-8")
