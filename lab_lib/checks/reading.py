"""Read of an account what several checks are about."""

from typing import Any

from lab_lib.aws import functions, grants, queues, roles, tables, topics, triggers
from lab_lib.aws.evaluator import from_service, is_allowed
from lab_lib.checks.rules import Account

PROCESSOR, NOTIFIER = functions.SOURCES
UPLOAD = "transactions.txt"  # the handout's file
TOPIC = topics.ALERT_TOPIC
NO_URL: dict[str, None] = dict.fromkeys(("lambda:functionurlauthtype", "lambda:invokedviafunctionurl"))


def role_for(account: Account, name: str) -> dict[str, Any]:
    """Return the role that was given, or has the handout's name, else the function's own; {} if there is none."""
    return account.ask(roles.describe, roles.name_of(account.lab, functions.ROLES[name])) or role_of(account, name)


def role_of(account: Account, name: str) -> dict[str, Any]:
    """Return the function's own role; {} if the function or the role is not there."""
    arn = account.settings(name).get("Role", "")
    role = account.ask(roles.describe, arn.split("/")[-1]) if arn else None
    return role if role and role.get("Arn") == arn else {}


def bucket_triggers(account: Account) -> list[triggers.Trigger]:
    """Return the notifications that start TransactionProcessor."""
    name = account.name(PROCESSOR)
    started = account.ask(triggers.notifications)
    return [trigger for trigger in started if starts(account, trigger["LambdaFunctionArn"], name)]


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


def fitting_key(account: Account, stem: str) -> str:
    """Return a key with this text in it that starts the function."""
    trigger = (bucket_triggers(account) or [{}])[0]
    return f"{affix(trigger, 'prefix')}{stem}{affix(trigger, 'suffix') or '.txt'}"


def starts(account: Account, arn: str, *names: str) -> bool:
    """Return True if the ARN is one of these functions of this account and Region, or a version or alias of it."""
    return unqualified(arn) in {account.lab.arn("lambda", f"function:{name}") for name in names}


def starts_another(account: Account, arn: str) -> bool:
    """Return True if the ARN is that of a function that is there, and is none of the lab's two.

    Who may not list the functions, as a grader, cannot see that, and does not need it without such a trigger.
    """
    is_ours = starts(account, arn, *map(account.name, functions.SOURCES))
    return not is_ours and starts(account, arn, *account.ask(functions.names))


def unqualified(arn: str) -> str:
    """Return a function's ARN without version and alias, and any other as it is."""
    return ":".join(arn.split(":")[:7])


def may_invoke(account: Account, bucket: str, owner: str) -> bool:
    """Return True if this bucket of this account may start all that its triggers name. No function URL is involved."""
    arns = {trigger["LambdaFunctionArn"].removesuffix(":$LATEST") for trigger in bucket_triggers(account)}
    context = {"aws:sourcearn": account.lab.arn("s3", bucket), "aws:sourceaccount": owner, **NO_URL}

    def may(arn: str) -> bool:
        asked = from_service("s3.amazonaws.com", "lambda:InvokeFunction", arn, context)
        qualifier = arn.split(":")[7:]  # an alias or a version has a policy of its own
        return is_allowed(account.ask(functions.statements, PROCESSOR, *qualifier), asked)

    return all(map(may, arns or {account.lab.arn("lambda", f"function:{account.name(PROCESSOR)}")}))


def mapping(account: Account) -> triggers.Trigger:
    """Return the first mapping from the present stream to TotalNotifier; {} if there is none."""
    name = account.name(NOTIFIER)
    present = [trigger for trigger in account.ask(triggers.mappings) if not is_old(account, trigger)]
    return next((trigger for trigger in present if starts(account, trigger["FunctionArn"], name)), {})


def is_old(account: Account, mapping: triggers.Trigger) -> bool:
    """Return True if the mapping reads a stream that the table had before."""
    return bool(mapping["EventSourceArn"] != account.ask(tables.find_stream))


def emails(account: Account) -> list[dict[str, Any]]:
    """Return the e-mail subscriptions: of the lab's address or, if the lab has none, of every address."""
    emails = [row for row in account.ask(triggers.subscriptions) if row["Protocol"] == "email"]
    if account.lab.email:  # others, such as a mistyped one, expire by themselves
        emails = [row for row in emails if row["Endpoint"] == account.lab.email]
    return emails


def may_send(account: Account, name: str, source: str) -> bool:
    """Return True if SNS may send to the queue from the lab's topic, on behalf of the account `source`."""
    lab, arn = account.lab, queues.queue_arn(account.lab, name)
    topic = {"aws:sourcearn": lab.arn("sns", lab.name(TOPIC)), "aws:sourceaccount": source}
    asked = from_service("sns.amazonaws.com", grants.SEND, arn, topic)
    return is_allowed(account.ask(queues.statements, name), asked)


def subscription(account: Account, name: str) -> dict[str, Any]:
    arn = queues.queue_arn(account.lab, name)
    return next((row for row in account.ask(triggers.subscriptions) if row["Endpoint"] == arn), {})


def subscription_settings(account: Account, name: str) -> dict[str, str]:
    return account.ask(triggers.subscription_settings, subscription(account, name)["SubscriptionArn"])
