"""Check what this workbook adds to the handout for security."""

from lab_lib.aws import buckets, functions, queues, topics, triggers
from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, Request, is_allowed
from lab_lib.aws.policies import Policy
from lab_lib.checks import permissions
from lab_lib.checks.rules import FURTHER, Account, Finding, check, equal, judged, none_of
from lab_lib.checks.step_00 import role_of
from lab_lib.checks.step_02 import PROCESSOR, may_invoke
from lab_lib.checks.step_03 import TOPIC, emails
from lab_lib.checks.step_04 import may_send
from lab_lib.resources import CONFIRMATION, cell

QUEUES = [*queues.ALERT_QUEUES, queues.DEAD_LETTERS]
POLICY = "Access policy"  # in the consoles of SNS and SQS
SOURCE = "remove_permission and add_permission with SourceAccount"


@check(FURTHER, "tls-bucket", "TLS to the bucket", after="bucket", call="put_bucket_policy", console="Permissions")
def bucket_transport(account: Account) -> Finding:
    objects = account.lab.arn("s3", f"{account.lab.bucket}/any")
    return _tls_only(account, account.ask(buckets.statements), "s3:GetObject", objects, account.lab.bucket)


@check(
    FURTHER, "tls-topic", "TLS to the topic", after="topic", call="set_topic_attributes with a Policy", console=POLICY
)
def topic_transport(account: Account) -> Finding:
    name = account.name(TOPIC)
    return _tls_only(account, account.ask(topics.statements), "sns:Publish", account.lab.arn("sns", name), name)


@check(FURTHER, "tls-{}", "TLS to {}", after="queue-{}", subjects=QUEUES)
def queue_transport(account: Account, name: str) -> Finding:
    arn, statements = queues.queue_arn(account.lab, name), account.ask(queues.statements, name)
    made_by = cell("queue" if name == queues.DEAD_LETTERS else "subscription", name)
    finding = _tls_only(account, statements, "sqs:SendMessage", arn, account.name(name))
    return finding._replace(hint=finding.hint + account.how_to_fix("set_queue_attributes", made_by, POLICY))


@check(
    FURTHER,
    "least-privilege-{}",
    "least privilege of the role for {}",
    after="function-role-{}",
    subjects=functions.SOURCES,
    call="put_role_policy, or detach_role_policy",
    console="Permissions",
    made_by=cell("role"),
)
def least_privilege(account: Account, name: str) -> Finding:
    role = role_of(account, name)
    hint = f"Let the role {role['RoleName']} do only what {account.name(name)} does, on its own resources"
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
    hint = f"Let the policy of {account.name(name)} ask for the aws:SourceAccount too"
    hint += account.how_to_fix("set_queue_attributes", cell("subscription", name))
    return equal(wanted if named else "not asked for", wanted, hint)


@check(
    FURTHER,
    "bucket-permission-account",
    "account in the permission of the bucket",
    after="bucket-permission",
    call=SOURCE,
)
def account_in_permission(account: Account) -> Finding:
    """Bucket names are freed by a deletion: without the account, the next owner's bucket could start the function."""
    wanted, named = account.lab.account, not may_invoke(account, account.lab.bucket, ANOTHER_ACCOUNT)
    hint = f"Let the permission of {account.name(PROCESSOR)} ask for the source account too"
    return equal(wanted if named else "not asked for", wanted, hint)


@check(FURTHER, "encryption-at-rest-{}", "encryption at rest of {}", after="queue-{}", subjects=QUEUES)
def queue_encryption(account: Account, name: str) -> Finding:
    now = account.ask(queues.attributes, name)
    on = now.get("SqsManagedSseEnabled") == "true" or bool(now.get("KmsMasterKeyId"))
    hint = f"Turn on the encryption of {account.name(name)}, of which SSE-SQS costs nothing"
    hint += account.how_to_fix("set_queue_attributes", cell("queue", name), "Encryption")
    return equal("on" if on else "off", "on", hint)


@check(
    FURTHER,
    "unsubscribing",
    "unsubscribing from the e-mail",
    after="email-confirmed",
    call="confirm_subscription",
    made_by=CONFIRMATION,
)
def unsubscribing(account: Account) -> Finding:
    """A subscription that was confirmed by a click ends when a mail scanner opens every link of an alert."""
    arns = [email["SubscriptionArn"] for email in emails(account)]
    settings = [account.ask(triggers.subscription_settings, arn) for arn in arns if arn.startswith("arn:")]
    by_link = any(now.get("ConfirmationWasAuthenticated") != "true" for now in settings)
    way = "by the link in each mail" if by_link else "by the account only" if settings else "no e-mail"
    hint = "Delete the subscription with unsubscribe, subscribe again, and confirm with the token, not by a click"
    return judged(not by_link, way, "by the account only", hint)


def _tls_only(account: Account, statements: list[Policy], action: str, arn: str, name: str) -> Finding:
    """Return whether the policy denies this action to the account's own user without TLS."""
    asked = Request(account.lab.arn("iam", "user/any"), action, arn, {"aws:securetransport": "false"})
    allowed = is_allowed([permissions.ALLOW_ALL, *statements], asked)
    hint = f"Let the policy of {name} deny every request without TLS"
    return equal("TLS or not" if allowed else "TLS only", "TLS only", hint)
