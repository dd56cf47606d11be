"""Print rows a second until all totals are exact, beside the handout's calls, and the least that is to be written."""

import time

from lab_lib import transactions
from lab_lib.aws import cleanup, tables
from tests.bench import labs
from tests.bench.rows import make_up
from tests.lab.chains import stop
from tests.own_aws import own_aws

SIZES = [(1_000, 200), (10_000, 200), (10_000, 20_000), (10_000, 1), (100_000, 200)]  # rows and customers
ROUNDS = 3
FEW = 1_000  # rows: each one takes the handout's calls equally long


def main():
    for size, customers in SIZES:
        print(f"{size:,} rows of {customers:,} customers, in a second:")
        for _ in range(ROUNDS):
            chain, by_row, floor = rates(list(make_up(size, customers)))
            print(f"    the chain {chain:,.0f}; row by row {by_row:,.0f}; floor {floor:,.0f}", flush=True)


def rates(rows):
    """Return the rows a second of each way."""
    lab = labs.build()
    labs.take_in(lab, "warm-up.txt", rows[:1])
    chain = rate(lambda: labs.take_in(lab, "rows.txt", rows), rows)
    totals = {item["CustomerId"]: item["accountBalance"] for item in tables.items(lab, "TransactionTotal")}
    expected = transactions.totals(transactions.read_amounts(rows))
    assert totals == expected
    stop(lab)
    dynamodb = lab.session.resource("dynamodb", endpoint_url=lab.endpoint)
    by_row = rate(lambda: write_by_row(dynamodb, rows[:FEW]), rows[:FEW])
    floor = rate(lambda: write_once(dynamodb, rows, expected), rows)
    list(cleanup.delete_all(lab))
    return chain, by_row, floor


def rate(way, rows):
    begun = time.monotonic()
    way()
    return len(rows) / (time.monotonic() - begun)


def write_by_row(dynamodb, rows):
    """Make the handout's calls for each row: two PutItem and one UpdateItem."""
    for row in rows:
        dynamodb.Table("Customer").put_item(Item=customer(row))
        dynamodb.Table("Transactions").put_item(Item=transaction(row))
        dynamodb.Table("TransactionTotal").update_item(
            Key={"CustomerId": row["CustomerId"]},
            UpdateExpression="ADD accountBalance :amount",
            ExpressionAttributeValues={":amount": row["TransactionAmount"]},
        )


def write_once(dynamodb, rows, totals):
    """Write each item once, in batches."""
    with (
        dynamodb.Table("Customer").batch_writer(overwrite_by_pkeys=["CustomerId"]) as customers,
        dynamodb.Table("Transactions").batch_writer() as written,
        dynamodb.Table("TransactionTotal").batch_writer() as sums,
    ):
        for row in rows:
            customers.put_item(Item=customer(row))
            written.put_item(Item=transaction(row))
        for name, total in totals.items():
            sums.put_item(Item={"CustomerId": name, "accountBalance": total})


def customer(row):
    return {"CustomerId": row["CustomerId"], "Address": row["Address"]}


def transaction(row):
    return {name: value for name, value in row.items() if name != "Address"}


if __name__ == "__main__":
    with own_aws("bench"):
        main()
