"""Check what this workbook adds to the handout for security."""

from typing import Any

from lab_lib.aws import buckets, functions, queues, topics, triggers
from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, Request, is_allowed
from lab_lib.checks import permissions
from lab_lib.checks.rules import FURTHER, Account, Finding, check, equal, judged, none_of
from lab_lib.checks.step_00 import fix_role, role_of
from lab_lib.checks.step_02 import PROCESSOR, may_invoke
from lab_lib.checks.step_03 import TOPIC, emails
from lab_lib.checks.step_04 import may_send
from lab_lib.resources import CONFIRMATION, cell

QUEUES = [*queues.ALERT_QUEUES, queues.DEAD_LETTERS]


@check(FURTHER, "tls-bucket", "TLS to the bucket", after="bucket")
def bucket_transport(account: Account) -> Finding:
    fix = account.fix("put_bucket_policy", cell("bucket"), "Permissions", if_made=True)
    objects = account.lab.arn("s3", f"{account.lab.bucket}/any")
    return _tls_only(account, account.ask(buckets.statements), "s3:GetObject", objects, fix)


@check(FURTHER, "tls-topic", "TLS to the topic", after="topic")
def topic_transport(account: Account) -> Finding:
    fix = account.fix("set_topic_attributes with a Policy", cell("topic"), "Access policy", if_made=True)
    arn = account.lab.arn("sns", account.lab.name(TOPIC))
    return _tls_only(account, account.ask(topics.statements), "sns:Publish", arn, fix)


@check(FURTHER, "tls-{}", "TLS to {}", after="queue-{}", subjects=QUEUES)
def queue_transport(account: Account, name: str) -> Finding:
    arn, is_letters = queues.queue_arn(account.lab, name), name == queues.DEAD_LETTERS
    made_by = cell("queue" if is_letters else "subscription", name)
    fix = account.fix("set_queue_attributes", made_by, "Access policy", if_made=is_letters)
    return _tls_only(account, account.ask(queues.statements, name), "sqs:SendMessage", arn, fix)


@check(
    FURTHER,
    "least-privilege-{}",
    "least privilege of the role for {}",
    after="function-role-{}",
    subjects=functions.SOURCES,
)
def least_privilege(account: Account, name: str) -> Finding:
    role = role_of(account, name)
    hint = f"Let the role {role['RoleName']} do only what {account.lab.name(name)} does, on its own resources"
    hint += fix_role(account, role, "put_role_policy, or detach_role_policy", "Permissions")
    return none_of(permissions.excess(account, name, role["Arn"]), hint, right="nothing more")


@check(
    FURTHER,
    "policy-account-{}",
    "account in the policy of {}",
    after="access-policy-{} other-senders-{}",
    subjects=queues.ALERT_QUEUES,
)
def account_in_policy(account: Account, name: str) -> Finding:
    wanted, named = account.lab.account, not may_send(account, name, ANOTHER_ACCOUNT)
    hint = f"Let the policy of {account.lab.name(name)} ask for the aws:SourceAccount too"
    hint += account.fix("set_queue_attributes", cell("subscription", name))
    return equal(wanted if named else "not asked for", wanted, hint)


@check(FURTHER, "bucket-permission-account", "account in the permission of the bucket", after="bucket-permission")
def account_in_permission(account: Account) -> Finding:
    """Bucket names are freed by a deletion: without the account, the next owner's bucket could start the function."""
    wanted, named = account.lab.account, not may_invoke(account, account.lab.bucket, ANOTHER_ACCOUNT)
    hint = f"Let the permission of {account.lab.name(PROCESSOR)} ask for the source account too"
    hint += account.fix("remove_permission and add_permission with SourceAccount", cell("bucket trigger"))
    return equal(wanted if named else "not asked for", wanted, hint)


@check(FURTHER, "encryption-at-rest-{}", "encryption at rest of {}", after="queue-{}", subjects=QUEUES)
def queue_encryption(account: Account, name: str) -> Finding:
    now = account.ask(queues.attributes, name)
    on = now.get("SqsManagedSseEnabled") == "true" or bool(now.get("KmsMasterKeyId"))
    hint = f"Turn on the encryption of {account.lab.name(name)}, of which SSE-SQS costs nothing"
    hint += account.fix("set_queue_attributes", cell("queue", name), "Encryption", if_made=True)
    return equal("on" if on else "off", "on", hint)


@check(FURTHER, "unsubscribing", "unsubscribing from the e-mail", after="email-confirmed")
def unsubscribing(account: Account) -> Finding:
    """A subscription that was confirmed by a click ends when a mail scanner opens every link of an alert."""
    arns = [email["SubscriptionArn"] for email in emails(account)]
    settings = [account.ask(triggers.subscription_settings, arn) for arn in arns if arn.startswith("arn:")]
    by_link = any(now.get("ConfirmationWasAuthenticated") != "true" for now in settings)
    way = "by the link in each mail" if by_link else "by the account only" if settings else "no e-mail"
    hint = "Delete the subscription with unsubscribe, subscribe again, and confirm with the token, not by a click"
    hint += account.fix("confirm_subscription", CONFIRMATION)
    return judged(not by_link, way, "by the account only", hint)


def _tls_only(account: Account, statements: list[dict[str, Any]], action: str, arn: str, fix: str) -> Finding:
    """Return whether the policy denies this action to the account's own user without TLS."""
    user = account.lab.arn("iam", "user/any")
    asked = Request(user, action, arn, {"aws:securetransport": "false"})
    denied = not is_allowed([permissions.ALLOW_ALL, *statements], asked)
    hint = f"Let the policy of {arn.split(':')[-1].split('/')[0]} deny every request without TLS{fix}"
    return equal("TLS only" if denied else "TLS or not", "TLS only", hint)
