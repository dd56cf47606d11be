"""Skips a record that has a marker, but writes the marker after the sum."""

import json
import os
import time
from decimal import Decimal

import boto3

dynamodb = boto3.resource("dynamodb")
totals = dynamodb.Table(os.environ["TOTAL_TABLE"])
markers = dynamodb.Table(os.environ["MARKER_TABLE"])
topic = boto3.resource("sns").Topic(os.environ["TOPIC_ARN"])
dead_letters = boto3.resource("sqs").Queue(os.environ["DEAD_LETTER_QUEUE"])
threshold = Decimal(os.environ["THRESHOLD"])


def lambda_handler(event, context):
    for record in event["Records"]:
        images = record["dynamodb"]
        new, old = (amount(images.get(name)) for name in ("NewImage", "OldImage"))
        if new is None:
            dead_letters.send_message(MessageBody=json.dumps(record))
        elif "Item" not in markers.get_item(Key={"EventId": record["eventID"]}):
            customer = images["Keys"]["CustomerId"]["S"]
            change(customer, "ADD accountBalance :value", new - (old or 0))
            alert(customer)
            expires = int(time.time()) + 48 * 3600
            markers.put_item(Item={"EventId": record["eventID"], "ExpiresAt": expires})


def amount(image):
    value = image["TransactionAmount"].get("N") if image else 0
    return None if value is None else Decimal(value)


def change(customer, expression, value):
    key, values = {"CustomerId": customer}, {":value": value}
    totals.update_item(Key=key, UpdateExpression=expression, ExpressionAttributeValues=values)


def alert(customer):
    row = totals.get_item(Key={"CustomerId": customer}, ConsistentRead=True)["Item"]
    is_high = row["accountBalance"] >= threshold
    if is_high and not row.get("alerted"):
        message = json.dumps({"customerID": customer, "accountBalance": str(row["accountBalance"])})
        topic.publish(Subject="Warning! Account balance is very high", Message=message)
    change(customer, "SET alerted = :value", is_high)
