"""LargeFileProcessor as notebook 07 deploys it: splits by bytes too, and fails where it is told to.

A fault is an item in the table of markers, by the key of the upload. It says which part's child
dies, and how many times, or which object the children wait for.
"""

import io
import itertools
import os

from transactions_file import read_header, read_line

import large_file_processor
from large_file_processor import lines_of, markers
from transaction_processor import aws, write_rows

ROWS_BEFORE_DEATH = 25
PATIENCE = {"Delay": 0.2, "MaxAttempts": 600}  # two minutes


def lambda_handler(event, context):
    """Do one step, as LargeFileProcessor does, unless the notebook asks for something else."""
    if event.get("mode") == "range":
        return write_range(event["bucket"], event["key"], event["part"], event["of"])
    if event.get("mode") == "part":
        fail(event)
    return large_file_processor.lambda_handler(event, context)


def fail(event):
    """Let the child of this part die, or wait, if there is a fault for it."""
    fault = markers().get_item(Key={"EventId": f"fault {event.get('key')}"}).get("Item", {})
    if fault.get("times") and fault["part"] == event.get("part"):
        markers().put_item(Item={**fault, "times": fault["times"] - 1})
        die(event["bucket"], event["key"], event["part"], event["of"])
    if "until" in fault:
        waiter = aws("client", "s3").get_waiter("object_exists")
        waiter.wait(Bucket=event["bucket"], Key=fault["until"], WaiterConfig=PATIENCE)


def die(bucket, key, part, of):
    """Write some rows of the part, and end the process, as one ends that has no memory left."""
    body = io.BufferedReader(aws("client", "s3").get_object(Bucket=bucket, Key=key)["Body"])
    write_rows(itertools.islice(lines_of(part, of, body), ROWS_BEFORE_DEATH))
    print("The process ends here.", flush=True)
    os._exit(1)


def write_range(bucket, key, number, of):
    """Write the rows whose lines begin in this part of the bytes."""
    content = aws("client", "s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    header, *lines = content.decode().splitlines(keepends=True)
    columns, start = read_header(header.strip()), len(header.encode())
    first, end = (len(content) * part // of for part in (number, number + 1))
    rows = []
    for line in lines:
        if first <= start < end:
            rows.append((0, read_line(line.strip(), columns), None, line))
        start += len(line.encode())
    written, _, _ = write_rows(rows)
    print(f"range {number}: {written} rows")
    return written
