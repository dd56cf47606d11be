"""Say what this workbook adds to the handout: nothing is lost, nothing counts twice, and nobody else gets in.

The last fact is about the clean-up.
"""

from lab_lib.aws import cleanup, cloudwatch, functions, grants, queues, tables, topics, triggers
from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, from_user, is_allowed
from lab_lib.checks import hazards, permissions
from lab_lib.checks.facts import Read, Want, asked, equal, fact, none, own_name, there, within, yes
from lab_lib.checks.hazards import outsiders
from lab_lib.checks.reading import (
    PROCESSOR,
    emails,
    is_taken,
    mapping,
    may_invoke,
    may_send,
    policy,
    role_of,
    subscription_settings,
)
from lab_lib.checks.rules import FURTHER, Account
from lab_lib.checks.steps_00_01 import CLOSE, PERMISSIONS, PUT_POLICY, TRUST, UPDATE_TABLE, role_name
from lab_lib.checks.steps_02_04 import (
    NOTIFY,
    POLICY,
    SET_DESTINATION,
    SET_POLICY,
    SET_QUEUE,
    SET_SUBSCRIPTION,
    SET_TOPIC,
    SET_TOPIC_POLICY,
    SUBSCRIPTIONS,
    TO_LETTERS,
    of_mapping,
    subscribing,
    subscription_arn,
    uuid,
)
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key
from lab_lib.language import N_, _
from lab_lib.resources import CLEAN_UP, CONFIRMATION, cell

MARKERS, LETTERS = "ProcessedRecords", queues.DEAD_LETTERS
QUEUES = [*queues.ALERT_QUEUES, LETTERS]
REJECTED = rejected_key("transactions.txt")
RETRIES = ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "FunctionResponseTypes")
ASKED_FOR = yes(N_("asked for"), N_("not asked for"))


# Nothing is lost, and nothing counts twice

fact(
    FURTHER,
    "rejected-rows",
    "rejected rows start nothing",
    lambda account: is_taken(account, REJECTED),
    none(N_("they start nothing"), N_("{key} starts it"), key=REJECTED),
    N_("Give the trigger of {processor} the suffix .txt, so that it does not start itself"),
    NOTIFY,
    after="bucket-trigger-filter",
)


def markers(account: Account, table: str) -> str:
    schema = (account.ask(tables.describe, table) or {}).get("KeySchema", [])
    return " + ".join(key["AttributeName"] for key in schema)


fact(
    FURTHER,
    "table-{}",
    "table {}",
    markers,
    lambda _account, name: equal(tables.KEYS[name][0]),
    N_("Make the table {name} with the key {wanted}, in which {notifier} marks each change that it has added up"),
    'dynamodb.create_table(TableName="{name}", ...)',
    subjects=[MARKERS],
    made_by=cell("table", MARKERS),
)
fact(
    FURTHER,
    "expiry-{}",
    "expiry of {}",
    asked(tables.expiry),
    lambda _account, name: equal(tables.EXPIRING[name], N_("never")),
    N_("Let items of {name} expire by {wanted}"),
    'dynamodb.update_time_to_live(TableName="{name}", TimeToLiveSpecification={{"Enabled": True, "AttributeName": '
    '"{wanted}"}})',
    after="table-{}",
    subjects=[MARKERS],
)
fact(
    FURTHER,
    "old-amounts",
    "old amounts in the stream",
    "table.StreamSpecification.StreamViewType",
    equal("NEW_AND_OLD_IMAGES"),
    N_("A correction is the new amount minus the old one. Turn the stream of {table} off, then on with both images"),
    UPDATE_TABLE,
    after="stream-view",
)


def log_days(account: Account, name: str) -> int | None:
    return account.ask(cloudwatch.log_days, log_group(account, name)["group"])


def log_group(account: Account, name: str) -> dict[str, str]:
    return {"group": cloudwatch.group_of(account.lab, name, account.settings(name))}


