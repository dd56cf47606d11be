"""What the statements of a policy grant, as they stand in an account, whoever wrote them. Nothing here calls AWS."""

from fnmatch import fnmatchcase
from typing import Any

from lab_lib.aws.policies import Policy
from lab_lib.lab import Lab


def senders(lab: Lab, statements: list[Policy], queue_arn: str) -> list[str]:
    """Who may send to the queue by these statements of its policy.

    Names of the account's own topics, ARNs of others, with * for anything; "users of this account", which SNS is not;
    "this account", which is anything in it; "anyone". A refusal that has a condition is taken to refuse nobody.
    """
    about = _on_sending(statements, queue_arn)
    refused = any(
        each["Effect"] == "Deny" and not each.get("Condition") and _lets_in(each, "sns.amazonaws.com") for each in about
    )
    allowed = [each for each in about if each["Effect"] == "Allow" and not refused]
    return sorted({source for each in allowed for source in _sources(lab, each)})


def invokers(lab: Lab, statements: list[Policy]) -> list[str]:
    """Which buckets may start a function by these statements of its policy, such as "my-bucket of any account"."""
    found = set()
    for each in statements:
        only = conditions(each)
        by_url = "lambda:functionurlauthtype" in only or "lambda:invokedviafunctionurl" in only
        if by_url or each["Effect"] != "Allow" or not _does(each, "lambda:invokefunction"):
            continue
        if not _lets_in(each, "s3.amazonaws.com"):
            continue
        account = "this account" if only.get("aws:sourceaccount") == [lab.account] else "any account"
        found |= {f"{arn.split(':')[-1]} of {account}" for arn in only.get("aws:sourcearn", ["any bucket"])}
    return sorted(found)


def conditions(statement: Policy) -> dict[str, list[str]]:
    """What a statement's condition asks for, whatever operator compares it: {"aws:sourcearn": ["arn:…"]}."""
    asked = [pair for pairs in statement.get("Condition", {}).values() for pair in pairs.items()]
    return {key.lower(): listed(value) for key, value in asked}


def listed(value: Any) -> list[Any]:
    """The value as a list: a policy's JSON may leave out the brackets around a single one."""
    return value if isinstance(value, list) else [value]


def matches(patterns: Any, value: str) -> bool:
    """True if one of a policy's patterns, in which * stands for anything, fits the value."""
    return any(fnmatchcase(value, str(pattern)) for pattern in listed(patterns))


def _on_sending(statements: list[Policy], queue_arn: str) -> list[Policy]:
    """The statements that are about sending to this queue."""
    found = [each for each in statements if matches(each.get("Resource", []), queue_arn)]
    return [each for each in found if _does(each, "sqs:sendmessage")]


def _does(statement: Policy, action: str) -> bool:
    """True if the statement is about the action, which is given in small letters, as AWS compares them."""
    return matches([str(each).lower() for each in listed(statement.get("Action", []))], action)


def _sources(lab: Lab, statement: Policy) -> list[str]:
    only = conditions(statement)
    if not _lets_in(statement, "sns.amazonaws.com"):
        return ["users of this account" if lab.account in each else each for each in _principals(statement)]
    if "aws:sourcearn" in only:
        return sorted({_topic(lab, pattern) for pattern in only["aws:sourcearn"]})
    accounts = only.get("aws:sourceaccount", only.get("aws:principalaccount", []))
    return ["this account" if each == lab.account else f"account {each}" for each in accounts] or ["anyone"]


def _topic(lab: Lab, pattern: str) -> str:
    """The name of this account's topic that the ARN is of, or the ARN as it stands if it may be another's."""
    name = pattern.split(":")[-1]
    if pattern.split(":")[4:5] != [lab.account] or not matches(pattern, lab.arn("sns", name)):
        return pattern
    return "this account" if name == "*" else name


def _lets_in(statement: Policy, service: str) -> bool:
    """True if the statement is about this service, or about everyone."""
    return not {"*", service}.isdisjoint(_principals(statement))


def _principals(statement: Policy) -> list[str]:
    """Whom the statement is about: services, people by their ARN or account, * for everyone."""
    principal = statement.get("Principal", {})
    kinds = principal.values() if isinstance(principal, dict) else [principal]
    return [str(each) for kind in kinds for each in listed(kind)]
