"""The changes to ministack that need no running server."""

import operator
from decimal import Decimal

import pytest

from lab_lib.embedded.process import Number


@pytest.mark.parametrize(
    ("left", "operation", "right", "result"),
    [
        ("0.1", operator.add, "0.2", "0.3"),
        ("1499.99", operator.add, "0.01", "1500"),
        ("1", operator.sub, "1.00", "0"),
        ("9" * 38, operator.add, "1", "1" + "0" * 38),
        ("-" + "9" * 38, operator.sub, "-1", "-" + "9" * 37 + "8"),
        ("1E+125", operator.add, "8E+125", "9" + "0" * 125),
        ("1E-130", operator.add, "1E-130", "2E-130"),
    ],
)
def test_a_sum_that_dynamodb_can_store_is_exact_and_written_as_dynamodb_writes_it(left, operation, right, result):
    answer = operation(Number(left), Number(right))

    assert (str(answer), type(answer)) == (result, Number)


@pytest.mark.parametrize(
    ("left", "operation", "right"),
    [
        ("1" + "0" * 37, operator.add, "0.01"),
        ("9" * 38, operator.add, "2"),
        ("1E+20", operator.sub, "1E-20"),
        ("9E+125", operator.add, "1E+125"),
        ("1.5E-130", operator.sub, "1E-130"),
    ],
)
def test_a_sum_that_dynamodb_cannot_store_is_refused_in_its_words(left, operation, right):
    with pytest.raises(ValueError, match=r"^Number overflow\. Attempting to store a number with magnitude larger than"):
        operation(Number(left), Decimal(right))
