"""A learner does the whole lab with what `lab policy learner` prints: it is enough, and all of it is used."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from accounts import user_of
from chains import Chain

from lab_lib import checks
from lab_lib.aws import cleanup, functions, policies, triggers, user_policies
from lab_lib.errors import LabError
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


def operation(service, name):
    return f"{service.removesuffix('streams')}:{name}"


@pytest.fixture(scope="module")
def learner():
    """The lab as a learner with this policy sees it."""
    statements = [{name: each[name] for name in each if name != "Condition"} for each in POLICY["Statement"]]
    may = policies.document(*statements, policies.allow(UNSEEN, "*"))
    return user_of(open_lab(account=ACCOUNT), "learner", may)


@pytest.fixture(scope="module")
def ran(learner, tmp_path_factory):
    """(finished process, result.json, operations called) of a `lab run` with the learner's key and policy."""
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
    called = {operation(call["service"], call["operation"]) for call in calls}
    return ran, json.loads((folder / "out" / "result.json").read_text()), called


def test_a_learner_runs_all_notebooks_and_nothing_is_left(ran):
    process, result, _ = ran

    assert (process.returncode, [step["error"] for step in result["steps"] if not step["ok"]]) == (0, []), (
        process.stderr
    )
    assert result["totals"] == {"C1": "598", "C2": "1750"}
    root = open_lab(account=ACCOUNT)
    assert (cleanup.remaining(root), cleanup.kept(root)) == ([], [])


@pytest.fixture(scope="module")
def repaired(ran, learner):
    """The operations that a learner calls to check an empty account, and to build, repair and delete the lab."""
    called = set()
    learner.session.events.register(
        "provide-client-params", lambda model, **_: called.add(operation(model.service_model.service_name, model.name))
    )
    checks.run(learner)
    chain = Chain(learner).build()
    break_settings(open_lab(account=ACCOUNT))
    checks.run(learner)
    chain.build()
    assert checks.run(learner, "00", "01", "02", "03", "04").failed == []
    with pytest.raises(LabError, match="SNS does not accept this token"):
        triggers.confirm_subscription(learner, "no-such-token")
    list(cleanup.delete_all(learner))
    return called


def break_settings(root):
    """Change what `ensure_x` repairs, as somebody may in the console."""
    lambda_, iam = root.client("lambda"), root.client("iam")
    for name, role in functions.ROLES.items():
        lambda_.update_function_code(FunctionName=name, ZipFile=functions.package([Path(__file__)]))
        lambda_.update_function_configuration(FunctionName=name, Timeout=3)
        iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(policies.document()))
    lambda_.remove_permission(FunctionName="TransactionProcessor", StatementId=triggers.PERMISSION)
    everyone = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    lambda_.add_permission(FunctionName="TransactionProcessor", StatementId=triggers.PERMISSION, **everyone)
    root.client("sns").unsubscribe(SubscriptionArn=triggers.find_queue_subscription(root, "CustomerNotify"))
    root.client("dynamodb").update_table(TableName="Transactions", StreamSpecification={"StreamEnabled": False})


def test_a_learner_uses_every_action_that_is_allowed_and_no_other(ran, repaired):
    used = {action for each in ran[2] | repaired for action in NEEDS.get(each, [each])}

    assert (used - granted(), granted() - used) == (set(), set())
