"""Read what no upload shows: who else may, what ends by itself, and what goes elsewhere.

The facts of each step say which of these are asked of which resource.
"""

from collections.abc import Iterable
from typing import Any

import jmespath

from lab_lib.aws import buckets, functions, grants, queues, topics, triggers
from lab_lib.aws.grants import Request, arn_part, is_denied
from lab_lib.aws.json_text import json_object
from lab_lib.checks.reading import (
    PROCESSOR,
    UPLOAD,
    Account,
    aliases,
    document,
    events,
    mapping,
    notifications,
    policy,
    starts,
    unqualified,
    uploaded,
)
from lab_lib.language import _

CREATED = "s3:ObjectCreated:"
SOON = 30  # days; a course takes longer
_JUDGED = {PROCESSOR: "s3.amazonaws.com"} | dict.fromkeys(queues.ALERT_QUEUES, grants.SEND.lower())
_PREFIX = jmespath.compile("Filter.Prefix || Filter.And.Prefix || Prefix || ''")
_ENDS = jmespath.compile("DestinationConfig.*.Destination")  # on success and on failure


# Access of other accounts


@document
def outsiders(account: Account, kind: str, name: str = "") -> list[str]:
    """Return whom a resource lets in from other accounts, but for what a check of its own judges."""
    statements, arn = policy(account, kind, name)
    if judged := _JUDGED.get(name):
        statements = [statement for statement in statements if judged not in str(statement).lower()]
    found = grants.outsiders(account.lab, statements, arn)
    if kind == "bucket":
        found += account.ask(buckets.acl)
    return [*{_("{user}: {action}", user=_(who), action=action) for who, action in found}]


@document
def takes_plain_text(account: Account, kind: str, action: str, name: str = "") -> bool:
    """Return whether the policy of a resource lets the account's own users do this without TLS."""
    statements, arn = policy(account, kind, name)
    place = f"{arn}/{UPLOAD}" if kind == "bucket" else arn
    return not is_denied(statements, Request("*", action, place, {"aws:securetransport": "false"}))


# Files that expire


@document
def expiring_files(account: Account) -> list[str]:
    """Return the rules by which S3 deletes uploads before the course ends."""
    found = []
    keys = [UPLOAD, *uploaded(account)]
    for rule in account.ask(buckets.expiring):
        is_taken = any(key.startswith(_PREFIX.search(rule)) for key in keys)
        if is_taken and rule["Expiration"].get("Days", 0) < SOON:
            found.append(_("files expire by the rule {rule}", rule=rule.get("ID")))
    return found


# Other destinations: what stays in the account, and does not lead back into the chain, is nobody's fault


def _strays(account: Account, arns: Iterable[str]) -> list[str]:
    """Return those of these ends that lead back into the chain, or to another account, by their names."""
    found = []
    lab = account.lab
    chain = {lab.arn("lambda", f"function:{lab.name(name)}") for name in functions.SOURCES}
    chain |= {queues.queue_arn(lab, name) for name in queues.ALERT_QUEUES}
    chain.add(topics.topic_arn(lab))
    for end in map(unqualified, arns):
        owner = arn_part(end, 4)
        if end in chain or owner not in ("", lab.account):
            found.append(grants.short(lab, end))
    return found


@document
def other_bucket_triggers(account: Account) -> list[str]:
    """Return the functions other than TransactionProcessor that the bucket must not start."""
    arns = [trigger["LambdaFunctionArn"] for trigger in notifications(account)]
    return _strays(account, [arn for arn in arns if not starts(account, arn, account.name(PROCESSOR))])


@document
def bucket_sends(account: Account) -> list[str]:
    """Return the events other than uploads that start TransactionProcessor, and where else the bucket sends events."""
    found = [event for event in events(account) if not event.startswith(CREATED)]
    settings = account.ask(triggers.bucket_notifications)
    arns = jmespath.search("[TopicConfigurations[].TopicArn, QueueConfigurations[].QueueArn][]", settings)
    return found + _strays(account, arns)


@document
def event_settings(account: Account) -> dict[str, Any]:
    """Return how Lambda treats an upload's event, by what the bucket starts."""
    alias = aliases(account)[0]
    return account.ask(functions.event_settings, ":".join([PROCESSOR, *alias]))


@document
def files_go(account: Account) -> list[str]:
    """Return where Lambda sends the events of TransactionProcessor."""
    return _strays(account, _ENDS.search(event_settings(account)) or [])


@document
def changes_go(account: Account) -> list[str]:
    return _strays(account, _ENDS.search(mapping(account)) or [])


@document
def messages_go(account: Account, name: str) -> list[str]:
    """Return the queue to which SQS moves a message that somebody has received too often."""
    redrive = json_object(account.ask(queues.attributes, name).get("RedrivePolicy"))
    return _strays(account, [redrive.get("deadLetterTargetArn", "")])


@document
def alerts_go(account: Account) -> list[str]:
    """Return who gets the alerts, but for the lab's queues and people. No address is told."""
    ours = {queues.queue_arn(account.lab, name) for name in queues.ALERT_QUEUES}
    ends = {row["Endpoint"] for row in account.ask(triggers.subscriptions)}
    return _strays(account, [end for end in ends - ours if end.startswith("arn:")])
