"""What a user may not read, the checks call unseen and never missing: on an embedded AWS that checks its IAM users."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from accounts import allow, built, user_of

from lab_lib import checks
from lab_lib.aws import user_policies

pytestmark = pytest.mark.slow

# Each action of the grader's policy, and the operations that the checks call refused without it. Where none is named,
# a healthy account can do without: for the bucket's name the lab's own serves, the others tell of what is missing.
GRADER = {
    "cloudwatch:GetMetricData": {"GetMetricData"},
    "dynamodb:DescribeTable": {"DescribeTable"},
    "dynamodb:DescribeTimeToLive": {"DescribeTimeToLive"},
    "dynamodb:ListTables": set(),
    "dynamodb:Scan": {"Scan"},
    "iam:GetRole": {"GetRole"},
    "iam:SimulatePrincipalPolicy": {"SimulatePrincipalPolicy"},
    "lambda:GetFunction": {"GetFunction"},
    "lambda:GetFunctionEventInvokeConfig": set(),  # the embedded AWS lets everyone call it
    "lambda:GetPolicy": {"GetPolicy"},
    "lambda:ListEventSourceMappings": {"ListEventSourceMappings"},
    "lambda:ListFunctions": {"ListFunctions"},
    "logs:DescribeLogGroups": {"DescribeLogGroups"},
    "logs:FilterLogEvents": {"FilterLogEvents"},
    "s3:GetBucketLocation": {"GetBucketLocation"},
    "s3:GetBucketNotification": {"GetBucketNotificationConfiguration"},
    "s3:GetBucketPolicy": {"GetBucketPolicy"},
    "s3:GetBucketPublicAccessBlock": {"GetPublicAccessBlock"},
    "s3:GetObject": {"GetObject"},
    "s3:ListAllMyBuckets": set(),
    "s3:ListBucket": {"HeadBucket"},
    "sns:GetSubscriptionAttributes": {"GetSubscriptionAttributes"},
    "sns:GetTopicAttributes": {"GetTopicAttributes"},
    "sns:ListSubscriptions": set(),
    "sns:ListSubscriptionsByTopic": {"ListSubscriptionsByTopic"},
    "sns:ListTopics": set(),
    "sqs:ChangeMessageVisibility*": {"ChangeMessageVisibilityBatch"},
    "sqs:GetQueueAttributes": {"GetQueueAttributes"},
    "sqs:GetQueueUrl": {"GetQueueUrl"},
    "sqs:ListQueues": {"ListQueues"},
    "sqs:ReceiveMessage": {"ReceiveMessage"},
}
HIDING = "sqs:ChangeMessageVisibility*"  # who may not call it hides each alert that he looks at for half a minute


@pytest.fixture(scope="module")
def accounts():
    """Two accounts with a user in each: (the lab of its root, the lab of its user)."""
    with ThreadPoolExecutor(2) as pool:
        roots = list(pool.map(built, ["300000000001", "300000000002"]))
    return [(root, user_of(root, "grader")) for root in roots]


@pytest.fixture
def seen_with(accounts):
    """seen_with(actions, account=0): the checks as a grader of the account sees them, who has only these actions."""

    def seen_with(actions, account=0):
        root, user = accounts[account]
        policy = user_policies.grader(root)
        for statement in policy["Statement"]:
            statement["Action"] = [action for action in statement["Action"] if action in actions] or "none:None"
        allow(root, "grader", policy)
        return checks.run(user).checks

    return seen_with


def in_state(found, *states):
    return {check.name: check.words for check in found if check.state in states}


def refused(found):
    return {check.found for check in found if check.state == "cannot see"}


def test_every_action_of_the_graders_policy_is_tried_below(accounts):
    root, _ = accounts[0]

    assert {action for each in user_policies.grader(root)["Statement"] for action in each["Action"]} == GRADER.keys()


def test_with_the_graders_permissions_everything_is_seen_and_ok(seen_with):
    seen = seen_with(GRADER)

    assert len(seen) == checks.number_of()
    assert {check.name: check.words for check in seen if not check.ok} == {}


@pytest.mark.parametrize("action", [action for action in GRADER if action != HIDING])
def test_what_one_permission_less_hides_is_called_unseen_and_the_rest_is_as_before(action, seen_with):
    seen = seen_with(GRADER.keys() - {action})

    assert refused(seen) == {f"cannot see: {operation} is refused" for operation in GRADER[action]}
    assert in_state(seen, "not yet", "could be") == {}


def test_who_may_do_nothing_sees_nothing_and_is_told_so(seen_with):
    seen = seen_with([])

    assert {check.state for check in seen} == {"cannot see", "waits"}
    assert [check.name for check in seen if "not there" in check.words] == []


def test_messages_that_a_look_has_hidden_are_not_called_missing(seen_with):
    """A user who may receive messages but not lay them back, as with ReadOnlyAccess, looks twice in half a minute."""
    first, second = (seen_with(GRADER.keys() - {HIDING}, account=1) for _ in range(2))

    assert refused(first) == {"cannot see: ChangeMessageVisibilityBatch is refused"}
    assert in_state(first, "not yet") == {}
    assert in_state(second, "not yet") == {}
