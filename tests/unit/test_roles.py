import dataclasses
import json

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import policies, roles

ROLE = "TotalNotifierRole"


@pytest.fixture
def permissions(lab):
    return policies.total_notifier(lab)


@pytest.fixture
def given_role(lab):
    """A role as a managed classroom account has it: not made by the lab."""
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    arn = lab.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    lab.client("iam").put_role_policy(RoleName=ROLE, PolicyName="theirs", PolicyDocument=json.dumps(allowed))
    return arn


def test_ensure_role_makes_a_tagged_role_with_its_permissions(lab, permissions):
    arn = roles.ensure_role(lab, ROLE, permissions)

    role = lab.client("iam").get_role(RoleName=ROLE)["Role"]
    assert arn == role["Arn"] == f"arn:aws:iam::123456789012:role/{ROLE}"
    assert role["AssumeRolePolicyDocument"] == policies.lambda_trust(lab)
    assert role["Tags"] == [{"Key": "lab", "Value": "serverless-lab"}]
    assert lab.client("iam").get_role_policy(RoleName=ROLE, PolicyName="lab")["PolicyDocument"] == permissions


def test_ensure_role_twice_gives_the_same_role(lab, permissions):
    assert roles.ensure_role(lab, ROLE, permissions) == roles.ensure_role(lab, ROLE, permissions)
    assert len(lab.client("iam").list_roles()["Roles"]) == 1


def test_ensure_role_gives_changed_permissions_back(lab, permissions):
    roles.ensure_role(lab, ROLE, permissions)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    lab.client("iam").put_role_policy(RoleName=ROLE, PolicyName="lab", PolicyDocument=json.dumps(everything))

    roles.ensure_role(lab, ROLE, permissions)

    assert lab.client("iam").get_role_policy(RoleName=ROLE, PolicyName="lab")["PolicyDocument"] == permissions


def test_ensure_role_gives_deleted_permissions_back(lab, permissions):
    roles.ensure_role(lab, ROLE, permissions)
    lab.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="lab")

    roles.ensure_role(lab, ROLE, permissions)

    assert lab.client("iam").get_role_policy(RoleName=ROLE, PolicyName="lab")["PolicyDocument"] == permissions


def test_ensure_role_takes_away_what_was_added_by_hand(lab, permissions):
    roles.ensure_role(lab, ROLE, permissions)
    iam, everything = lab.client("iam"), {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName=ROLE, PolicyName="more", PolicyDocument=policy)
    admin = iam.create_policy(PolicyName="Admin", PolicyDocument=policy)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=admin)

    roles.ensure_role(lab, ROLE, permissions)

    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == ["lab"]
    assert iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"] == []


def test_ensure_role_gives_changed_trust_back(lab, permissions):
    roles.ensure_role(lab, ROLE, permissions)
    (statement,) = policies.lambda_trust(lab)["Statement"]
    others = {"Version": "2012-10-17", "Statement": [{**statement, "Principal": {"Service": "ec2.amazonaws.com"}}]}
    lab.client("iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(others))

    roles.ensure_role(lab, ROLE, permissions)

    assert lab.client("iam").get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"] == policies.lambda_trust(lab)


def test_ensure_role_adopts_a_given_role_and_changes_nothing(lab, permissions, given_role):
    before = lab.client("iam").get_role(RoleName=ROLE)["Role"]

    assert roles.ensure_role(lab, ROLE, permissions) == given_role

    assert lab.client("iam").get_role(RoleName=ROLE)["Role"] == before
    assert lab.client("iam").list_role_policies(RoleName=ROLE)["PolicyNames"] == ["theirs"]


def test_find_role_of_an_absent_role_is_none(lab):
    assert roles.find_role(lab, ROLE) is None
    assert roles.is_ours(lab, ROLE) is False


def test_a_refusal_is_never_absence(lab, permissions, refuse):
    refuse("iam", "get_role")

    with pytest.raises(ClientError, match="AccessDenied"):
        roles.find_role(lab, ROLE)
    with pytest.raises(ClientError, match="AccessDenied"):
        roles.describe(lab, ROLE)
    with pytest.raises(ClientError, match="AccessDenied"):
        roles.ensure_role(lab, ROLE, permissions)
    with pytest.raises(ClientError, match="AccessDenied"):
        roles.delete_role(lab, ROLE)


def test_delete_role_deletes_it_with_all_its_policies(lab, permissions):
    roles.ensure_role(lab, ROLE, permissions)
    managed = lab.client("iam").create_policy(PolicyName="More", PolicyDocument=json.dumps(permissions))["Policy"]
    lab.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=managed["Arn"])

    roles.delete_role(lab, ROLE)

    assert roles.find_role(lab, ROLE) is None


