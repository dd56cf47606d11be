"""TotalNotifier: keeps each customer's total, and alerts once when a total reaches the threshold.

DynamoDB delivers a stream record at least once, and orders only the records of one item. So
each record is an amount to add, and a marker written in the same transaction says that it was
added. A batch that comes again changes nothing; one that was cut off half-way is finished.
"""

import contextlib
import functools
import json
import os
import time
from collections import defaultdict
from decimal import Decimal

import boto3
from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

SUBJECT = "Warning! Account balance is very high"
MARKER_LIFE = 48 * 3600  # seconds; a stream keeps its records for 24 hours
MOST_ACTIONS = 100  # DynamoDB's limit for one transaction
INVALID = "ValidationException"  # the whole request is refused, for what one of its actions wants
aws = functools.cache(boto3.client)  # made once, kept while Lambda stays warm
dynamodb_value = TypeSerializer().serialize
python_value = TypeDeserializer().deserialize


def lambda_handler(event, context):
    """Add the batch to the totals, then alert. After an error Lambda sends the batch again."""
    changes, hopeless = read_changes(event["Records"])
    refused = {}
    added = sum(add_once(pack, refused) for pack in packs(changes))
    customers = sorted({customer for customer, _ in changes.values()})
    alerted = [total["CustomerId"] for total in totals_of(customers) if alert(total)]
    hopeless += [
        {"error": refused[record["eventID"]], "record": record}
        for record in event["Records"]
        if record.get("eventID") in refused
    ]
    park(hopeless)
    counts = {"records": len(event["Records"]), "added": added, "parked": len(hopeless)}
    print(json.dumps({**counts, "alerted": alerted}))
    return {"batchItemFailures": []}


def read_changes(records):
    """{event id: (customer, new amount minus old)}, and what no retry can mend.

    A transaction without an amount that is a number counts as 0, so that the total stays the
    sum of those that have one; whoever put it there finds it in the dead-letter queue.
    """
    changes, hopeless = {}, []
    for record in records:
        try:
            images = record["dynamodb"]
            customer = images["Keys"]["CustomerId"]["S"]
            new, old = (amount_of(images.get(name)) for name in ("NewImage", "OldImage"))
            change = DYNAMODB_CONTEXT.subtract(new or Decimal(0), old or Decimal(0))
            if new is None:
                hopeless.append({"error": "TransactionAmount is no number", "record": record})
            if new is not None or change:
                changes[record["eventID"]] = customer, change
        except (KeyError, TypeError, ArithmeticError) as error:
            hopeless.append({"error": repr(error), "record": record})
    return changes, hopeless


def amount_of(image):
    """The amount; 0 of no image, None of one that has no number as its amount."""
    try:
        return Decimal(image["TransactionAmount"]["N"]) if image else Decimal(0)
    except (KeyError, TypeError, ArithmeticError):
        return None


def packs(changes):
    """The changes in groups that fit into a transaction: a marker a record, an ADD a customer."""
    pack, customers = {}, set()
    for event_id, (customer, amount) in changes.items():
        if len(pack) + 1 + len(customers | {customer}) > MOST_ACTIONS:
            yield pack
            pack, customers = {}, set()
        pack[event_id] = customer, amount
        customers.add(customer)
    if pack:
        yield pack


def add_once(pack, refused):
    """Add to the totals, in one transaction, what was not added before; how many changes it was.

    A change that DynamoDB can never take, such as one that gives a total more than 38 digits,
    is found by halves and put into `refused`: {event id: error}.
    """
    while pack:
        try:
            actions = [*markers(pack), *additions(pack)]
            aws("dynamodb").transact_write_items(TransactItems=actions)
            return len(pack)
        except ClientError as error:
            reasons = [each.get("Code") for each in error.response.get("CancellationReasons", [])]
            there = {
                event_id
                for event_id, reason in zip(pack, reasons)
                if reason == "ConditionalCheckFailed"
            }
            invalid = "ValidationError" in reasons or error.response["Error"]["Code"] == INVALID
            if not there and not invalid:
                raise  # a conflict or a throttle: the batch comes again
            failure = error
        except ArithmeticError as error:  # the sum of these changes alone has too many digits
            there, failure = set(), error
        if there:
            pack = {event_id: pack[event_id] for event_id in pack if event_id not in there}
        elif len(pack) > 1:
            return sum(add_once(half, refused) for half in halves(pack))
        else:
            refused[next(iter(pack))] = repr(failure)
            return 0
    return 0


