"""The DynamoDB tables. The names of their attributes are the handout's."""

from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from lab_lib.errors import WrongResource, error_code
from lab_lib.lab import TAG, Lab

KEYS: dict[str, list[str]] = {  # the partition key and, where there is one, the sort key; all are strings
    "Customer": ["CustomerId"],
    "Transactions": ["CustomerId", "TransactionId"],
    "TransactionTotal": ["CustomerId"],
    "ProcessedRecords": ["EventId"],  # one marker for each stream record that is in the totals
}
STREAMED = "Transactions"
EXPIRING = {"ProcessedRecords": "ExpiresAt"}  # the attribute that tells DynamoDB when to drop an item


def ensure_table(lab: Lab, name: str) -> str:
    """Make the table, or mend its stream and expiry; its ARN. It is ready for use on return."""
    dynamodb, table_name = lab.client("dynamodb"), lab.name(name)
    keys = [{"AttributeName": key, "KeyType": kind} for key, kind in zip(KEYS[name], ("HASH", "RANGE"), strict=False)]
    table = describe(lab, name)
    if table is None:
        dynamodb.create_table(
            TableName=table_name,
            KeySchema=keys,
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in KEYS[name]],
            BillingMode="PAY_PER_REQUEST",
            Tags=[TAG],
            **({"StreamSpecification": _STREAM} if name == STREAMED else {}),
        )
    elif table["KeySchema"] != keys or any(each["AttributeType"] != "S" for each in table["AttributeDefinitions"]):
        raise WrongResource(
            f"Table {table_name} has the key {_words(table['KeySchema'])}; this lab wants {_words(keys)}, all text. "
            "A key cannot be changed: delete that table, or use a prefix."
        )
    _wait(lab, name)
    if name == STREAMED:
        _stream(lab, name)
    if name in EXPIRING:
        _expire(lab, name)
    return lab.arn("dynamodb", f"table/{table_name}")


def find_table(lab: Lab, name: str) -> str | None:
    """The table's ARN."""
    table = describe(lab, name)
    return str(table["TableArn"]) if table else None


def describe(lab: Lab, name: str) -> dict[str, Any] | None:
    """The table, as DynamoDB describes it."""
    try:
        table: dict[str, Any] = lab.client("dynamodb").describe_table(TableName=lab.name(name))["Table"]
        return table
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise


def names(lab: Lab) -> list[str]:
    """The names of all tables in the Region."""
    pages = lab.client("dynamodb").get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"]]


def expiry(lab: Lab, name: str) -> str | None:
    """The attribute that tells DynamoDB when to drop an item of the table, if that is switched on."""
    now = lab.client("dynamodb").describe_time_to_live(TableName=lab.name(name))["TimeToLiveDescription"]
    on = now["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    return str(now["AttributeName"]) if on else None


def find_stream(lab: Lab, name: str = STREAMED) -> str | None:
    """The ARN of the table's stream, if the table is there and its stream is on."""
    table = describe(lab, name)
    on = table and table.get("StreamSpecification", {}).get("StreamEnabled")
    return str(table["LatestStreamArn"]) if table and on else None


def is_ours(lab: Lab, name: str) -> bool:
    """True if the table is there and the lab made it."""
    arn = find_table(lab, name)
    return arn is not None and TAG in lab.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]


def delete_table(lab: Lab, name: str) -> None:
    """Delete the table if the lab made it, and wait until it is gone."""
    if not is_ours(lab, name):
        return
    dynamodb = lab.client("dynamodb")
    dynamodb.delete_table(TableName=lab.name(name))
    dynamodb.get_waiter("table_not_exists").wait(
        TableName=lab.name(name), WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )


def items(lab: Lab, name: str, beginning: str = "") -> list[dict[str, Any]]:
    """The items whose partition key begins so, or all, in the order of their key; strings are str, numbers Decimal.

    Reads are strongly consistent. A table that is not there has none.
    """
    chosen: dict[str, Any] = {
        "FilterExpression": "begins_with(#key, :beginning)",
        "ExpressionAttributeNames": {"#key": KEYS[name][0]},
        "ExpressionAttributeValues": {":beginning": {"S": beginning}},
    }
    scan = {"TableName": lab.name(name), "ConsistentRead": True, **(chosen if beginning else {})}
    pages = lab.client("dynamodb").get_paginator("scan").paginate(**scan)
    try:
        found = [_plain(item) for page in pages for item in page["Items"]]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return []
        raise
    return sorted(found, key=lambda item: [str(item.get(key)) for key in KEYS[name]])


def put_item(lab: Lab, name: str, item: dict[str, Any]) -> None:
    """Put an item into the table, in place of the one with the same key; numbers are int or Decimal."""
    values = {key: _SERIALIZER.serialize(value) for key, value in item.items()}
    lab.client("dynamodb").put_item(TableName=lab.name(name), Item=values)


def delete_item(lab: Lab, name: str, item: dict[str, Any]) -> None:
    """Delete the item with this item's key; quiet if it is already gone."""
    key = {part: _SERIALIZER.serialize(item[part]) for part in KEYS[name]}
    lab.client("dynamodb").delete_item(TableName=lab.name(name), Key=key)


def _wait(lab: Lab, name: str) -> None:
    waiter = lab.client("dynamodb").get_waiter("table_exists")
    waiter.wait(TableName=lab.name(name), WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def _stream(lab: Lab, name: str) -> None:
    """Turn the stream on. One that carries less than both images has to be turned off first."""
    dynamodb, now = lab.client("dynamodb"), (describe(lab, name) or {}).get("StreamSpecification", {})
    if now.get("StreamEnabled") and now != _STREAM:
        dynamodb.update_table(TableName=lab.name(name), StreamSpecification={"StreamEnabled": False})
        _wait(lab, name)
    if now != _STREAM:
        dynamodb.update_table(TableName=lab.name(name), StreamSpecification=_STREAM)
        _wait(lab, name)


def _expire(lab: Lab, name: str) -> None:
    dynamodb, table_name = lab.client("dynamodb"), lab.name(name)
    if expiry(lab, name) is None:
        wanted = {"Enabled": True, "AttributeName": EXPIRING[name]}
        dynamodb.update_time_to_live(TableName=table_name, TimeToLiveSpecification=wanted)


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {key: _DESERIALIZER.deserialize(value) for key, value in item.items()}


def _words(keys: list[dict[str, str]]) -> str:
    return " + ".join(key["AttributeName"] for key in keys)


# Both images: a change of amount is the new one minus the old one. The handout's NEW_IMAGE cannot tell.
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
_SERIALIZER, _DESERIALIZER = TypeSerializer(), TypeDeserializer()
