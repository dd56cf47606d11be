"""Going further: what this workbook adds to the handout, so that nobody else comes in, reads along or listens."""

from collections.abc import Iterable
from typing import Any

from lab_lib.aws import buckets, functions, grants, queues, topics, triggers
from lab_lib.checks import permissions
from lab_lib.checks.rules import FURTHER, Account, Finding, check, equal, none_of
from lab_lib.checks.step_00 import role_for
from lab_lib.checks.step_03 import TOPIC, emails

QUEUES = [*queues.ALERT_QUEUES, queues.DEAD_LETTERS]


@check(FURTHER, "TLS to the bucket", after=("bucket",))
def bucket_transport(account: Account) -> Finding:
    return _tls_only(account.ask(buckets.statements), f"the bucket {account.lab.bucket}")


@check(FURTHER, "TLS to the topic", after=(f"topic {TOPIC}",))
def topic_transport(account: Account) -> Finding:
    return _tls_only(account.ask(topics.statements), f"the topic {account.lab.name(TOPIC)}")


@check(FURTHER, "encryption at rest of the topic", after=(f"topic {TOPIC}",))
def topic_encrypted(account: Account) -> Finding:
    on = bool((account.ask(topics.attributes) or {}).get("KmsMasterKeyId"))
    hint = f"Turn on the encryption of the topic {account.lab.name(TOPIC)}, with the key {topics.KEY}."
    return equal("on" if on else "off", "on", hint)


@check(FURTHER, "TLS to {}", after=("queue {}",), each=QUEUES)
def queue_transport(account: Account, name: str) -> Finding:
    return _tls_only(account.ask(queues.statements, name), account.lab.name(name))


@check(FURTHER, "least privilege of the role for {}", after=("role for {}",), each=functions.SOURCES)
def narrow(account: Account, name: str) -> Finding:
    role = role_for(account, name)
    hint = (
        f"Let the role {role['RoleName']} do only what {account.lab.name(name)} does, on the resources that it needs."
    )
    return none_of(permissions.surplus(account, name, role["Arn"]), hint, right="nothing more")


@check(FURTHER, "account in the trust of the role for {}", after=("trust of the role for {}",), each=functions.SOURCES)
def trusting_account(account: Account, name: str) -> Finding:
    """Lambda may take on the role for functions of this account only."""
    role, own = role_for(account, name), account.lab.account
    ours = permissions.trusting_lambda(role)
    named = all(_asked(each, "aws:sourceaccount") == [own] for each in ours)
    hint = f"Let the trust of the role {role['RoleName']} ask for the aws:SourceAccount."
    return equal(own if named else "not asked for", own, hint)


@check(
    FURTHER,
    "account in the policy of {}",
    after=("access policy of {}", "other senders to {}"),
    each=queues.ALERT_QUEUES,
)
def source_account(account: Account, name: str) -> Finding:
    topic, own = account.lab.arn("sns", account.lab.name(TOPIC)), account.lab.account
    ours = [
        each for each in account.ask(queues.statements, name) if grants.matches(_asked(each, "aws:sourcearn"), topic)
    ]
    named = bool(ours) and all(own in _asked(each, "aws:sourceaccount") for each in ours)
    hint = f"Let the policy of {account.lab.name(name)} ask for the aws:SourceAccount too."
    return equal(own if named else "not asked for", own, hint)


@check(FURTHER, "encryption at rest of {}", after=("queue {}",), each=QUEUES)
def encrypted(account: Account, name: str) -> Finding:
    now = account.ask(queues.attributes, name)
    on = now.get("SqsManagedSseEnabled") == "true" or bool(now.get("KmsMasterKeyId"))
    return equal(
        "on" if on else "off", "on", f"Turn on the encryption of {account.lab.name(name)}: SSE-SQS costs nothing."
    )


@check(FURTHER, "unsubscribing from the e-mail", after=("e-mail confirmed",))
def unsubscribing(account: Account) -> Finding:
    """A scanner that opens every link of a mail ends a subscription that was confirmed by a click."""
    confirmed = [each["SubscriptionArn"] for each in emails(account) if each["SubscriptionArn"].startswith("arn:")]
    settings = [account.ask(triggers.subscription_settings, arn) for arn in confirmed]
    by_link = any(each.get("ConfirmationWasAuthenticated") != "true" for each in settings)
    found = "by the link in each mail" if by_link else "by the account only" if confirmed else "no e-mail"
    hint = "Delete the subscription, subscribe again, and confirm with the token, as notebook 03 does, not by a click."
    return Finding(not by_link, found, "by the account only", hint)


def _tls_only(statements: Iterable[dict[str, Any]], what: str) -> Finding:
    """Something in the policy refuses what does not come over TLS."""
    wanted = {"aws:securetransport": ["false"]}
    refuses = any(each["Effect"] == "Deny" and grants.conditions(each) == wanted for each in statements)
    hint = f"Let the policy of {what} refuse what does not come over TLS."
    return equal("TLS only" if refuses else "TLS or not", "TLS only", hint)


def _asked(statement: dict[str, Any], key: str) -> list[Any]:
    return grants.conditions(statement).get(key, [])
