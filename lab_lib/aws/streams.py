"""The stream of Transactions: a record for each change of an item, kept for 24 hours."""

from collections.abc import Iterator
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from lab_lib.aws import tables
from lab_lib.lab import Lab

Record = dict[str, Any]  # as Lambda gets it: eventID, eventName, and dynamodb with Keys, NewImage, OldImage …
Place = dict[str, str]  # how far each shard was read: the sequence number of its last record
# AWS may answer with nothing although there is more. So many such answers in a row mean that a shard was read.
EMPTY_ANSWERS = 5


def records(lab: Lab, *customers: str, after: Place | None = None) -> list[Record]:
    """The records that the stream still has, the oldest first; of these customers, or of all; or those after a place.

    AWS keeps the records of one item in order, in whatever shards they lie.
    """
    found = [record for records in _by_shard(lab, after or {}).values() for record in records]
    found = [record for record in found if not customers or customer(record) in customers]
    return sorted(found, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))


def end(lab: Lab) -> Place:
    """The place behind the newest record: what comes later can be read from there."""
    shards = _by_shard(lab, {}).items()
    return {shard: records[-1]["dynamodb"]["SequenceNumber"] for shard, records in shards if records}


def customer(record: Record) -> str:
    """Whose transaction the record is about."""
    return str(record["dynamodb"]["Keys"]["CustomerId"]["S"])


def change(record: Record) -> dict[str, Any]:
    """The record as a row: kind (INSERT, MODIFY, REMOVE), CustomerId, TransactionId, old amount, new amount.

    An amount is Decimal, or whatever else somebody wrote there; None before an INSERT and after a REMOVE.
    """
    images = record["dynamodb"]
    keys = {name: value["S"] for name, value in images["Keys"].items()}
    old, new = (_amount(images.get(name, {})) for name in ("OldImage", "NewImage"))
    return {"kind": record["eventName"], **keys, "old amount": old, "new amount": new}


def _amount(image: dict[str, Any]) -> Any:
    value = image.get("TransactionAmount")
    return TypeDeserializer().deserialize(value) if value else None


def _by_shard(lab: Lab, after: Place) -> dict[str, list[Record]]:
    stream = tables.find_stream(lab)
    shards = _shards(lab, stream) if stream else []
    return {shard: list(_read(lab, {"StreamArn": stream, "ShardId": shard}, after.get(shard))) for shard in shards}


def _shards(lab: Lab, stream: str) -> Iterator[str]:
    streams, start = lab.client("dynamodbstreams"), dict[str, str]()
    while True:
        described = streams.describe_stream(StreamArn=stream, **start)["StreamDescription"]
        yield from (shard["ShardId"] for shard in described["Shards"])
        if "LastEvaluatedShardId" not in described:
            return
        start = {"ExclusiveStartShardId": described["LastEvaluatedShardId"]}


def _read(lab: Lab, shard: dict[str, str | None], after: str | None) -> Iterator[Record]:
    """The records of a shard. An open one has no end: its reading stops where nothing more comes."""
    streams, empty = lab.client("dynamodbstreams"), 0
    behind = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
    start = behind if after else {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(**shard, **start)["ShardIterator"]
    while iterator and empty < EMPTY_ANSWERS:
        answer = streams.get_records(ShardIterator=iterator)
        yield from map(_as_lambda_gets_it, answer["Records"])
        empty = 0 if answer["Records"] else empty + 1
        iterator = answer.get("NextShardIterator")


def _as_lambda_gets_it(record: Record) -> Record:
    """With its time as a number: boto3 makes a datetime of it, which JSON does not know."""
    created = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": created}}
