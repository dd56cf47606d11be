"""Check what this workbook adds to the handout for security."""

from collections.abc import Iterable
from typing import Any

from lab_lib.aws import buckets, functions, grants, queues, topics, triggers
from lab_lib.checks import cells, permissions
from lab_lib.checks.rules import FURTHER, Account, Finding, check, equal, none_of
from lab_lib.checks.step_00 import role_for
from lab_lib.checks.step_03 import TOPIC, emails

QUEUES = [*queues.ALERT_QUEUES, queues.DEAD_LETTERS]


@check(FURTHER, "TLS to the bucket", after=("bucket",))
def bucket_transport(account: Account) -> Finding:
    mend = account.mend("put_bucket_policy", cells.BUCKET)
    return _tls_only(account.ask(buckets.statements), f"the bucket {account.lab.bucket}", mend)


@check(FURTHER, "TLS to the topic", after=(f"topic {TOPIC}",))
def topic_transport(account: Account) -> Finding:
    mend = account.mend("set_topic_attributes", cells.TOPIC)
    return _tls_only(account.ask(topics.statements), f"the topic {account.lab.name(TOPIC)}", mend)


@check(FURTHER, "encryption at rest of the topic", after=(f"topic {TOPIC}",))
def topic_encryption(account: Account) -> Finding:
    on = bool((account.ask(topics.attributes) or {}).get("KmsMasterKeyId"))
    hint = f"Turn on the encryption of the topic {account.lab.name(TOPIC)}, with the key {topics.KEY}"
    hint += account.mend("set_topic_attributes", cells.TOPIC)
    return equal("on" if on else "off", "on", hint)


@check(FURTHER, "TLS to {}", after=("queue {}",), each=QUEUES)
def queue_transport(account: Account, name: str) -> Finding:
    cell = cells.SUBSCRIPTIONS[name]
    mend = account.mend("set_queue_attributes", cell)
    return _tls_only(account.ask(queues.statements, name), account.lab.name(name), mend)


@check(FURTHER, "least privilege of the role for {}", after=("role for {}",), each=functions.SOURCES)
def least_privilege(account: Account, name: str) -> Finding:
    role = role_for(account, name)
    hint = f"Let the role {role['RoleName']} do only what {account.lab.name(name)} does, on its own resources"
    hint += account.mend("put_role_policy", cells.ROLES)
    return none_of(permissions.excess(account, name, role["Arn"]), hint, right="nothing more")


@check(FURTHER, "account in the trust of the role for {}", after=("trust of the role for {}",), each=functions.SOURCES)
def account_in_trust(account: Account, name: str) -> Finding:
    """Lambda may assume the role for functions of this account only."""
    role, own = role_for(account, name), account.lab.account
    statements = permissions.trusting_lambda(role)
    named = all(_condition(each, "aws:sourceaccount") == [own] for each in statements)
    hint = f"Let the trust policy of the role {role['RoleName']} ask for the aws:SourceAccount"
    hint += account.mend("update_assume_role_policy", cells.ROLES)
    return equal(own if named else "not asked for", own, hint)


@check(
    FURTHER,
    "account in the policy of {}",
    after=("access policy of {}", "other senders to {}"),
    each=queues.ALERT_QUEUES,
)
def account_in_policy(account: Account, name: str) -> Finding:
    topic, own = account.lab.arn("sns", account.lab.name(TOPIC)), account.lab.account
    statements = account.ask(queues.statements, name)
    about_topic = [each for each in statements if grants.matches(_condition(each, "aws:sourcearn"), topic)]
    named = bool(about_topic) and all(own in _condition(each, "aws:sourceaccount") for each in about_topic)
    hint = f"Let the policy of {account.lab.name(name)} ask for the aws:SourceAccount too"
    hint += account.mend("set_queue_attributes", cells.SUBSCRIPTIONS[name])
    return equal(own if named else "not asked for", own, hint)


@check(FURTHER, "encryption at rest of {}", after=("queue {}",), each=QUEUES)
def queue_encryption(account: Account, name: str) -> Finding:
    now = account.ask(queues.attributes, name)
    on = now.get("SqsManagedSseEnabled") == "true" or bool(now.get("KmsMasterKeyId"))
    cell = cells.QUEUES[name]
    hint = f"Turn on the encryption of {account.lab.name(name)}, of which SSE-SQS costs nothing"
    hint += account.mend("set_queue_attributes", cell)
    return equal("on" if on else "off", "on", hint)


@check(FURTHER, "unsubscribing from the e-mail", after=("e-mail confirmed",))
def unsubscribing(account: Account) -> Finding:
    """A subscription that was confirmed by a click ends when a mail scanner opens every link of an alert."""
    confirmed = [each["SubscriptionArn"] for each in emails(account) if each["SubscriptionArn"].startswith("arn:")]
    settings = [account.ask(triggers.subscription_settings, arn) for arn in confirmed]
    by_link = any(each.get("ConfirmationWasAuthenticated") != "true" for each in settings)
    found = "by the link in each mail" if by_link else "by the account only" if confirmed else "no e-mail"
    hint = "Delete the subscription, subscribe again, and confirm with the token, not by a click"
    hint += account.mend("confirm_subscription", cells.CONFIRMATION)
    return Finding(not by_link, found, "by the account only", hint)


def _tls_only(statements: Iterable[dict[str, Any]], resource: str, mend: str) -> Finding:
    """Return whether a statement of the policy denies requests without TLS."""
    wanted = {"aws:securetransport": ["false"]}
    denied = any(each["Effect"] == "Deny" and grants.conditions(each) == wanted for each in statements)
    hint = f"Let the policy of {resource} deny every request without TLS{mend}"
    return equal("TLS only" if denied else "TLS or not", "TLS only", hint)


def _condition(statement: dict[str, Any], key: str) -> list[Any]:
    return grants.conditions(statement).get(key, [])
