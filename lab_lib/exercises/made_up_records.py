"""Records of the stream of Transactions, made up as Lambda gives them."""

import itertools
from typing import Any

from lab_lib.aws import tables
from lab_lib.aws.streams import Record, made_up
from lab_lib.lab import Lab


class MadeUpRecords:
    """Makes records whose numbers grow. The ids of customers and transactions begin with the scope."""

    def __init__(self, lab: Lab) -> None:
        self._numbers = itertools.count(1)
        self._where = {
            "awsRegion": lab.region,
            "eventSourceARN": lab.arn("dynamodb", f"table/{tables.STREAMED}/stream/2026-11-26T00:00:00.000"),
        }
        self.begin("")

    def begin(self, scope: str) -> None:
        """Begin with other customers and transactions."""
        self.scope, self.transactions = scope, list[str]()

    def new(self, customer: str, amount: str) -> Record:
        """Return the record of a new transaction, as Lambda gives it."""
        number = next(self._numbers)
        self.transactions.append(f"{self.scope}{number:06}")
        row = {
            "CustomerId": {"S": f"{self.scope}{customer}"},
            "TransactionId": {"S": self.transactions[-1]},
            "TransactionDate": {"S": "11/26/2026"},
            "TransactionAmount": {"N": amount},
        }
        return self._record("INSERT", row, NewImage=row)

    def batch(self, customers: str, *amounts: str) -> list[Record]:
        """Return the records of new transactions: the letters of their customers, and their amounts."""
        return [self.new(*each) for each in zip(customers, amounts, strict=True)]

    def poison(self, customer: str, amount: str) -> Record:
        """Return the record of a new transaction whose amount is a text."""
        record = self.new(customer, "0")
        record["dynamodb"]["NewImage"]["TransactionAmount"] = {"S": amount}
        return record

    def corrected(self, record: Record, amount: str) -> Record:
        """Return the record of a correction."""
        row = record["dynamodb"]["NewImage"]
        return self._record("MODIFY", row, OldImage=row, NewImage={**row, "TransactionAmount": {"N": amount}})

    def deleted(self, record: Record) -> Record:
        """Return the record of a deletion."""
        row = record["dynamodb"]["NewImage"]
        return self._record("REMOVE", row, OldImage=row)

    def _record(self, kind: str, row: dict[str, Any], **images: Any) -> Record:
        return made_up(kind, row, next(self._numbers), self._where, **images)
