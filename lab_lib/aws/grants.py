"""List whom a policy names, for people to read. `evaluator.decide` says whether a request is allowed."""

from typing import Any

from lab_lib.aws.evaluator import as_list, like
from lab_lib.aws.json_text import json_object
from lab_lib.aws.policies import Policy
from lab_lib.lab import Lab

_LONGEST = 40_000  # characters of a policy; AWS takes 30 KB
_ELEMENTS = {"Action": 0, "NotAction": 0, "Resource": 0, "NotResource": 0, "Condition": 2}  # objects around the values


def statements(policy: Any) -> list[Policy]:
    """Return the statements of a policy, which is in JSON or read already; an empty list without a policy.

    AWS takes no policy with a statement that has other parts than these: it is left out, and so grants nothing.
    """
    found = policy if isinstance(policy, dict) else json_object(policy) if len(str(policy)) <= _LONGEST else {}
    return [each for each in as_list(found.get("Statement", [])) if _is_statement(each)]


def short(lab: Lab, arn: str) -> str:
    """Return the name in an ARN of this account and Region. Return any other ARN as it is."""
    service, resource = arn.split(":", 5)[2::3] if arn.count(":") >= 5 else ("", "")
    return resource.removeprefix("function:") if arn == lab.arn(service, resource) else arn


def senders(lab: Lab, statements: list[Policy], queue_arn: str) -> list[str]:
    """Return who may send to the queue by these statements of its policy.

    Topics of this account are named, others are given by their ARN, with * as in the policy. "this account" stands for
    anything in it, "users of this account" for its IAM users and roles without SNS, "anyone" for everyone.
    Denies are ignored.
    """
    allows = [
        each
        for each in statements
        if each["Effect"] == "Allow"
        and _matches(each.get("Resource", []), queue_arn)
        and _matches([str(action).lower() for action in as_list(each.get("Action", []))], "sqs:sendmessage")
    ]
    return sorted({source for each in allows for source in _sources(lab, each)})


def _is_statement(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("Effect") not in ("Allow", "Deny"):
        return False
    people = [value[name] for name in ("Principal", "NotPrincipal") if name in value]
    return all(_are_values(each, int(isinstance(each, dict))) for each in people) and all(
        _are_values(value[name], levels) for name, levels in _ELEMENTS.items() if name in value
    )


def _are_values(value: Any, levels: int) -> bool:
    """Return True for a value, or a list of values, in so many objects."""
    if levels:
        return isinstance(value, dict) and all(_are_values(each, levels - 1) for each in value.values())
    return all(isinstance(each, str | int | float) for each in as_list(value))


def _matches(patterns: object, value: str) -> bool:
    return any(like(str(each), value) for each in as_list(patterns))


def _conditions(statement: Policy) -> dict[str, list[str]]:
    """Return the values of the condition's keys, in lower case and without operators: {"aws:sourcearn": ["arn:…"]}."""
    pairs = [pair for operator in statement.get("Condition", {}).values() for pair in operator.items()]
    return {key.lower(): [*map(str, as_list(value))] for key, value in pairs}


def _principals(statement: Policy) -> list[str]:
    """Return the principals: services, users and roles by ARN or account, * for everyone."""
    principal = statement.get("Principal", {})
    kinds = principal.values() if isinstance(principal, dict) else [principal]
    return [str(each) for kind in kinds for each in as_list(kind)]


def _sources(lab: Lab, statement: Policy) -> list[str]:
    keys, names = _conditions(statement), _principals(statement)
    if not {"*", "sns.amazonaws.com"} & {*names}:
        return ["users of this account" if lab.account in each else each for each in names]
    if "aws:sourcearn" in keys:
        return sorted({_topic(lab, pattern) for pattern in keys["aws:sourcearn"]})
    accounts = keys.get("aws:sourceaccount", keys.get("aws:principalaccount", []))
    return ["this account" if each == lab.account else f"account {each}" for each in accounts] or ["anyone"]


def _topic(lab: Lab, pattern: str) -> str:
    """Return the topic's name if the ARN is of this account, else the ARN."""
    name = pattern.split(":")[-1]
    if pattern.split(":")[4:5] != [lab.account] or not like(pattern, lab.arn("sns", name)):
        return pattern
    return "this account" if name == "*" else name
