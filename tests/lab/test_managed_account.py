"""An account of a class, as learner labs have it: one role, one bucket, and of IAM only PassRole."""

import json
import re

import pytest
import recorder
from accounts import EVERYTHING
from commands import run

from lab_lib.aws import cleanup, policies
from lab_lib.lab import open_lab

ACCOUNT, BUCKET = "300000000031", "my-class-bucket"
GIVEN = {"processor_role": "LabRole", "notifier_role": "LabRole", "bucket": BUCKET}
OPTIONS = [word for name, value in GIVEN.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.fixture
def root():
    """Return the account as its owner has made it for the learner."""
    root = open_lab(account=ACCOUNT)
    root.client("s3").create_bucket(Bucket=BUCKET)
    iam = root.client("iam")
    iam.create_role(RoleName="LabRole", AssumeRolePolicyDocument=json.dumps(policies.trust()))
    iam.put_role_policy(RoleName="LabRole", PolicyName="broad", PolicyDocument=json.dumps(EVERYTHING))
    return root


@pytest.mark.slow
def test_the_whole_lab_runs_with_the_role_and_the_bucket_that_were_given_though_iam_shows_nothing(root, tmp_path):
    s3, iam, variables = root.client("s3"), root.client("iam"), recorder.environment(tmp_path, "denying")

    done = run("run", "--account", ACCOUNT, *OPTIONS, "--out", tmp_path / "out", ALLOWED="PassRole", **variables)

    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (done.returncode, [step["error"] for step in result["steps"] if not step["ok"]]) == (0, []), done.stderr
    assert result["totals"] == {"C1": "598", "C2": "1750"}
    assert re.search(r"✔ 00-start-here .* and \d+ cannot be seen", done.stdout)
    called = {call["operation"] for call in recorder.calls(tmp_path) if call["service"] == "iam"}
    assert called <= {"GetRole", "SimulatePrincipalPolicy"}
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["LabRole"]
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [BUCKET]
    assert s3.get_bucket_notification_configuration(Bucket=BUCKET).keys() == {"ResponseMetadata"}
    assert cleanup.remaining(open_lab(account=ACCOUNT, **GIVEN)) == []
