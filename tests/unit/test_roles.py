import dataclasses
import functools
import json

import pytest

from lab_lib.aws import functions, policies, roles
from lab_lib.waiting import retry_while

ROLE = "TotalNotifierRole"


@pytest.fixture
def permissions(lab):
    return policies.total_notifier(lab)


def test_the_role_trusts_lambda_and_has_exactly_its_permissions(lab, permissions):
    arn = roles.ensure_role(lab, ROLE, permissions)

    role = roles.describe(lab, ROLE)
    assert arn == role["Arn"] == f"arn:aws:iam::123456789012:role/{ROLE}"
    assert role["AssumeRolePolicyDocument"] == policies.lambda_trust()
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


def test_a_role_that_was_given_is_used_without_one_call_of_iam(lab, permissions):
    arn = lab.arn("iam", "role/class/LabRole")
    without_iam = dataclasses.replace(lab, notifier_role=arn, _clients=lab._clients | {"iam": None})

    assert roles.ensure_role(without_iam, ROLE, permissions) == roles.find_role(without_iam, ROLE) == arn
    assert functions.settings(without_iam, "TotalNotifier")["Role"] == arn
    assert roles.name_of(without_iam, ROLE) == "LabRole"
    roles.ensure_experiments(without_iam, ROLE, permissions)
    assert roles.find_experiments(without_iam, ROLE) is None
    roles.delete_experiments(without_iam, ROLE)
    roles.delete_role(without_iam, ROLE)


def test_a_role_of_the_labs_gets_the_boundary_when_it_is_created_or_later(lab, permissions, calls):
    created, put = calls("iam", "create_role"), calls("iam", "put_role_permissions_boundary")
    bounded = dataclasses.replace(lab, boundary=lab.arn("iam", "policy/Max"))

    for each in (bounded, bounded, dataclasses.replace(lab, prefix="bo-")):
        roles.ensure_role(each, ROLE, permissions)
    roles.ensure_role(dataclasses.replace(bounded, prefix="bo-"), ROLE, permissions)

    assert [each.get("PermissionsBoundary") for each in created] == [bounded.boundary, None]
    assert put == [{"RoleName": f"bo-{ROLE}", "PermissionsBoundary": bounded.boundary}]


@pytest.fixture
def late(lab, monkeypatch):
    """late("get_role"): let IAM answer this call once as if it did not know the role; nobody waits for the next."""
    monkeypatch.setattr(roles, "retry_while", functools.partial(retry_while, sleep=lambda seconds: None))
    iam = lab.client("iam")

    def late(call, original):
        unknown = iam.exceptions.from_code("NoSuchEntity")({"Error": {"Code": "NoSuchEntity"}}, call)
        answers = iter([unknown])

        def answer(**arguments):
            if error := next(answers, None):
                raise error
            return original(**arguments)

        monkeypatch.setattr(iam, call, answer)

    return late


def test_a_new_role_is_waited_for_until_it_has_its_policy_and_can_be_read(lab, permissions, late, monkeypatch):
    iam = lab.client("iam")
    read = iam.get_role
    late("put_role_policy", iam.put_role_policy)
    create = iam.create_role
    monkeypatch.setattr(iam, "create_role", lambda **role: (create(**role), late("get_role", read)))

    arn = roles.ensure_role(lab, ROLE, permissions)

    assert arn == roles.find_role(lab, ROLE)
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == ["lab"]


def test_a_simulator_that_does_not_know_a_new_role_yet_is_asked_again(lab, late):
    result = {"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"}
    late("simulate_principal_policy", lambda **_: {"EvaluationResults": [result]})

    assert roles.allowed(lab, "the-role", ("s3:GetObject",), "the-object") == {"s3:GetObject"}


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
