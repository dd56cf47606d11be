"""Check what this workbook adds to the handout for security."""

from lab_lib.aws import buckets, functions, queues, topics, triggers
from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, Request, is_allowed
from lab_lib.aws.policies import Policy
from lab_lib.checks import permissions
from lab_lib.checks.reading import PROCESSOR, TOPIC, emails, may_invoke, may_send, role_of
from lab_lib.checks.rules import FURTHER, Account, Finding, check, either, judged, none_of
from lab_lib.language import N_, _
from lab_lib.resources import CONFIRMATION, cell

QUEUES = [*queues.ALERT_QUEUES, queues.DEAD_LETTERS]
POLICY = N_("Access policy")  # in the consoles of SNS and SQS


@check(FURTHER, "tls-bucket", "TLS to the bucket", after="bucket", call="put_bucket_policy", console=N_("Permissions"))
def bucket_transport(account: Account) -> Finding:
    objects = account.lab.arn("s3", f"{account.lab.bucket}/any")
    return _tls_only(account, account.ask(buckets.statements), "s3:GetObject", objects, account.lab.bucket)


@check(
    FURTHER,
    "tls-topic",
    "TLS to the topic",
    after="topic",
    call=N_("set_topic_attributes with a Policy"),
    console=POLICY,
)
def topic_transport(account: Account) -> Finding:
    name = account.name(TOPIC)
    return _tls_only(account, account.ask(topics.statements), "sns:Publish", account.lab.arn("sns", name), name)


@check(FURTHER, "tls-{}", "TLS to {}", after="queue-{}", subjects=QUEUES)
def queue_transport(account: Account, name: str) -> Finding:
    arn, statements = queues.queue_arn(account.lab, name), account.ask(queues.statements, name)
    made_by = cell("queue" if name == queues.DEAD_LETTERS else "subscription", name)
    finding = _tls_only(account, statements, "sqs:SendMessage", arn, account.name(name))
    return finding._replace(hint=account.how_to_fix(finding.hint, "set_queue_attributes", POLICY, made_by))


@check(
    FURTHER,
    "least-privilege-{}",
    "least privilege of the role for {}",
    after="function-role-{}",
    subjects=functions.SOURCES,
    call=N_("put_role_policy, or detach_role_policy"),
    console=N_("Permissions"),
    made_by=cell("role"),
)
def least_privilege(account: Account, name: str) -> Finding:
    role = role_of(account, name)
    hint = _(
        "Let the role {role} do only what {function} does, on its own resources",
        role=role["RoleName"],
        function=account.name(name),
    )
    return none_of(permissions.excess(account, name, role["Arn"]), hint, right=_("nothing more"))


@check(
    FURTHER,
    "policy-account-{}",
    "account in the policy of {}",
    after="access-policy-{} other-senders-{}",
    subjects=queues.ALERT_QUEUES,
)
def account_in_policy(account: Account, name: str) -> Finding:
    wanted, named = account.lab.account, not may_send(account, name, ANOTHER_ACCOUNT)
    hint = _("Let the policy of {queue} ask for the aws:SourceAccount too", queue=account.name(name))
    hint = account.how_to_fix(hint, "set_queue_attributes", cell=cell("subscription", name))
    return either(named, wanted, _("not asked for"), hint)


@check(
    FURTHER,
    "bucket-permission-account",
    "account in the permission of the bucket",
    after="bucket-permission",
    call=N_("remove_permission and add_permission with SourceAccount"),
)
def account_in_permission(account: Account) -> Finding:
    """Bucket names are freed by a deletion: without the account, the next owner's bucket could start the function."""
    wanted, named = account.lab.account, not may_invoke(account, account.lab.bucket, ANOTHER_ACCOUNT)
    hint = _("Let the permission of {function} ask for the source account too", function=account.name(PROCESSOR))
    return either(named, wanted, _("not asked for"), hint)


@check(
    FURTHER,
    "encryption-at-rest-{}",
    "encryption at rest of {}",
    after="queue-{}",
    subjects=QUEUES,
    call="set_queue_attributes",
    console=N_("Encryption"),
)
def queue_encryption(account: Account, name: str) -> Finding:
    now = account.ask(queues.attributes, name)
    on = now.get("SqsManagedSseEnabled") == "true" or now.get("KmsMasterKeyId")
    hint = _("Turn on the encryption of {queue}, of which SSE-SQS costs nothing", queue=account.name(name))
    return either(on, _("on"), _("off"), hint)


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
    wanted = _("by the account only")
    way = _("by the link in each mail") if by_link else wanted if settings else _("no e-mail")
    hint = _("Delete the subscription with unsubscribe, subscribe again, and confirm with the token, not by a click")
    return judged(not by_link, way, wanted, hint)


def _tls_only(account: Account, statements: list[Policy], action: str, arn: str, name: str) -> Finding:
    """Return whether the policy denies this action to the account's own user without TLS."""
    asked = Request(account.lab.arn("iam", "user/any"), action, arn, {"aws:securetransport": "false"})
    allowed = is_allowed([permissions.ALLOW_ALL, *statements], asked)
    hint = _("Let the policy of {name} deny every request without TLS", name=name)
    return either(not allowed, _("TLS only"), _("TLS or not"), hint)
