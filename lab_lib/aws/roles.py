"""The IAM roles of the two functions."""

import json
from typing import Any

from lab_lib.aws import policies
from lab_lib.lab import TAG, Lab

POLICY_NAME = "lab"
EXPERIMENTS = "break-it"  # the policy for notebook 06


def ensure_role(lab: Lab, name: str, permissions: policies.Policy) -> str:
    """Create the role or repair its trust and permissions. Return its ARN.

    A role without the lab's tag, such as one of a managed classroom account, is adopted as it is.
    """
    iam, role_name = lab.client("iam"), lab.name(name)
    trust = json.dumps(policies.lambda_trust(lab))
    arn = find_role(lab, name)
    if arn is None:
        description = f"What the function of {name} may do"
        role = {"RoleName": role_name, "AssumeRolePolicyDocument": trust, "Description": description, "Tags": [TAG]}
        arn = str(iam.create_role(**role)["Role"]["Arn"])
    elif not is_ours(lab, name):
        return arn
    else:
        iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=trust)
        _remove_policies(lab, role_name, POLICY_NAME, EXPERIMENTS)
    iam.put_role_policy(RoleName=role_name, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(permissions))
    return arn


def describe(lab: Lab, role_name: str) -> dict[str, Any] | None:
    """Return the role of exactly this name, as IAM describes it. No prefix is added."""
    iam = lab.client("iam")
    try:
        return dict(iam.get_role(RoleName=role_name)["Role"])
    except iam.exceptions.NoSuchEntityException:
        return None


def allowed(lab: Lab, role_arn: str, actions: tuple[str, ...], resource: str) -> set[str]:
    """Return those of the actions that the role may do on the resource, by IAM's policy simulator."""
    iam = lab.client("iam")
    answer = iam.simulate_principal_policy(PolicySourceArn=role_arn, ActionNames=actions, ResourceArns=[resource])
    return {each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] == "allowed"}


def find_role(lab: Lab, name: str) -> str | None:
    """Return the role's ARN, or None."""
    return (describe(lab, lab.name(name)) or {}).get("Arn")


def is_ours(lab: Lab, name: str) -> bool:
    """Return True if the role exists and has the lab's tag."""
    return TAG in (describe(lab, lab.name(name)) or {}).get("Tags", [])


def ensure_experiments(lab: Lab, name: str, permissions: policies.Policy) -> None:
    """Give the role the permissions for notebook 06 too, if the lab created it."""
    if is_ours(lab, name):
        document = json.dumps(permissions)
        lab.client("iam").put_role_policy(RoleName=lab.name(name), PolicyName=EXPERIMENTS, PolicyDocument=document)


def find_experiments(lab: Lab, name: str) -> str | None:
    """Return the name of the role's policy for notebook 06, or None."""
    found = lab.client("iam").list_role_policies(RoleName=lab.name(name))["PolicyNames"] if is_ours(lab, name) else []
    return EXPERIMENTS if EXPERIMENTS in found else None


def delete_experiments(lab: Lab, name: str) -> None:
    """Take the permissions for notebook 06 from the role; quiet if it has none."""
    if find_experiments(lab, name):
        lab.client("iam").delete_role_policy(RoleName=lab.name(name), PolicyName=EXPERIMENTS)


def delete_role(lab: Lab, name: str) -> None:
    """Delete the role, if the lab created it."""
    if is_ours(lab, name):
        _remove_policies(lab, lab.name(name))
        lab.client("iam").delete_role(RoleName=lab.name(name))


def _remove_policies(lab: Lab, role_name: str, *keep: str) -> None:
    """Remove all other policies from the role: each policy that was added by hand gives it more permissions."""
    iam = lab.client("iam")
    for policy in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
        if policy not in keep:
            iam.delete_role_policy(RoleName=role_name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role_name, PolicyArn=policy["PolicyArn"])
