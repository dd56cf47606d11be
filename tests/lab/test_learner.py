"""A learner does the whole lab with what `lab policy learner` prints: it is enough, and none of it is too much."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from accounts import Chain, allow, user_of
from botocore.exceptions import ClientError

from lab_lib import checks
from lab_lib.aws import buckets, cleanup, functions, policies, tables, triggers, user_policies
from lab_lib.errors import LabError, is_access_denied
from lab_lib.lab import Lab, open_lab

pytestmark = pytest.mark.slow

ACCOUNT = "300000000021"
HERE = Lab(None, "an account", ACCOUNT, "us-east-1", "aws")
STEPS = ["00", "01", "02", "03", "04", "05", "06", "99"]

# What each operation needs that is called otherwise than its action, or needs more than one. The rest need their own.
NEEDS = {
    "dynamodb:CreateTable": ["dynamodb:CreateTable", "dynamodb:TagResource"],
    "iam:CreateRole": ["iam:CreateRole", "iam:TagRole"],
    "lambda:CreateEventSourceMapping": ["lambda:CreateEventSourceMapping", "lambda:TagResource"],
    "lambda:CreateFunction": ["lambda:CreateFunction", "lambda:TagResource", "iam:PassRole"],
    "lambda:Invoke": ["lambda:InvokeFunction"],
    "lambda:UpdateFunctionConfiguration": ["lambda:UpdateFunctionConfiguration", "iam:PassRole"],
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

# What the embedded AWS lets pass without the action: tags at creation, the role of a function, changes of a mapping.
# It asks for lambda:GetFunction and lambda:UpdateFunctionCode where AWS asks for the two of EventInvokeConfig.
UNCHECKED = {
    "dynamodb:TagResource",
    "iam:PassRole",
    "iam:TagRole",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:TagResource",
    "lambda:UpdateEventSourceMapping",
    "logs:TagResource",
    "s3:TagResource",
    "sns:TagResource",
    "sqs:TagQueue",
}

# It does not see what these are about, and so wants them allowed on everything; nor which function a mapping is for.
UNSEEN = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListTagsOfResource",
    "iam:SimulatePrincipalPolicy",
    "lambda:CreateFunction",
    "sns:ListTagsForResource",
}


def granted():
    """The actions of the learner's policy."""
    return {action for each in user_policies.learner(HERE)["Statement"] for action in each["Action"]}


def understood(without=""):
    """The learner's policy as the embedded AWS can check it, less one action."""
    statements = user_policies.learner(HERE)["Statement"]
    for each in statements:
        each.pop("Condition", None)
        each["Action"] = [action for action in each["Action"] if action != without] or ["none:None"]
    return policies.document(*statements, policies.allow(sorted(UNSEEN - {without}), "*"))


def needs(call):
    operation = f"{call['service'].removesuffix('streams')}:{call['operation']}"
    return NEEDS.get(operation, [operation])


@pytest.fixture(scope="module")
def root():
    return open_lab(account=ACCOUNT)


@pytest.fixture(scope="module")
def learner(root):
    return user_of(root, "learner", understood())


