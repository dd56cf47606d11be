"""What a student earns: the figures are worked out by hand from the table in points.py."""

import pytest

from lab_lib.aws.queues import ALERT_QUEUES
from lab_lib.checks.rules import PROBE, RULES
from lab_lib.classroom import points
from lab_lib.exercises.results import Result
from lab_lib.resources import CHANGES, ROWS, messages
from tests.classes import check, record

OK, WRONG, UNSEEN, WAITS = "ok", "not yet", "cannot see", "waits"
OPTIONAL = ["email", "email-confirmed", "sms"]
ALERT = messages(ALERT_QUEUES[0])


def earned(*checks, **other):
    made = record(checks=checks, **{"probed": True, **other})
    return {column: score for column, score in points.earned(made, points.WORTH).items() if score is not None}


def probe(*passed):
    """Return the checks of a probe that has come through these links only."""
    rules = [rule for rule in RULES.values() if rule.step == PROBE]
    return [check(rule.id, OK if rule.link in passed else WRONG) for rule in rules]


@pytest.mark.parametrize(
    ("checks", "score"),
    [
        ([check("bucket-trigger"), check("bucket-trigger-events", WRONG)], 6),  # 3 of 4
        ([check("bucket-trigger", WRONG), check("bucket-trigger-events")], 2),  # 1 of 4
        ([check("other-bucket-triggers"), *[check("bucket-trigger-events", WRONG)] * 6], 1.14),
    ],
)
def test_a_step_gives_the_share_of_what_its_checks_are_worth(checks, score):
    assert earned(*checks) == {"02": score}


def test_what_goes_further_and_the_clean_up_give_no_points():
    assert earned(check("table-Customer"), check("tls-topic", WRONG)) == {"00": 5}
    assert points.weighed(record(checks=[check("nothing-left")]))[0].weight == 0


@pytest.mark.parametrize(
    ("asked", "score"),
    [
        ([], 2),
        (OPTIONAL, 1.5),  # 3 of 4
    ],
)
def test_email_and_sms_that_were_not_asked_for_give_no_points_and_cost_none(asked, score):
    pending = [check(name, WRONG if name == "email-confirmed" else "ok", counts=name in asked) for name in OPTIONAL]

    assert earned(check("topic"), *pending) == {"03": score}


@pytest.mark.parametrize(
    ("passed", "setting", "score"),
    [
        ([ROWS], "state-TransactionProcessor", 8),
        ([ROWS], "state-TotalNotifier", 4),  # the rows say nothing of the totals
        ([ROWS, CHANGES], "state-TotalNotifier", 4),  # it may be unable to publish
        ([ROWS, CHANGES, ALERT], "state-TotalNotifier", 8),
        ([ALERT], "state-TotalNotifier", 4),
    ],
)
def test_a_setting_that_does_not_hold_counts_as_right_where_the_probe_has_proven_its_link(passed, setting, score):
    for state in (WRONG, UNSEEN, WAITS):
        made = [check(setting, state), check("timeout-TotalNotifier")]

        assert earned(*made)["01"] == 4  # 1 of 2
        assert earned(*made, *probe(*passed))["01"] == score


NAMED = ["bucket", "key-Transactions", "timeout-TotalNotifier", "bucket-trigger", "stream-trigger", "topic"]
PASSED_BY = ["bucket-trigger-filter", "access-policy-CustomerNotify"]
ONLY_READ = ["bucket-permission", "other-stream-triggers", "other-senders-CustomerNotify", "encryption-CustomerNotify"]
EVERY_LINK = {rule.link for rule in RULES.values() if rule.step == PROBE}


@pytest.mark.parametrize("setting", NAMED + PASSED_BY + ONLY_READ)
def test_no_probe_makes_right_what_the_handout_names_or_an_upload_passes_by_or_does_not_show(setting):
    made = record(checks=[check(setting, UNSEEN), *probe(*EVERY_LINK)], probed=True)

    assert points.earned(made, points.WORTH)[RULES[setting].step] == 0
    first = points.weighed(made)[0]
    assert (first.right, first.weight > 0) == (False, True)  # and it is said


def test_a_check_that_an_earlier_version_had_gives_and_costs_nothing():
    assert earned(check("bucket"), check("key-Customer", WRONG)._replace(id="bucket-policy")) == {"00": 5}


def test_an_account_that_was_not_probed_earns_the_points_of_the_probe_in_step_05():
    made = [check("totals", WRONG), check("rows"), check("upload"), check("customers"), *probe(ROWS)]  # 4 of 7

    assert earned(*made[:4], probed=False) == {"05": 8.57, "probe": 20.0}
    assert earned(*made[:4]) == {"05": 8.57}  # its probe could not be made
    assert earned(*made) == {"05": 8.57, "probe": 5.53}  # 3 of 19


CASES = [Result(name, "", "passed") for name in ("new-transactions", "deletion")]


def answers(*held):
    """Return the answers of a student who has made so much of each exercise."""
    return [{"question": str(number), "right": part == 1, "held": part} for number, part in enumerate(held)]


@pytest.mark.parametrize(
    ("held", "share"),
    [((1,) * 6, 1), ((1, 0, 1, 1, 1, 0), 1), ((0.6, 1, 0, 1, 1, 0.4), 1), ((1, 0, 0, 0.5, 0.5, 0), 0.5), ((0,) * 6, 0)],
)
def test_steps_and_probe_count_by_how_much_of_the_exercises_is_made_and_two_may_be_missing(held, share):
    score = earned(check("bucket"), check("rows"), *probe(*EVERY_LINK, None), answers=answers(*held), trial=CASES)

    wanted = {"00": 5, "05": 15, "probe": 35}
    assert {column: score[column] for column in wanted} == {column: share * worth for column, worth in wanted.items()}
    assert (score["exercises"], score["function"]) == (round(held.count(1) / 6 * 10, 2), 10)


def test_an_answer_counts_by_its_points_and_a_case_that_the_untouched_function_passes_not_at_all():
    given = [{"question": "a", "right": True, "points": 2}, {"question": "b", "right": False, "points": 3}]
    score = earned(answers=given, trial=[CASES[0], CASES[1]._replace(state=WRONG)])

    assert (score["exercises"], score["function"]) == (4, 0)


@pytest.mark.parametrize("checks", [[], [check("bucket", UNSEEN), check("totals", UNSEEN, cause="bucket")]])
def test_what_could_not_be_judged_of_a_submission_is_0_and_of_an_account_blank(checks):
    assert set(earned(*checks, answers=[], trial=[]).values()) == {0}
    assert earned(*checks, answers=[], trial=None).keys() == {*points.WORTH} - {"function"}  # the computer was too busy
    assert earned(*checks) == {}
