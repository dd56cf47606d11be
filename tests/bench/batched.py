"""Work as an engineer would write it first: batch writers, and one UpdateItem a customer for each batch of records."""

import codecs
import csv
import json
import os
from collections import defaultdict
from decimal import Decimal
from urllib.parse import unquote_plus

import boto3

dynamodb, sns, s3 = boto3.resource("dynamodb"), boto3.client("sns"), boto3.client("s3")


def process(event, context):
    place = event["Records"][0]["s3"]
    body = s3.get_object(Bucket=place["bucket"]["name"], Key=unquote_plus(place["object"]["key"]))["Body"]
    with (
        dynamodb.Table("Customer").batch_writer(overwrite_by_pkeys=["CustomerId"]) as customers,
        dynamodb.Table("Transactions").batch_writer() as transactions,
    ):
        for row in csv.DictReader(codecs.getreader("utf-8")(body), delimiter="|"):
            customers.put_item(Item={"CustomerId": row["customer_id"], "Address": row["customer_address"]})
            item = {"CustomerId": row["customer_id"], "TransactionId": row["trn_id"]}
            item |= {"TransactionDate": row["trn_date"], "TransactionAmount": Decimal(row["trn_amount"])}
            transactions.put_item(Item=item)


def notify(event, context):
    sums = defaultdict(Decimal)
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        sums[image["CustomerId"]["S"]] += Decimal(image["TransactionAmount"]["N"])
    for customer, amount in sums.items():
        answer = dynamodb.Table("TransactionTotal").update_item(
            Key={"CustomerId": customer},
            UpdateExpression="ADD accountBalance :amount",
            ExpressionAttributeValues={":amount": amount},
            ReturnValues="UPDATED_NEW",
        )
        balance = answer["Attributes"]["accountBalance"]
        if balance >= Decimal(os.environ["THRESHOLD"]):
            message = {"customerID": customer, "accountBalance": str(balance)}
            sns.publish(TopicArn=os.environ["TOPIC_ARN"], Subject="High balance", Message=json.dumps(message))
