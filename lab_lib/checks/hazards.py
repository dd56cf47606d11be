"""Read what no upload shows: who else may, what ends by itself, what goes elsewhere, and what fails under load.

The facts of each step say which of these are asked of which resource. A fault that an organisation may want is `Meant`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import jmespath

from lab_lib.aws import buckets, functions, grants, queues, tables, topics, triggers
from lab_lib.aws.grants import Request, arn_part, is_denied
from lab_lib.aws.json_text import json_object
from lab_lib.checks.reading import (
    PROCESSOR,
    UPLOAD,
    aliases,
    bucket_triggers,
    mapping,
    policy,
    unqualified,
)
from lab_lib.checks.rules import Account, Meant, document
from lab_lib.language import _, ngettext

CREATED = "s3:ObjectCreated:"
SOON = 30  # days; a course takes longer
FEW = 5  # units of a table, as the console gives it, or calls of a function at once
BRIEF = 300  # seconds for which an event, or a change, is tried
_JUDGED = {PROCESSOR: "s3.amazonaws.com"} | dict.fromkeys(queues.ALERT_QUEUES, grants.SEND.lower())
_DATE = re.compile("aws:(currenttime|epochtime)", re.IGNORECASE)
_PREFIX = jmespath.compile("Filter.Prefix || Filter.And.Prefix || Prefix || ''")


# Access of other accounts


@document
def outsiders(account: Account, kind: str, name: str = "") -> list[str]:
    """Return whom a resource lets in from other accounts, but for what a check of its own judges."""
    statements, arn = policy(account, kind, name)
    if judged := _JUDGED.get(name):
        statements = [statement for statement in statements if judged not in str(statement).lower()]
    found = [*account.ask(buckets.acl)] if kind == "bucket" else []
    if kind == "function":
        url = account.ask(functions.url, name)
        if url.get("AuthType") == "NONE":
            found.append((grants.ANYONE, url["FunctionUrl"]))
    found += grants.outsiders(account.lab, statements, arn)
    return [*{_("{user}: {action}", user=_(who), action=action) for who, action in found}]


@document
def takes_plain_text(account: Account, kind: str, action: str, name: str = "") -> bool:
    """Return whether the policy of a resource lets the account's own users do this without TLS."""
    statements, arn = policy(account, kind, name)
    place = f"{arn}/{UPLOAD}" if kind == "bucket" else arn
    return not is_denied(statements, Request("*", action, place, {"aws:securetransport": "false"}))


# Policies and items that expire


@document
def ends(account: Account, kind: str, name: str = "") -> list[str]:
    """Return by what a resource, or what is in it, cannot be used any more after some time."""
    found = []
    if _DATE.search(str(policy(account, kind, name))):
        found.append(_("its policy has a date"))
    if kind == "bucket":
        found += _expiring(account)
    if kind == "table" and (attribute := account.ask(tables.expiry, name)):
        found.append(_("items expire by {attribute}", attribute=attribute))
    return found


def _expiring(account: Account) -> Iterator[str]:
    """Yield the rules by which S3 deletes uploads."""
    keys = [UPLOAD, *(upload["Key"] for upload in account.ask(buckets.uploads))]
    for rule in account.ask(buckets.expiring):
        if "Tag" in str(rule.get("Filter")) or not any(key.startswith(_PREFIX.search(rule)) for key in keys):
            continue
        days = rule["Expiration"].get("Days", 0)
        when = ngettext("after {count:,} day", "after {count:,} days", days)
        if not days:
            when = _("on {date}", date=str(rule["Expiration"]["Date"])[:10])
        text = _("files expire {when}, by the rule {rule}", when=when, rule=rule.get("ID"))
        yield text if days < SOON else Meant(text)


# Other destinations


def _strays(account: Account, arns: Iterable[str | None]) -> list[str]:
    """Return those of these ends, by their names. One in the account, and not back in the chain, may be meant."""
    lab = account.lab
    back = {lab.arn("lambda", f"function:{lab.name(name)}") for name in functions.SOURCES}
    back |= {topics.topic_arn(lab), *(queues.queue_arn(lab, name) for name in queues.ALERT_QUEUES)}
    found = list[str]()
    for end in [unqualified(arn) for arn in arns if arn]:
        is_wrong = end in back or arn_part(end, 4) not in ("", lab.account)
        found.append(grants.short(lab, end) if is_wrong else Meant(grants.short(lab, end)))
    return found


