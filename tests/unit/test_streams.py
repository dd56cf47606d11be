import dataclasses
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lab_lib.aws import streams, tables

EMPTY = [[]] * (streams.EMPTY_ANSWERS - 1)


def test_every_change_is_a_record_with_its_old_and_new_amount(lab):
    def put(customer, transaction, amount):
        item = {"CustomerId": customer, "TransactionId": transaction, "TransactionAmount": amount}
        tables.put_item(lab, "Transactions", item)

    tables.ensure_table(lab, "Transactions")
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


@pytest.mark.parametrize(("patience", "expected"), [(60, [8, 9, 10, 11]), (0, [8, 9, 10])])
def test_all_shards_are_read_in_order_and_on_aws_only_many_empty_answers_end_an_open_one(
    lab, monkeypatch, patience, expected
):
    tables.ensure_table(lab, "Transactions")
    # The emulators have one shard a stream, and no empty answers before the last record. The last shard is open.
    answers = {"old": iter([[9]]), "older": iter([[8]]), "open": iter([[10], *EMPTY, [11], *EMPTY, [], [12]])}

    described = {"StreamDescription": {"Shards": [{"ShardId": shard} for shard in answers]}}

    def get(ShardIterator):
        about = {"ApproximateCreationDateTime": datetime.now(UTC)}
        records = [{"dynamodb": {"SequenceNumber": str(number), **about}} for number in next(answers[ShardIterator])]
        return {"Records": records, **({"NextShardIterator": "open"} if ShardIterator == "open" else {})}

    client = lab.client("dynamodbstreams")
    monkeypatch.setattr(client, "describe_stream", lambda **_: described)
    monkeypatch.setattr(client, "get_shard_iterator", lambda ShardId, **_: {"ShardIterator": ShardId})
    monkeypatch.setattr(client, "get_records", get)

    records = streams.records(dataclasses.replace(lab, patience=patience))
    assert [int(record["dynamodb"]["SequenceNumber"]) for record in records] == expected
