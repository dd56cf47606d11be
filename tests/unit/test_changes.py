"""The arithmetic of DynamoDB's numbers, in which ministack rounds."""

import operator

import pytest

from lab_lib.embedded.changes import Number


@pytest.mark.parametrize(
    ("left", "operation", "right", "result"),
    [
        ("1499.99", operator.add, "0.01", "1500"),  # without zeros at the end
        ("9" * 38, operator.add, "1", "1" + "0" * 38),
        ("-" + "9" * 38, operator.sub, "-1", "-" + "9" * 37 + "8"),
        ("1E+125", operator.add, "8E+125", "9" + "0" * 125),
        ("1" + "0" * 37, operator.add, "0.01", None),
        ("9E+125", operator.add, "1E+125", None),
        ("1.5E-130", operator.sub, "1E-130", None),
    ],
)
def test_a_sum_is_exact_or_refused_with_dynamodbs_message(left, operation, right, result):
    if result is None:
        with pytest.raises(ValueError, match=r"^Number overflow\. Attempting to store a number with magnitude"):
            operation(Number(left), Number(right))
    else:
        assert str(operation(Number(left), Number(right))) == result
