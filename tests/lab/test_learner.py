"""A learner does the whole lab with what `lab policy learner` prints: it is enough, and all of it is used.

With what `lab policy large` prints, the learner takes in large files too.

The embedded AWS enforces the policy without its conditions. The evaluator proves each call by the whole policy, for the
learner and for the checks of a grader.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import recorder
from accounts import user_of
from botocore.exceptions import ClientError
from chains import Chain

from lab_lib import checks
from lab_lib.aws import buckets, cleanup, executions, functions, machines, policies, tables, triggers, user_policies
from lab_lib.errors import LabError
from lab_lib.lab import BREAK_IT_LARGE, Lab, open_lab
from lab_lib.run.headless import DATA_FILE
from lab_lib.waiting import wait_until
from tests.iam_requests import BY_ID, PROVEN, prove

pytestmark = pytest.mark.slow

ACCOUNT, PREFIX = "300000000021", "Ana-"
OPENED = Lab(None, "an account", ACCOUNT, "us-east-1", "aws", prefix=PREFIX)

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
UNSEEN_OF_LARGE = ["states:DescribeMapRun", "states:ListExecutions", "states:ListTagsForResource"]
LARGE_KEY = "large/transactions.csv"


def opened():
    """Return the lab with the account's own key, which may do everything."""
    return open_lab(account=ACCOUNT, prefix=PREFIX)


@pytest.fixture(scope="module")
def learner():
    """Return the lab as a learner with the policy `learner` sees it."""
    user = user_of(opened(), "learner")
    attach("learner", UNSEEN)
    return user


def attach(name, unseen):
    """Attach what `lab policy NAME` prints to the learner, without its conditions."""
    written = getattr(user_policies, name)(OPENED)["Statement"]
    statements = [{name: statement[name] for name in statement if name != "Condition"} for statement in written]
    may = json.dumps(policies.document(*statements, policies.allow(unseen, "*")))
    iam = opened().client("iam")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=may)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="learner", PolicyArn=arn)


@pytest.fixture(scope="module")
def ran(learner, tmp_path_factory):
    """Return (finished process, result.json, calls) of a `lab run` with the learner's key and policy."""
    folder = tmp_path_factory.mktemp("learner")
    keys = learner.session.get_credentials()
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        **recorder.environment(folder),
        "AWS_ENDPOINT_URL": learner.endpoint,
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
    }
    command = [Path(sys.executable).with_name("lab"), "run", "--out", folder / "out", "--email", "ana@example.com"]
    command += ["--prefix", PREFIX]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran, json.loads((folder / "out" / "result.json").read_text()), recorder.calls(folder)


def test_a_learner_runs_all_notebooks_and_nothing_is_left(ran):
    process, result, _ = ran

    assert (process.returncode, [step["error"] for step in result["steps"] if not step["ok"]]) == (0, []), (
        process.stderr
    )
    assert result["totals"] == {"C1": "598", "C2": "1750"}
    root = opened()
    assert (cleanup.remaining(root), cleanup.kept(root)) == ([], [])


@pytest.fixture(scope="module")
def repaired(ran, learner):
    """Return the calls of a learner who builds, repairs and deletes the lab, and those of the checks beside it."""
    calls, of_checks = [], []

    def note(params, model, **_):
        calls.append({"service": model.service_model.service_name, "operation": model.name, "params": params})

    def check(*steps):
        before = len(calls)
        report = checks.run(learner, *steps)
        of_checks.extend(calls[before:])
        return report

    learner.session.events.register("provide-client-params", note)
    check()
    chain = Chain(learner).build()
    with pytest.raises(ClientError, match="not authorized to perform: iam:GetRole"):
        machines.ensure_all(learner)
    attach("large", UNSEEN_OF_LARGE)
    take_in_large_file(learner)
    break_settings(opened())
    check()
    chain.build()
    machines.ensure_all(learner)
    assert check("00", "01", "02", "03", "04").failed == []
    chain.put("transactions.txt", DATA_FILE.read_bytes())
    chain.wait_for_changes(24)
    check()
    with pytest.raises(LabError, match="SNS does not accept this token"):
        triggers.confirm_subscription(learner, "no-such-token")
    waiting = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 20, "End": True}}}
    learner.client("stepfunctions").start_execution(stateMachineArn=machines.ensure_machine(learner, waiting))
    list(cleanup.delete_all(learner))
    return calls, of_checks