def test_delete_role_again_is_quiet(lab, permissions):
    roles.ensure_role(lab, ROLE, permissions)
    roles.delete_role(lab, ROLE)

    roles.delete_role(lab, ROLE)

    assert roles.find_role(lab, ROLE) is None


def test_delete_role_keeps_a_given_role(lab, given_role):
    roles.delete_role(lab, ROLE)

    assert roles.find_role(lab, ROLE) == given_role
    assert lab.client("iam").list_role_policies(RoleName=ROLE)["PolicyNames"] == ["theirs"]


@pytest.fixture
def simulate(lab, monkeypatch):
    """simulate({action: decision}): IAM's simulator, which moto has not; the list of what it was asked."""

    def simulate(decisions):
        asked, results = [], [{"EvalActionName": key, "EvalDecision": value} for key, value in decisions.items()]

        def simulate_principal_policy(**arguments):
            asked.append(arguments)
            return {"EvaluationResults": results, "IsTruncated": False}

        monkeypatch.setattr(lab.client("iam"), "simulate_principal_policy", simulate_principal_policy)
        return asked

    return simulate


def test_describe_is_what_iam_tells_of_the_role_of_exactly_this_name(lab, permissions):
    ana = dataclasses.replace(lab, prefix="ana-")
    roles.ensure_role(ana, ROLE, permissions)

    role = roles.describe(ana, f"ana-{ROLE}")

    assert role["Arn"] == roles.find_role(ana, ROLE)
    assert role["AssumeRolePolicyDocument"] == policies.lambda_trust(lab)
    assert roles.describe(ana, ROLE) is None


def test_describe_of_an_absent_role_is_none(lab):
    assert roles.describe(lab, ROLE) is None


def test_allowed_are_the_actions_that_iams_simulator_allows(lab, simulate):
    simulate({"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny", "s3:DeleteObject": "explicitDeny"})

    found = roles.allowed(lab, "the-role", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), "the-object")

    assert found == {"s3:GetObject"}


def test_allowed_asks_of_this_role_these_actions_and_this_resource(lab, simulate):
    asked = simulate({})

    assert roles.allowed(lab, "the-role", ("s3:GetObject", "s3:ListBucket"), "the-bucket") == set()

    (call,) = asked
    assert (call["PolicySourceArn"], call["ResourceArns"]) == ("the-role", ["the-bucket"])
    assert list(call["ActionNames"]) == ["s3:GetObject", "s3:ListBucket"]


def test_allowed_asks_in_a_form_that_boto3_takes(lab):
    # The call is made in earnest: boto3 looks at the form of its arguments before moto says that it has no simulator.
    with pytest.raises(NotImplementedError, match="simulate_principal_policy"):
        roles.allowed(lab, lab.arn("iam", f"role/{ROLE}"), ("s3:GetObject",), lab.arn("s3", "b/*"))


def test_a_refusal_to_simulate_is_never_that_nothing_is_allowed(lab, refuse):
    refuse("iam", "simulate_principal_policy")

    with pytest.raises(ClientError, match="AccessDenied"):
        roles.allowed(lab, "the-role", ("s3:GetObject",), "the-object")
