"""Answers are judged by what they mean, whatever their type; a wrong one is told which part is not right."""

import json
import re
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from lab_lib.aws import policies
from lab_lib.errors import UsageError
from lab_lib.exercises import answers
from lab_lib.lab import Lab

KEYS, ROWS, ROOM = "keys", "rejected", "room"
MESSAGE = "message"
EFFECTS = [1000, 400, 200, 50, -250, -200, 100]
TOTALS = pd.DataFrame({"CustomerId": ["C1", "C2"], "accountBalance": [Decimal(598), Decimal(1750)]})


class Hostile:
    """An object that fails at all that can be asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    __str__ = __len__ = __iter__ = __hash__ = __eq__ = __bool__ = __repr__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("question", "answer", "values"),
    [
        (KEYS, ["march.txt", "2017/march.txt"], ()),
        (KEYS, "2017/march.txt, 'march.txt'", ()),
        (KEYS, pd.Series(["march.txt", "2017/march.txt"]), ()),
        (ROWS, {3, 2}, ()),
        (ROWS, "2 3", ()),
        (ROWS, ["2", 3.0], ()),
        (ROWS, "2 and 3", ()),
        (KEYS, "march.txt and 2017/march.txt", ()),
        ("actions", "s3:Scan, UpdateItem and `BatchGetItem`", ()),
        ("one-transaction", "It counts twice", ()),
        ("one-transaction", "(b) It counts twice.", ()),
        ("order", "They are published, and nobody gets them.", ()),
        ("order", ["answer b"], ()),
        ("policy", "B)", ()),
        (ROOM, {"C2": 0, "C1": 902}, (TOTALS, Decimal(1500))),
        (ROOM, "902 and 0.00", (TOTALS, Decimal(1500))),
        ("effect", "1000, 400, 200, 50, -250, -200, 100", ()),
        ("effect", pd.Series(map(Decimal, EFFECTS), dtype=object), ()),
        (ROOM, (1500 - TOTALS["accountBalance"]).clip(lower=0), (TOTALS, Decimal(1500))),
        (MESSAGE, json.dumps({"accountBalance": "1750", "customerID": 'O"Hara'}), ('O"Hara', "1750")),
    ],
)
def test_an_answer_is_right_in_any_order_and_type(
    question: str, answer: Any, values: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.judge(question, answer, *values)

    assert capsys.readouterr().out.startswith(f"Right. {answers.QUESTIONS[question].why}\n")
    assert answers.is_right(question, answer, *values)


@pytest.mark.parametrize(
    ("question", "answer", "values", "said"),
    [
        (KEYS, ["march.txt"], (), "Not yet. 1 of 2 is missing."),
        ("effect", EFFECTS[:6], (), "Not yet. 6 numbers; wanted 7."),
        (
            "effect",
            [*EFFECTS[:4], 150, 0, 100],
            (),
            "Not yet. Look again at number 5, where you wrote 150; number 6, where you wrote 0.",
        ),
        (KEYS, ["MARCH.TXT", "march.txt", "2017/march.txt"], (), "Not yet. MARCH.TXT does not belong there."),
        (ROWS, [1], (), "Not yet. 1 does not belong there. 2 of 2 are missing."),
        (ROOM, [902, -250], (TOTALS, Decimal(1500)), "Not yet. Look again at customer C2, where you wrote -250."),
        (ROOM, 902, (TOTALS, Decimal(1500)), "Not yet. 1 amounts; wanted 2, one for each row of totals."),
        (MESSAGE, '{"customerID": "O"Hara"}', ('O"Hara', "1750"), "Not yet. It is not JSON: "),
        (MESSAGE, '{"customerID": "Ana"}', ("Ana", "1750"), "Not yet. accountBalance is missing."),
        (
            MESSAGE,
            '{"customerID": "Ana", "accountBalance": 1750}',
            ("Ana", "1750"),
            "Not yet. accountBalance is 1750, which is no text.",
        ),
        ("one-transaction", "It counts", (), "Not yet. It is not It counts."),
        ("order", "a, b", (), "Not yet. It is not a, b."),
        (KEYS, Hostile(), (), "Not yet. This answer cannot be read (RuntimeError)."),
        (KEYS, None, (), "No answer yet."),
    ],
)
def test_a_wrong_answer_is_told_which_part_is_not_right(
    question: str, answer: Any, values: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.judge(question, answer, *values)

    assert capsys.readouterr().out.startswith(said)
    assert not answers.is_right(question, answer, *values)


@pytest.mark.parametrize(
    "answer",
    [0, 1.5, True, "x", b"x", ["x"], {"x": 1}, {1, 2}, object, print, iter([1]), Hostile(), TOTALS, [[]]],
    ids=lambda answer: type(answer).__name__,
)
def test_no_answer_is_a_traceback(answer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for question in answers.QUESTIONS:
        answers.judge(question, answer, *{ROOM: (TOTALS, Decimal(1500)), MESSAGE: ("C1", "1")}.get(question, ()))
        assert re.fullmatch(r"(Not yet\.|Right\.)[^\n]*\n", capsys.readouterr().out), question
    answers.compare("the total", answer, Decimal(1400))
    assert capsys.readouterr().out == "You predicted otherwise: it is 1400.\n"


@pytest.mark.parametrize("prediction", [1400, "1400", "1,400.00", "$1400", Decimal("1400.00"), [1400], {1400.0}])
def test_a_prediction_is_compared_by_its_value(prediction: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answers.compare("the total", prediction, Decimal(1400))

    assert capsys.readouterr().out == "You predicted right: it is 1400.\n"


def test_a_long_outcome_is_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    answers.compare("the customers", None, [f"C{number}" for number in range(2000)])

    assert capsys.readouterr().out == "No prediction. It is C0, C1, C2, C3, C4, and 1,995 more.\n"


def test_the_actions_asked_for_are_those_of_the_role(lab: Lab) -> None:
    statements = policies.total_notifier(lab)["Statement"]
    totals = policies.table(lab, "TransactionTotal")
    allowed = [action for statement in statements if totals in statement["Resource"] for action in statement["Action"]]

    assert answers.is_right("actions", allowed)


def test_a_question_of_an_older_notebook_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="`lab open --fresh`"):
        answers.judge("rows that are rejected", [2, 3])


def test_a_prediction_of_fifty_thousand_customers_is_read_whole(capsys: pytest.CaptureFixture[str]) -> None:
    customers = [f"C{number}" for number in range(50_000)]

    answers.compare("predict-alerts", ", ".join(customers), customers)

    assert capsys.readouterr().out == "You predicted right: it is C0, C1, C2, C3, C4, and 49,995 more.\n"
