"""Read the statements of a policy, and say whom they let in. `evaluator.decide` judges one request."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, Request, arn_part, as_list, from_service, from_user, is_allowed
from lab_lib.aws.json_text import json_object
from lab_lib.aws.policies import Policy
from lab_lib.lab import Lab

SEND, ANYONE = "sqs:SendMessage", "anyone"


def statements(policy: Any) -> list[Policy]:
    """Return the statements of a policy, which is in JSON or read already; an empty list without a policy."""
    document = policy if isinstance(policy, dict) else json_object(policy)
    statements = as_list(document.get("Statement", []))
    return [part for part in statements if isinstance(part, dict) and part.get("Effect") in ("Allow", "Deny")]


def short(lab: Lab, arn: str) -> str:
    """Return the name in an ARN of this account and Region. Return any other ARN as it is."""
    resource = arn_part(arn, 5)
    return resource.removeprefix("function:") if arn == lab.arn(arn_part(arn, 2), resource) else arn


def outsiders(
    lab: Lab, statements: list[Policy], resource: str, context: Mapping[str, str | None]
) -> list[tuple[str, str]]:
    """Return who of other accounts may do what on a resource: each action that the statements allow somebody.

    Asked are the accounts, users, roles and services that the statements name, and one account that stands for all
    others. LabError if that cannot be decided.
    """
    requests = dict[str, Request]()
    for name, arn in _people(lab, statements).items():
        account = arn_part(arn, 4)  # SNS fills two keys in with it
        requests[name] = from_user(arn, "", "", {"aws:sourceowner": account, "aws:sourceaccount": account, **context})
    for name in _services(statements):
        requests[name] = from_service(name, "", "", {**_for_another(lab, name), **context})
    found = list[tuple[str, str]]()
    for name, request in requests.items():
        for action, places in _granted(statements, resource).items():
            asked = [request._replace(action=action, resource=place) for place in places]
            if any(is_allowed(statements, one) for one in asked) and (ANYONE, action) not in found:
                found.append((name, action))
    return found


def senders(lab: Lab, statements: list[Policy], queue: str) -> list[str]:
    """Return who may send to a queue: topics of this account by name, others by ARN, other services, or "anyone".

    These are whom the statements name, and another account, which stands for all. The account's own users, and its
    topics in general, are not listed. LabError if that cannot be decided.
    """
    requests = list[tuple[str, Request]]()
    for arn in re.findall(r"arn:[^'\"]+", str([statement.get("Condition") for statement in statements])):
        if arn != lab.arn("sns", "*"):
            requests.append((short(lab, arn), _by_service(re.sub("[*?]", "x", arn), queue)))
    for service in _services(statements):
        if service != "sns.amazonaws.com":
            requests.append((service, _by_service(lab.arn(service.split(".")[0], "any"), queue)))
    for name, arn in _people(lab, statements).items():
        topic = f"arn:{lab.partition}:sns:{lab.region}:{arn_part(arn, 4)}:any"
        requests += [(name, from_user(arn, SEND, queue, {})), (name, _by_service(topic, queue))]
    names = {name for name, request in requests if is_allowed(statements, request)}
    return [ANYONE] if ANYONE in names else sorted(names)


def _people(lab: Lab, statements: list[Policy]) -> dict[str, str]:
    """Return users and roles of other accounts whom the statements name, and the root of each account, by name."""
    text, own = str(statements), f"arn:{lab.partition}:iam::{lab.account}:"
    people = {arn for arn in re.findall(r"arn:[\w-]+:(?:iam|sts)::[0-9]{12}:[\w+=,.@/-]+", text) if own not in arn}
    accounts = {*re.findall(r"(?<![0-9])[0-9]{12}(?![0-9])", text)} - {lab.account}
    people |= {f"arn:{lab.partition}:iam::{account}:root" for account in accounts}
    return {ANYONE: f"arn:{lab.partition}:iam::{ANOTHER_ACCOUNT}:root"} | {arn: arn for arn in sorted(people)}


def _services(statements: list[Policy]) -> list[str]:
    """Return the services that may act for another account. Lambda assumes roles of its own account only."""
    services = set[str]()
    for statement in statements:
        kinds = statement.get("Principal")
        if isinstance(kinds, dict) and "Resource" in statement:
            services |= {*as_list(kinds.get("Service", []))}
    return sorted(services)


def _granted(statements: list[Policy], resource: str) -> dict[str, set[str]]:
    """Return the actions that the statements allow, each with the places in the resource that they name.

    A pattern stands for an action of its own: what it allows is allowed by nothing narrower.
    """
    granted = defaultdict[str, set[str]](lambda: {resource, f"{resource}/any"})
    for statement in statements:
        if statement["Effect"] == "Allow":
            places = {str(place).replace("*", "any") for place in as_list(statement.get("Resource", []))}
            for action in as_list(statement.get("Action", "*")):
                name = f"{arn_part(resource, 2)}:*" if action == "*" else str(action)
                if ":" in name:  # anything else is no action
                    granted[name] |= {place for place in places if place.startswith(resource)}
    return granted


def _for_another(lab: Lab, service: str) -> dict[str, str | None]:
    """Return the context of a request that a service makes for another account."""
    arn = lab.arn(service.split(".")[0], "any").replace(lab.account, ANOTHER_ACCOUNT)
    return {"aws:sourcearn": arn, "aws:sourceaccount": ANOTHER_ACCOUNT, "aws:sourceowner": ANOTHER_ACCOUNT}


def _by_service(source: str, queue: str) -> Request:
    """Return the request of the service that sends for this source, such as a topic."""
    context = {"aws:sourcearn": source, "aws:sourceaccount": arn_part(source, 4) or None}
    return from_service(f"{arn_part(source, 2)}.amazonaws.com", SEND, queue, context)
