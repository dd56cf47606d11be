"""The questions of all notebooks, and that an answer is judged again as it was judged at first."""

import functools
import json
from decimal import Decimal

import pandas as pd
import pytest
from hostile import DEEP

from lab_lib.checks import RULES
from lab_lib.exercises import answers, made, questions, texts, workbook

ROWS = [{"CustomerId": "C1", "accountBalance": Decimal(598)}, {"CustomerId": "C2", "accountBalance": Decimal(1750)}]
FRAME = pd.DataFrame(ROWS)
MESSAGE = json.dumps({"customerID": 'O"Hara', "accountBalance": "1750"})
EFFECTS = [1000, 400, 200, 50, -250, -200, 100]
ROOM = (1500 - FRAME["accountBalance"]).clip(lower=0)
GIVEN = {"message": ('O"Hara', "1750"), "room": (FRAME, Decimal(1500))}


def again(question, answer, rows=ROWS):
    """Judge what the copy's record holds of an answer."""
    kept = json.loads(json.dumps(workbook._written(answer)))
    return questions.is_right(question, kept, rows, Decimal(1500))


def test_every_question_is_asked_once_and_is_named_as_the_cell_with_its_answer():
    asked = questions.asked()

    names = [question.question for question in asked]
    assert len(names) == len(set(names))
    assert {question.question for question in asked if not question.is_made} == set(answers.QUESTIONS)
    assert {question.question for question in asked if question.is_made} == set(made.EXERCISES)
    assert {name for exercise in made.EXERCISES.values() for name in exercise.checks} <= set(RULES)
    assert all(texts.of(name).hints for name in names)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("actions", {"dynamodb:UpdateItem", "dynamodb:BatchGetItem", "dynamodb:Scan"}),
        ("rejected", (3.0, Decimal(2))),
        ("rejected", 2),
        ("keys", {"march.txt": 1, "2017/march.txt": 2}),
        ("keys", ["MARCH.TXT"]),
        ("message", json.loads(MESSAGE)),
        ("message", '{"customerID": "O"Hara"}'),
        ("policy", "Another topic of your account sends an alert."),
        ("room", ROOM),
        ("room", ["902", 0]),
        ("effect", pd.Series(EFFECTS)),
        ("order", "c"),
    ],
)
def test_an_answer_is_judged_again_as_at_first(question, answer):
    assert again(question, answer) == answers.is_right(question, answer, *GIVEN.get(question, ()))


@pytest.mark.parametrize(
    "kept",
    [
        None,
        5,
        {"a": 1},
        [],
        "",
        [[]],
        [None],
        True,
        "x" * 100_000,
        "9" * 10**7,
        "1," * 5_000_000,
        DEEP,
        "NaN",
        ["sNaN", "1E+999999999"],
        ["9" * 10**6] * 7,
        '{"a":' * 50_000,
        functools.reduce(lambda nested, _: [nested], range(5_000)),
    ],
    ids=lambda kept: type(kept).__name__,
)
def test_what_a_student_has_written_into_the_record_is_at_most_wrong(kept):
    assert not any(questions.is_right(question.question, kept, ROWS, Decimal(1500)) for question in questions.asked()
                   if not question.is_made)  # fmt: skip


@pytest.mark.parametrize(
    "row", [{}, {"accountBalance": "many"}, {"accountBalance": Decimal("1E+125")}, {"accountBalance": Decimal("sNaN")},
            {"CustomerId": [], "accountBalance": Decimal("1E+999999")}]
)  # fmt: skip
def test_totals_that_are_no_numbers_make_the_answer_wrong(row):
    assert not again("room", ["902", "0"], [row, *ROWS])


def test_a_right_answer_for_more_customers_than_the_record_keeps_is_right_again():
    many = [{"CustomerId": f"C{number}", "accountBalance": Decimal(number)} for number in range(50_000)]
    room = [max(1500 - number, 0) for number in range(50_000)]

    assert answers.is_right("room", room, pd.DataFrame(many), Decimal(1500))
    assert again("room", room, many)
    assert not again("room", [1, *room[1:]], many)


def test_an_answer_that_cannot_be_read_is_kept_as_its_type():
    class Hostile:
        def __str__(self):
            raise ValueError

    assert (workbook._written(Hostile()), workbook._written([Hostile()])) == ("<Hostile>", "<list>")
    assert len(workbook._written(list(range(10**6)))) == workbook.MOST_PARTS
