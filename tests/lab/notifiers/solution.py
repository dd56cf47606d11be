import json
import os
import time
from decimal import Decimal

import boto3

dynamodb = boto3.resource("dynamodb")
topic = boto3.resource("sns").Topic(os.environ["TOPIC_ARN"])
dead_letters = boto3.resource("sqs").Queue(os.environ["DEAD_LETTER_QUEUE"])
TOTALS, MARKERS = os.environ["TOTAL_TABLE"], os.environ["MARKER_TABLE"]
THRESHOLD = Decimal(os.environ["THRESHOLD"])


def lambda_handler(event, context):
    changes = sorted(read_change(record) for record in event["Records"])  # by customer
    for start in range(0, len(changes), 50):  # a transaction has at most 100 actions
        part = changes[start : start + 50]
        add_once(part)
        for row in rows({customer for customer, _, _ in part}):
            alert_once(row["CustomerId"], row["accountBalance"], row.get("alerted", False))


def read_change(record):
    """Return the record's customer, its new amount minus the old one, and its id."""
    images = record["dynamodb"]
    new, old = amount(images.get("NewImage")), amount(images.get("OldImage"))
    if new is None:  # no retry can mend it: it must not hold up the others
        dead_letters.send_message(MessageBody=json.dumps(record))
    return images["Keys"]["CustomerId"]["S"], (new or 0) - (old or 0), record["eventID"]


def amount(image):
    """Return 0 without an image, None if its amount is no number."""
    value = image["TransactionAmount"].get("N") if image else 0
    return None if value is None else Decimal(value)


def add_once(changes):
    """Add the changes. In the same transaction, a marker says that a record is added."""
    sums = {}
    for customer, change, _ in changes:
        sums[customer] = sums.get(customer, 0) + change
    actions = [{"Put": marker(event_id)} for _, _, event_id in changes]
    actions += [{"Update": addition(*each)} for each in sums.items()]
    client = dynamodb.meta.client
    try:
        client.transact_write_items(TransactItems=actions)
    except client.exceptions.TransactionCanceledException as error:
        reasons = error.response["CancellationReasons"]  # one for each action, markers first
        there = [reason["Code"] == "ConditionalCheckFailed" for reason in reasons]
        new = [change for change, is_there in zip(changes, there) if not is_there]
        if len(new) == len(changes):
            raise  # no marker was there: something else is wrong, and the batch comes again
        if new:
            add_once(new)


def marker(event_id):
    expires = int(time.time()) + 48 * 3600  # the stream keeps its records for 24 hours
    condition = "attribute_not_exists(EventId)"
    item = {"EventId": event_id, "ExpiresAt": expires}
    return {"TableName": MARKERS, "Item": item, "ConditionExpression": condition}


def addition(customer, change):
    add, values = "ADD accountBalance :change", {":change": change}
    update = {"UpdateExpression": add, "ExpressionAttributeValues": values}
    return {"TableName": TOTALS, "Key": {"CustomerId": customer}, **update}


def rows(customers):
    """Yield the rows of these customers, at most 100, in the table of totals."""
    keys = [{"CustomerId": customer} for customer in sorted(customers)]
    request = {TOTALS: {"Keys": keys, "ConsistentRead": True}}
    while request:
        answer = dynamodb.batch_get_item(RequestItems=request)
        yield from answer["Responses"][TOTALS]
        request = answer["UnprocessedKeys"]


def alert_once(customer, total, alerted):
    """Publish when the total reaches the threshold. Note it afterwards: a crash may come first."""
    is_high = total >= THRESHOLD
    if is_high and not alerted:
        message = json.dumps({"customerID": customer, "accountBalance": f"{total:f}"})
        topic.publish(Subject="Warning! Account balance is very high", Message=message)
    if is_high != alerted:
        dynamodb.Table(TOTALS).update_item(
            Key={"CustomerId": customer},
            UpdateExpression="SET alerted = :high",
            ExpressionAttributeValues={":high": is_high},
        )
