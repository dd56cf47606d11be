"""Read the statements of a policy. `evaluator.decide` says whether a request is allowed."""

import re
from collections.abc import Iterable
from typing import Any

from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, Request, arn_part, as_list, from_user, is_allowed
from lab_lib.aws.json_text import json_object
from lab_lib.aws.policies import Policy
from lab_lib.lab import Lab

_LONGEST = 40_000  # characters of a policy; AWS takes 30 KB
_ELEMENTS = {"Action": 0, "NotAction": 0, "Resource": 0, "NotResource": 0, "Condition": 2}  # objects around the values


def statements(policy: Any) -> list[Policy]:
    """Return the statements of a policy, which is in JSON or read already; an empty list without a policy.

    AWS takes no policy with a statement that has other parts than these: it is left out, and so grants nothing.
    """
    document = policy if isinstance(policy, dict) else json_object(policy) if len(str(policy)) <= _LONGEST else {}
    return [statement for statement in as_list(document.get("Statement", [])) if _is_statement(statement)]


def short(lab: Lab, arn: str) -> str:
    """Return the name in an ARN of this account and Region. Return any other ARN as it is."""
    service, resource = arn.split(":", 5)[2::3] if arn.count(":") >= 5 else ("", "")
    return resource.removeprefix("function:") if arn == lab.arn(service, resource) else arn


def outsiders(lab: Lab, statements: list[Policy], actions: Iterable[str], resource: str) -> list[str]:
    """Return who of other accounts may do what on a resource, such as "anyone: sns:Publish".

    The accounts, users and roles are those that the statements name, and one that stands for all others. LabError if
    that cannot be decided.
    """
    named, own = str(statements), f"arn:{lab.partition}:iam::{lab.account}:"
    people = {arn for arn in re.findall(r"arn:[\w-]+:(?:iam|sts)::[0-9]{12}:[\w+=,.@/-]+", named) if own not in arn}
    accounts = {ANOTHER_ACCOUNT, *re.findall(r"(?<![0-9])[0-9]{12}(?![0-9])", named)} - {lab.account}
    people |= {f"arn:{lab.partition}:iam::{account}:root" for account in accounts}
    granted = [
        (person, action)
        for person in sorted(people)
        for action in actions
        if is_allowed(statements, _by_outsider(person, action, resource))
    ]
    return [f"{'anyone' if ANOTHER_ACCOUNT in person else person}: {action}" for person, action in granted]


def _by_outsider(user: str, action: str, resource: str) -> Request:
    account = arn_part(user, 4)  # SNS fills two keys in with it
    return from_user(user, action, resource, aws_sourceowner=account, aws_sourceaccount=account)


def _is_statement(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("Effect") not in ("Allow", "Deny"):
        return False
    principals = [value[name] for name in ("Principal", "NotPrincipal") if name in value]
    return all(_are_values(principal, int(isinstance(principal, dict))) for principal in principals) and all(
        _are_values(value[name], levels) for name, levels in _ELEMENTS.items() if name in value
    )


def _are_values(value: Any, levels: int) -> bool:
    """Return True for a value, or a list of values, in so many objects."""
    if levels:
        return isinstance(value, dict) and all(_are_values(part, levels - 1) for part in value.values())
    return all(isinstance(item, str | int | float) for item in as_list(value))