def halves(pack):
    changes = list(pack.items())
    middle = len(changes) // 2
    return dict(changes[:middle]), dict(changes[middle:])


def markers(pack):
    """The markers, first in the transaction: so the reasons of a refusal line up with the pack."""
    expires = int(time.time()) + MARKER_LIFE
    for event_id in pack:
        marker = {
            "TableName": os.environ["MARKER_TABLE"],
            "Item": {"EventId": dynamodb_value(event_id), "ExpiresAt": dynamodb_value(expires)},
            "ConditionExpression": "attribute_not_exists(EventId)",
        }
        yield {"Put": marker}


def additions(pack):
    sums = defaultdict(Decimal)
    for customer, amount in pack.values():
        sums[customer] = DYNAMODB_CONTEXT.add(sums[customer], amount)
    for customer, amount in sums.items():
        addition = {
            "TableName": os.environ["TOTAL_TABLE"],
            "Key": {"CustomerId": dynamodb_value(customer)},
            "UpdateExpression": "ADD accountBalance :amount",
            "ExpressionAttributeValues": {":amount": dynamodb_value(amount)},
        }
        yield {"Update": addition}


def totals_of(customers):
    """The customers' items in TransactionTotal, read consistently, at most 100 a call.

    One whose balance somebody has made a text is passed over: what should be added to it is
    refused and parked, and it must not hold up the others.
    """
    table = os.environ["TOTAL_TABLE"]
    for start in range(0, len(customers), 100):
        some = customers[start : start + 100]
        wanted = [{"CustomerId": dynamodb_value(customer)} for customer in some]
        request = {table: {"Keys": wanted, "ConsistentRead": True}}
        while request:
            answer = aws("dynamodb").batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(table, []):
                if "N" in item.get("accountBalance", {}):
                    yield {name: python_value(value) for name, value in item.items()}
            request = answer.get("UnprocessedKeys")


def alert(total):
    """Publish if the total has reached the threshold and nobody was told yet; True if it did."""
    high = total["accountBalance"] >= Decimal(os.environ["THRESHOLD"])
    if high == total.get("alerted", False):
        return False
    if high:
        message = {
            "customerID": total["CustomerId"],
            "accountBalance": f"{total['accountBalance']:f}",
        }
        aws("sns").publish(
            TopicArn=os.environ["TOPIC_ARN"], Subject=SUBJECT, Message=json.dumps(message)
        )
    # Only after publishing: a crash in between repeats an alert, and never loses one. And only
    # while it is still so: another run may have changed the total, and will say what is so now.
    with contextlib.suppress(aws("dynamodb").exceptions.ConditionalCheckFailedException):
        aws("dynamodb").update_item(
            TableName=os.environ["TOTAL_TABLE"],
            Key={"CustomerId": dynamodb_value(total["CustomerId"])},
            UpdateExpression="SET alerted = :high",
            ConditionExpression=f"accountBalance {'>=' if high else '<'} :threshold",
            ExpressionAttributeValues={
                ":high": dynamodb_value(high),
                ":threshold": dynamodb_value(Decimal(os.environ["THRESHOLD"])),
            },
        )
    return high


def park(hopeless):
    """Set aside the records that can never succeed: they must not hold up the ones behind them."""
    for letter in hopeless:
        aws("sqs").send_message(
            QueueUrl=os.environ["DEAD_LETTER_QUEUE"], MessageBody=json.dumps(letter)
        )
