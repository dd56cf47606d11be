"""`lab policy grader` is enough for `lab check`; what a grader may not read is "cannot see", never "not yet"."""

import pytest
from accounts import allow, built, user_of

from lab_lib import checks
from lab_lib.aws import user_policies

pytestmark = pytest.mark.slow

UNHIDE = "sqs:ChangeMessageVisibility*"


@pytest.fixture(scope="module")
def graded():
    """graded(may): {state: the findings of the checks} as a grader sees them who may do these actions of the policy."""
    root = built("300000000001")
    user = user_of(root, "grader")

    def graded(may):
        policy = user_policies.grader(root)
        for statement in policy["Statement"]:
            statement["Action"] = [action for action in statement["Action"] if may(action)] or "none:None"
        allow(root, "grader", policy)
        findings = {}
        for check in checks.run(user).checks:
            findings.setdefault(check.state, set()).add(check.found)
        return findings

    return graded


def test_the_graders_policy_is_enough_and_without_it_nothing_is_called_missing(graded):
    assert graded(may=lambda action: True).keys() == {"ok"}
    assert graded(may=lambda action: False).keys() == {"cannot see"}


def test_messages_that_a_first_look_has_hidden_are_not_called_missing(graded):
    looks = [graded(may=lambda action: action != UNHIDE) for _ in range(2)]

    assert [findings for findings in looks if findings.keys() - {"ok", "cannot see"}] == []