def take_in_large_file(learner):
    machines.ensure_all(learner)
    machines.ensure_role(replace(learner, patience=5))  # on AWS it asks whether the role's policy counts yet
    buckets.put(learner, LARGE_KEY, DATA_FILE.read_bytes())
    execution, is_new = executions.start(learner, LARGE_KEY, parts=2)
    assert (is_new, executions.start(learner, LARGE_KEY, parts=2)) == (True, (execution, False))
    wait_until(lambda: executions.progress(learner, execution).status != "RUNNING", "the execution to end")
    assert executions.progress(learner, execution).report["written"] == 24
    assert sum(child.written for child in executions.children(learner, execution)) == 24
    s3, where = learner.client("s3"), {"Bucket": learner.bucket, "Key": LARGE_KEY}  # boto3 aborts what it cannot upload
    s3.abort_multipart_upload(**where, UploadId=s3.create_multipart_upload(**where)["UploadId"])
    beside = learner.variant(BREAK_IT_LARGE)
    tables.ensure_table(beside, "ProcessedRecords")
    tables.put_item(beside, "ProcessedRecords", {"EventId": "a fault of notebook 07"})


def break_settings(root):
    """Change what `ensure_x` repairs, as somebody may in the console."""
    lambda_, iam = root.client("lambda"), root.client("iam")
    processor = root.name("TransactionProcessor")
    for name in functions.ROLES:
        lambda_.update_function_code(FunctionName=root.name(name), ZipFile=functions.package([Path(__file__)]))
        lambda_.update_function_configuration(FunctionName=root.name(name), Timeout=3)
    for role in {*functions.ROLES.values(), machines.ROLE}:
        iam.attach_role_policy(RoleName=root.name(role), PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
        iam.update_assume_role_policy(RoleName=root.name(role), PolicyDocument=json.dumps(policies.document()))
    lambda_.remove_permission(FunctionName=processor, StatementId=triggers.PERMISSION)
    everyone = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    lambda_.add_permission(FunctionName=processor, StatementId=triggers.PERMISSION, **everyone)
    root.client("sns").unsubscribe(SubscriptionArn=triggers.find_queue_subscription(root, "CustomerNotify"))
    off = {"StreamEnabled": False}
    root.client("dynamodb").update_table(TableName=root.name("Transactions"), StreamSpecification=off)


def is_about_large_files(call):
    others = "GetAccountSettings", "AbortMultipartUpload"
    return any(name in str(call["params"]) for name in ("LargeFile", BREAK_IT_LARGE)) or call["operation"] in others


@pytest.mark.parametrize("person", ["learner", "grader"])
def test_a_person_needs_all_that_the_policy_allows_and_no_more(person, ran, repaired):
    calls = ran[2] + repaired[0] if person == "learner" else repaired[1]
    calls = [call for call in calls if not is_about_large_files(call)]

    outcome = prove(getattr(user_policies, person)(OPENED), calls, OPENED)

    assert outcome == PROVEN | ({"undecidable": BY_ID} if person == "learner" else {})


def test_for_large_files_a_learner_needs_all_of_the_second_policy_and_no_more(repaired):
    learner, large = user_policies.learner(OPENED), user_policies.large(OPENED)
    both = policies.document(*learner["Statement"], *large["Statement"])
    beyond = [call for call in repaired[0] if prove(learner, [call], OPENED)["denied"]]

    assert [call["operation"] for call in beyond if not is_about_large_files(call)] == []
    assert prove(both, beyond, OPENED)["denied"] == []
    assert prove(large, beyond, OPENED)["unused"] == set()
