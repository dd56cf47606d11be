"""Create, read and delete the IAM roles of the functions."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from lab_lib.aws import policies
from lab_lib.errors import none_if_absent
from lab_lib.lab import TAG, Lab, only_ours

POLICY_NAME = "lab"
EXPERIMENTS = "break-it"  # the policy for notebooks 01 and 06


def ensure_role(lab: Lab, name: str) -> str:
    """Create the role or repair its trust and permissions. Return its ARN. Lambda can assume it.

    A role that was given, or is without the lab's tag, is adopted as it is.
    """
    if given(lab, name):
        return given(lab, name)
    role_name = lab.name(name)
    role = describe(lab, role_name)
    if role is None:
        boundary = {"PermissionsBoundary": lab.boundary} if lab.boundary else {}
        lab.client("iam").create_role(
            RoleName=role_name,
            AssumeRolePolicyDocument=json.dumps(policies.trust()),
            Description=f"What {name.removesuffix('Role')} may do",
            Tags=[TAG],
            **boundary,
        )
    elif TAG not in role.get("Tags", []):
        return str(role["Arn"])
    else:
        _repair(lab, role_name, role)
    _put_policy(lab, role_name, POLICY_NAME, policies.policy(lab, name))
    return lab.arn("iam", f"role/{role_name}")


def given(lab: Lab, name: str) -> str:
    """Return the ARN of the role that exists already and takes the place of this one; "" if the lab makes its own."""
    roles = {"TransactionProcessorRole": lab.processor_role, "TotalNotifierRole": lab.notifier_role}
    return roles.get(name, "")


def name_of(lab: Lab, name: str) -> str:
    """Return the role's name in the account."""
    return given(lab, name).split("/")[-1] or lab.name(name)


def describe(lab: Lab, role_name: str) -> dict[str, Any] | None:
    """Return the role of exactly this name, as IAM describes it. No prefix is added."""
    return none_if_absent(lambda: lab.client("iam").get_role(RoleName=role_name)["Role"])


def allowed(lab: Lab, role_arn: str, actions: tuple[str, ...], resource: str, days: int = 0) -> set[str]:
    """Return those of the actions that the role may do on the resource, by IAM's policy simulator.

    It may do them now or after some days: a policy may have a date.
    """
    time = datetime.now(UTC) + timedelta(days=days)
    key = {
        "ContextKeyName": "aws:currenttime",
        "ContextKeyType": "date",
        "ContextKeyValues": [f"{time:%Y-%m-%dT%H:%M:%SZ}"],
    }
    answer = lab.client("iam").simulate_principal_policy(
        PolicySourceArn=role_arn, ActionNames=actions, ResourceArns=[resource], ContextEntries=[key]
    )
    found = set()
    for result in answer["EvaluationResults"]:
        if result["EvalDecision"] == "allowed":
            found.add(result["EvalActionName"])
    return found


def find_role(lab: Lab, name: str) -> str | None:
    """Return the role's ARN, or None. A role that was given is taken to be there: its account may hide it."""
    if given(lab, name):
        return given(lab, name)
    role = describe(lab, lab.name(name)) or {}
    return role.get("Arn")


def is_ours(lab: Lab, name: str) -> bool:
    """Return True if the role exists and has the lab's tag. A role that was given is never the lab's."""
    if given(lab, name):
        return False
    role = describe(lab, lab.name(name)) or {}
    return TAG in role.get("Tags", [])


def ensure_experiments(lab: Lab, name: str, permissions: policies.Policy) -> None:
    """Give the role the permissions for notebooks 01 and 06 too, if the lab created it."""
    if is_ours(lab, name):
        _put_policy(lab, lab.name(name), EXPERIMENTS, permissions)


def find_experiments(lab: Lab, name: str) -> str | None:
    """Return the name of the role's policy for notebooks 01 and 06, or None."""
    is_there = is_ours(lab, name) and EXPERIMENTS in _inline_policies(lab, lab.name(name))
    return EXPERIMENTS if is_there else None


@only_ours(find_experiments)
def delete_experiments(lab: Lab, name: str) -> None:
    """Take the permissions for notebooks 01 and 06 from the role, if it has them."""
    lab.client("iam").delete_role_policy(RoleName=lab.name(name), PolicyName=EXPERIMENTS)


@only_ours(is_ours)
def delete_role(lab: Lab, name: str) -> None:
    """Delete the role, if the lab created it."""
    _remove_policies(lab, lab.name(name))
    lab.client("iam").delete_role(RoleName=lab.name(name))


def _put_policy(lab: Lab, role_name: str, policy_name: str, permissions: policies.Policy) -> None:
    """Give the role the policy, which counts within half a minute on AWS."""
    document = json.dumps(permissions)
    lab.client("iam").put_role_policy(RoleName=role_name, PolicyName=policy_name, PolicyDocument=document)


def _repair(lab: Lab, role_name: str, role: dict[str, Any]) -> None:
    """Give the role the trust and the boundary that it should have, and remove the policies that others added."""
    iam = lab.client("iam")
    iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=json.dumps(policies.trust()))
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    if lab.boundary and lab.boundary != boundary:
        iam.put_role_permissions_boundary(RoleName=role_name, PermissionsBoundary=lab.boundary)
    _remove_policies(lab, role_name, POLICY_NAME, EXPERIMENTS)


def _remove_policies(lab: Lab, role_name: str, *keep: str) -> None:
    """Remove all other policies from the role: each policy that was added by hand gives it more permissions."""
    iam = lab.client("iam")
    for name in _inline_policies(lab, role_name):
        if name not in keep:
            iam.delete_role_policy(RoleName=role_name, PolicyName=name)
    for policy in iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role_name, PolicyArn=policy["PolicyArn"])


def _inline_policies(lab: Lab, role_name: str) -> list[str]:
    """Return the names of the role's own policies. AWS lists a hundred, and a role has no room for more."""
    return list(lab.client("iam").list_role_policies(RoleName=role_name)["PolicyNames"])
