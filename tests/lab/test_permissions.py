"""What a user may not read, the checks call unseen and never missing: on an embedded AWS that checks its IAM users."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from conftest import Chain
from lab_lib import checks, cloudwatch, functions, people
from lab_lib.headless import DATA_FILE
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until

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

START = """
import subprocess
from types import SimpleNamespace
from lab_lib import emulator


def with_auth(command, env, **options):
    return subprocess.Popen(command, env={**env, "AUTH": "true"}, **options)


emulator.subprocess = SimpleNamespace(Popen=with_auth, DEVNULL=subprocess.DEVNULL)
print(emulator.start().endpoint)
"""
STOP = "from lab_lib import emulator; emulator.stop()"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """An embedded AWS that checks IAM users, in a home of its own."""
    environment = {**os.environ, "LAB_EMULATOR_HOME": str(tmp_path_factory.mktemp("home"))}

    def python(script):
        command = [sys.executable, "-c", script]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout

    yield python(START).strip()
    python(STOP)


def lab_of(endpoint, account, key, secret):
    session = boto3.Session(key, secret, region_name="us-east-1")
    return Lab(session, "the embedded AWS", account, "us-east-1", "aws", endpoint)


def built(endpoint, account):
    """The lab that an account's root, whom nobody checks, has built, with the handout's file gone all the way."""
    root = lab_of(endpoint, account, account, "test")
    chain = Chain(root).build()
    # The embedded AWS is reached without TLS, and this policy would shut out everyone but root.
    root.client("s3").delete_bucket_policy(Bucket=root.bucket)
    chain.put("transactions.txt", DATA_FILE.read_bytes())
    chain.wait_for_totals(C1="598", C2="1750")
    logs = [lambda name=name: cloudwatch.runs(cloudwatch.log_lines(root, name)) for name in functions.SOURCES]
    wait_until(lambda: all(log() for log in logs), "the logs", timeout=30)
    return root


def user_of(root):
    """The lab as a user of the account sees it, who may do nothing yet."""
    root.client("iam").create_user(UserName="grader")
    key = root.client("iam").create_access_key(UserName="grader")["AccessKey"]
    return lab_of(root.endpoint, root.account, key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def accounts(endpoint):
    """Two accounts with a user in each: (the lab of its root, the lab of its user)."""
    with ThreadPoolExecutor(2) as pool:
        roots = list(pool.map(lambda account: built(endpoint, account), ["300000000001", "300000000002"]))
    return [(root, user_of(root)) for root in roots]


@pytest.fixture
def seen_with(accounts):
    """seen_with(actions, account=0): the checks as a grader of the account sees them, who has only these actions."""

    def seen_with(actions, account=0):
        root, user = accounts[account]
        policy = people.grader(root)
        for statement in policy["Statement"]:
            statement["Action"] = [action for action in statement["Action"] if action in actions] or "none:None"
        root.client("iam").put_user_policy(UserName="grader", PolicyName="it", PolicyDocument=json.dumps(policy))
        return checks.run(user).checks

    return seen_with


def in_state(found, *states):
    return {check.name: check.words for check in found if check.state in states}


def refused(found):
    return {check.found for check in found if check.state == "cannot see"}


def test_every_action_of_the_graders_policy_is_tried_below(accounts):
    root, _ = accounts[0]

    assert {action for each in people.grader(root)["Statement"] for action in each["Action"]} == GRADER.keys()


def test_with_the_graders_permissions_everything_is_seen_and_ok(seen_with):
    seen = seen_with(GRADER)

    assert len(seen) == checks.number_of()
    assert {check.name for check in seen if not check.ok} == {"TLS to the bucket"}  # see built()


@pytest.mark.parametrize("action", [action for action in GRADER if action != HIDING])
def test_what_one_permission_less_hides_is_called_unseen_and_the_rest_is_as_before(action, seen_with):
    seen = seen_with(GRADER.keys() - {action})

    assert refused(seen) == {f"cannot see: {operation} is refused" for operation in GRADER[action]}
    assert in_state(seen, "not yet") == {}
    assert in_state(seen, "could be").keys() <= {"TLS to the bucket"}


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
