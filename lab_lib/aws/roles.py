"""Create, read and delete the IAM roles of the functions."""

import json
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any

from lab_lib.aws import policies
from lab_lib.aws.evaluator import NOW, moment
from lab_lib.calls.refusals import none_if_unseen
from lab_lib.errors import TimedOut, none_if_absent
from lab_lib.lab import TAG, Lab
from lab_lib.language import _

POLICY_NAME = "lab"
EXPERIMENTS = "break-it"  # the policy for notebooks 01 and 06


def ensure_role(lab: Lab, name: str) -> str:
    """Create the role or repair its trust and permissions. Return its ARN. Lambda can assume it.

    A role that was given, or is without the lab's tag, is adopted as it is.
    """
    iam, role_name = lab.client("iam"), lab.name(name)
    if arn := given(lab, name):
        return arn
    role = describe(lab, role_name)
    arn = str(role["Arn"]) if role else lab.arn("iam", f"role/{role_name}")
    if role is None:
        iam.create_role(
            RoleName=role_name,
            AssumeRolePolicyDocument=json.dumps(policies.trust()),
            Description=f"What {name.removesuffix('Role')} may do",
            Tags=[TAG],
            **({"PermissionsBoundary": lab.boundary} if lab.boundary else {}),
        )
    elif TAG not in role.get("Tags", []):
        return arn
    else:
        _repair(lab, role_name, role)
    _put_policy(lab, arn, POLICY_NAME, policies.policy_of(lab, name))
    return arn


def given(lab: Lab, name: str) -> str:
    """Return the ARN of the role that exists already and takes the place of this one; "" if the lab makes its own."""
    return {"TransactionProcessorRole": lab.processor_role, "TotalNotifierRole": lab.notifier_role}.get(name, "")


def name_of(lab: Lab, name: str) -> str:
    """Return the role's name in the account."""
    return given(lab, name).split("/")[-1] or lab.name(name)


def describe(lab: Lab, role_name: str) -> dict[str, Any] | None:
    """Return the role of exactly this name, as IAM describes it. No prefix is added."""
    return none_if_absent(lambda: lab.client("iam").get_role(RoleName=role_name)["Role"])


def allowed(lab: Lab, role_arn: str, actions: tuple[str, ...], resource: str, after: timedelta = NOW) -> set[str]:
    """Return those of the actions that the role may do on the resource, by IAM's policy simulator.

    It may do them now or, `after` some time, then: a policy may end.
    """
    time = moment(after)
    keys = {"aws:CurrentTime": ("date", time["aws:currenttime"]), "aws:EpochTime": ("numeric", time["aws:epochtime"])}
    answer = lab.client("iam").simulate_principal_policy(
        PolicySourceArn=role_arn,
        ActionNames=actions,
        ResourceArns=[resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}
            for key, (kind, value) in keys.items()
        ],
    )
    return {result["EvalActionName"] for result in answer["EvaluationResults"] if result["EvalDecision"] == "allowed"}


def find_role(lab: Lab, name: str) -> str | None:
    """Return the role's ARN, or None. A role that was given is taken to be there: its account may hide it."""
    return given(lab, name) or (describe(lab, lab.name(name)) or {}).get("Arn")


def is_ours(lab: Lab, name: str) -> bool:
    """Return True if the role exists and has the lab's tag. A role that was given is never the lab's."""
    return not given(lab, name) and TAG in (describe(lab, lab.name(name)) or {}).get("Tags", [])


def ensure_experiments(lab: Lab, name: str, permissions: policies.Policy) -> None:
    """Give the role the permissions for notebooks 01 and 06 too, if the lab created it."""
    if is_ours(lab, name):
        _put_policy(lab, lab.arn("iam", f"role/{lab.name(name)}"), EXPERIMENTS, permissions)


def find_experiments(lab: Lab, name: str) -> str | None:
    """Return the name of the role's policy for notebooks 01 and 06, or None."""
    names = _pages(lab, "list_role_policies", lab.name(name))["PolicyNames"] if is_ours(lab, name) else []
    return EXPERIMENTS if EXPERIMENTS in names else None


def delete_experiments(lab: Lab, name: str) -> None:
    """Take the permissions for notebooks 01 and 06 from the role; quiet if it has none."""
    if find_experiments(lab, name):
        lab.client("iam").delete_role_policy(RoleName=lab.name(name), PolicyName=EXPERIMENTS)


def delete_role(lab: Lab, name: str) -> None:
    """Delete the role, if the lab created it."""
    if is_ours(lab, name):
        _remove_policies(lab, lab.name(name))
        lab.client("iam").delete_role(RoleName=lab.name(name))


def _put_policy(lab: Lab, role_arn: str, policy_name: str, permissions: policies.Policy) -> None:
    """Give the role the policy, and wait until it counts. On AWS that takes up to half a minute."""
    role_name, document = role_arn.split("/")[-1], json.dumps(permissions)
    lab.client("iam").put_role_policy(RoleName=role_name, PolicyName=policy_name, PolicyDocument=document)

    what = _("IAM to let {role} use its permissions", role=role_name)
    with suppress(TimedOut):  # a limit of the account may keep it from some: the checks say so
        lab.wait_until(lambda: not lab.patience or _counts(lab, role_arn, permissions), what, timeout=lab.patience)


def _counts(lab: Lab, role_arn: str, permissions: policies.Policy) -> bool:
    """Return True if the role has these permissions, or nobody may ask."""

    def counts() -> bool:
        return all(
            allowed(lab, role_arn, tuple(statement["Action"]), re.sub(r"(?<=.)\*", "any", statement["Resource"][0]))
            == {*statement["Action"]}
            for statement in permissions["Statement"]
        )

    return none_if_unseen(counts) is not False


def _repair(lab: Lab, role_name: str, now: dict[str, Any]) -> None:
    """Give the role the trust and the boundary that it should have, and remove the policies that others added."""
    iam = lab.client("iam")
    iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=json.dumps(policies.trust()))
    if lab.boundary not in ("", now.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")):
        iam.put_role_permissions_boundary(RoleName=role_name, PermissionsBoundary=lab.boundary)
    _remove_policies(lab, role_name, POLICY_NAME, EXPERIMENTS)


def _remove_policies(lab: Lab, role_name: str, *keep: str) -> None:
    """Remove all other policies from the role: each policy that was added by hand gives it more permissions."""
    iam = lab.client("iam")
    inline, attached = (_pages(lab, call, role_name) for call in ("list_role_policies", "list_attached_role_policies"))
    for policy in inline["PolicyNames"]:
        if policy not in keep:
            iam.delete_role_policy(RoleName=role_name, PolicyName=policy)
    for policy in attached["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role_name, PolicyArn=policy["PolicyArn"])


def _pages(lab: Lab, call: str, role_name: str) -> dict[str, Any]:
    """Return all pages of a list of the role's policies as one answer."""
    return dict(lab.client("iam").get_paginator(call).paginate(RoleName=role_name).build_full_result())
