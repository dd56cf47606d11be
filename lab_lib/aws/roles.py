"""IAM roles: what a function may do. A role that the account was given is adopted as it is."""

import json
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.aws import policies
from lab_lib.errors import error_code
from lab_lib.lab import TAG, Lab

POLICY_NAME = "lab"


def ensure_role(lab: Lab, name: str, permissions: policies.Policy) -> str:
    """Make the role, or give ours back the permissions it should have; its ARN."""
    iam, role_name = lab.client("iam"), lab.name(name)
    role = _role(lab, name)
    if role is None:
        answer = iam.create_role(
            RoleName=role_name,
            AssumeRolePolicyDocument=json.dumps(policies.lambda_trust(lab)),
            Description=f"What the function of {name} may do",
            Tags=[TAG],
        )
        role = answer["Role"]
    elif not is_ours(lab, name):
        return str(role["Arn"])
    else:
        iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=json.dumps(policies.lambda_trust(lab)))
        _take_away(lab, name, keep=POLICY_NAME)
    iam.put_role_policy(RoleName=role_name, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(permissions))
    return str(role["Arn"])


def describe(lab: Lab, role_name: str) -> dict[str, Any] | None:
    """The role of exactly this name, as IAM describes it."""
    try:
        role: dict[str, Any] = lab.client("iam").get_role(RoleName=role_name)["Role"]
        return role
    except ClientError as error:
        if error_code(error) == "NoSuchEntity":
            return None
        raise


def allowed(lab: Lab, role_arn: str, actions: tuple[str, ...], resource: str) -> set[str]:
    """Those of the actions that the role may do to the resource, by IAM's own policy simulator."""
    iam = lab.client("iam")
    answer = iam.simulate_principal_policy(PolicySourceArn=role_arn, ActionNames=actions, ResourceArns=[resource])
    return {each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] == "allowed"}


def find_role(lab: Lab, name: str) -> str | None:
    """The role's ARN."""
    role = _role(lab, name)
    return str(role["Arn"]) if role else None


def is_ours(lab: Lab, name: str) -> bool:
    """True if the role is there and the lab made it."""
    return TAG in (_role(lab, name) or {}).get("Tags", [])


def delete_role(lab: Lab, name: str) -> None:
    """Delete the role if the lab made it; a role that was given stays."""
    iam, role_name = lab.client("iam"), lab.name(name)
    if not is_ours(lab, name):
        return
    _take_away(lab, name)
    iam.delete_role(RoleName=role_name)


def _role(lab: Lab, name: str) -> dict[str, Any] | None:
    return describe(lab, lab.name(name))


def _take_away(lab: Lab, name: str, keep: str = "") -> None:
    """Take every policy but one from the role: whatever was added by hand lets it do more than it should."""
    iam, role_name = lab.client("iam"), lab.name(name)
    for policy in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
        if policy != keep:
            iam.delete_role_policy(RoleName=role_name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role_name, PolicyArn=policy["PolicyArn"])
