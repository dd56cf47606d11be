"""Say who may send to a queue: whom its policy names, and who of them comes through."""

from dataclasses import replace
from typing import Any

from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, Request, arn_part, as_list, from_service, from_user, is_allowed, like
from lab_lib.aws.policies import Policy
from lab_lib.aws.topics import ALERT_TOPIC
from lab_lib.lab import Lab

ACTION, SNS = "sqs:SendMessage", "sns.amazonaws.com"
OTHERS = "other accounts"


def named(lab: Lab, statements: list[Policy], queue_arn: str) -> list[str]:
    """Return who may send to the queue by these statements of its policy.

    Topics of this account are named, others are given by their ARN, with * as in the policy. "this account" stands for
    anything in it, "users of this account" for its IAM users and roles without SNS, "anyone" for everyone.
    Denies are ignored.
    """
    allows = [
        statement
        for statement in statements
        if statement["Effect"] == "Allow"
        and _matches(statement.get("Resource", []), queue_arn)
        and _matches([str(action).lower() for action in as_list(statement.get("Action", []))], ACTION.lower())
    ]
    return sorted({source for statement in allows for source in _sources(lab, statement)})


def others(lab: Lab, statements: list[Policy], queue_arn: str) -> list[str]:
    """Return who may send, other than the topic and users of the account. A Deny is followed."""
    insiders = (lab.name(ALERT_TOPIC), "users of this account", "this account")
    strangers = [sender for sender in named(lab, statements, queue_arn) if sender not in insiders]

    def may(sender: str) -> bool:
        return any(is_allowed(statements, request) for request in _requests(lab, queue_arn, sender))

    return [sender for sender in strangers if may(sender)] or [OTHERS] * may(OTHERS)


def topic_may_send(lab: Lab, statements: list[Policy], queue_arn: str, account: str) -> bool:
    """Return True if SNS may send to the queue from the lab's topic, on behalf of this account."""
    topic = lab.arn("sns", lab.name(ALERT_TOPIC))
    asked = from_service(SNS, ACTION, queue_arn, aws_sourcearn=topic, aws_sourceaccount=account)
    return is_allowed(statements, asked)


def _matches(patterns: object, value: str) -> bool:
    return any(like(str(pattern), value) for pattern in as_list(patterns))


def _conditions(statement: Policy) -> dict[str, list[str]]:
    """Return the values of the condition's keys, in lower case and without operators: {"aws:sourcearn": ["arn:…"]}."""
    pairs = [pair for operator in statement.get("Condition", {}).values() for pair in operator.items()]
    return {key.lower(): [*map(str, as_list(value))] for key, value in pairs}


def _principals(statement: Policy) -> list[str]:
    """Return the principals: services, users and roles by ARN or account, * for everyone."""
    principal: Any = statement.get("Principal", {})
    kinds = principal.values() if isinstance(principal, dict) else [principal]
    return [str(name) for kind in kinds for name in as_list(kind)]


def _sources(lab: Lab, statement: Policy) -> list[str]:
    keys, names = _conditions(statement), _principals(statement)
    if not {"*", SNS} & {*names}:
        return ["users of this account" if lab.account in name else name for name in names]
    if "aws:sourcearn" in keys:
        return sorted({_topic(lab, pattern) for pattern in keys["aws:sourcearn"]})
    accounts = keys.get("aws:sourceaccount", keys.get("aws:principalaccount", []))
    return ["this account" if number == lab.account else f"account {number}" for number in accounts] or ["anyone"]


def _topic(lab: Lab, pattern: str) -> str:
    """Return the topic's name if the ARN is of this account, else the ARN."""
    name = pattern.split(":")[-1]
    if pattern.split(":")[4:5] != [lab.account] or not like(pattern, lab.arn("sns", name)):
        return pattern
    return "this account" if name == "*" else name


def _requests(lab: Lab, queue: str, sender: str) -> list[Request]:
    """Return what a sender would ask, as `named` names it: of an account, a user and a topic."""
    owner = ANOTHER_ACCOUNT if sender in ("anyone", OTHERS) else sender.removeprefix("account ")
    if owner.isdecimal():
        topic = replace(lab, account=owner).arn("sns", lab.name(ALERT_TOPIC))
        return [from_user(f"arn:{lab.partition}:iam::{owner}:root", ACTION, queue), _by_service(SNS, topic, queue)]
    if sender.startswith("arn:") and arn_part(sender, 2) in ("iam", "sts"):
        return [from_user(sender, ACTION, queue)]
    if sender.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return [_by_service(sender, lab.arn(sender.split(".")[0], "any"), queue)]
    example = sender.replace("*", "x").replace("?", "x")
    source = example if sender.startswith("arn:") else lab.arn("sns", example)
    return [_by_service(f"{arn_part(source, 2)}.amazonaws.com", source, queue)]


def _by_service(service: str, source: str, queue: str) -> Request:
    return from_service(service, ACTION, queue, aws_sourcearn=source, aws_sourceaccount=arn_part(source, 4) or None)
