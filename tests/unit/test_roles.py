import json

import pytest

from lab_lib.aws import policies, roles

ROLE = "TotalNotifierRole"


@pytest.fixture
def permissions(lab):
    return policies.total_notifier(lab)


def test_the_role_trusts_lambda_and_has_exactly_its_permissions(lab, permissions):
    arn = roles.ensure_role(lab, ROLE, permissions)

    role = roles.describe(lab, ROLE)
    assert arn == role["Arn"] == f"arn:aws:iam::123456789012:role/{ROLE}"
    assert role["AssumeRolePolicyDocument"] == policies.lambda_trust(lab)
    assert lab.client("iam").get_role_policy(RoleName=ROLE, PolicyName="lab")["PolicyDocument"] == permissions


def test_a_role_of_the_labs_has_the_permissions_for_notebook_06_until_they_are_deleted(lab, permissions):
    roles.ensure_role(lab, ROLE, permissions)
    lab.client("iam").create_role(RoleName="TransactionProcessorRole", AssumeRolePolicyDocument="{}")
    for function, more in policies.experiments(lab).items():
        roles.ensure_experiments(lab, f"{function}Role", more)

    roles.ensure_role(lab, ROLE, permissions)  # notebook 00, run again in the middle of 06

    assert roles.find_experiments(lab, ROLE) == "break-it"
    assert roles.find_experiments(lab, "TransactionProcessorRole") is None  # it was given, and is not changed
    roles.delete_experiments(lab, ROLE)
    assert lab.client("iam").list_role_policies(RoleName=ROLE)["PolicyNames"] == ["lab"]


def test_allowed_are_the_actions_that_iams_simulator_allows(lab, monkeypatch):
    decisions = {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny", "s3:DeleteObject": "explicitDeny"}
    results = [{"EvalActionName": key, "EvalDecision": value} for key, value in decisions.items()]
    asked = []
    monkeypatch.setattr(
        lab.client("iam"),
        "simulate_principal_policy",
        lambda **arguments: asked.append(arguments) or {"EvaluationResults": results},
    )

    assert roles.allowed(lab, "the-role", tuple(decisions), "the-object") == {"s3:GetObject"}
    assert asked == [{"PolicySourceArn": "the-role", "ActionNames": tuple(decisions), "ResourceArns": ["the-object"]}]


def test_a_policy_that_was_attached_by_hand_is_detached_and_does_not_hinder_the_deletion(lab, permissions):
    iam, everything = lab.client("iam"), json.dumps(policies.document(policies.allow(["*"], "*")))
    admin = iam.create_policy(PolicyName="Admin", PolicyDocument=everything)["Policy"]["Arn"]
    for after in (lambda: roles.ensure_role(lab, ROLE, permissions), lambda: roles.delete_role(lab, ROLE)):
        roles.ensure_role(lab, ROLE, permissions)
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=admin)

        after()

        assert iam.list_entities_for_policy(PolicyArn=admin)["PolicyRoles"] == []
    assert roles.find_role(lab, ROLE) is None
