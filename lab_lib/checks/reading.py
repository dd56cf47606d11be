"""Read of an account what several checks are about."""

from typing import Any

from lab_lib.aws import buckets, functions, grants, policies, queues, roles, tables, topics, triggers
from lab_lib.aws.policies import Policy
from lab_lib.checks.rules import Account, document

PROCESSOR, NOTIFIER = functions.SOURCES
UPLOAD = "transactions.txt"  # the handout's file
TOPIC = topics.ALERT_TOPIC

_DESCRIBE = {"function": functions.describe, "topic": topics.attributes, "queue": queues.attributes}


@document
def there(account: Account, kind: str, name: str) -> str:
    """Return the name that a resource has here, "" if it is not there."""
    return account.name(name) if account.ask(_DESCRIBE[kind], name) else ""


@document
def role_for(account: Account, name: str) -> dict[str, Any]:
    """Return the role that was given, or has the handout's name, else the function's own; {} if there is none."""
    return account.ask(roles.describe, roles.name_of(account.lab, functions.ROLES[name])) or role_of(account, name)


@document
def role_of(account: Account, name: str) -> dict[str, Any]:
    """Return the function's own role; {} if the function or the role is not there."""
    arn = account.settings(name).get("Role", "")
    role = account.ask(roles.describe, arn.split("/")[-1]) if arn else None
    return role if role and role.get("Arn") == arn else {}


def notifications(account: Account) -> list[triggers.Trigger]:
    """Return the bucket's notifications that start a function, as S3 describes them."""
    return list(account.ask(triggers.bucket_notifications).get("LambdaFunctionConfigurations", []))


def bucket_triggers(account: Account) -> list[triggers.Trigger]:
    """Return the notifications of the bucket that start TransactionProcessor."""
    name = account.name(PROCESSOR)
    return [trigger for trigger in notifications(account) if starts(account, trigger["LambdaFunctionArn"], name)]


def events(account: Account) -> list[str]:
    """Return the events of the bucket that start TransactionProcessor."""
    events = []
    for trigger in bucket_triggers(account):
        events += trigger.get("Events", [])
    return events


def uploaded(account: Account) -> list[str]:
    """Return the keys of the uploads, oldest first."""
    return [upload["Key"] for upload in account.ask(buckets.uploads)]


@document
def is_taken(account: Account, key: str) -> bool:
    """Return True if a trigger of TransactionProcessor takes the key."""
    return any(matches(trigger, key) for trigger in bucket_triggers(account))


def matches(trigger: triggers.Trigger, key: str) -> bool:
    """Return True if the trigger's filter matches the key."""
    return key.startswith(affix(trigger, "prefix")) and key.endswith(affix(trigger, "suffix"))


def affix(trigger: triggers.Trigger, kind: str) -> str:
    """Return the prefix or the suffix of the trigger's filter, "" without one."""
    rules = trigger.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((rule["Value"] for rule in rules if rule["Name"].lower() == kind), "")


def filters(account: Account) -> list[str]:
    """Return the filters of the bucket's triggers as patterns, such as "*.txt"."""
    return [f"{affix(trigger, 'prefix')}*{affix(trigger, 'suffix')}" for trigger in bucket_triggers(account)]


def fitting_key(account: Account, stem: str, end: str = ".txt") -> str:
    """Return a key with this text in it that starts the function, and with this end if the trigger takes any."""
    trigger = (bucket_triggers(account) or [{}])[0]
    return f"{affix(trigger, 'prefix')}{stem}{affix(trigger, 'suffix') or end}"


def starts(account: Account, arn: str, *names: str) -> bool:
    """Return True if the ARN is one of these functions of this account and Region, or a version or alias of it."""
    return unqualified(arn) in {account.lab.arn("lambda", f"function:{name}") for name in names}


def unqualified(arn: str) -> str:
    """Return a function's ARN without version and alias, and any other as it is."""
    return ":".join(arn.split(":")[:7])


def aliases(account: Account) -> list[list[str]]:
    """Return the aliases and versions of TransactionProcessor that the bucket starts; [] is the function itself."""
    arns = [trigger["LambdaFunctionArn"].removesuffix(":$LATEST") for trigger in bucket_triggers(account)]
    return sorted(arn.split(":")[7:] for arn in {*arns}) or [[]]


def policy(account: Account, kind: str, name: str = "", *alias: str) -> tuple[list[Policy], str]:
    """Return the statements of the policy of a resource of this kind, and its ARN. An alias has one of its own."""
    lab = account.lab
    if kind == "bucket":
        return account.ask(buckets.statements), lab.arn("s3", lab.bucket)
    if kind == "table":
        return account.ask(tables.statements, name), policies.table(lab, name)
    if kind == "function":
        arn = lab.arn("lambda", f"function:{lab.name(name)}")
        return account.ask(functions.statements, ":".join([name, *alias])), ":".join([arn, *alias])
    if kind == "role":
        role = role_for(account, name)
        return grants.statements(role.get("AssumeRolePolicyDocument")), role["Arn"]
    if kind == "topic":
        attributes = account.ask(topics.attributes) or {}
        return grants.statements(attributes.get("Policy")), topics.topic_arn(lab)
    attributes = account.ask(queues.attributes, name)
    return grants.statements(attributes.get("Policy")), queues.queue_arn(lab, name)


@document
def mapping(account: Account) -> triggers.Trigger:
    """Return the first mapping from the present stream to TotalNotifier; {} if there is none."""
    name = account.name(NOTIFIER)
    present = [trigger for trigger in account.ask(triggers.mappings) if not is_old(account, trigger)]
    return next((trigger for trigger in present if starts(account, trigger["FunctionArn"], name)), {})


def is_old(account: Account, mapping: triggers.Trigger) -> bool:
    """Return True if the mapping reads a stream that the table had before."""
    return bool(mapping["EventSourceArn"] != stream_arn(account))


def stream_arn(account: Account) -> str:
    """Return the ARN of the stream of Transactions, "" if it never had one."""
    return str((account.ask(tables.describe, tables.STREAMED) or {}).get("LatestStreamArn", ""))
