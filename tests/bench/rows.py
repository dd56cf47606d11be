"""Make up a transactions file: `python -m tests.bench.rows 10000 [CUSTOMERS] > rows.txt`."""

import csv
import random
import sys
from decimal import Decimal

from lab_lib.handlers.transaction_processor.transactions_file import COLUMNS


def write(stream, rows):
    lines = csv.writer(stream, delimiter="|", lineterminator="\n")
    lines.writerow(COLUMNS)
    for row in rows:
        texts = [row[name] for name in ("CustomerId", "Address", "TransactionId", "TransactionDate")]
        lines.writerow([*texts, f"{row['TransactionAmount']:f}"])


def make_up(rows, customers=200):
    """Generate transactions of 1.00 to 40.00."""
    chance = random.Random(0)
    for number in range(1, rows + 1):
        customer = chance.randint(1, customers)
        yield {
            "CustomerId": f"C{customer}",
            "Address": f"{customer} Smith Street, London",
            "TransactionId": f"T{number:06}",
            "TransactionDate": f"{chance.randint(1, 12):02}/{chance.randint(1, 28):02}/2017",
            "TransactionAmount": Decimal(chance.randint(100, 4000)) / 100,
        }


if __name__ == "__main__":
    write(sys.stdout, make_up(*map(int, sys.argv[1:])))
