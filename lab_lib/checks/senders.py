"""Judge who may send to a queue."""

from dataclasses import replace

from lab_lib.aws import grants, queues, topics
from lab_lib.aws.evaluator import Request, arn_part, from_service
from lab_lib.checks.permissions import ANOTHER_ACCOUNT, is_allowed
from lab_lib.checks.rules import Account
from lab_lib.lab import Lab

ACTION, SNS = "sqs:SendMessage", "sns.amazonaws.com"
OTHERS = "other accounts"


def may_send(account: Account, queue: str, source: str) -> bool:
    """Return True if SNS may send to the queue from the lab's topic, on behalf of the account `source`."""
    arn, topic = queues.queue_arn(account.lab, queue), _topic_of(account.lab, account.lab.account)
    asked = from_service(SNS, ACTION, arn, aws_sourcearn=topic, aws_sourceaccount=source)
    return is_allowed(account.ask(queues.statements, queue), asked)


def others(account: Account, queue: str) -> list[str]:
    """Return who may send, other than the topic and users of the account. A Deny is followed."""
    statements, arn = account.ask(queues.statements, queue), queues.queue_arn(account.lab, queue)
    own = (account.lab.name(topics.ALERT_TOPIC), "users of this account", "this account")
    named = [each for each in grants.senders(account.lab, statements, arn) if each not in own]

    def may(sender: str) -> bool:
        return any(is_allowed(statements, request) for request in _requests(account.lab, arn, sender))

    return [each for each in named if may(each)] or [OTHERS] * may(OTHERS)


def _requests(lab: Lab, queue: str, sender: str) -> list[Request]:
    """Return what a sender would ask, as `grants.senders` names it: of an account, a user and a topic."""
    owner = ANOTHER_ACCOUNT if sender in ("anyone", OTHERS) else sender.removeprefix("account ")
    if owner.isdecimal():
        root = f"arn:{lab.partition}:iam::{owner}:root"
        return [_by_user(root, queue), _by_service(SNS, _topic_of(lab, owner), queue)]
    if sender.startswith("arn:") and arn_part(sender, 2) in ("iam", "sts"):
        return [_by_user(sender, queue)]
    if sender.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return [_by_service(sender, lab.arn(sender.split(".")[0], "any"), queue)]
    example = sender.replace("*", "x").replace("?", "x")
    source = example if sender.startswith("arn:") else lab.arn("sns", example)
    return [_by_service(f"{arn_part(source, 2)}.amazonaws.com", source, queue)]


def _by_service(service: str, source: str, queue: str) -> Request:
    return from_service(service, ACTION, queue, aws_sourcearn=source, aws_sourceaccount=arn_part(source, 4) or None)


def _by_user(user: str, queue: str) -> Request:
    known = {"aws:principalarn": user, "aws:principalaccount": arn_part(user, 4), "aws:securetransport": "true"}
    return Request(user, ACTION, queue, known | dict.fromkeys(("aws:sourcearn", "aws:sourceaccount")))


def _topic_of(lab: Lab, owner: str) -> str:
    return replace(lab, account=owner).arn("sns", lab.name(topics.ALERT_TOPIC))
