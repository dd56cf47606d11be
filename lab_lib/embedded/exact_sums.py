"""ministack's DynamoDB rounds a sum to 28 digits, and keeps the zeros of 1500.00; goes when it does neither."""

from decimal import Context, Decimal, Inexact
from typing import Any

from ministack.services import dynamodb

from lab_lib.embedded import replace

_EXACT = Context(prec=38, Emin=-130, Emax=125, traps=[Inexact])  # the numbers that DynamoDB stores


class Number(Decimal):
    """A number of DynamoDB: a sum is exact or refused with DynamoDB's message."""

    def __add__(self, other: Any) -> "Number":
        try:
            return Number(f"{_EXACT.normalize(_EXACT.add(self, other)):f}")
        except Inexact:  # DynamoDB has the same message for too many digits
            message = "Number overflow. Attempting to store a number with magnitude larger than supported range"
            raise ValueError(message) from None


def install() -> None:
    """Let DynamoDB add these numbers."""
    replace(dynamodb, "Decimal", Number)
