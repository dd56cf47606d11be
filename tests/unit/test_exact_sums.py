"""Sums of DynamoDB on the embedded AWS."""

import pytest

from lab_lib.embedded.exact_sums import Number


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [("-" + "9" * 38, "1", "-" + "9" * 37 + "8"), ("1E+125", "8E+125", "9" + "0" * 125), ("9E+125", "1E+125", None)],
)
def test_a_sum_is_exact_or_refused_with_dynamodbs_message(left, right, result):
    if result is None:
        with pytest.raises(ValueError, match=r"^Number overflow\. Attempting to store a number with magnitude"):
            Number(left) + Number(right)
    else:
        assert str(Number(left) + Number(right)) == result
