import dataclasses
from decimal import Decimal

import pytest

from lab_lib.aws import tables
from lab_lib.errors import WrongResource

BOTH = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.mark.parametrize(
    ("before", "updates"),
    [
        ({"StreamEnabled": False}, [BOTH]),
        ({"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}, [{"StreamEnabled": False}, BOTH]),
        (BOTH, []),
    ],
    ids=["off", "new image only", "right"],
)
def test_ensure_table_repairs_a_stream_without_both_images(lab, monkeypatch, before, updates):
    # Without the old image TotalNotifier cannot compute by how much an amount changed. moto cannot change a stream.
    tables.ensure_table(lab, "Transactions")
    table, made = {**tables.describe(lab, "Transactions"), "StreamSpecification": before}, []
    monkeypatch.setattr(lab.client("dynamodb"), "describe_table", lambda **_: {"Table": table})
    monkeypatch.setattr(lab.client("dynamodb"), "update_table", lambda **more: made.append(more["StreamSpecification"]))

    tables.ensure_table(lab, "Transactions")

    assert made == updates


@pytest.mark.parametrize(("key", "kind"), [("Id", "S"), ("CustomerId", "N")])
def test_a_table_with_another_key_is_a_wrong_resource_and_stays(lab, key, kind):
    lab.client("dynamodb").create_table(
        TableName="Customer",
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}],
        BillingMode="PAY_PER_REQUEST",
    )

    with pytest.raises(WrongResource, match=rf"has the key {key} \({kind}\); this lab wants CustomerId \(S\)"):
        tables.ensure_table(lab, "Customer")

    assert tables.find_table(lab, "Customer")


def test_items_are_plain_values_sorted_by_their_key_and_chosen_by_its_beginning(lab):
    ana = dataclasses.replace(lab, prefix="Ana-")
    tables.ensure_table(ana, "Transactions")
    keys = [("Break B", "T1"), ("Break A", "T2"), ("Break A", "T1"), ("Breaker", "T1"), ("A Break ", "T1")]
    for customer, transaction in keys:
        item = {"CustomerId": customer, "TransactionId": transaction, "TransactionAmount": Decimal("0.10")}
        tables.put_item(ana, "Transactions", item)

    items = tables.items(ana, "Transactions", beginning="Break ")

    assert [(item["CustomerId"], item["TransactionId"]) for item in items] == sorted(keys[:3])
    assert items[0]["TransactionAmount"] == Decimal("0.10")
    assert len(tables.items(ana, "Transactions")) == 5
    assert tables.items(lab, "Transactions") == []
