import dataclasses
from decimal import Decimal

import pytest

from lab_lib.aws import streams, tables


@pytest.fixture
def put(lab):
    """put("C1", "T1", 100): write a transaction. The amount may be anything."""

    def put(customer, transaction, amount):
        item = {"CustomerId": customer, "TransactionId": transaction, "TransactionAmount": amount}
        tables.put_item(lab, "Transactions", item)

    tables.ensure_table(lab, "Transactions")
    return put


@pytest.fixture
def shards(lab, put, monkeypatch):
    """shards(a=[[1], [], [3]], b=[]): a stream of these shards; each list is the sequence numbers of one answer.

    The emulators have one shard a stream, and no empty answers before the last record. The last shard is open.
    """
    put("C1", "T1", 100)
    (record,) = streams.records(lab)

    def numbered(number):
        return {**record, "dynamodb": {**record["dynamodb"], "SequenceNumber": str(number)}}

    def shards(**answers):
        names, client = list(answers), lab.client("dynamodbstreams")

        def get(ShardIterator):
            shard, place = ShardIterator.split("@")
            rest = answers[shard][int(place) :]
            is_closed = len(rest) <= 1 and shard != names[-1]
            more = {} if is_closed else {"NextShardIterator": f"{shard}@{int(place) + 1}"}
            return {"Records": [numbered(number) for number in rest[0]] if rest else [], **more}

        monkeypatch.setattr(streams, "_lambda_record", lambda record: record)
        described = {"StreamDescription": {"Shards": [{"ShardId": name} for name in names]}}
        monkeypatch.setattr(client, "describe_stream", lambda StreamArn: described)
        monkeypatch.setattr(client, "get_shard_iterator", lambda ShardId, **_: {"ShardIterator": f"{ShardId}@0"})
        monkeypatch.setattr(client, "get_records", get)

    return shards


def numbers(lab):
    return [int(record["dynamodb"]["SequenceNumber"]) for record in streams.records(lab)]


def test_every_change_is_a_record_with_its_old_and_new_amount(lab, put):
    assert streams.records(lab, "nobody") == []
    put("C1", "T1", 100)
    put("C2", "T2", "a lot")
    put("C1", "T1", Decimal("80.50"))
    tables.delete_item(lab, "Transactions", {"CustomerId": "C1", "TransactionId": "T1"})

    changes = [list(streams.change(record).values()) for record in streams.records(lab)]
    assert changes == [
        ["INSERT", "C1", "T1", None, 100],
        ["INSERT", "C2", "T2", None, "a lot"],
        ["MODIFY", "C1", "T1", 100, Decimal("80.50")],
        ["REMOVE", "C1", "T1", Decimal("80.50"), None],
    ]
    assert [streams.customer(record) for record in streams.records(lab, "C2", "C22")] == ["C2"]


def test_all_shards_are_read_and_their_records_put_in_order(lab, shards):
    shards(old=[[9]], older=[[8]], open=[[10], [11]])

    assert numbers(lab) == [8, 9, 10, 11]


def test_on_aws_only_many_empty_answers_in_a_row_end_the_reading_and_elsewhere_one(lab, shards):
    shards(open=[[1], *[[]] * (streams.EMPTY_ANSWERS - 1), [2], *[[]] * streams.EMPTY_ANSWERS, [3]])

    assert numbers(dataclasses.replace(lab, patience=60)) == [1, 2]
    assert numbers(lab) == [1]
