"""Read an account: each question is asked once. Here is also what several checks are about."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

from lab_lib.aws import buckets, functions, grants, policies, queues, roles, tables, topics, triggers
from lab_lib.aws.policies import Policy
from lab_lib.errors import is_unreachable
from lab_lib.lab import Lab

T = TypeVar("T")
PROCESSOR, NOTIFIER = functions.SOURCES
UPLOAD = "transactions.txt"  # the handout's file
TOPIC = topics.ALERT_TOPIC

_DESCRIBE = {"function": functions.describe, "topic": topics.attributes, "queue": queues.attributes}


class Account:
    """One account during a run: the answer to each question is kept for the other checks."""

    def __init__(self, lab: Lab) -> None:
        self._answers: dict[tuple[Any, ...], tuple[Any, int]] = {}
        self.made: dict[str, Any] = {}  # the checks, by id
        self.unsettled = set[str]()  # the ids of those that AWS may answer otherwise in a moment
        self.maybe_old = 0  # answers that were used, and were about that
        self.lab = _with_its_bucket(lab)

    def ask(self, read: Callable[..., T], *about: Any) -> T:
        """Return what a function of lab_lib.aws reads, for instance ask(tables.describe, "Transactions")."""
        question = (read, *about)
        if question not in self._answers:
            before = self._changes_read()
            self._answers[question] = read(self.lab, *about), self._changes_read() - before
        answer, maybe_old = self._answers[question]
        self.maybe_old += maybe_old
        return cast("T", answer)

    def _changes_read(self) -> int:
        return self.lab.journal.changes_read if self.lab.journal else 0

    def name(self, name: str) -> str:
        """Return the name that a resource of the lab has here, with the prefix."""
        return self.lab.name(name)

    def settings(self, function: str) -> dict[str, Any]:
        """Return the settings of a function, as Lambda gives them; {} if it is not there."""
        described = self.ask(functions.describe, function) or {}
        return dict(described.get("Configuration", {}))


Read = Callable[..., Any]  # of an account and the subject, if there is one
DOCUMENTS: dict[str, Read] = {}  # by the names that facts.toml uses


def document(read: Read) -> Read:
    """Let facts.toml use what this function reads of an account."""
    DOCUMENTS[read.__name__] = read
    return read


def or_none(read: Callable[[], T]) -> T | None:
    """Return what is read from the account, None if that fails and the check can go on without it."""
    try:
        return read()
    except Exception as error:
        if is_unreachable(error):
            raise
        return None


def _with_its_bucket(lab: Lab) -> Lab:
    """Return the lab with the bucket that starts TransactionProcessor. Without the setting, it may have any name.

    If none does, it is the bucket with the lab's own name, or with the handout's part in it.
    """
    if lab.bucket_name:
        return lab
    by_name = or_none(partial(buckets.candidates, lab)) or []
    by_name = sorted(by_name, key=lambda name: name != lab.bucket)  # the lab's own name comes first
    allowed = or_none(partial(triggers.allowed_buckets, lab)) or []
    labs = []
    for name in [*by_name, *allowed]:
        labs.append(lab if name == lab.bucket else replace(lab, bucket_name=name))
    for candidate in labs:
        if or_none(partial(triggers.find_bucket_trigger, candidate)):
            return candidate
    return labs[0] if by_name else lab


@document
def there(account: Account, kind: str, name: str) -> str:
    """Return the name that a resource has here, "" if it is not there."""
    return account.name(name) if account.ask(_DESCRIBE[kind], name) else ""


@document
def role_for(account: Account, name: str) -> dict[str, Any]:
    """Return the role that was given, or has the handout's name, else the function's own; {} if there is none."""
    usual = roles.name_of(account.lab, functions.ROLES[name])
    return account.ask(roles.describe, usual) or role_of(account, name)


@document
def role_of(account: Account, name: str) -> dict[str, Any]:
    """Return the function's own role; {} if the function or the role is not there."""
    arn = account.settings(name).get("Role", "")
    if not arn:
        return {}
    role = account.ask(roles.describe, arn.split("/")[-1])
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
    trigger = next(iter(bucket_triggers(account)), {})
    suffix = affix(trigger, "suffix") or end
    return f"{affix(trigger, 'prefix')}{stem}{suffix}"


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
        statements = account.ask(functions.statements, ":".join([name, *alias]))
        return statements, ":".join([arn, *alias])
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
    for trigger in account.ask(triggers.mappings):
        if not is_old(account, trigger) and starts(account, trigger["FunctionArn"], name):
            return trigger
    return {}


def is_old(account: Account, mapping: triggers.Trigger) -> bool:
    """Return True if the mapping reads a stream that the table had before."""
    return bool(mapping["EventSourceArn"] != stream_arn(account))


def stream_arn(account: Account) -> str:
    """Return the ARN of the stream of Transactions, "" if it never had one."""
    table = account.ask(tables.describe, tables.STREAMED) or {}
    return str(table.get("LatestStreamArn", ""))
