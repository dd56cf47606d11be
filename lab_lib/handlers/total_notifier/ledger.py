"""Work out what the changes of Transactions add to the totals. Calls no AWS service.

A stream record is a signed change: new amount minus old one, of a new, corrected or deleted row.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any, NamedTuple

from boto3.dynamodb.types import DYNAMODB_CONTEXT

MOST_ACTIONS = 100  # DynamoDB's limit for one transaction
INVALID = {"ValidationException", "ValidationError"}  # of a request, of an action


class Change(NamedTuple):
    """The amount that one stream record adds to the total of a customer."""

    customer: str
    amount: Decimal
    record: dict[str, Any]


def read_changes(records):
    """Return the changes, and the dead letters about records that no retry can fix.

    A new amount that is no number is such a record, and counts as 0 in the total.
    """
    changes = {}
    letters = []
    for record in records:
        try:
            images = record["dynamodb"]
            customer = images["Keys"]["CustomerId"]["S"]
            new, old = (amount_of(images.get(name)) for name in ("NewImage", "OldImage"))
            amount = DYNAMODB_CONTEXT.subtract(new or Decimal(0), old or Decimal(0))
            if new is None:
                reason = "TransactionAmount is no number"
                letters.append(dead_letter(record, "amount-not-number", reason))
            if new is not None or amount:  # a batch may hold a record twice
                changes[record["eventID"]] = Change(customer, amount, record)
        except ArithmeticError:
            reason = "the change has more than 38 digits"
            letters.append(dead_letter(record, "amount-too-long", reason))
        except (KeyError, TypeError) as error:
            reason = f"it is no change of a transaction: {error!r}"
            letters.append(dead_letter(record, "not-a-change", reason, error=repr(error)))
    return list(changes.values()), letters


def dead_letter(record, code, reason, **values):
    """Return the message about a record that no retry can fix."""
    return {"error": reason, "code": code, "values": values, "record": record}


def amount_of(image):
    """Return the amount: 0 without an image, None if the image has no number."""
    try:
        return Decimal(image["TransactionAmount"]["N"]) if image else Decimal(0)
    except (KeyError, TypeError, ArithmeticError):
        return None


def ends(records):
    """Return how many records there are, and the number of the first and of the last one."""
    numbers = [(record.get("dynamodb") or {}).get("SequenceNumber") for record in records]
    return {"records": len(numbers), "first": [*numbers, None][0], "last": [None, *numbers][-1]}


def packs(changes):
    """Yield the changes in groups that fit into a transaction: a marker each, an ADD a customer."""
    pack = []
    customers = set()
    for change in sorted(changes, key=lambda change: change.customer):  # saves ADDs
        if len(pack) + 1 + len(customers | {change.customer}) > MOST_ACTIONS:
            yield pack
            pack = []
            customers = set()
        pack.append(change)
        customers.add(change.customer)
    if pack:
        yield pack


def actions(pack, marker_table, total_table, marker):
    """Return the actions of the pack's transaction: a marker each, then an ADD a customer.

    ArithmeticError if the changes of a customer have a sum of more than 38 digits.
    """
    sums = defaultdict(Decimal)
    items = []
    for change in pack:
        sums[change.customer] = DYNAMODB_CONTEXT.add(sums[change.customer], change.amount)
        put = {
            "TableName": marker_table,
            "Item": {"EventId": change.record["eventID"], **marker},
            "ConditionExpression": "attribute_not_exists(EventId)",
        }
        items.append({"Put": put})
    for customer, amount in sums.items():
        update = {
            "TableName": total_table,
            "Key": {"CustomerId": customer},
            "UpdateExpression": "ADD accountBalance :amount",
            "ExpressionAttributeValues": {":amount": amount},
        }
        items.append({"Update": update})
    return items


def why_refused(error):
    """Return the places of the markers that were there, and whether no retry can ever succeed."""
    if isinstance(error, ArithmeticError):
        return set(), True
    codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
    there = {place for place, code in enumerate(codes) if code == "ConditionalCheckFailed"}
    return there, not INVALID.isdisjoint([error.response["Error"]["Code"], *codes])


def judge(total, threshold):
    """Return whether an alert is due, and whether the note of an earlier alert is out of date.

    An alert holds for a threshold while the total stays at or above it. The lowest balance since
    the alert is noted, so that this can be told of any threshold: it may have changed since.
    """
    balance = total.get("accountBalance")
    alerted = total.get("alerted", False)
    if not isinstance(balance, Decimal):
        return False, False
    lowest = total.get("lowestBalance", balance)
    is_due = balance >= threshold and not (alerted and lowest >= threshold)
    return is_due, alerted and balance < max(lowest, threshold)
