"""What a student earns: the figures are worked out by hand from the table in points.py."""

from decimal import Decimal

import pytest

from lab_lib.classroom import points
from tests.classes import check, judged, record

WRONG, UNSEEN, WAITS = "not yet", "cannot see", "waits"
OPTIONAL = ["email", "email-confirmed", "sms"]


def earned(*checks, **other):
    made = {"checks": list(checks), **other}
    return {column: score for column, score in points.earned(made, points.WORTH).items() if score is not None}


def test_full_marks_are_100_with_a_submission_and_80_without():
    everything, of_lab = judged(record(), right=4), {**judged(record()), "answers": None, "trial": None}

    for made, most in ((everything, 100), (of_lab, 80)):
        given = earned(*made["checks"], answers=made["answers"], trial=made["trial"])
        assert points.possible(points.columns([made])) == sum(given.values()) == most


def test_exercises_and_function_are_columns_if_somebody_in_the_class_has_them_judged():
    alone, nobody = record(), record(checks=[])

    assert points.columns([alone, nobody]) == ["00", "01", "02", "03", "04", "05"]
    assert points.columns([alone, {**nobody, "trial": []}]) == ["00", "01", "02", "03", "04", "05", "function"]


@pytest.mark.parametrize(
    ("checks", "score"),
    [
        ([check("bucket-trigger"), check("stream-trigger-batching-window", WRONG)], "9.00"),  # 3 of 4
        ([check("bucket-trigger", WRONG), check("stream-trigger-batching-window")], "3.00"),  # 1 of 4
        ([check("bucket-trigger", WAITS), check("stream-trigger-batching-window", WRONG)], "0.00"),
        ([check("bucket-trigger", UNSEEN), check("stream-trigger-batching-window")], "3.00"),
        ([check("other-bucket-triggers"), *[check("stream-trigger-batching-window", WRONG)] * 6], "1.71"),
    ],
)
def test_a_step_gives_the_share_of_what_its_checks_are_worth(checks, score):
    assert earned(*checks) == {"02": Decimal(score)}


def test_what_goes_further_and_the_clean_up_give_no_points():
    assert earned(check("table-Customer"), check("tls-topic", WRONG)) == {"00": Decimal(8)}
    assert points.weighed({"checks": [check("nothing-left")]})[0][1] == 0


@pytest.mark.parametrize(
    ("asked", "score"),
    [
        ([], 4),
        (["email", "email-confirmed"], "2.67"),  # 2 of 3
        (OPTIONAL, 3),  # 3 of 4
    ],
)
def test_email_and_sms_that_were_not_asked_for_give_no_points_and_cost_none(asked, score):
    pending = [check(each, WRONG if each == "email-confirmed" else "ok", counts=each in asked) for each in OPTIONAL]

    assert earned(check("topic"), *pending) == {"03": Decimal(score)}


@pytest.mark.parametrize(
    ("probe", "unseen", "score"),
    [
        ("probe-rows", "code-TransactionProcessor", 12),
        ("probe-rows", "code-TotalNotifier", 3),  # 1 of 4: the rows say nothing of the totals
        ("probe-totals", "code-TotalNotifier", 12),
        ("probe-alert-CustomerNotify", "code-TotalNotifier", 3),
    ],
)
def test_what_cannot_be_seen_costs_its_share_unless_the_probe_has_shown_that_it_works(probe, unseen, score):
    made = [check(unseen, UNSEEN), check("timeout-TotalNotifier")]

    assert earned(*made)["01"] == 3
    assert earned(*made, check(probe, WRONG))["01"] == 3
    assert earned(*made, check(probe))["01"] == score


def test_a_step_that_only_the_probe_has_shown_gives_full_points():
    unseen = check("topic", UNSEEN)

    assert earned(unseen, check("probe-alert-CreditCollection"))["03"] == 4


def test_an_account_of_which_nothing_can_be_seen_was_not_graded():
    assert earned(check("bucket", UNSEEN), check("totals", UNSEEN, cause="bucket")) == {}


def test_exercises_and_function_give_the_share_of_what_is_right():
    answers = [{"question": "a", "right": True}, {"question": "b", "right": False}, {"question": "c", "right": False}]
    trial = [{"case": "a", "state": state} for state in ("passed", "not yet", "not tried", "passed")]

    assert earned(answers=answers, trial=trial) == {"exercises": Decimal("3.33"), "function": 5}
    assert earned(answers=[], trial=[]) == {"exercises": 0, "function": 0}
