"""Answers are judged by what they mean, whatever their type; a wrong one is told which part is not right.

No answer that a student hands in stops the grading.
"""

import re
from contextlib import suppress
from decimal import Decimal

import pandas as pd
import pytest

from lab_lib.aws import policies
from lab_lib.checks import RULES
from lab_lib.errors import UsageError
from lab_lib.exercises import made, questions, reading

BALANCES = {"C1": Decimal(598), "C2": Decimal(1750)}
TOTALS = pd.DataFrame(BALANCES.items(), columns=["CustomerId", "accountBalance"])
CUSTOMERS = [f"C{number}" for number in range(50_000)]
RIGHT = {  # in what different people write
    "policy": "我选b; （Ｂ）; “b”; 我选 b，因为那不是警报; I'd say b; b because a message may; 一条不是警报的消息",
    "one-transaction": "b; (b) It counts twice.; twice; 两次; 我认为会计入两次; 选项b：会计入两次。",
    "order": "答案是b。; nobody gets them; 谁也收不到; b，发布出去了，但谁也收不到",
    "rejected": "２，３; 第二行、第三行; 第2行和第3行; 二跟三; 2、3 行; 我觉得第２行还有第3行; second and third",
    "keys": "“march.txt”以及「2017/march.txt」; march.txt 与 2017/march.txt 这两个",
    "actions": "Ｓcan、dynamodb：UpdateItem 和 BatchGetItem; s3:Scan, UpdateItem and `BatchGetItem`",
    "room": "９０２元，零; 902 and 0.00",
    "effect": "1000，400，200，50，－250，－200，100",
    "message": '{"accountBalance": "1750", "customerID": "O\\"Hara"}',
}
WRONG = {
    "policy": "a 或 b; 不是 a，是 b; 我不选b; it isn't b; b c; a, maybe b; not; b：你的账户中的另一个主题发送一条警报",
    "one-transaction": "不会计入两次; 计入; 只计入一次，但不会发出警报; 选项 a",
    "order": "['a', 'b']; b、c",
    "rejected": "2 或 3; 不是2，是3; 约2和3; 第十二行和第三行; first and third; 2，3，4",
    "keys": "MARCH.TXT 和 2017/march.txt; march.txt，不是 2017/march.txt",
}
GIVEN = {"room": (TOTALS, Decimal(1500)), "message": ('O"Hara', "1750")}  # by the notebook


class Hostile:
    """An object that fails at all that can be asked of it."""

    def __repr__(self):
        raise RuntimeError("repr")

    __str__ = __len__ = __iter__ = __hash__ = __eq__ = __bool__ = __repr__


def is_right(question, answer):
    """Judge an answer, and again what the grader gets of it."""
    kept = ""
    with suppress(RuntimeError):
        kept = reading.as_text(answer)
    again = questions.judge_again(question, kept, BALANCES, Decimal(1500))
    assert again == questions.judge(question, answer, *GIVEN.get(question, ()))
    return again


@pytest.mark.parametrize("forms", [RIGHT, WRONG])
def test_what_is_meant_counts_and_not_how_it_is_written(forms):
    judged = {(form, is_right(question, form)) for question in forms for form in forms[question].split("; ")}

    assert {form for form, is_right in judged if is_right != (forms is RIGHT)} == set()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("keys", ("march.txt", "2017/march.txt")),
        ("rejected", {"第二行", "第三行"}),
        ("room", {"C1": 902, "C2": 0}),
        ("room", (1500 - TOTALS["accountBalance"]).clip(lower=0)),
    ],
)
def test_an_answer_may_have_any_type_and_the_reason_why_it_is_right_is_told(question, answer, capsys):
    assert is_right(question, answer)

    assert capsys.readouterr().out.startswith(f"Right. {questions.QUESTIONS[question].why}\n")


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("keys", ["march.txt"], "Not yet. 1 of 2 is missing."),
        ("effect", [1000, 400, 200, 50, 150, -200, 100], "Not yet. Look again at number 5, where you wrote 150."),
        ("rejected", "1," * 5_000_000, "Not yet. 1 does not belong there. 2 of 2 are missing."),
        ("room", [902, -250], "Not yet. Look again at customer C2, where you wrote -250."),
        ("message", '{"customerID": "O"Hara"}', "Not yet. It is not JSON: "),
        ("message", "{\n“customerID”：", 'Not yet. It is not JSON. Line 2 has `“`. Type `"` instead'),
        ("message", '{"x": "", "accountBalance": "1750"}', "Not yet. customerID is missing. x is one name too many."),
        (
            "message",
            '{"accountBalance": 1750, "x": ""}',
            "Not yet. customerID is missing. accountBalance is 1750, wh",
        ),
        ("one-transaction", "It counts", "Not yet. It is not It counts."),
        ("keys", Hostile(), "Not yet. This answer cannot be read (RuntimeError)."),
        ("keys", None, "No answer yet."),
    ],
    ids=range(11),
)
def test_a_wrong_answer_is_told_which_part_is_not_right(question, answer, said, capsys):
    assert not is_right(question, answer)

    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize("answer", [0, {"x": 1}, Hostile(), TOTALS, ["sNaN", "1E+999999999"]], ids=type)
def test_an_answer_of_any_kind_is_at_most_wrong(answer, capsys):
    for question in questions.QUESTIONS:
        assert not is_right(question, answer), question
        assert re.fullmatch(r"Not yet\.[^\n]*\n", capsys.readouterr().out), question
    questions.compare(answer, Decimal(1400))
    assert capsys.readouterr().out == "You predicted otherwise: it is 1400.\n"


@pytest.mark.parametrize(
    ("prediction", "outcome", "told"),
    [
        *((each, Decimal(1400), "1400") for each in (1400, "$1,400.00", {1400.0}, "￥１,４００", "1400 块")),
        ("两个", 2, "2"),
        (", ".join(CUSTOMERS), CUSTOMERS, "C0, C1, C2, C3, C4, and 49,995 more"),
        ("李和, 王", ["李和", "王"], "李和, 王"),
    ],
    ids=range(8),
)
def test_a_prediction_is_compared_by_its_value_and_read_whole(prediction, outcome, told, capsys):
    questions.compare(prediction, outcome)

    assert capsys.readouterr().out == f"You predicted right: it is {told}.\n"


def test_the_actions_asked_for_are_those_of_the_role(lab):
    statements = policies.total_notifier(lab)["Statement"]
    totals = policies.table(lab, "TransactionTotal")
    allowed = [action for statement in statements if totals in statement["Resource"] for action in statement["Action"]]

    assert is_right("actions", allowed)


def test_a_question_of_an_older_notebook_is_refused_with_what_to_do():
    with pytest.raises(UsageError, match="`lab open --fresh`"):
        questions.judge("rows that are rejected", [2, 3])


def test_every_question_is_asked_once_and_is_named_as_the_cell_with_its_answer():
    asked = questions.asked()
    names = [question.question for question in asked.values()]

    assert sorted(names) == sorted({**questions.QUESTIONS, **made.EXERCISES})
    assert {each.answer for each in asked.values()} == {"", "my_answer", "my_message", "my_room", "my_effect"}
    assert {name for exercise in made.EXERCISES.values() for name in exercise.checks.split()} <= set(RULES)
    assert all(questions.of(name).hints for name in names)
