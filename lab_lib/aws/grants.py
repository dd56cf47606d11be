"""Read from a policy who may do what, also from a policy that was written by hand. Nothing here calls AWS."""

import json
from fnmatch import fnmatchcase
from typing import Any

from lab_lib.aws.policies import Policy
from lab_lib.lab import Lab


def statements(policy: str | None) -> list[Policy]:
    """Return the statements of a policy in JSON; an empty list without a policy."""
    return as_list(json.loads(policy)["Statement"]) if policy else []


def senders(lab: Lab, statements: list[Policy], queue_arn: str) -> list[str]:
    """Return who may send to the queue by these statements of its policy.

    Topics of this account are named, others are given by their ARN, with * as in the policy. "this account" stands for
    anything in it, "users of this account" for its IAM users and roles without SNS, "anyone" for everyone.
    Conditional denies are ignored.
    """
    about_sending = [
        each
        for each in statements
        if matches(each.get("Resource", []), queue_arn) and _covers_action(each, "sqs:sendmessage")
    ]
    denies = [each for each in about_sending if each["Effect"] == "Deny" and not each.get("Condition")]
    if any(_covers_service(each, "sns.amazonaws.com") for each in denies):
        return []
    allows = [each for each in about_sending if each["Effect"] == "Allow"]
    return sorted({source for each in allows for source in _sources(lab, each)})


def invokers(lab: Lab, statements: list[Policy]) -> list[str]:
    """Return which buckets may invoke a function by these statements, such as "my-bucket of any account"."""
    found = set()
    for each in statements:
        keys = conditions(each)
        by_url = "lambda:functionurlauthtype" in keys or "lambda:invokedviafunctionurl" in keys
        allows = each["Effect"] == "Allow" and _covers_action(each, "lambda:invokefunction") and not by_url
        if allows and _covers_service(each, "s3.amazonaws.com"):
            account = "this account" if keys.get("aws:sourceaccount") == [lab.account] else "any account"
            found |= {f"{arn.split(':')[-1]} of {account}" for arn in keys.get("aws:sourcearn", ["any bucket"])}
    return sorted(found)


def conditions(statement: Policy) -> dict[str, list[str]]:
    """Return the values of the condition's keys, in lower case and without operators: {"aws:sourcearn": ["arn:…"]}."""
    pairs = [pair for operator in statement.get("Condition", {}).values() for pair in operator.items()]
    return {key.lower(): as_list(value) for key, value in pairs}


def as_list(value: Any) -> list[Any]:
    """Return the value as a list. The JSON of a policy may omit the brackets around a single value."""
    return value if isinstance(value, list) else [value]


def matches(patterns: Any, value: str) -> bool:
    """Return True if the value matches one of a policy's patterns, in which * stands for any text."""
    return any(fnmatchcase(value, str(pattern)) for pattern in as_list(patterns))


def _covers_action(statement: Policy, action: str) -> bool:
    """Return True if the statement covers the action, given in lower case. AWS ignores the case of actions."""
    return matches([str(each).lower() for each in as_list(statement.get("Action", []))], action)


def _covers_service(statement: Policy, service: str) -> bool:
    """Return True if the service, or everyone, is a principal of the statement."""
    return not {"*", service}.isdisjoint(_principals(statement))


def _principals(statement: Policy) -> list[str]:
    """Return the principals: services, users and roles by ARN or account, * for everyone."""
    principal = statement.get("Principal", {})
    kinds = principal.values() if isinstance(principal, dict) else [principal]
    return [str(each) for kind in kinds for each in as_list(kind)]


def _sources(lab: Lab, statement: Policy) -> list[str]:
    keys = conditions(statement)
    if not _covers_service(statement, "sns.amazonaws.com"):
        return ["users of this account" if lab.account in each else each for each in _principals(statement)]
    if "aws:sourcearn" in keys:
        return sorted({_topic(lab, pattern) for pattern in keys["aws:sourcearn"]})
    accounts = keys.get("aws:sourceaccount", keys.get("aws:principalaccount", []))
    return ["this account" if each == lab.account else f"account {each}" for each in accounts] or ["anyone"]


def _topic(lab: Lab, pattern: str) -> str:
    """Return the topic's name if the ARN is of this account, else the ARN."""
    name = pattern.split(":")[-1]
    if pattern.split(":")[4:5] != [lab.account] or not matches(pattern, lab.arn("sns", name)):
        return pattern
    return "this account" if name == "*" else name