fact(
    FURTHER,
    "log-retention-{}",
    "retention of the log of {}",
    log_days,
    Want(bool, N_("some days, such as 14"), otherwise=N_("for ever"), unit=N_("{} days")),
    N_("Set the retention of {group}, or you keep the logs, and pay for them, for ever"),
    'logs.put_retention_policy(logGroupName="{group}", retentionInDays=14)',
    more=log_group,
    after="rows",
    subjects=functions.SOURCES,
)
fact(
    FURTHER,
    "queue-{}",
    "queue {}",
    there(queues.attributes),
    own_name,
    N_("Make the queue {name} for what a function cannot process"),
    'sqs.create_queue(QueueName="{name}")',
    subjects=[LETTERS],
    made_by=cell("queue", LETTERS),
    similar=queues.names,
)
fact(
    FURTHER,
    "messages-{}",
    "messages in {}",
    "queue.ApproximateNumberOfMessages",
    equal("0"),
    N_(
        "Each message in {name} says what could not be processed, and why: call aws.queues.dead_letters(lab). Fix "
        "that, upload a file that has it, and delete the messages"
    ),
    "sqs.purge_queue(QueueUrl={url})",
    N_("Purge"),
    by_cell=False,
    after="queue-{}",
    subjects=[LETTERS],
)


def kept(account: Account, destination: str | None) -> str:
    return _("go to {queue}", queue=grants.short(account.lab, destination)) if destination else ""


def to_letters(account: Account) -> Want:
    """Want any destination: the lab's is an example."""
    return Want(bool, N_("go to {queue}"), {"queue": account.name(LETTERS)}, N_("are dropped"))


def failed_files(account: Account) -> str:
    """They go to a destination of Lambda, or to the older dead-letter target of the function."""
    older = account.settings(PROCESSOR).get("DeadLetterConfig", {}).get("TargetArn")
    return kept(account, functions.destination(hazards.event_settings(account)) or older)


fact(
    FURTHER,
    "failed-files",
    "failed files of TransactionProcessor",
    failed_files,
    to_letters,
    N_("Add a destination on failure to {processor}, such as the queue {letters}"),
    SET_DESTINATION,
    after=f"function-{PROCESSOR}",
)
of_mapping(
    FURTHER,
    "failed-changes",
    "failed changes of TotalNotifier",
    lambda account: kept(account, functions.destination(mapping(account))),
    to_letters,
    N_("Add a destination on failure to the trigger of {notifier}, such as the queue {letters}"),
    TO_LETTERS,
)
fact(
    FURTHER,
    "oldest-position",
    "starting position that misses nothing",
    "mapping.StartingPosition",
    equal("TRIM_HORIZON"),
    N_("LATEST can miss changes. Delete the trigger {uuid} of {notifier}, and add it again at TRIM_HORIZON"),
    'lambda_.delete_event_source_mapping(UUID="{uuid}"), then create_event_source_mapping',
    more=uuid,
    after="stream-trigger",
)
of_mapping(
    FURTHER,
    "stream-trigger-batch-size",
    "batch size of the stream trigger",
    "mapping.BatchSize",
    within(10, 1000),  # a file in smaller batches takes for ever; a larger batch takes longer than the timeout
    N_("Set the batch size of the trigger of {notifier} to 1000"),
    "BatchSize=1000)",
)
of_mapping(
    FURTHER,
    "stream-trigger-filter",
    "filter of the stream trigger",
    "mapping.FilterCriteria.Filters[].Pattern",
    none(),
    N_("What the filter of the trigger of {notifier} drops is never added up. Remove it"),
    "FilterCriteria={{}})",
    of="stream trigger",
)


def unbounded(account: Account) -> list[str]:
    now = mapping(account)
    unset = [setting for setting in RETRIES if str(now.get(setting)) in ("None", "-1", "False", "[]")]  # 0 is set
    return [_("{setting} is not set", setting=setting) for setting in unset]


