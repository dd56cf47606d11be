"""`lab policy grader` is enough for `lab check`; what a grader may not read is "cannot see", never "not yet"."""

import pytest
from accounts import allow, built, user_of

from lab_lib import checks
from lab_lib.aws import user_policies

pytestmark = pytest.mark.slow

# Actions without which a healthy account is graded all the same: their answers matter if a resource is missing, or has
# another name. The embedded AWS lets everyone call lambda:GetFunctionEventInvokeConfig.
SPARE = {"dynamodb:ListTables", "lambda:GetFunctionEventInvokeConfig", "s3:ListAllMyBuckets"}
SPARE |= {"sns:ListSubscriptions", "sns:ListTopics"}
UNHIDE = "sqs:ChangeMessageVisibility*"


@pytest.fixture(scope="module")
def graded():
    """graded(without): {state: the findings of the checks} as a grader sees them who lacks these actions."""
    root = built("300000000001")
    user, policy = user_of(root, "grader"), user_policies.grader(root)
    actions = {action for each in policy["Statement"] for action in each["Action"]}

    def graded(without=actions):
        policy = user_policies.grader(root)
        for each in policy["Statement"]:
            each["Action"] = [action for action in each["Action"] if action not in without] or "none:None"
        allow(root, "grader", policy)
        findings = {}
        for check in checks.run(user).checks:
            findings.setdefault(check.state, set()).add(check.found)
        return findings

    graded.actions = actions
    return graded


def test_the_graders_policy_is_enough_and_without_it_nothing_is_called_missing(graded):
    assert graded(without=set()).keys() == {"ok"}
    assert graded().keys() == {"cannot see"}


def test_without_one_action_of_the_graders_policy_its_findings_cannot_be_seen_and_the_others_hold(graded):
    for action in sorted(graded.actions - {UNHIDE}):
        findings = graded(without={action})

        assert findings.keys() <= {"ok", "cannot see"}, action
        assert ("cannot see" in findings) == (action not in SPARE), action


def test_messages_that_a_first_look_has_hidden_are_not_called_missing(graded):
    found = [graded(without={UNHIDE}) for _ in range(2)]

    assert [each for each in found if each.keys() - {"ok", "cannot see"}] == []
