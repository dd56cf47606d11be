"""The policies of learner and grader, and `lab policy`, which prints them."""

import json
import runpy
from dataclasses import replace
from itertools import product
from pathlib import Path

import botocore.session
import pytest

import lab_lib
from lab_lib.aws import policies, user_policies
from lab_lib.aws.grants import Request, is_allowed
from tests.lab.commands import in_process

DOCS = Path(__file__).parents[2] / "docs"


def rows(policy):
    """Return (action, resource) of a policy. An action applies only to resources of its own service."""
    pairs = {pair for statement in policy["Statement"] for pair in product(statement["Action"], statement["Resource"])}
    return {(action, arn) for action, arn in pairs if arn == "*" or arn.split(":")[2] == action.split(":")[0]}


def is_reading(action):
    return action.split(":")[1].startswith(("Get", "List", "Describe"))


def test_the_committed_table_is_what_make_docs_writes():
    assert (DOCS / "permissions.md").read_text("utf-8") == runpy.run_path(str(DOCS / "permissions.py"))["page"]()


def test_a_learner_reaches_only_resources_with_the_prefix(moto_lab):
    policy = user_policies.learner(replace(moto_lab, prefix="ana-"))

    mappings = "arn:*:lambda:us-east-1:123456789012:event-source-mapping:*"  # which have no names
    assert {arn for _, arn in rows(policy) if "ana-" not in arn} == {"*", mappings}
    unnamed = {action for action, arn in rows(policy) if arn in ("*", mappings) and not is_reading(action)}
    changes = {f"lambda:{verb}EventSourceMapping" for verb in ("Create", "Update", "Delete")}
    assert unnamed == {*changes, "lambda:TagResource", "sns:Unsubscribe"}
    notifiers = [f"arn:*:lambda:us-east-1:123456789012:function:ana-{part}TotalNotifier" for part in ("", "BreakIt*_")]
    (changing,) = [statement for statement in policy["Statement"] if changes & {*statement["Action"]}]
    assert changing["Condition"] == {"ArnLike": {"lambda:FunctionArn": notifiers}}
    (passing,) = [statement for statement in policy["Statement"] if "iam:PassRole" in statement["Action"]]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}


def test_a_grader_changes_nothing_and_reads_only_data_of_the_lab(moto_lab):
    policy = user_policies.grader(replace(moto_lab, prefix="ana-"))

    assert {action.split(":")[1] for action, _ in rows(policy) if not is_reading(action)} == {
        "ChangeMessageVisibility*",
        "FilterLogEvents",
        "ReceiveMessage",
        "Scan",
        "SimulatePrincipalPolicy",
    }
    data = {"s3:GetObject", "dynamodb:Scan", "sqs:ReceiveMessage", "logs:FilterLogEvents"}
    data |= {"lambda:GetFunction", "lambda:ListFunctions", "sns:ListSubscriptionsByTopic"}  # variables, addresses
    assert {arn for action, arn in rows(policy) if action in data and "ana-" not in arn} == {
        "arn:*:s3:::*inputs3bucketfortransact*/*"
    }


BOUNDARY = "arn:aws:iam::123456789012:policy/lab-boundary"


def bounded(lab):
    return user_policies.learner(replace(lab, boundary=lab.arn("iam", "policy/lab-boundary")))


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        *[(action, [BOUNDARY]) for action in ("CreateRole", "PutRolePolicy", "PutRolePermissionsBoundary")],
        *[(action, []) for action in ("AttachRolePolicy", "DeleteRolePermissionsBoundary")],
    ],
)
def test_a_learner_with_a_boundary_changes_no_role_without_it(moto_lab, action, allowed):
    ana, role = (moto_lab.arn("iam", name) for name in ("user/ana", "role/TotalNotifierRole"))
    for boundary in (BOUNDARY, f"{BOUNDARY}2", None):
        request = Request(ana, f"iam:{action}", role, {"iam:permissionsboundary": boundary})
        assert is_allowed(bounded(moto_lab)["Statement"], request) is (boundary in allowed)


@pytest.mark.parametrize("partition", botocore.session.Session().get_available_partitions())
def test_each_policy_fits_into_a_managed_policy_with_the_longest_names_of_a_partition(moto_lab, partition):
    region = max(botocore.session.Session().get_available_regions("lambda", partition), key=len)
    lab = replace(moto_lab, prefix="Ana-Maria-7", partition=partition, region=region, bucket_name="b" * 63)
    lab = replace(lab, boundary=lab.arn("iam", f"policy/{'b' * 128}"))

    for policy in (user_policies.grader, user_policies.probe, user_policies.learner, policies.boundary):
        written = json.dumps(policy(lab))
        assert len("".join(written.split())) <= 6_144  # IAM counts no white space
        assert partition == "aws" or "arn:aws:" not in written
        assert "$" not in written
        assert {action for action, _ in rows(policy(lab)) if "*" in action} <= {"sqs:ChangeMessageVisibility*"}


@pytest.mark.parametrize(
    ("arguments", "policy"),
    [
        ([], user_policies.grader),
        (["learner", "--boundary", "lab-boundary"], bounded),
        (["boundary"], policies.boundary),
    ],
)
def test_lab_policy_prints_the_policy_of_a_grader_or_a_learner_and_the_boundary(
    moto_lab, monkeypatch, arguments, policy
):
    def opened(boundary="", **_):
        return replace(moto_lab, boundary=boundary and BOUNDARY)

    monkeypatch.setattr(lab_lib, "open_lab", opened)

    assert json.loads(in_process("policy", *arguments).stdout) == policy(moto_lab)
