"""What a student earns: the figures are worked out by hand from the table in points.py."""

from decimal import Decimal

import pytest

from lab_lib.checks import RULES
from lab_lib.classroom import points
from tests.classes import judged, record

UNSEEN, WAITS = "cannot see: GetRole is refused", "waits for bucket"
SUBSCRIPTIONS = ["e-mail subscription", "e-mail confirmed", "SMS subscription"]


def check(name, ok=True, found="absent", wanted="there", step=None):
    step = step or (RULES[name].step if name in RULES else "probe")
    return {"step": step, "name": name, "ok": ok, "found": found, "wanted": wanted, "hint": "Make it."}


def earned(*checks, **other):
    made = {"checks": list(checks), **other}
    return {column: score for column, score in points.earned(made, points.WORTH).items() if score is not None}


def test_the_tables_name_only_checks_that_are_made():
    named = {*points.WEIGHTS, *points.ASKED, *points.ASKED.values()}
    named |= {*points.SHOWN_BY, *(name for names in points.SHOWN_BY.values() for name in names)}

    assert named <= RULES.keys()


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
        ([check("bucket trigger"), check("batching window of the stream trigger", False)], "9.00"),  # 3 of 4
        ([check("bucket trigger", False), check("batching window of the stream trigger")], "3.00"),  # 1 of 4
        ([check("bucket trigger", False, WAITS), check("batching window of the stream trigger", False)], "0.00"),
        ([check("bucket trigger", False, UNSEEN), check("batching window of the stream trigger")], "3.00"),
        ([check("other bucket triggers"), *[check("batching window of the stream trigger", False)] * 6], "1.71"),
    ],
)
def test_a_step_gives_the_share_of_what_its_checks_are_worth(checks, score):
    assert earned(*checks) == {"02": Decimal(score)}


def test_what_goes_further_and_the_clean_up_give_no_points():
    assert earned(check("table Customer"), check("TLS to the topic", False, step="further")) == {"00": Decimal(8)}
    assert points.weight(check("made by this lab and still there"), []) == 0


@pytest.mark.parametrize(
    ("wanted", "score"),
    [
        ({"e-mail subscription": "", "SMS subscription": ""}, 4),
        ({"e-mail subscription": "subscribed", "SMS subscription": ""}, "2.67"),  # 2 of 3: confirmed counts too
        ({"e-mail subscription": "subscribed", "SMS subscription": "subscribed"}, 3),  # 3 of 4
    ],
)
def test_email_and_sms_that_were_not_asked_for_give_no_points_and_cost_none(wanted, score):
    pending = [
        check(name, name != "e-mail confirmed", "pending", wanted.get(name, "confirmed")) for name in SUBSCRIPTIONS
    ]

    assert earned(check("topic HighBalanceAlert"), *pending) == {"03": Decimal(score)}


@pytest.mark.parametrize(
    ("probe", "unseen", "score"),
    [
        ("rows of the probe", "code of TransactionProcessor", 12),
        ("rows of the probe", "code of TotalNotifier", 3),  # 1 of 4: the rows say nothing of the totals
        ("totals of the probe", "code of TotalNotifier", 12),
        ("alert of the probe in CustomerNotify", "code of TotalNotifier", 3),
    ],
)
def test_what_cannot_be_seen_costs_its_share_unless_the_probe_has_shown_that_it_works(probe, unseen, score):
    made = [check(unseen, False, UNSEEN), check("timeout of TotalNotifier")]

    assert earned(*made)["01"] == 3
    assert earned(*made, check(probe, False))["01"] == 3
    assert earned(*made, check(probe))["01"] == score


def test_a_step_that_only_the_probe_has_shown_gives_full_points():
    unseen = check("topic HighBalanceAlert", False, UNSEEN)

    assert earned(unseen, check("alert of the probe in CreditCollection"))["03"] == 4


def test_an_account_of_which_nothing_can_be_seen_was_not_graded():
    assert earned(check("bucket", False, UNSEEN), check("totals", False, "cannot see: needs bucket")) == {}


def test_exercises_and_function_give_the_share_of_what_is_right():
    answers = [{"question": "a", "right": True}, {"question": "b", "right": False}, {"question": "c", "right": False}]
    trial = [{"case": "a", "state": state} for state in ("passed", "not yet", "not tried", "passed")]

    assert earned(answers=answers, trial=trial) == {"exercises": Decimal("3.33"), "function": 5}
    assert earned(answers=[], trial=[]) == {"exercises": 0, "function": 0}
