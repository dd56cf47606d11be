"""TotalNotifiers of other designs, right but for one limit. Neither was made from the lab's own."""

# A transaction a record, in small functions, by the hints of notebook 06.
HINTS = """
import json
import os
import time
from decimal import Decimal

import boto3

dynamodb = boto3.resource("dynamodb")
totals = dynamodb.Table(os.environ["TOTAL_TABLE"])
topic = boto3.resource("sns").Topic(os.environ["TOPIC_ARN"])
queue = boto3.resource("sqs").Queue(os.environ["DEAD_LETTER_QUEUE"])
threshold = Decimal(os.environ["THRESHOLD"])


def lambda_handler(event, context):
    touched = []
    for record in event["Records"]:
        change = record["dynamodb"]
        who = change["Keys"]["CustomerId"]["S"]
        difference = amount(change.get("NewImage"), record) - amount(change.get("OldImage"))
        add(who, difference, record["eventID"])
        if who not in touched:
            touched.append(who)
    for who in touched:
        alert(who)


def amount(image, record=None):
    if not image:
        return 0
    value = image["TransactionAmount"]
    if "N" in value:
        return Decimal(value["N"])
    if record:
        queue.send_message(MessageBody=json.dumps(record))
    return 0


def add(who, difference, event_id):
    marker = {
        "TableName": os.environ["MARKER_TABLE"],
        "Item": {"EventId": event_id, "ExpiresAt": int(time.time()) + 172800},
        "ConditionExpression": "attribute_not_exists(EventId)",
    }
    total = {
        "TableName": totals.name,
        "Key": {"CustomerId": who},
        "UpdateExpression": "ADD accountBalance :amount",
        "ExpressionAttributeValues": {":amount": difference},
    }
    try:
        totals.meta.client.transact_write_items(TransactItems=[{"Put": marker}, {"Update": total}])
    except totals.meta.client.exceptions.TransactionCanceledException as error:
        codes = [reason["Code"] for reason in error.response["CancellationReasons"]]
        if codes[0] != "ConditionalCheckFailed":
            raise


def alert(who):
    item = totals.get_item(Key={"CustomerId": who}, ConsistentRead=True)["Item"]
    is_above = item["accountBalance"] >= threshold
    if is_above == item.get("alerted", False):
        return
    if is_above:
        body = {"customerID": who, "accountBalance": str(item["accountBalance"])}
        topic.publish(Subject="Warning! Account balance is very high", Message=json.dumps(body))
    totals.update_item(
        Key={"CustomerId": who},
        UpdateExpression="SET alerted = :above",
        ExpressionAttributeValues={":above": is_above},
    )
"""

# A set of ids in the item of the customer, which ends at 400 KB.
SET_OF_IDS = """
import json, os
from decimal import Decimal
import boto3

ddb = boto3.resource("dynamodb")
table = ddb.Table(os.environ["TOTAL_TABLE"])
LIMIT = Decimal(os.environ["THRESHOLD"])


def value_of(image):
    return Decimal(image["TransactionAmount"].get("N", "0")) if image else Decimal("0")


def is_poison(image):
    return bool(image) and "N" not in image["TransactionAmount"]


def lambda_handler(event, context):
    for rec in event["Records"]:
        process(rec)


def process(rec):
    data = rec["dynamodb"]
    cid = data["Keys"]["CustomerId"]["S"]
    if is_poison(data.get("NewImage")):
        boto3.client("sqs").send_message(QueueUrl=os.environ["DEAD_LETTER_QUEUE"], MessageBody=json.dumps(rec))
    delta = value_of(data.get("NewImage")) - value_of(data.get("OldImage"))
    try:
        res = table.update_item(
            Key={"CustomerId": cid},
            UpdateExpression="ADD accountBalance :delta, seen :ids",
            ConditionExpression="attribute_not_exists(seen) OR NOT contains(seen, :id)",
            ExpressionAttributeValues={":delta": delta, ":ids": {rec["eventID"]}, ":id": rec["eventID"]},
            ReturnValues="ALL_NEW",
        )
        row = res["Attributes"]
    except ddb.meta.client.exceptions.ConditionalCheckFailedException:
        row = table.get_item(Key={"CustomerId": cid}, ConsistentRead=True)["Item"]
    check(cid, row["accountBalance"], row.get("alerted"))


def check(cid, balance, alerted):
    if balance < LIMIT:
        if alerted:
            table.update_item(Key={"CustomerId": cid}, UpdateExpression="REMOVE alerted")
        return
    if alerted:
        return
    boto3.client("sns").publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject="Warning! Account balance is very high",
        Message=json.dumps({"customerID": cid, "accountBalance": str(balance)}),
    )
    values = {":t": True}
    table.update_item(Key={"CustomerId": cid}, UpdateExpression="SET alerted = :t", ExpressionAttributeValues=values)
"""