of_mapping(
    FURTHER,
    "stream-trigger-retries",
    "retries of the stream trigger",
    unbounded,
    none(N_("bounded")),
    N_("Set these for the trigger of {notifier}, or one bad change blocks its shard for a day"),
    "MaximumRetryAttempts=10, MaximumRecordAgeInSeconds=3600, BisectBatchOnFunctionError=True, "
    'FunctionResponseTypes=["ReportBatchItemFailures"])',
)
fact(
    FURTHER,
    "topic-display-name",
    "display name of the topic",
    "topic.DisplayName",
    equal(topics.DISPLAY_NAME, N_("none")),
    N_("Set the display name of the topic {topic} to {wanted}"),
    SET_TOPIC + '"DisplayName", AttributeValue="{wanted}")',
    N_("Edit"),
    after="topic",
)
fact(
    FURTHER,
    "filter-policy-{}",
    "filter policy of {}",
    lambda account, name: subscription_settings(account, name).get("FilterPolicy", "").removeprefix("{}"),
    none(),
    N_("The filter policy of the subscription of {name} may drop alerts. Remove it"),
    SET_SUBSCRIPTION + '"FilterPolicy", AttributeValue="{{}}")',
    SUBSCRIPTIONS,
    more=subscription_arn,
    by_cell=False,
    after="subscription-{}",
    of="subscription",
)
fact(
    FURTHER,
    "load-{}",
    "limits of {}",
    hazards.function_limits,
    none(),
    N_("Many files, or a long one, may meet these limits of {name}. Let it run more often at once, and try longer"),
    'lambda_.delete_function_concurrency(FunctionName="{name}"), or put_function_event_invoke_config',
    after="function-{}",
    subjects=functions.SOURCES,
    by_cell=False,
)
fact(
    FURTHER,
    "load-{}",
    "limits of {}",
    hazards.table_limits,
    none(),
    N_("A large file may write more to {name} than its units allow, unless they grow by themselves. Pay by request"),
    'dynamodb.update_table(TableName="{name}", BillingMode="PAY_PER_REQUEST")',
    after="table-{}",
    of="table",
    by_cell=False,
)

# Security


def plain_text(kind: str, action: str) -> Read:
    """Return what reads whether the policy of a resource allows the account's own user an action without TLS."""

    def read(account: Account, name: str = "") -> bool:
        statements, arn = policy(account, kind, name)
        place = f"{arn}/any" if kind == "bucket" else arn
        asked = from_user(account.lab.arn("iam", "user/any"), action, place, {"aws:securetransport": "false"})
        return is_allowed([permissions.ALLOW_ALL, *statements], asked)

    return read


