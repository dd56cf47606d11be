"""Delete what a probe has put into the account, as far as that does no harm.

Deleting a transaction sends a REMOVE record down the stream. The handout's own TotalNotifier fails on one, and a record
that fails holds up the stream for 24 hours. So the function is first called with such a record.
"""

import json
import time
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.aws import buckets, queues, tables
from lab_lib.checks.probe_files import DATE, ProbeFiles
from lab_lib.errors import TimedOut
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until


def clean_up(lab: Lab, files: ProbeFiles, harmless: bool) -> str:
    """Delete the messages, rows and objects of a probe. Return what stays and why, or "".

    Unless the probe was `harmless`, its files stay: their time tells later checks which errors in the logs it caused.
    """
    why = ""
    try:
        for name in (*queues.ALERT_QUEUES, queues.DEAD_LETTERS):
            queues.delete_messages(lab, name, files.are_in)
        why = _delete_rows(lab, files)
        for key in files.keys:
            buckets.delete_object(lab, rejected_key(key))
        kept = () if harmless and not why else files.keys
        for key in {each["Key"] for each in buckets.probe_files(lab)}.difference(kept):
            buckets.delete_object(lab, key)
    except ClientError as error:
        return f"something of the probe stays: {error.operation_name} is refused"
    return why


def _delete_rows(lab: Lab, files: ProbeFiles) -> str:
    """Delete the rows of the probe from the three tables. Return why they stay, or ""."""
    rows = [
        {"CustomerId": customer, "TransactionId": transaction}
        for customer, transaction in {**files.first, **files.second}
        if tables.find_item(lab, "Transactions", {"CustomerId": customer, "TransactionId": transaction})
    ]
    if rows and not _survives_a_deletion(lab, files):
        return f"its rows stay: {lab.name('TotalNotifier')} fails when a row is deleted"
    for row in rows:
        tables.delete_item(lab, "Transactions", row)
    with suppress(TimedOut):  # a total that comes later has a customer that all checks pass over
        wait_until(lambda: not any(_totals(lab, files)), "the totals of the probe", timeout=20 if lab.is_real else 1.5)
    for customer in files.customers:
        for table in ("Customer", "TransactionTotal"):
            tables.delete_item(lab, table, {"CustomerId": customer})
    return ""


def _totals(lab: Lab, files: ProbeFiles) -> list[Any]:
    items = (tables.find_item(lab, "TransactionTotal", {"CustomerId": each}) for each in files.customers)
    return [item.get("accountBalance") for item in items if item]


def _survives_a_deletion(lab: Lab, files: ProbeFiles) -> bool:
    """Call TotalNotifier with the record of a deletion, and return whether it succeeds."""
    answer = lab.client("lambda").invoke(
        FunctionName=lab.name("TotalNotifier"), Payload=json.dumps({"Records": [_deletion(lab, files)]})
    )
    return "FunctionError" not in answer


def _deletion(lab: Lab, files: ProbeFiles) -> dict[str, Any]:
    """Return the record of a deletion, as the table's stream has it: with the old image if its view has one."""
    table = tables.describe(lab, tables.STREAMED) or {}
    view = table.get("StreamSpecification", {}).get("StreamViewType", "")
    row = {"CustomerId": {"S": files.deleted}, "TransactionId": {"S": "P1"}}
    old = {**row, "TransactionDate": {"S": DATE}, "TransactionAmount": {"N": "0"}}
    return {
        "eventID": files.deleted,
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": lab.region,
        "eventSourceARN": table.get("LatestStreamArn", ""),
        "dynamodb": {
            "ApproximateCreationDateTime": time.time(),
            "Keys": row,
            **({"OldImage": old} if "OLD" in view else {}),
            "SequenceNumber": "1",
            "SizeBytes": 100,
            "StreamViewType": view,
        },
    }
