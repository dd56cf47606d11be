"""Read the statements of a policy, and say whom they let in. `evaluator.decide` judges one request."""

import re
from collections.abc import Iterable
from typing import Any

from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, Request, arn_part, as_list, from_service, from_user, is_allowed
from lab_lib.aws.json_text import json_object
from lab_lib.aws.policies import Policy
from lab_lib.lab import Lab

SEND, ANYONE = "sqs:SendMessage", "anyone"
_ARNS, _SERVICES = re.compile(r"arn:[^'\"]+"), re.compile(r"'([\w-]+)\.amazonaws\.com")


def statements(policy: Any) -> list[Policy]:
    """Return the statements of a policy, which is in JSON or read already; an empty list without a policy."""
    document = policy if isinstance(policy, dict) else json_object(policy)
    statements = as_list(document.get("Statement", []))
    return [part for part in statements if isinstance(part, dict) and part.get("Effect") in ("Allow", "Deny")]


def short(lab: Lab, arn: str) -> str:
    """Return the name in an ARN of this account and Region. Return any other ARN as it is."""
    service, resource = arn.split(":", 5)[2::3] if arn.count(":") >= 5 else ("", "")
    return resource.removeprefix("function:") if arn == lab.arn(service, resource) else arn


def outsiders(lab: Lab, statements: list[Policy], actions: Iterable[str], resource: str) -> list[str]:
    """Return who of other accounts may do what on a resource, such as "anyone: sns:Publish".

    The accounts, users and roles are those that the statements name, and one that stands for all others. LabError if
    that cannot be decided.
    """
    return [
        f"{name}: {action}"
        for name, user in _people(lab, statements).items()
        for action in actions
        if is_allowed(statements, _by_outsider(user, action, resource))
    ]


def senders(lab: Lab, statements: list[Policy], queue: str) -> list[str]:
    """Return who may send to a queue: topics of this account by name, others by ARN, other services, or "anyone".

    These are whom the statements name, and another account, which stands for all. The account's own users, and its
    topics in general, are not listed. LabError if that cannot be decided.
    """
    text, people = str(statements), _people(lab, statements)
    named = _ARNS.findall(str([statement.get("Condition") for statement in statements]))
    sources = {short(lab, arn): arn for arn in named if arn != lab.arn("sns", "*")}
    sources |= {f"{name}.amazonaws.com": lab.arn(name, "any") for name in _SERVICES.findall(text) if name != "sns"}
    sources |= {name: f"arn:{lab.partition}:sns:{lab.region}:{arn_part(arn, 4)}:any" for name, arn in people.items()}
    requests = [(name, from_user(arn, SEND, queue, {})) for name, arn in people.items()]
    requests += [(name, _by_service(re.sub("[*?]", "x", arn), queue)) for name, arn in sources.items()]
    names = {name for name, request in requests if is_allowed(statements, request)}
    return [ANYONE] if ANYONE in names else sorted(names)


def _people(lab: Lab, statements: list[Policy]) -> dict[str, str]:
    """Return users and roles of other accounts whom the statements name, and the root of each account, by name."""
    text, own = str(statements), f"arn:{lab.partition}:iam::{lab.account}:"
    people = {arn for arn in re.findall(r"arn:[\w-]+:(?:iam|sts)::[0-9]{12}:[\w+=,.@/-]+", text) if own not in arn}
    accounts = {*re.findall(r"(?<![0-9])[0-9]{12}(?![0-9])", text)} - {lab.account}
    people |= {f"arn:{lab.partition}:iam::{account}:root" for account in accounts}
    return {ANYONE: f"arn:{lab.partition}:iam::{ANOTHER_ACCOUNT}:root"} | {arn: arn for arn in sorted(people)}


def _by_outsider(user: str, action: str, resource: str) -> Request:
    account = arn_part(user, 4)  # SNS fills two keys in with it
    return from_user(user, action, resource, {"aws:sourceowner": account, "aws:sourceaccount": account})


def _by_service(source: str, queue: str) -> Request:
    """Return the request of the service that sends for this source, such as a topic."""
    context = {"aws:sourcearn": source, "aws:sourceaccount": arn_part(source, 4) or None}
    return from_service(f"{arn_part(source, 2)}.amazonaws.com", SEND, queue, context)
