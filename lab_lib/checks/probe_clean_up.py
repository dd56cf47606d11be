"""Remove what a probe has brought to the embedded AWS, where that does no harm.

Deleting a transaction sends a REMOVE record down the stream. The handout's own TotalNotifier fails on one, and a record
that fails holds up its shard for 24 hours. So the function is first called with such a record. If it fails, the rows
stay, with their files and alerts: then they are ordinary uploads, and every check takes them as such.
"""

import json
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from lab_lib import transactions
from lab_lib.aws import buckets, functions, streams, tables
from lab_lib.aws.json_text import json_object
from lab_lib.checks.arrivals import Inbox, snapshot
from lab_lib.checks.bank import File, Files
from lab_lib.checks.evidence import at_rest, wait_for_rest
from lab_lib.checks.upload import Snapshot, compare_rows, expect
from lab_lib.errors import TimedOut
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.lab import Lab
from lab_lib.language import _


def clean_up(lab: Lab, before: Snapshot, files: Files, inboxes: Mapping[str, Inbox]) -> str:
    """Bring the account back to what it held before the probe. Return what stays and why, or ""."""
    if at_rest(lab) is None:
        return _("its rows, alerts and files stay")
    try:
        _rest(lab)
        held = snapshot(lab)
        if held == before or survives_a_deletion(lab, files.customers[-1]):
            _restore(lab, held, before)
            for inbox in inboxes.values():
                inbox.clear()
            delete_objects(lab, [file.key for file in files.all])
            return ""
        delete_objects(lab, [file.key for file in (files.correction, files.cents) if not _is_in(file, held)])
    except ClientError as error:
        return _("something of the probe stays: {call} is refused", call=error.operation_name)
    name = lab.name("TotalNotifier")
    return _("its rows, alerts and files stay: {function} fails when a row is deleted", function=name)


def _is_in(file: File, held: Snapshot) -> bool:
    """Return whether all rows of the file are there as in the file."""
    expected = expect(Snapshot(), [transactions.recount(file.key, file.content)], Decimal(0))
    return not list(compare_rows(expected, held.rows))


def put_totals_right(lab: Lab, customers: Collection[str]) -> None:
    """Let the totals of these customers be the sums of their rows. The handout's code counts corrections twice."""
    held = snapshot(lab)
    sums = held.sums()
    for name in customers:
        item = held.totals.get(name, {"CustomerId": name})
        if name in sums and item.get("accountBalance") != sums[name]:
            tables.put_item(lab, "TransactionTotal", {**item, "accountBalance": sums[name]})


def without(held: Snapshot, customers: Collection[str]) -> Snapshot:
    """Return the snapshot without these customers."""
    kept = {row: item for row, item in held.rows.items() if row[0] not in customers}
    parts = [
        {name: item for name, item in part.items() if name not in customers} for part in (held.customers, held.totals)
    ]
    return Snapshot(kept, *parts)


def _restore(lab: Lab, held: Snapshot, before: Snapshot) -> None:
    """Give tables that hold this what they held before. Totals follow the rows by themselves, so they come last."""
    _put_back(lab, "Transactions", before.rows, held.rows)
    _rest(lab)
    now = snapshot(lab)
    _put_back(lab, "Customer", before.customers, now.customers)
    _put_back(lab, "TransactionTotal", before.totals, now.totals)


def _put_back(lab: Lab, table: str, before: Mapping[Any, Any], now: Mapping[Any, Any]) -> None:
    for key in now.keys() - before.keys():
        tables.delete_item(lab, table, now[key])
    for key, item in before.items():
        if now.get(key) != item:
            tables.put_item(lab, table, item)


def _rest(lab: Lab) -> None:
    """Wait until nothing happens any more, and nothing is tried again; what fails for ever is left."""
    with suppress(TimedOut):
        lab.wait_until(lambda: lab.work() == (0, 0), "the chain to be at rest", timeout=5)
    wait_for_rest(lab, 60)


def delete_objects(lab: Lab, keys: Collection[str]) -> None:
    for key in keys:
        buckets.delete_object(lab, key)
        buckets.delete_object(lab, rejected_key(key))


def survives_a_deletion(lab: Lab, customer: str) -> bool:
    """Call TotalNotifier with the record of a deletion, and return whether it succeeds."""
    answer = lab.client("lambda", functions.timeout_of(lab, "TotalNotifier")).invoke(
        FunctionName=lab.name("TotalNotifier"), Payload=json.dumps({"Records": [_deletion(lab, customer)]})
    )
    return "FunctionError" not in answer and not json_object(answer["Payload"].read()).get("batchItemFailures")


def _deletion(lab: Lab, customer: str) -> streams.Record:
    """Return the record of a deletion, as the table's stream has it: with the old image if its view has one."""
    table = tables.describe(lab, tables.STREAMED) or {}
    view = table.get("StreamSpecification", {}).get("StreamViewType", "")
    key = {"CustomerId": {"S": customer}, "TransactionId": {"S": secrets.token_hex(4)}}
    row = {**key, "TransactionDate": {"S": "03/16/2017"}, "TransactionAmount": {"N": "0"}}
    where = {"awsRegion": lab.region, "eventSourceARN": table.get("LatestStreamArn", "")}
    images = {"OldImage": row} if "OLD" in view else {}
    return streams.made_up("REMOVE", row, secrets.randbits(60), where, view, **images)