@pytest.fixture(scope="module")
def notebooks_run(learner, tmp_path_factory):
    """What `lab run` printed and wrote, and the calls that it made, with nothing in its environment but the keys."""
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
    result = json.loads((folder / "out" / "result.json").read_text()) if (folder / "out").exists() else None
    return ran, result, [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


@pytest.fixture(scope="module")
def calls(root, learner, notebooks_run):
    """All that a learner calls: in the notebooks; to check an empty account; to make, mend and delete the lab."""
    made = []

    def note(params, model, **_):
        made.append({"service": model.service_model.service_name, "operation": model.name, "params": params})

    learner.session.events.register("provide-client-params", note)
    checks.run(learner)
    chain = Chain(learner).build()
    for broken in (settings_broken, stream_broken):
        broken(root)
        checks.run(learner)
        chain.build()
    assert checks.run(learner, "00", "01", "02", "03", "04", "further").failed == []
    with contextlib.suppress(LabError):  # no mail is sent, so there is no token that is right
        triggers.confirm_subscription(learner, "no-such-token")
    for key in ("march.csv", "april.csv"):  # which start nothing; of the second, the embedded AWS sees the version
        chain.put(key, b"")
    list(cleanup.delete_all(learner))
    learner.session.events.unregister("provide-client-params", note)
    assert cleanup.remaining(root) == []
    buckets.ensure_bucket(root)  # of one that is not there, the embedded AWS refuses no object
    return [*notebooks_run[2], *json.loads(json.dumps(made, default=str))]


def settings_broken(root):
    """As somebody leaves it who clicked through the whole console."""
    lambda_, iam = root.client("lambda"), root.client("iam")
    for name, role in functions.ROLES.items():
        lambda_.update_function_code(FunctionName=name, ZipFile=functions.package(Path(__file__)))
        lambda_.update_function_configuration(FunctionName=name, Timeout=3)
        iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=json.dumps(understood()))
        iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    lambda_.remove_permission(FunctionName="TransactionProcessor", StatementId=triggers.PERMISSION)
    lambda_.add_permission(
        FunctionName="TransactionProcessor",
        StatementId=triggers.PERMISSION,
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )
    lambda_.update_event_source_mapping(UUID=triggers.find_stream_trigger(root)["UUID"], BatchSize=1)
    root.client("sns").unsubscribe(SubscriptionArn=triggers.find_queue_subscription(root, "CustomerNotify"))
    off = {"Enabled": False, "AttributeName": tables.EXPIRING["ProcessedRecords"]}
    root.client("dynamodb").update_time_to_live(TableName="ProcessedRecords", TimeToLiveSpecification=off)


def stream_broken(root):
    root.client("dynamodb").update_table(TableName="Transactions", StreamSpecification={"StreamEnabled": False})


def test_a_learner_runs_all_notebooks_every_step_holds_and_nothing_is_left(root, notebooks_run):
    ran, result, _ = notebooks_run

    assert result is not None, ran.stderr
    assert (ran.returncode, [step["error"] for step in result["steps"] if not step["ok"]]) == (0, []), ran.stdout
    assert [step["notebook"][:2] for step in result["steps"]] == STEPS
    assert result["totals"] == {"C1": "598", "C2": "1750"}
    assert (cleanup.remaining(root), cleanup.kept(root)) == ([], [])


def test_a_learner_uses_every_action_that_is_allowed_and_no_other(calls):
    used = {action for call in calls for action in needs(call)}

    assert used == granted()


def test_a_learner_uses_each_action_on_each_thing_that_it_is_allowed_on(calls):
    """The name of the thing stands in the call; a mapping has none, and GetRecords names a place in a stream."""
    asked = {
        action: "".join(json.dumps(call["params"]) for call in calls if action in needs(call)) for action in granted()
    }
    things = [
        (action, arn.removesuffix("/*").removesuffix(":*").split(":")[-1].split("/")[-1])
        for each in user_policies.learner(HERE)["Statement"]
        for action in each["Action"]
        for arn in each["Resource"]
        if arn != "*" and "event-source-mapping" not in arn and action != "dynamodb:GetRecords"
    ]

    assert [(action, name) for action, name in things if name not in asked[action]] == []


@pytest.mark.parametrize("action", sorted(granted()))
def test_without_one_of_the_actions_a_call_of_the_learner_is_refused(action, root, learner, calls):
    allow(root, "learner", understood(without=action))
    once = {call["operation"]: call for call in calls if action in needs(call)}

    refused = [operation for operation, call in once.items() if is_refused(learner, call)]

    assert bool(refused) == (action not in UNCHECKED)


def is_refused(lab, call):
    """Make the call once more, where nothing of the lab is left but an empty bucket; True if it is refused."""
    client = lab.client(call["service"])
    try:
        client._make_api_call(call["operation"], call["params"])
    except ClientError as error:
        return is_access_denied(error)
    return False