def _sure(faults: list[str]) -> list[str]:
    return [fault for fault in faults if not isinstance(fault, Meant)]


@document
def bucket_sends(account: Account) -> list[str]:
    """Return the events other than uploads that start TransactionProcessor, and where else events and files go."""
    events = [event for trigger in bucket_triggers(account) for event in trigger.get("Events", [])]
    found = [event for event in events if not event.startswith(CREATED)]
    for copy in account.ask(buckets.copies):
        is_ours = copy.get("Account", account.lab.account) == account.lab.account
        found.append(Meant(copy["Bucket"]) if is_ours else copy["Bucket"])
    settings = account.ask(triggers.bucket_notifications)
    if "EventBridgeConfiguration" in settings:
        found.append(Meant("EventBridge"))
    arns = [other["TopicArn"] for other in settings.get("TopicConfigurations", [])]
    arns += [other["QueueArn"] for other in settings.get("QueueConfigurations", [])]
    return found + _strays(account, arns)


@document
def files_go(account: Account) -> list[str]:
    """Return where Lambda sends the events of TransactionProcessor, but for a place of failed ones."""
    settings = event_settings(account)
    success = jmespath.search("DestinationConfig.OnSuccess.Destination", settings)
    return _strays(account, [success]) + _sure(_strays(account, [functions.destination(settings)]))


@document
def changes_go(account: Account) -> list[str]:
    return _sure(_strays(account, [functions.destination(mapping(account))]))


@document
def messages_go(account: Account, name: str) -> list[str]:
    """Return the queue to which SQS moves a message that somebody has received too often."""
    redrive = json_object(account.ask(queues.attributes, name).get("RedrivePolicy"))
    return _strays(account, [redrive.get("deadLetterTargetArn")])


@document
def alerts_go(account: Account) -> list[str]:
    """Return who gets the alerts, but for the lab's queues and people. No address is told."""
    lab, found = account.lab, list[str]()
    ours = {queues.queue_arn(lab, name) for name in queues.ALERT_QUEUES}
    people = {"email": lab.email, "sms": lab.phone}
    for row in account.ask(triggers.subscriptions):
        protocol, end = row["Protocol"], row["Endpoint"]
        if protocol in people:
            is_other = people[protocol] not in ("", end) and row["SubscriptionArn"].startswith("arn:")
            found += [Meant(protocol)] if is_other else []
        elif "://" in end:
            found.append(Meant(urlsplit(end).hostname or protocol))
        elif end not in ours:
            found += _strays(account, [end])
    return found


# Limits under load


@document
def stream_limits(account: Account) -> list[str]:
    """Return the limits of the mapping by which changes wait, or are given up that only came at a bad time."""
    window = mapping(account).get("TumblingWindowInSeconds")
    windows = [_("{setting} is {value}", setting="TumblingWindowInSeconds", value=window)] if window else []
    return windows + _bounds(mapping(account), MaximumRetryAttempts=1, MaximumRecordAgeInSeconds=BRIEF)


@document
def function_limits(account: Account, name: str) -> list[str]:
    """Return the limits by which a call of a function has to wait, or an upload's event is given up."""
    calls = (account.ask(functions.describe, name) or {}).get("Concurrency", {}).get("ReservedConcurrentExecutions")
    now = {"ReservedConcurrentExecutions": calls or FEW, **(event_settings(account) if name == PROCESSOR else {})}
    return _bounds(now, ReservedConcurrentExecutions=FEW, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=BRIEF)


@document
def table_limits(account: Account, name: str) -> list[str]:
    """Return the limits by which a table refuses rows: of units, which are 0 on demand, or of requests on demand."""
    table = account.ask(tables.describe, name) or {}
    units = table.get("ProvisionedThroughput", {}).get("WriteCapacityUnits") or FEW
    now = {"WriteCapacityUnits": units, **table.get("OnDemandThroughput", {})}
    return _bounds(now, WriteCapacityUnits=FEW, MaxWriteRequestUnits=FEW)


def event_settings(account: Account) -> dict[str, Any]:
    """Return how Lambda treats an upload's event, by what the bucket starts."""
    return account.ask(functions.event_settings, ":".join([PROCESSOR, *aliases(account)[0]]))


def _bounds(settings: dict[str, Any], **least: int) -> list[str]:
    """Return the settings below these values. Without a value, or with -1, there is no limit."""
    low = [name for name in least if settings.get(name, -1) in range(least[name])]
    return [_("{setting} is {value}", setting=name, value=settings[name]) for name in low]
