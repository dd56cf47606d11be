"""A learner does the whole lab with what `lab policy learner` prints: it is enough, and all of it is used.

It is in a China Region, in Chinese: every notebook speaks the learner's language.

The embedded AWS enforces the policy without its conditions. `aws/grants.py` proves each call by the whole policy, for
the learner and for the checks of a grader.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import recorder
from accounts import user_of
from botocore.exceptions import ClientError
from chains import Chain

from lab_lib import checks
from lab_lib.aws import cleanup, functions, policies, topics, triggers, user_policies
from lab_lib.lab import Lab, open_lab
from lab_lib.run.headless import DATA_FILE
from tests.iam_requests import PROVEN, prove
from tests.shown import english, shown

pytestmark = pytest.mark.slow

ACCOUNT, PREFIX, REGION = "300000000021", "Ana-", "cn-north-1"
OPENED = Lab(None, "an account", ACCOUNT, REGION, "aws-cn", prefix=PREFIX)


def opened():
    """Return the lab with the account's own key, which may do everything."""
    return open_lab(account=ACCOUNT, prefix=PREFIX, region=REGION)


@pytest.fixture(scope="module")
def learner():
    """Return the lab as a learner with the policy `learner`, without its conditions, sees it."""
    written = user_policies.learner(OPENED)["Statement"]
    statements = [{name: statement[name] for name in statement if name != "Condition"} for statement in written]
    return user_of(opened(), "learner", policies.document(*statements))


@pytest.fixture(scope="module")
def ran(learner, tmp_path_factory):
    """Return (finished process, its folder, calls) of a `lab run` with the learner's key and policy."""
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
    command += ["--prefix", PREFIX, "--region", REGION, "--lang", "zh_CN"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran, folder / "out", recorder.calls(folder)


def test_a_learner_runs_all_notebooks_and_nothing_is_left(ran):
    process, folder, _ = ran

    result = json.loads((folder / "result.json").read_text())
    assert (process.returncode, [step["error"] for step in result["steps"] if not step["ok"]]) == (0, []), (
        process.stderr
    )
    assert result["totals"] == {"C1": "598", "C2": "1750"}
    root = opened()
    assert cleanup.survey(root) == ([], [])


def test_no_english_is_left_in_what_the_notebooks_show(ran):
    process, folder, _ = ran
    notebooks = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.ipynb"))]

    texts = [*(text for notebook in notebooks for text in shown(notebook)), process.stdout]
    assert [words for text in texts for words in english(text)] == []
    assert re.findall(".*[。，；：] \\S.*", "\n".join(texts)) == []  # such a sign brings its own space


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
    break_settings(opened())
    check()
    chain.build()
    assert check("00", "01", "02", "03", "04").failed == []
    chain.put("transactions.txt", DATA_FILE.read_bytes())
    chain.wait_for_changes(24)
    check()
    topic = topics.topic_arn(learner)
    with pytest.raises(ClientError, match="InvalidParameter"):
        learner.client("sns").confirm_subscription(TopicArn=topic, Token="none", AuthenticateOnUnsubscribe="true")
    list(cleanup.delete_all(learner))
    return calls, of_checks


def break_settings(root):
    """Change what `ensure_x` repairs, as somebody may in the console."""
    lambda_, iam = root.client("lambda"), root.client("iam")
    processor = root.name("TransactionProcessor")
    for name in functions.ROLES:
        lambda_.update_function_code(FunctionName=root.name(name), ZipFile=functions.package([Path(__file__)]))
        lambda_.update_function_configuration(FunctionName=root.name(name), Timeout=3)
    for role in functions.ROLES.values():
        policy = f"arn:{root.partition}:iam::aws:policy/AmazonS3ReadOnlyAccess"
        iam.attach_role_policy(RoleName=root.name(role), PolicyArn=policy)
        iam.update_assume_role_policy(RoleName=root.name(role), PolicyDocument=json.dumps(policies.document()))
    lambda_.remove_permission(FunctionName=processor, StatementId=triggers.PERMISSION)
    everyone = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    lambda_.add_permission(FunctionName=processor, StatementId=triggers.PERMISSION, **everyone)
    root.client("sns").unsubscribe(SubscriptionArn=triggers.find_queue_subscription(root, "CustomerNotify"))
    off = {"StreamEnabled": False}
    root.client("dynamodb").update_table(TableName=root.name("Transactions"), StreamSpecification=off)


@pytest.mark.parametrize("person", ["learner", "grader"])
def test_a_person_needs_all_that_the_policy_allows_and_no_more(person, ran, repaired):
    calls = ran[2] + repaired[0] if person == "learner" else repaired[1]

    outcome = prove(getattr(user_policies, person)(OPENED), calls, OPENED)

    # A list of functions shows the variables of all: without it, a grader lacks the hint about a name like the lab's.
    assert outcome == PROVEN | ({} if person == "learner" else {"denied": ["lambda:ListFunctions on *"]})
