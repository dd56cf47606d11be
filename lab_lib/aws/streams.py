"""Read the stream of Transactions: one record for each change of an item, kept for 24 hours."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lab_lib.aws import tables
from lab_lib.errors import none_if_absent
from lab_lib.lab import Lab

Record = dict[str, Any]  # as Lambda gets it: eventID, eventName, and dynamodb with Keys, NewImage, OldImage …
# AWS may answer without records although more follow. After this many empty answers in a row an open shard counts as
# read, which takes a second. Elsewhere the first one is the end.
EMPTY_ANSWERS = 30


def records(lab: Lab, *customers: str) -> list[Record]:
    """Return the stream's records, oldest first: all, or those of some customers.

    The order of one item's records is right, even if they are in several shards.
    """
    stream = tables.find_stream(lab)
    if stream is None:
        return []
    found = []
    described = lab.client("dynamodbstreams").describe_stream(StreamArn=stream)  # a hundred shards; one has four hours
    for shard in described["StreamDescription"]["Shards"]:
        for record in _read(lab, stream, shard["ShardId"]):
            if not customers or customer(record) in customers:
                found.append(record)
    return sorted(found, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))


def customer(record: Record) -> str:
    """Return the CustomerId of the record's transaction."""
    return str(record["dynamodb"]["Keys"]["CustomerId"]["S"])


def change(record: Record) -> dict[str, Any]:
    """Return the record as a row: kind (INSERT, MODIFY, REMOVE), CustomerId, TransactionId, old amount, new amount.

    An amount is a Decimal, or another value if the attribute holds one. An INSERT has no old amount, a REMOVE no new
    one: these are None.
    """
    images = record["dynamodb"]
    row = {"kind": record["eventName"]}
    for name, value in images["Keys"].items():
        row[name] = value["S"]
    for name, image in (("old amount", "OldImage"), ("new amount", "NewImage")):
        value = images.get(image, {}).get("TransactionAmount")
        row[name] = tables.plain(value) if value else None
    return row


def effect(record: Record) -> Decimal:
    """Return what a record adds to its customer's total: the new amount minus the old one. A text adds nothing."""
    amounts = []
    for name in ("OldImage", "NewImage"):
        image = record["dynamodb"].get(name, {})
        amount = image.get("TransactionAmount", {})
        amounts.append(Decimal(amount.get("N", 0)))
    old, new = amounts
    return (new - old).normalize()


def _read(lab: Lab, stream: str, shard: str) -> Iterator[Record]:
    """Yield the records of a shard, from its oldest one; none if the shard is gone.

    An open shard has no end, so several empty answers in a row end the reading.
    """
    streams = lab.client("dynamodbstreams")
    empty_answers = 0
    most = EMPTY_ANSWERS if lab.patience else 1
    begin = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = none_if_absent(lambda: streams.get_shard_iterator(**begin)["ShardIterator"])
    while iterator and empty_answers < most:
        answer = streams.get_records(ShardIterator=iterator)
        records = answer["Records"]
        iterator = answer.get("NextShardIterator")
        yield from map(_lambda_record, records)
        empty_answers = 0 if records else empty_answers + 1


def _lambda_record(record: Record) -> Record:
    """Return the record with its time as a number, as Lambda gets it: JSON has no datetime, which boto3 returns."""
    created = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": created}}
