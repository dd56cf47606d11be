"""Right TotalNotifiers of different designs. None was made from another one, or from the lab's own."""

# A transaction a record, all in the handler.
ONE_BY_ONE = """
import json
import os
import time
from decimal import Decimal

import boto3

totals = boto3.resource("dynamodb").Table(os.environ["TOTAL_TABLE"])
topic = boto3.resource("sns").Topic(os.environ["TOPIC_ARN"])
dead = boto3.resource("sqs").Queue(os.environ["DEAD_LETTER_QUEUE"])


def amount(image):
    if image is None:
        return Decimal(0)
    return Decimal(image["TransactionAmount"]["N"])


def lambda_handler(event, context):
    client = totals.meta.client
    customers = set()
    for record in event["Records"]:
        images = record["dynamodb"]
        customer = images["Keys"]["CustomerId"]["S"]
        customers.add(customer)
        try:
            new = amount(images.get("NewImage"))
        except KeyError:
            dead.send_message(MessageBody=json.dumps(record))
            new = Decimal(0)
        try:
            old = amount(images.get("OldImage"))
        except KeyError:
            old = Decimal(0)
        item = {"EventId": record["eventID"], "ExpiresAt": int(time.time()) + 2 * 24 * 3600}
        put = {"TableName": os.environ["MARKER_TABLE"], "Item": item}
        put["ConditionExpression"] = "attribute_not_exists(EventId)"
        update = {
            "TableName": os.environ["TOTAL_TABLE"],
            "Key": {"CustomerId": customer},
            "UpdateExpression": "ADD accountBalance :amount",
            "ExpressionAttributeValues": {":amount": new - old},
        }
        try:
            client.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}])
        except client.exceptions.TransactionCanceledException as error:
            if error.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
                raise
    for customer in customers:
        row = totals.get_item(Key={"CustomerId": customer}, ConsistentRead=True)["Item"]
        total = row["accountBalance"]
        high = total >= Decimal(os.environ["THRESHOLD"])
        if high != row.get("alerted", False):
            if high:
                message = json.dumps({"customerID": customer, "accountBalance": str(total)})
                topic.publish(Subject="Warning! Account balance is very high", Message=message)
            totals.update_item(
                Key={"CustomerId": customer},
                UpdateExpression="SET alerted = :high",
                ExpressionAttributeValues={":high": high},
            )
"""

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

# A class, and the low-level client.
LOW_LEVEL = """
import json
import os
import time
from decimal import Decimal, InvalidOperation

import boto3
from botocore.exceptions import ClientError

db, sns, sqs = (boto3.client(name) for name in ("dynamodb", "sns", "sqs"))
ENV = os.environ


class Account:
    def __init__(self, customer):
        self.key = {"CustomerId": {"S": customer}}
        self.customer = customer

    def book(self, delta, event):
        ttl = str(int(time.time() + 200_000))
        steps = [
            {"Update": dict(TableName=ENV["TOTAL_TABLE"], Key=self.key, UpdateExpression="ADD accountBalance :d",
                            ExpressionAttributeValues={":d": {"N": str(delta)}})},
            {"Put": dict(TableName=ENV["MARKER_TABLE"], Item={"EventId": {"S": event}, "ExpiresAt": {"N": ttl}},
                         ConditionExpression="attribute_not_exists(EventId)")},
        ]
        try:
            db.transact_write_items(TransactItems=steps)
            return True
        except ClientError as problem:
            reasons = problem.response.get("CancellationReasons", [])
            if len(reasons) == 2 and reasons[1].get("Code") == "ConditionalCheckFailed":
                return False
            raise

    def load(self):
        row = db.get_item(TableName=ENV["TOTAL_TABLE"], Key=self.key, ConsistentRead=True)["Item"]
        self.balance = Decimal(row["accountBalance"]["N"])
        self.flag = row.get("alerted", {}).get("BOOL", False)

    def warn(self):
        self.load()
        above = self.balance >= Decimal(ENV["THRESHOLD"])
        if above and not self.flag:
            sns.publish(TopicArn=ENV["TOPIC_ARN"], Subject="Warning! Account balance is very high",
                        Message=json.dumps(dict(customerID=self.customer, accountBalance=f"{self.balance:f}")))
        if above is not self.flag:
            db.update_item(TableName=ENV["TOTAL_TABLE"], Key=self.key, UpdateExpression="SET alerted = :f",
                           ExpressionAttributeValues={":f": {"BOOL": above}})


def number(picture):
    if not picture:
        return Decimal()
    try:
        return Decimal(picture["TransactionAmount"]["N"])
    except (KeyError, InvalidOperation):
        return None


def lambda_handler(event, context):
    accounts = {}
    for r in event["Records"]:
        d = r["dynamodb"]
        c = d["Keys"]["CustomerId"]["S"]
        account = accounts.setdefault(c, Account(c))
        after = number(d.get("NewImage"))
        if after is None:
            sqs.send_message(QueueUrl=ENV["DEAD_LETTER_QUEUE"], MessageBody=json.dumps(r))
        account.book((after or Decimal()) - (number(d.get("OldImage")) or Decimal()), r["eventID"])
    for account in accounts.values():
        account.warn()
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

ALL = {"one by one": ONE_BY_ONE, "hints": HINTS, "low level": LOW_LEVEL, "set of ids": SET_OF_IDS}
