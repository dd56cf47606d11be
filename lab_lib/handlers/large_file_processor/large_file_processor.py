"""LargeFileProcessor: copies a file that one call cannot carry into Customer and Transactions.

A state machine calls it: once to plan the parts, once for each part, and once to finish.
"""

import io
import json
import os
import time

import parts
from botocore.exceptions import ClientError
from transactions_file import (
    MOST_KEPT,
    Unreadable,
    read_header,
    read_line,
    rejected_key,
    split,
    text_lines,
)

from transaction_processor import MARKER_LIFE, aws, keep_rejected, newest, write_rows


def lambda_handler(event, context):
    """Do one step, and return its report, which the next step gets."""
    mode = event.pop("mode")
    report = (plan if mode == "plan" else write_part if mode == "part" else finish)(**event)
    print(json.dumps({name: report[name] for name in report if name != "parts"}))
    return report


def plan(bucket, key, of=0):
    """Read the header, and return the parts: so many, or as many as the file needs."""
    answer = aws("client", "s3").get_object(Bucket=bucket, Key=key)
    with answer["Body"] as body:
        sample = body.read(parts.SAMPLE)
    mark = parts.mark_of(bucket, key, answer["ETag"], answer["LastModified"])
    upload = {"bucket": bucket, "key": key, "etag": answer["ETag"]}
    upload["marker"] = f"{bucket}/{key} {mark}"
    rows = parts.rows_in(answer["ContentLength"], sample)
    try:
        read_header(next(text_lines(io.BytesIO(sample)), ""))
        if rows > parts.MOST_ROWS:
            raise Unreadable(f"about {rows:,} rows; wanted at most {parts.MOST_ROWS:,}")
    except Unreadable as error:
        raise Unreadable(f"{key}: {error}") from None
    count = 0 if is_marked(upload["marker"]) else min(of or parts.parts_for(rows), parts.MOST_PARTS)
    return {**upload, "rows": rows, "of": count, "parts": list(range(count))}


def write_part(part, of, bucket, key, etag):
    """Write the rows of one part, and keep its rejected lines. A replaced object is no error."""
    try:
        answer = aws("client", "s3").get_object(Bucket=bucket, Key=key, IfMatch=etag)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("PreconditionFailed", "NoSuchKey"):
            raise
        return {"part": part, "written": 0, "rejected": 0, "replaced": True}
    lines = lines_of(part, of, io.BufferedReader(answer["Body"]))
    written, rejected, kept = write_rows(lines)
    keep_rejected(bucket, parts.place(key, part), kept)
    return {"part": part, "written": written, "rejected": rejected}


def lines_of(part, of, stream):
    """Yield (number, row, reason, text) of the lines of one part, as `read_lines` does of all."""
    lines = enumerate(text_lines(stream), 1)
    columns = read_header(next(lines, (1, ""))[1])
    column = columns.index("customer_id")
    for number, text in lines:
        if parts.part_of(customer_in(text, column), of) == part:
            try:
                if row := read_line(text, columns):
                    yield number, row, None, text
            except Unreadable as fault:
                yield number, None, str(fault), text


def customer_in(text, column):
    """Return the id of the customer, as `read_line` reads it; any text for a line it rejects."""
    try:
        fields = split(text) if '"' in text else text.split("|", column + 1)
        return fields[column].strip()
    except (Unreadable, IndexError):
        return ""


def finish(reports, bucket, key, etag, marker):
    """Join the rejected lines, and mark the upload. Return its counts, or that it was replaced."""
    counts = {name: sum(report[name] for report in reports) for name in ("written", "rejected")}
    report = {"key": key, "rows": sum(counts.values()), **counts, "etag": etag}
    was = any(part.get("replaced") for part in reports)  # perhaps by the same content in the end
    report["replaced"] = was or newest(bucket, key) != etag
    if not report["replaced"] and not is_marked(marker):
        tables = (rejected_of(bucket, key, part["part"]) for part in reports if part["rejected"])
        keep_rejected(bucket, key, parts.first_lines(tables, MOST_KEPT))
        expires = int(time.time()) + MARKER_LIFE
        markers().put_item(Item={"EventId": marker, "ExpiresAt": expires})
    for part in reports:
        keep_rejected(bucket, parts.place(key, part["part"]), [])
    return report


def rejected_of(bucket, key, part):
    """Return the rejected lines of a part, as they are kept until the end."""
    where = {"Bucket": bucket, "Key": rejected_key(parts.place(key, part))}
    return aws("client", "s3").get_object(**where)["Body"].read().decode()


def markers():
    return aws("resource", "dynamodb").Table(os.environ["MARKER_TABLE"])


def is_marked(marker):
    """Return True if all of the upload was taken in before."""
    return "Item" in markers().get_item(Key={"EventId": marker}, ConsistentRead=True)
