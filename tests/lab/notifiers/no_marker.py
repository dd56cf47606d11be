"""New amount minus old amount, a dead letter for poison, a flag for alerts; but nothing says what was added."""

import json
import os
from decimal import Decimal

import boto3

totals = boto3.resource("dynamodb").Table(os.environ["TOTAL_TABLE"])
topic = boto3.resource("sns").Topic(os.environ["TOPIC_ARN"])
dead_letters = boto3.resource("sqs").Queue(os.environ["DEAD_LETTER_QUEUE"])
threshold = Decimal(os.environ["THRESHOLD"])


def lambda_handler(event, context):
    for record in event["Records"]:
        images = record["dynamodb"]
        try:
            change = amount(images.get("NewImage")) - amount(images.get("OldImage"))
        except KeyError:
            dead_letters.send_message(MessageBody=json.dumps(record))
            continue
        add(images["Keys"]["CustomerId"]["S"], change)


def amount(image):
    return Decimal(image["TransactionAmount"]["N"]) if image else Decimal(0)


def add(customer, change):
    row = update(customer, "ADD accountBalance :value", change)
    is_high = row["accountBalance"] >= threshold
    if is_high and not row.get("alerted"):
        message = json.dumps({"customerID": customer, "accountBalance": str(row["accountBalance"])})
        topic.publish(Subject="Warning! Account balance is very high", Message=message)
    if is_high != row.get("alerted", False):
        update(customer, "SET alerted = :value", is_high)


def update(customer, expression, value):
    answer = totals.update_item(
        Key={"CustomerId": customer},
        UpdateExpression=expression,
        ExpressionAttributeValues={":value": value},
        ReturnValues="ALL_NEW",
    )
    return answer["Attributes"]
