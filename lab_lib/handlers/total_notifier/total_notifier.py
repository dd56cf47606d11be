"""TotalNotifier: keeps each customer's total, and alerts once when a total reaches the threshold.

Lambda delivers a stream record at least once, and in order only with those of the same item. So
each record is an amount to add, and a marker in the same transaction says that it was added.
A batch that comes again changes nothing; one that was cut off half-way is finished.
"""

import contextlib
import functools
import json
import os
import time
from decimal import Decimal

import boto3
from botocore.exceptions import ClientError
from ledger import actions, dead_letter, ends, judge, packs, read_changes, why_refused

SUBJECT = "Warning! Account balance is very high"
MARKER_LIFE = 48 * 3600  # seconds; a stream keeps its records for 24 hours
LAST_SECONDS = 5_000  # milliseconds before the timeout, in which a recheck stops
# Made once, kept while Lambda stays warm.
aws = functools.cache(lambda kind, service: getattr(boto3, kind)(service))


def lambda_handler(event, context):
    """Add the batch to the totals, then alert. After an error Lambda sends the batch again."""
    limit = Decimal(event.get("threshold") or os.environ["THRESHOLD"])
    if event.get("recheck"):
        return recheck(context, limit)
    changes, letters = read_changes(event["Records"])
    marker = {"ExpiresAt": int(time.time()) + MARKER_LIFE, "Run": context.aws_request_id}
    for pack in packs(changes):
        letters += add_once(pack, marker)
    customers = sorted({change.customer for change in changes})
    alerted = [total["CustomerId"] for total in totals_of(customers) if alert(total, limit)]
    for letter in letters:  # they must not hold up the records behind them
        url = os.environ["DEAD_LETTER_QUEUE"]
        aws("client", "sqs").send_message(QueueUrl=url, MessageBody=json.dumps(letter))
    print(json.dumps({**ends(event["Records"]), "parked": len(letters), "alerted": alerted}))
    return {"batchItemFailures": []}


def add_once(pack, marker):
    """Add what was not added before. Return dead letters about what can never be added."""
    try:
        add(pack, marker)
        return []
    except (ClientError, ArithmeticError) as error:
        there, hopeless = why_refused(error)
        if not there and not hopeless:
            raise  # a conflict or a throttle: the batch comes again
        why = repr(error)
    if there:
        new = [change for place, change in enumerate(pack) if place not in there]
        return add_once(new, marker)
    if len(pack) == 1:
        return [dead_letter(pack[0].record, "refused", why, error=why)]
    return [letter for change in pack for letter in add_once([change], marker)]


def add(pack, marker):
    if pack:
        items = actions(pack, os.environ["MARKER_TABLE"], os.environ["TOTAL_TABLE"], marker)
        aws("resource", "dynamodb").meta.client.transact_write_items(TransactItems=items)


def totals_of(customers):
    """Yield the customers' items in TransactionTotal, read consistently, at most 100 a call."""
    dynamodb = aws("resource", "dynamodb")
    table = os.environ["TOTAL_TABLE"]
    for start in range(0, len(customers), 100):
        keys = [{"CustomerId": customer} for customer in customers[start : start + 100]]
        request = {table: {"Keys": keys, "ConsistentRead": True}}
        while request:
            answer = dynamodb.batch_get_item(RequestItems=request)
            yield from answer["Responses"].get(table, [])
            request = answer.get("UnprocessedKeys")


def recheck(context, limit):
    """Compare all totals with the threshold, which may have changed: one, more if there is time.

    The highest come first: without the topic the first alert fails, and no flag is cleared.
    """
    scan = aws("resource", "dynamodb").meta.client.get_paginator("scan")
    pages = scan.paginate(TableName=os.environ["TOTAL_TABLE"], ConsistentRead=True)
    totals = [total for page in pages for total in page["Items"]]
    due = [total for total in totals if any(judge(total, limit))]
    due.sort(key=lambda total: total["accountBalance"])
    alerted = []
    has_time = True
    while due and has_time:
        total = due.pop()
        if alert(total, limit):
            alerted.append(total["CustomerId"])
        has_time = context.get_remaining_time_in_millis() > LAST_SECONDS
    answer = {"alerted": alerted, "left": len(due)}
    print(json.dumps({"rechecked": len(totals), **answer}))
    return answer


def alert(total, limit):
    """Publish if the total has reached the threshold and nobody was told yet; True if it did."""
    dynamodb = aws("resource", "dynamodb")
    balance = total.get("accountBalance")
    is_due, is_stale = judge(total, limit)
    if is_due:
        message = json.dumps({"customerID": total["CustomerId"], "accountBalance": f"{balance:f}"})
        topic = os.environ["TOPIC_ARN"]
        aws("client", "sns").publish(TopicArn=topic, Subject=SUBJECT, Message=message)
    if not is_due and not is_stale:
        return False
    # Only after publishing: a crash in between repeats an alert, and never loses one. And only
    # while the total is the same: another run that has changed it compares it again.
    with contextlib.suppress(dynamodb.meta.client.exceptions.ConditionalCheckFailedException):
        dynamodb.Table(os.environ["TOTAL_TABLE"]).update_item(
            Key={"CustomerId": total["CustomerId"]},
            UpdateExpression="SET alerted = :flag, lowestBalance = :balance",
            ConditionExpression="accountBalance = :balance",
            ExpressionAttributeValues={":flag": balance >= limit, ":balance": balance},
        )
    return is_due
