import dataclasses

import pytest

from lab_lib.aws import functions, policies, roles

ROLE = "TotalNotifierRole"


@pytest.fixture
def permissions(lab):
    return policies.total_notifier(lab)


def test_the_role_trusts_lambda_and_has_exactly_its_permissions(lab, permissions):
    arn = roles.ensure_role(lab, ROLE)

    role = roles.describe(lab, ROLE)
    assert arn == role["Arn"] == f"arn:aws:iam::123456789012:role/{ROLE}"
    assert role["AssumeRolePolicyDocument"] == policies.trust()
    assert lab.client("iam").get_role_policy(RoleName=ROLE, PolicyName="lab")["PolicyDocument"] == permissions


def test_a_role_of_the_labs_has_the_permissions_for_notebook_06_until_they_are_deleted(lab, permissions):
    roles.ensure_role(lab, ROLE)
    lab.client("iam").create_role(RoleName="TransactionProcessorRole", AssumeRolePolicyDocument="{}")
    for function, more in policies.experiments(lab).items():
        roles.ensure_experiments(lab, f"{function}Role", more)

    roles.ensure_role(lab, ROLE)  # notebook 00, run again in the middle of 06

    assert roles.find_experiments(lab, ROLE) == "break-it"
    assert roles.find_experiments(lab, "TransactionProcessorRole") is None  # it was given, and is not changed
    roles.delete_experiments(lab, ROLE)
    assert lab.client("iam").list_role_policies(RoleName=ROLE)["PolicyNames"] == ["lab"]


def test_a_role_that_was_given_is_used_without_one_call_of_iam(lab, permissions):
    arn = lab.arn("iam", "role/class/LabRole")
    without_iam = dataclasses.replace(lab, notifier_role=arn, _clients=lab._clients | {("iam", 0): None})

    assert roles.ensure_role(without_iam, ROLE) == roles.find_role(without_iam, ROLE) == arn
    assert functions.settings(without_iam, "TotalNotifier")["Role"] == arn
    assert roles.name_of(without_iam, ROLE) == "LabRole"
    roles.ensure_experiments(without_iam, ROLE, permissions)
    roles.delete_experiments(without_iam, ROLE)
    roles.delete_role(without_iam, ROLE)


def test_a_role_of_the_labs_gets_the_boundary_when_it_is_created_or_later(lab, permissions, calls):
    created, put = calls("iam", "create_role"), calls("iam", "put_role_permissions_boundary")
    bounded = dataclasses.replace(lab, boundary=lab.arn("iam", "policy/Max"))

    for account in (bounded, bounded, dataclasses.replace(lab, prefix="bo-")):
        roles.ensure_role(account, ROLE)
    roles.ensure_role(dataclasses.replace(bounded, prefix="bo-"), ROLE)

    assert [call.get("PermissionsBoundary") for call in created] == [bounded.boundary, None]
    assert put == [{"RoleName": f"bo-{ROLE}", "PermissionsBoundary": bounded.boundary}]
