import json
import os
from decimal import Decimal

import boto3

totals = boto3.resource("dynamodb").Table(os.environ["TOTAL_TABLE"])
topic = boto3.resource("sns").Topic(os.environ["TOPIC_ARN"])


def lambda_handler(event, context):
    for record in event["Records"]:
        row = record["dynamodb"]["NewImage"]
        customer, amount = row["CustomerId"]["S"], Decimal(row["TransactionAmount"]["N"])
        answer = totals.update_item(
            Key={"CustomerId": customer},
            UpdateExpression="ADD accountBalance :amount",
            ExpressionAttributeValues={":amount": amount},
            ReturnValues="UPDATED_NEW",
        )
        total = answer["Attributes"]["accountBalance"]
        if total >= Decimal(os.environ["THRESHOLD"]):
            message = json.dumps({"customerID": customer, "accountBalance": str(total)})
            topic.publish(Subject="Warning! Account balance is very high", Message=message)
