"""Create, read and delete the DynamoDB tables. The names of their attributes are the handout's."""

from decimal import Rounded
from functools import partial
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeDeserializer, TypeSerializer

from lab_lib.aws import grants
from lab_lib.aws.policies import Policy
from lab_lib.calls.waiting import WAITS
from lab_lib.errors import WrongResource, none_if_absent, none_if_lacking
from lab_lib.lab import TAG, Lab, only_ours
from lab_lib.language import _

Item = dict[str, Any]  # an item of a table: the values of its attributes
KEYS: dict[str, list[str]] = {  # partition key, then sort key if there is one; all are strings
    "Customer": ["CustomerId"],
    "Transactions": ["CustomerId", "TransactionId"],
    "TransactionTotal": ["CustomerId"],
    "ProcessedRecords": ["EventId"],  # one marker for each stream record that is in the totals
}
STREAMED = "Transactions"
EXPIRING = {"ProcessedRecords": "ExpiresAt"}  # the attribute that holds the time at which DynamoDB drops an item
# TotalNotifier adds the new amount minus the old one. The handout's NEW_IMAGE lacks the old one.
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
_SERIALIZER = TypeSerializer()
plain = TypeDeserializer().deserialize  # gives the value of an attribute: str, Decimal, Binary, bool, None, list …
DYNAMODB_CONTEXT.traps[Rounded] = False  # boto3 would refuse a number whose zeros are written out, such as 1E+124


def ensure_table(lab: Lab, name: str) -> str:
    """Create the table or repair its stream and expiry. Return its ARN when it is ready.

    WrongResource if a table of that name has another key.
    """
    table = describe(lab, name)
    if table is None:
        create_table(lab, name)
    elif key_of(table) != wanted_key(name):
        raise WrongResource(
            "Table {table} has the key {found}; this lab wants {wanted}. A key cannot be changed: delete that "
            "table, or use a prefix.",
            table=lab.name(name),
            found=key_of(table),
            wanted=wanted_key(name),
        )
    elif name == STREAMED:
        _ensure_stream(lab, table.get("StreamSpecification", {}))
    if name in EXPIRING:
        on = {"Enabled": True, "AttributeName": EXPIRING[name]}
        lab.client("dynamodb").update_time_to_live(TableName=lab.name(name), TimeToLiveSpecification=on)
    _wait(lab, name)
    return lab.arn("dynamodb", f"table/{lab.name(name)}")


def create_table(lab: Lab, name: str) -> None:
    """Create the table, billed by request. `ensure_table` waits until it is ready."""
    partition_key, *sort_keys = KEYS[name]
    schema = [{"AttributeName": partition_key, "KeyType": "HASH"}]
    for key in sort_keys:  # one, or none
        schema.append({"AttributeName": key, "KeyType": "RANGE"})
    stream = {"StreamSpecification": _STREAM} if name == STREAMED else {}
    lab.client("dynamodb").create_table(
        TableName=lab.name(name),
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in KEYS[name]],
        KeySchema=schema,
        BillingMode="PAY_PER_REQUEST",
        Tags=[TAG],
        **stream,
    )


def find_table(lab: Lab, name: str) -> str | None:
    """Return the table's ARN, or None."""
    return (describe(lab, name) or {}).get("TableArn")


def describe(lab: Lab, name: str) -> dict[str, Any] | None:
    """Return the table, as DynamoDB describes it, or None. A table that is being deleted counts as gone."""
    table = none_if_absent(lambda: lab.client("dynamodb").describe_table(TableName=lab.name(name))["Table"])
    return table if table and table.get("TableStatus") != "DELETING" else None


def key_of(table: dict[str, Any]) -> str:
    """Return the key of a described table with its types, such as "CustomerId (S)"."""
    types = {part["AttributeName"]: part["AttributeType"] for part in table.get("AttributeDefinitions", [])}
    names = [part["AttributeName"] for part in table.get("KeySchema", [])]
    return " + ".join(f"{name} ({types.get(name)})" for name in names)


def wanted_key(name: str) -> str:
    """Return the key that the lab's table has, in the same words."""
    return " + ".join(f"{part} (S)" for part in KEYS[name])


def names(lab: Lab) -> list[str]:
    """Return the names of all tables in the Region."""
    return list(lab.client("dynamodb").get_paginator("list_tables").paginate().search("TableNames[]"))


