"""The calls of the chain alone: batches and transactions that are made beforehand, sent by one client."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from boto3.dynamodb.types import TypeSerializer

from lab_lib import transactions
from lab_lib.aws import cleanup, tables
from lab_lib.lab import open_lab
from tests.bench import chain, page

MOST_ACTIONS = 100  # in a transaction
serialize = TypeSerializer().serialize


def seconds(rows, customers, threads):
    """Return the seconds that the calls take: one half after the other, or both at the same time."""
    made = list(transactions.make_up(rows, customers))
    halves = [list(batches(made)), list(additions(made))]
    lab = open_lab(account=next(chain.ACCOUNTS))
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    dynamodb = lab.client("dynamodb")

    def send(half):
        for call, arguments in half:
            getattr(dynamodb, call)(**arguments)

    pool = ThreadPoolExecutor(threads)
    try:
        took = page.timed(lambda: list(pool.map(send, halves)))()
    finally:
        pool.shutdown(wait=False)  # after Ctrl-C the calls end when the server is stopped
    list(cleanup.delete_all(lab))
    return took


def batches(rows):
    """Yield the calls that write the customers and the transactions."""
    customers = {row["CustomerId"]: {"CustomerId": row["CustomerId"], "Address": row["Address"]} for row in rows}
    items = [{name: value for name, value in row.items() if name != "Address"} for row in rows]
    for table, kept in (("Customer", list(customers.values())), ("Transactions", items)):
        for some in chunks(kept, 25):
            puts = [{"PutRequest": {"Item": typed(item)}} for item in some]
            yield "batch_write_item", {"RequestItems": {table: puts}}


def additions(rows):
    """Yield the transactions for 1,000 rows at a time, sorted by customer: a marker a row and an ADD a customer."""
    for some in chunks(rows, 1_000):
        sums, markers = defaultdict(Decimal), []
        for row in sorted(some, key=lambda row: row["CustomerId"]):
            if len(markers) + 1 + len(sums.keys() | {row["CustomerId"]}) > MOST_ACTIONS:
                yield transaction(markers, sums)
                sums, markers = defaultdict(Decimal), []
            sums[row["CustomerId"]] += row["TransactionAmount"]
            markers.append(f"{row['TransactionId']}-of-{row['CustomerId']}-32-characters")
        yield transaction(markers, sums)


def transaction(markers, sums):
    marked = [
        {
            "Put": {
                "TableName": "ProcessedRecords",
                "Item": typed({"EventId": marker, "ExpiresAt": 1_900_000_000}),
                "ConditionExpression": "attribute_not_exists(EventId)",
            }
        }
        for marker in markers
    ]
    added = [
        {
            "Update": {
                "TableName": "TransactionTotal",
                "Key": typed({"CustomerId": customer}),
                "UpdateExpression": "ADD accountBalance :amount",
                "ExpressionAttributeValues": typed({":amount": amount}),
            }
        }
        for customer, amount in sums.items()
    ]
    return "transact_write_items", {"TransactItems": marked + added}


def chunks(items, size):
    return (items[start : start + size] for start in range(0, len(items), size))


def typed(item):
    return {name: serialize(value) for name, value in item.items()}