TLS = none(N_("TLS only"), N_("TLS or not"))
fact(
    FURTHER,
    "tls-bucket",
    "TLS to the bucket",
    plain_text("bucket", "s3:GetObject"),
    TLS,
    N_("Let the policy of {bucket} deny every request without TLS"),
    PUT_POLICY,
    PERMISSIONS,
    after="bucket",
)
fact(
    FURTHER,
    "tls-topic",
    "TLS to the topic",
    plain_text("topic", "sns:Publish"),
    TLS,
    N_("Let the policy of {topic} deny every request without TLS"),
    SET_TOPIC_POLICY,
    POLICY,
    after="topic",
)
fact(
    FURTHER,
    "tls-{}",
    "TLS to {}",
    plain_text("queue", "sqs:SendMessage"),
    TLS,
    N_("Let the policy of {name} deny every request without TLS"),
    SET_POLICY,
    POLICY,
    made_by=subscribing,
    after="queue-{}",
    subjects=QUEUES,
)
fact(
    FURTHER,
    "least-privilege-{}",
    "least privilege of the role for {}",
    lambda account, name: permissions.excess(account, name, role_of(account, name)["Arn"]),
    none(N_("nothing more")),
    N_("Let the role {role} do only what {name} does, on its own resources"),
    N_("put_role_policy, or detach_role_policy"),
    PERMISSIONS,
    more=lambda account, name: {"role": role_of(account, name)["RoleName"]},
    after="function-role-{}",
    subjects=functions.SOURCES,
    made_by=cell("role"),
)
fact(
    FURTHER,
    "policy-account-{}",
    "account in the policy of {}",
    lambda account, name: not may_send(account, name, ANOTHER_ACCOUNT),
    ASKED_FOR,
    N_("Let the policy of {name} ask for the aws:SourceAccount {account} too"),
    SET_POLICY,
    POLICY,
    made_by=subscribing,
    after="access-policy-{} other-senders-{}",
    subjects=queues.ALERT_QUEUES,
)
fact(
    FURTHER,
    "bucket-permission-account",
    "account in the permission of the bucket",
    lambda account: not may_invoke(account, account.lab.bucket, ANOTHER_ACCOUNT),
    ASKED_FOR,
    N_(
        "A bucket's name is free once it is deleted: its next owner could start {processor}. Let its permission ask "
        "for the SourceAccount {account} too"
    ),
    N_("remove_permission and add_permission with SourceAccount"),
    after="bucket-permission",
)
fact(
    FURTHER,
    "encryption-at-rest-{}",
    "encryption at rest of {}",
    "queue.SqsManagedSseEnabled == 'true' || KmsMasterKeyId != null",
    yes(N_("on"), N_("off")),
    N_("Turn on the encryption of {name}, of which SSE-SQS costs nothing"),
    SET_QUEUE + '{{"SqsManagedSseEnabled": "true"}})',
    N_("Encryption"),
    after="queue-{}",
    subjects=QUEUES,
)


def by_click(account: Account) -> list[str]:
    """Return the way in which anybody can end the e-mail: a mail scanner opens every link of an alert."""
    arns = [email["SubscriptionArn"] for email in emails(account)]
    settings = [account.ask(triggers.subscription_settings, arn) for arn in arns if arn.startswith("arn:")]
    by_link = [now for now in settings if now.get("ConfirmationWasAuthenticated") != "true"]
    return [_("by the link in each mail")] if by_link else []


fact(
    FURTHER,
    "unsubscribing",
    "unsubscribing from the e-mail",
    by_click,
    none(N_("by the account only")),
    N_("Delete the subscription with unsubscribe, subscribe again, and confirm with the token, not by a click"),
    "sns.confirm_subscription",
    after="email-confirmed",
    made_by=CONFIRMATION,
)
# No points: a managed classroom account has a role that its students may not change, or even read, and the embedded AWS
# gives a topic of CloudFormation a default policy that lets everybody in.
fact(
    FURTHER,
    "outsiders-role-{}",
    "other accounts at the role for {}",
    outsiders("role"),
    none(),
    N_("Remove what lets another account in from the trust policy of {role}"),
    TRUST,
    more=role_name,
    after="role-{}",
    subjects=functions.SOURCES,
    made_by=cell("role"),
)
fact(
    FURTHER,
    "outsiders-topic",
    "other accounts at the topic",
    outsiders("topic"),
    none(),
    N_("Remove what lets another account in from the policy of {topic}"),
    SET_TOPIC_POLICY,
    after="topic",
)
fact(
    FURTHER,
    "outsiders-{}",
    "other accounts at {}",
    outsiders("queue"),
    none(),
    CLOSE,
    SET_POLICY,
    POLICY,
    after="queue-{}",
    subjects=[LETTERS],
    made_by=cell("queue", LETTERS),
)

# 99: the clean-up

fact(
    "99",
    "nothing-left",
    "made by this lab and still there",
    asked(cleanup.remaining),
    none(N_("nothing")),
    N_("Run `lab clean`, or {clean_up} once more"),
    more=lambda _account: {"clean_up": CLEAN_UP},
)
