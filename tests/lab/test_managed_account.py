"""An account of a class, as learner labs have it: one role, one bucket, and of IAM only GetRole and PassRole."""

import json
import re

import pytest
import recorder
from accounts import EVERYTHING
from commands import run

from lab_lib.aws import cleanup, policies
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

ACCOUNT, BUCKET = "300000000031", "my-class-bucket"
GIVEN = {"processor_role": "LabRole", "notifier_role": "LabRole", "bucket": BUCKET}
OPTIONS = [word for name, value in GIVEN.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.fixture(scope="module")
def root():
    """Return the account as its owner has made it for the learner."""
    root = open_lab(account=ACCOUNT)
    root.client("s3").create_bucket(Bucket=BUCKET)
    iam = root.client("iam")
    iam.create_role(RoleName="LabRole", AssumeRolePolicyDocument=json.dumps(policies.trust()))
    iam.put_role_policy(RoleName="LabRole", PolicyName="broad", PolicyDocument=json.dumps(EVERYTHING))
    return root


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    """lab("run", ...): (the finished command, what it called of IAM), where the account denies nearly all of IAM."""
    folder = tmp_path_factory.mktemp("denied")
    variables = recorder.environment(folder, "denying")

    def lab(*arguments, allowed="GetRole PassRole"):
        (folder / "calls").write_text("")
        done = run(*arguments, ALLOWED=allowed, **variables)
        return done, {call["operation"] for call in recorder.calls(folder) if call["service"] == "iam"}

    return lab


def of_the_owner(root):
    """Return the account's roles and buckets, and the bucket's triggers."""
    triggers = root.client("s3").get_bucket_notification_configuration(Bucket=BUCKET)
    roles = [role["RoleName"] for role in root.client("iam").list_roles()["Roles"]]
    buckets = [bucket["Name"] for bucket in root.client("s3").list_buckets()["Buckets"]]
    return roles, buckets, triggers.keys() - {"ResponseMetadata"}


def test_the_whole_lab_runs_with_the_role_and_the_bucket_that_were_given_though_iam_shows_nothing(root, lab, tmp_path):
    done, called = lab("run", "--account", ACCOUNT, *OPTIONS, "--out", tmp_path, allowed="PassRole")

    result = json.loads((tmp_path / "result.json").read_text())
    assert (done.returncode, [step["error"] for step in result["steps"] if not step["ok"]]) == (0, []), done.stderr
    assert result["totals"] == {"C1": "598", "C2": "1750"}
    assert re.search(r"✔ 00-start-here .* and \d+ cannot be seen", done.stdout)
    assert called <= {"GetRole", "SimulatePrincipalPolicy"}
    assert of_the_owner(root) == (["LabRole"], [BUCKET], set())
    assert cleanup.remaining(open_lab(account=ACCOUNT, **GIVEN)) == []


def test_a_run_that_may_not_make_the_roles_says_so_in_a_line_and_names_the_settings(lab, tmp_path):
    done, _ = lab("run", "--account", "300000000032", "--until", "00", "--out", tmp_path)

    (step,) = json.loads((tmp_path / "result.json").read_text())["steps"]
    said = "ClientError: CreateRole is denied. Ask the administrator of the account to allow CreateRole: `lab policy"
    assert (done.returncode, step["error"].startswith(said)) == (1, True), step["error"]
    assert "the settings processor_role and notifier_role" in step["error"]
    assert "CreateRole is denied" in done.stdout
