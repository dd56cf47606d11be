"""What is changed in ministack, where no test on the embedded AWS can show it."""

import operator

import pytest
from ministack.services import sqs

from lab_lib.embedded.changes import Number, received


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


def test_to_receive_ten_of_many_messages_only_these_are_completed(monkeypatch):
    completed, complete = [], sqs._ensure_msg_fields
    monkeypatch.setattr(sqs, "_ensure_msg_fields", lambda each: completed.append(each["id"]) or complete(each))
    queue = {"is_fifo": False, "messages": [{"id": number, "body": "x", "visible_at": 0} for number in range(1_000)]}

    found = [[each["id"] for each in received(queue, 10, 60)] for _ in range(2)]

    assert found == [[*range(10)], [*range(10, 20)]]
    assert completed == [*range(20)]
