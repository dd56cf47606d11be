"""A learner does the whole lab with what `lab policy learner` prints: it is enough, and all of it is used."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from accounts import user_of

from lab_lib.aws import cleanup, policies, user_policies
from lab_lib.lab import Lab, open_lab

pytestmark = pytest.mark.slow

ACCOUNT = "300000000021"
POLICY = user_policies.learner(Lab(None, "an account", ACCOUNT, "us-east-1", "aws"))

# The actions of operations that have another name than their action, or need more than one.
NEEDS = {
    "dynamodb:CreateTable": ["dynamodb:CreateTable", "dynamodb:TagResource"],
    "iam:CreateRole": ["iam:CreateRole", "iam:TagRole"],
    "lambda:CreateEventSourceMapping": ["lambda:CreateEventSourceMapping", "lambda:TagResource"],
    "lambda:CreateFunction": ["lambda:CreateFunction", "lambda:TagResource", "iam:PassRole"],
    "lambda:Invoke": ["lambda:InvokeFunction"],
    "logs:CreateLogGroup": ["logs:CreateLogGroup", "logs:TagResource"],
    "s3:CreateBucket": ["s3:CreateBucket", "s3:TagResource"],
    "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "s3:GetBucketNotificationConfiguration": ["s3:GetBucketNotification"],
    "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:ListBuckets": ["s3:ListAllMyBuckets"],
    "s3:ListObjectVersions": ["s3:ListBucketVersions"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "s3:PutBucketEncryption": ["s3:PutEncryptionConfiguration"],
    "s3:PutBucketNotificationConfiguration": ["s3:PutBucketNotification"],
    "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
    "sns:CreateTopic": ["sns:CreateTopic", "sns:TagResource"],
    "sqs:ChangeMessageVisibilityBatch": ["sqs:ChangeMessageVisibility*"],
    "sqs:CreateQueue": ["sqs:CreateQueue", "sqs:TagQueue"],
    "sts:GetCallerIdentity": [],  # everybody may ask who they are
}
# A run in an empty account does not need these: they repair and find what somebody made by hand, or confirm an address.
BY_HAND = {"dynamodb:UpdateTable", "iam:DetachRolePolicy", "iam:UpdateAssumeRolePolicy", "lambda:RemovePermission"}
BY_HAND |= {"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "sns:ConfirmSubscription"}
BY_HAND |= {"dynamodb:ListTables", "sns:ListSubscriptions", "sns:ListTopics"}
# The embedded AWS does not see which resource these calls are about, so it wants them allowed on every resource.
UNSEEN = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListTagsOfResource",
    "iam:SimulatePrincipalPolicy",
    "lambda:CreateFunction",
    "sns:ListTagsForResource",
]


def granted():
    return {action for each in POLICY["Statement"] for action in each["Action"]}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """(finished process, result.json, operations called) of a `lab run` with the learner's key and policy."""
    statements = [{name: each[name] for name in each if name != "Condition"} for each in POLICY["Statement"]]
    may = policies.document(*statements, policies.allow(UNSEEN, "*"))
    learner = user_of(open_lab(account=ACCOUNT), "learner", may)
    folder, recorder = tmp_path_factory.mktemp("learner"), Path(__file__).parent
    (folder / "sitecustomize.py").write_text("import recorder\n\nrecorder.begin()\n")
    keys = learner.session.get_credentials()
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        "PYTHONPATH": f"{folder}{os.pathsep}{recorder}",
        "CALLS": str(folder / "calls"),
        "AWS_ENDPOINT_URL": learner.endpoint,
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
    }
    command = [Path(sys.executable).with_name("lab"), "run", "--out", folder / "out", "--email", "ana@example.com"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    calls = [json.loads(line) for line in (folder / "calls").read_text().splitlines()]
    called = {f"{call['service'].removesuffix('streams')}:{call['operation']}" for call in calls}
    return ran, json.loads((folder / "out" / "result.json").read_text()), called


def test_a_learner_runs_all_notebooks_and_nothing_is_left(ran):
    process, result, _ = ran

    assert (process.returncode, [step["error"] for step in result["steps"] if not step["ok"]]) == (0, []), (
        process.stderr
    )
    assert result["totals"] == {"C1": "598", "C2": "1750"}
    root = open_lab(account=ACCOUNT)
    assert (cleanup.remaining(root), cleanup.kept(root)) == ([], [])


def test_a_learner_uses_every_action_that_is_allowed_and_no_other(ran):
    used = {action for operation in ran[2] for action in NEEDS.get(operation, [operation])}

    assert (used - granted(), granted() - used) == (set(), BY_HAND)