def expiry(lab: Lab, name: str) -> str | None:
    """Return the attribute that holds the items' time to live (TTL), or None if TTL is off."""
    answer = lab.client("dynamodb").describe_time_to_live(TableName=lab.name(name))
    expiry = answer["TimeToLiveDescription"]
    is_on = expiry["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    return str(expiry["AttributeName"]) if is_on else None


def statements(lab: Lab, name: str) -> list[Policy]:
    """Return the statements of the table's policy."""
    dynamodb = lab.client("dynamodb")
    arn = lab.arn("dynamodb", f"table/{lab.name(name)}")
    policy = none_if_lacking(lambda: dynamodb.get_resource_policy(ResourceArn=arn)["Policy"])
    return grants.statements(policy)


def find_stream(lab: Lab) -> str | None:
    """Return the ARN of the stream of Transactions, or None if the table is missing or its stream is off."""
    table = describe(lab, STREAMED) or {}
    is_on = table.get("StreamSpecification", {}).get("StreamEnabled")
    return table.get("LatestStreamArn") if is_on else None


def is_ours(lab: Lab, name: str) -> bool:
    """Return True if the table exists and has the lab's tag."""
    arn = find_table(lab, name)
    return arn is not None and TAG in lab.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]


@only_ours(is_ours)
def delete_table(lab: Lab, name: str) -> None:
    """Delete the table, if the lab created it. `ensure_table` waits until it is gone."""
    lab.client("dynamodb").delete_table(TableName=lab.name(name))


def items(lab: Lab, name: str, beginning: str = "", most: int | None = None) -> list[Item]:
    """Return the items, sorted by key: all, or those whose partition key starts with `beginning`, or any `most` items.

    Values are as `plain` returns them, keys are text. Reads are strongly consistent. A missing table has no items.
    """
    request: dict[str, Any] = {"TableName": lab.name(name), "ConsistentRead": True}
    if beginning:
        request["FilterExpression"] = "begins_with(#key, :beginning)"
        request["ExpressionAttributeNames"] = {"#key": KEYS[name][0]}
        request["ExpressionAttributeValues"] = {":beginning": {"S": beginning}}
    pages = lab.client("dynamodb").get_paginator("scan").paginate(**request, PaginationConfig={"MaxItems": most})
    answer = none_if_absent(lambda: list(pages.search("Items[]"))) or []
    items = [_item(item) for item in answer]
    for item in items:
        for key in KEYS[name]:
            item[key] = str(item.get(key, ""))
    return sorted(items, key=lambda item: [item[key] for key in KEYS[name]])


def find_item(lab: Lab, name: str, key: dict[str, str]) -> Item | None:
    """Return the item with this key, read consistently, or None; also None without the table."""
    request = {"TableName": lab.name(name), "Key": _serialized(key)}
    answer = none_if_absent(lambda: lab.client("dynamodb").get_item(**request, ConsistentRead=True)) or {}
    return _item(answer["Item"]) if "Item" in answer else None


def find_items(lab: Lab, name: str, keys: list[dict[str, str]]) -> list[Item]:
    """Return the items with these keys, read consistently, in any order; those that are not there are left out."""
    table = lab.name(name)
    items = []
    for start in range(0, len(keys), 100):
        wanted = [_serialized(key) for key in keys[start : start + 100]]
        request = {table: {"Keys": wanted, "ConsistentRead": True}}
        answer = none_if_absent(partial(lab.client("dynamodb").batch_get_item, RequestItems=request)) or {}
        for item in answer.get("Responses", {}).get(table, []):
            items.append(_item(item))
    return items


def count(lab: Lab, name: str) -> int:
    """Return the number of items, counted now. A missing table has none."""
    if not find_table(lab, name):
        return 0
    pages = lab.client("dynamodb").get_paginator("scan").paginate(TableName=lab.name(name), Select="COUNT")
    return sum(page["Count"] for page in pages)


def put_item(lab: Lab, name: str, item: Item) -> None:
    """Put an item into the table and replace the one with the same key. Numbers are int or Decimal."""
    lab.client("dynamodb").put_item(TableName=lab.name(name), Item=_serialized(item))


def delete_item(lab: Lab, name: str, item: Item) -> None:
    """Delete the item with this item's key; quiet if it is already gone."""
    key = {part: item[part] for part in KEYS[name]}
    lab.client("dynamodb").delete_item(TableName=lab.name(name), Key=_serialized(key))


def _wait(lab: Lab, name: str) -> None:
    def ready() -> bool:
        return (describe(lab, name) or {}).get("TableStatus") == "ACTIVE"

    what = _("table {name} to be active", name=lab.name(name))
    lab.wait_until(ready, what, **WAITS["table"].times)


def _ensure_stream(lab: Lab, stream: dict[str, Any]) -> None:
    """Turn the stream on with both images. DynamoDB changes the view type only of a stream that is off."""
    if stream == _STREAM:
        return
    changes = [{"StreamEnabled": False}, _STREAM] if stream.get("StreamEnabled") else [_STREAM]
    for wanted in changes:  # a call is repeated until the change before has ended
        lab.client("dynamodb").update_table(TableName=lab.name(STREAMED), StreamSpecification=wanted)


def _item(item: Item) -> Item:
    return {key: plain(value) for key, value in item.items()}


def _serialized(item: Item) -> Item:
    return {key: _SERIALIZER.serialize(value) for key, value in item.items()}
