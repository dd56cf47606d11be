"""The handout's way, written afresh: two PutItem a row, one UpdateItem a record, a Publish whenever a total is high.

Amounts are Decimal here; the handout's int() would lose most rows.
"""

import csv
import io
import json
import os
import tempfile
from decimal import Decimal
from urllib.parse import unquote_plus

import boto3

dynamodb, sns, s3 = boto3.resource("dynamodb"), boto3.client("sns"), boto3.client("s3")
topics = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
topic = next(arn for arn in topics if arn.endswith(":HighBalanceAlert"))


def process(event, context):
    customers, transactions = dynamodb.Table("Customer"), dynamodb.Table("Transactions")
    place = event["Records"][0]["s3"]
    with tempfile.NamedTemporaryFile() as file:
        s3.download_fileobj(place["bucket"]["name"], unquote_plus(place["object"]["key"]), file)
        file.seek(0)
        for row in csv.DictReader(io.TextIOWrapper(file), delimiter="|"):
            customers.put_item(Item={"CustomerId": row["customer_id"], "Address": row["customer_address"]})
            item = {"CustomerId": row["customer_id"], "TransactionId": row["trn_id"]}
            item |= {"TransactionDate": row["trn_date"], "TransactionAmount": Decimal(row["trn_amount"])}
            transactions.put_item(Item=item)


def notify(event, context):
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        answer = dynamodb.Table("TransactionTotal").update_item(
            Key={"CustomerId": image["CustomerId"]["S"]},
            UpdateExpression="ADD accountBalance :amount",
            ExpressionAttributeValues={":amount": Decimal(image["TransactionAmount"]["N"])},
            ReturnValues="UPDATED_NEW",
        )
        balance = answer["Attributes"]["accountBalance"]
        if balance >= Decimal(os.environ["THRESHOLD"]):
            message = {"customerID": image["CustomerId"]["S"], "accountBalance": str(balance)}
            sns.publish(TopicArn=topic, Subject="High balance", Message=json.dumps(message))
