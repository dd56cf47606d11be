"""Judge the role of a function: the permissions that the function needs, and those that it should not have."""

from collections import defaultdict
from typing import Any, NamedTuple

from lab_lib.aws import functions, grants, policies, queues, roles, topics
from lab_lib.aws.grants import Request, is_allowed
from lab_lib.checks.reading import UPLOAD, Account, document, role_for, role_of, stream_arn
from lab_lib.language import _
from lab_lib.pages.wording import listing

A_YEAR = 365  # days


class Need(NamedTuple):
    """A permission: one of these actions on this resource."""

    actions: tuple[str, ...]
    resource: str

    def __str__(self) -> str:
        return _(
            "{actions} on {resource}", actions=_(" or ").join(self.actions), resource=self.resource.split(":", 5)[-1]
        )


@document
def usual_role(account: Account, name: str) -> str:
    return roles.name_of(account.lab, functions.ROLES[name])


@document
def role_trusts_lambda(account: Account, name: str) -> bool:
    return _trusts_lambda(role_for(account, name))


@document
def role_lacks(account: Account, name: str) -> list[str]:
    """Return the permissions that the function needs and the role of step 00 does not give."""
    return _lacking(account, name, role_for(account, name)["Arn"])


@document
def role_ends(account: Account, name: str) -> list[str]:
    """Return the permissions that the function needs and the role gives for less than a year."""
    needs = _handout_needs(account, name)
    kept = _met(account, role_for(account, name)["Arn"], needs, A_YEAR)
    return [_("has {need} for less than a year", need=need) for need in needs if need not in kept]


@document
def role_excess(account: Account, name: str) -> list[str]:
    """Return the permissions that the role gives without need: to destroy, or to hand on other roles."""
    lab = account.lab
    needless = [
        Need(("dynamodb:DeleteTable",), policies.table(lab, "Transactions")),
        Need(("s3:DeleteBucket",), lab.arn("s3", lab.bucket)),
        Need(("sqs:PurgeQueue",), queues.queue_arn(lab, queues.ALERT_QUEUES[0])),
        Need(("iam:PassRole",), lab.arn("iam", "role/any")),
    ]
    return [str(need) for need in _met(account, role_of(account, name)["Arn"], needless)]


@document
def function_role(account: Account, name: str) -> bool | str:
    """Return True if the function's role is that of step 00, or does as well; else what is wrong with it."""
    arn = str(account.settings(name)["Role"])
    own = arn.split("/")[-1]
    role = role_of(account, name)
    if not role:
        return _("{role}, which is not there", role=own)
    if own == usual_role(account, name):
        return True
    if not _trusts_lambda(role):
        return _("{role}, which Lambda cannot assume", role=own)
    faults = _lacking(account, name, arn)
    if not faults:
        return True
    return _("{role}, which {fault}", role=own, fault=listing(faults))


def is_workbook_code(account: Account, name: str) -> bool:
    """Return True if the function has this workbook's settings: it marks what it has taken in."""
    return "MARKER_TABLE" in functions.environment(account.settings(name))


def _lacking(account: Account, name: str, role_arn: str) -> list[str]:
    read_needs = _workbook_needs if is_workbook_code(account, name) else _handout_needs
    needs = read_needs(account, name)
    met = _met(account, role_arn, needs)
    return [_("lacks {need}", need=need) for need in needs if need not in met]


def _trusts_lambda(role: dict[str, Any]) -> bool:
    """Return True if the Lambda service may assume the role."""
    request = Request("lambda.amazonaws.com", "sts:AssumeRole", role["Arn"])
    return is_allowed(grants.statements(role.get("AssumeRolePolicyDocument")), request)


def _workbook_needs(account: Account, name: str) -> list[Need]:
    """Return the needs of this workbook's function: each action that its policy allows."""
    needs = []
    for statement in policies.policy(account.lab, functions.ROLES[name])["Statement"]:
        for resource in statement["Resource"]:
            example = _example(account, resource)
            needs += [Need((action,), example) for action in statement["Action"]]
    return needs


def _handout_needs(account: Account, name: str) -> list[Need]:
    """Return the needs of the handout's function, which may write its rows one by one or in batches."""
    lab = account.lab
    if name == "TransactionProcessor":
        write = ("dynamodb:PutItem", "dynamodb:BatchWriteItem")
        rows = [Need(write, policies.table(lab, table)) for table in ("Customer", "Transactions")]
        return [Need(("s3:GetObject",), f"{lab.arn('s3', lab.bucket)}/{UPLOAD}"), *rows]
    return [
        Need(("dynamodb:GetRecords",), _example(account, f"{policies.table(lab, 'Transactions')}/stream/*")),
        Need(("dynamodb:UpdateItem", "dynamodb:PutItem"), policies.table(lab, "TransactionTotal")),
        Need(("sns:Publish",), topics.topic_arn(lab)),
    ]


def _met(account: Account, role_arn: str, needs: list[Need], days: int = 0) -> list[Need]:
    """Return the needs that the role meets, now or after some days, by IAM's policy simulator: a call a resource."""
    actions = defaultdict[str, set[str]](set)
    for need in needs:
        actions[need.resource].update(need.actions)
    allowed = {}
    for resource, names in actions.items():
        allowed[resource] = account.ask(roles.allowed, role_arn, tuple(sorted(names)), resource, days)
    return [need for need in needs if allowed[need.resource].intersection(need.actions)]


def _example(account: Account, resource: str) -> str:
    """Return a resource that matches the pattern: IAM's policy simulator takes no patterns."""
    if resource.endswith("/stream/*") and (stream := stream_arn(account)):
        return stream
    return resource.replace(":*", ":log-stream:any").replace("/*", f"/{UPLOAD}")
