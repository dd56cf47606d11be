"""Adds each record once, but drops poison, and notes an alert before it is published."""

import json
import os
import time
from decimal import Decimal

import boto3

dynamodb = boto3.resource("dynamodb")
client = dynamodb.meta.client
totals = dynamodb.Table(os.environ["TOTAL_TABLE"])
topic = boto3.resource("sns").Topic(os.environ["TOPIC_ARN"])
threshold = Decimal(os.environ["THRESHOLD"])


def lambda_handler(event, context):
    for record in event["Records"]:
        images, customer = record["dynamodb"], record["dynamodb"]["Keys"]["CustomerId"]["S"]
        try:
            new, old = (amount(images.get(name)) for name in ("NewImage", "OldImage"))
        except KeyError:
            print("not a number:", record)
            continue
        add_once(record["eventID"], customer, new - old)
        alert(customer)


def amount(image):
    return Decimal(image["TransactionAmount"]["N"]) if image else Decimal(0)


def add_once(event_id, customer, change):
    marker = {"EventId": event_id, "ExpiresAt": int(time.time()) + 48 * 3600}
    put = {"TableName": os.environ["MARKER_TABLE"], "Item": marker}
    update = {"TableName": totals.name, "Key": {"CustomerId": customer}}
    update |= {"UpdateExpression": "ADD accountBalance :change", "ExpressionAttributeValues": {":change": change}}
    put["ConditionExpression"] = "attribute_not_exists(EventId)"
    try:
        client.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}])
    except client.exceptions.TransactionCanceledException as error:
        if error.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
            raise


def alert(customer):
    row = totals.get_item(Key={"CustomerId": customer}, ConsistentRead=True)["Item"]
    is_high = row["accountBalance"] >= threshold
    if is_high == row.get("alerted", False):
        return
    key, values = {"CustomerId": customer}, {":high": is_high}
    totals.update_item(Key=key, UpdateExpression="SET alerted = :high", ExpressionAttributeValues=values)
    if is_high:
        message = json.dumps({"customerID": customer, "accountBalance": str(row["accountBalance"])})
        topic.publish(Subject="Warning! Account balance is very high", Message=message)
