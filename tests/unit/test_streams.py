import json
from decimal import Decimal

import pytest

from lab_lib.aws import streams, tables


@pytest.fixture
def put(lab):
    """put("C1", "T1", 100): write a transaction, as a number or as whatever else the amount is."""

    def put(customer, transaction, amount):
        item = {"CustomerId": customer, "TransactionId": transaction, "TransactionAmount": amount}
        tables.put_item(lab, "Transactions", item)

    tables.ensure_table(lab, "Transactions")
    return put


@pytest.fixture
def delete(lab):
    def delete(customer, transaction):
        tables.delete_item(lab, "Transactions", {"CustomerId": customer, "TransactionId": transaction})

    return delete


@pytest.fixture
def seen(lab):
    """(kind, customer, transaction) of the records."""

    def seen(*customers, **settings):
        changes = [streams.change(record) for record in streams.records(lab, *customers, **settings)]
        return [(each["kind"], each["CustomerId"], each["TransactionId"]) for each in changes]

    return seen


@pytest.fixture
def shards(lab, monkeypatch):
    """shards(a=[[record], [], [record]], b=[]): a stream of these shards; each list is what one call answers.

    The emulators have one shard a stream, and never an answer that is empty too early. The last shard is open.
    """

    def shards(**answers):
        names, client = list(answers), lab.client("dynamodbstreams")

        def describe(StreamArn, ExclusiveStartShardId=None):
            place = names.index(ExclusiveStartShardId) + 1 if ExclusiveStartShardId else 0
            more = {"LastEvaluatedShardId": names[place]} if place + 1 < len(names) else {}
            return {"StreamDescription": {"Shards": [{"ShardId": names[place]}], **more}}

        def get(ShardIterator):
            shard, place = ShardIterator.split("@")
            following = {"NextShardIterator": f"{shard}@{int(place) + 1}"}
            is_last = int(place) + 1 >= len(answers[shard])
            closed = is_last and shard != names[-1]
            records = answers[shard][int(place)] if int(place) < len(answers[shard]) else []
            return {"Records": records, **({} if closed else following)}

        monkeypatch.setattr(client, "describe_stream", describe)
        monkeypatch.setattr(client, "get_shard_iterator", lambda ShardId, **_: {"ShardIterator": f"{ShardId}@0"})
        monkeypatch.setattr(client, "get_records", get)

    tables.ensure_table(lab, "Transactions")
    return shards


@pytest.fixture
def record(put, lab):
    """record(7): a record with this sequence number."""
    put("C1", "T1", 100)
    (real,) = lab.client("dynamodbstreams").get_records(
        ShardIterator=_first_iterator(lab.client("dynamodbstreams"), tables.find_stream(lab))
    )["Records"]
    return lambda number: {**real, "dynamodb": {**real["dynamodb"], "SequenceNumber": str(number)}}


def _first_iterator(client, stream):
    shard = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    start = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return client.get_shard_iterator(**start)["ShardIterator"]


def test_every_change_is_a_record_in_its_order(put, delete, seen):
    put("C1", "T1", 100)
    put("C2", "T2", 50)
    put("C1", "T1", 80)
    delete("C1", "T1")

    assert seen() == [("INSERT", "C1", "T1"), ("INSERT", "C2", "T2"), ("MODIFY", "C1", "T1"), ("REMOVE", "C1", "T1")]


def test_the_records_of_some_customers_leave_out_the_others(put, seen):
    for customer in ("C1", "C2", "C3", "C11"):
        put(customer, "T1", 1)

    assert seen("C1", "C3") == [("INSERT", "C1", "T1"), ("INSERT", "C3", "T1")]


def test_what_comes_after_the_end_can_be_read_from_there(lab, put, seen):
    put("C1", "T1", 1)
    end = streams.end(lab)
    assert seen(after=end) == []

    put("C1", "T2", 2)
    put("C2", "T3", 3)

    assert seen(after=end) == [("INSERT", "C1", "T2"), ("INSERT", "C2", "T3")]
    assert seen("C2", after=end) == [("INSERT", "C2", "T3")]


def test_after_the_end_of_an_empty_stream_comes_everything(lab, put, seen):
    end = streams.end(lab)

    put("C1", "T1", 1)

    assert seen(after=end) == [("INSERT", "C1", "T1")]


def test_without_a_table_or_a_stream_there_are_no_records(lab):
    assert streams.records(lab) == []
    assert streams.end(lab) == {}


def test_a_record_can_be_handed_to_the_function_as_json(lab, put):
    put("C1", "T1", 1)

    (record,) = json.loads(json.dumps(streams.records(lab)))

    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)
    assert record["eventID"]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, 100, (None, Decimal(100))),
        (100, Decimal("80.50"), (Decimal(100), Decimal("80.50"))),
        (100, None, (Decimal(100), None)),
        (None, "a lot", (None, "a lot")),
        ("a lot", 100, ("a lot", Decimal(100))),
    ],
)
def test_a_change_tells_the_amount_before_and_after(lab, put, delete, before, after, shown):
    if before is not None:
        put("C1", "T1", before)
    if after is None:
        delete("C1", "T1")
    else:
        put("C1", "T1", after)

    change = streams.change(streams.records(lab)[-1])

    assert (change["old amount"], change["new amount"]) == shown


def test_a_change_without_any_amount_tells_none(lab):
    tables.ensure_table(lab, "Transactions")
    tables.put_item(lab, "Transactions", {"CustomerId": "C1", "TransactionId": "T1"})

    (record,) = streams.records(lab)

    assert streams.change(record)["new amount"] is None


def test_all_shards_are_read_and_their_records_put_in_order(lab, shards, record):
    shards(old=[[record(9)]], older=[[record(8)]], open=[[record(10)], [record(11)]])

    numbers = [each["dynamodb"]["SequenceNumber"] for each in streams.records(lab)]

    assert numbers == ["8", "9", "10", "11"]
    assert streams.end(lab) == {"old": "9", "older": "8", "open": "11"}


def test_an_empty_answer_does_not_end_the_reading(lab, shards, record):
    shards(open=[[record(1)], *[[]] * (streams.EMPTY_ANSWERS - 1), [record(2)]])

    assert [each["dynamodb"]["SequenceNumber"] for each in streams.records(lab)] == ["1", "2"]


def test_an_open_shard_is_left_where_nothing_more_comes(lab, shards, record):
    shards(open=[[record(1)], *[[]] * streams.EMPTY_ANSWERS, [record(2)]])

    assert [each["dynamodb"]["SequenceNumber"] for each in streams.records(lab)] == ["1"]
