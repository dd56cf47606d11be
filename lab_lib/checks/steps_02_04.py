"""Say what steps 02 to 04 must have made: the triggers, the topic with its people, and the queues."""

from typing import Any

from lab_lib.aws import buckets, grants, queues, topics, triggers
from lab_lib.aws.evaluator import ANOTHER_ACCOUNT, like
from lab_lib.aws.grants import short
from lab_lib.aws.json_text import count
from lab_lib.checks import hazards, reading
from lab_lib.checks.facts import Read, Want, at_most, equal, fact, none, own_name, there, yes
from lab_lib.checks.hazards import CREATED, ends, lasts, outsiders
from lab_lib.checks.reading import (
    NOTIFIER,
    PROCESSOR,
    TOPIC,
    UPLOAD,
    affix,
    bucket_triggers,
    emails,
    is_old,
    is_taken,
    mapping,
    may_invoke,
    may_send,
    policy,
    starts_another,
)
from lab_lib.checks.rules import Account, Finding, check, judged
from lab_lib.errors import LabError
from lab_lib.language import N_, _
from lab_lib.resources import CONFIRMATION, PEOPLE, Cell, cell

BEFORE = f"bucket-region function-{PROCESSOR}"
PROPERTIES, TRIGGERS = N_("Properties"), N_("Configuration, Triggers")  # in the consoles of S3 and Lambda
SUBSCRIPTIONS, POLICY = N_("Subscriptions"), N_("Access policy")  # in those of SNS and SQS
NOTIFY = 's3.put_bucket_notification_configuration(Bucket="{bucket}", NotificationConfiguration=...)'
UPDATE = 'lambda_.update_event_source_mapping(UUID="{uuid}", '
SET_QUEUE = "sqs.set_queue_attributes(QueueUrl={url}, Attributes="
SET_POLICY = SET_QUEUE + '{{"Policy": ...}})'
SET_TOPIC = 'sns.set_topic_attributes(TopicArn="{topic_arn}", AttributeName='
SET_TOPIC_POLICY = SET_TOPIC + '"Policy", AttributeValue=...)'
TO_LETTERS = 'DestinationConfig={{"OnFailure": {{"Destination": "{letters}"}}}})'
SET_DESTINATION = 'lambda_.put_function_event_invoke_config(FunctionName="{processor}", ' + TO_LETTERS
SET_SUBSCRIPTION = 'sns.set_subscription_attributes(SubscriptionArn="{arn}", AttributeName='
LIMITS = {"DelaySeconds": range(61), "MessageRetentionPeriod": range(3600, 1_209_601)}  # alerts come soon, and stay


def subscribing(queue: str) -> Cell:
    """Return the cell that gives a queue its policy."""
    return cell("queue" if queue == queues.DEAD_LETTERS else "subscription", queue)


def uuid(account: Account) -> dict[str, str]:
    return {"uuid": mapping(account)["UUID"]}


def of_mapping(step: str, id: str, name: str, found: str | Read, want: Any, why: str, change: str, **how: Any) -> None:
    """Enter a fact of the mapping of the stream, which this change of it puts right."""
    call = f"{UPDATE}{change}"
    fact(step, id, name, found, want, why, call, TRIGGERS, more=uuid, after="stream-trigger", **how)


def subscription_arn(account: Account, name: str) -> dict[str, str]:
    return {"arn": reading.subscription(account, name)["SubscriptionArn"]}


# 02: the bucket starts TransactionProcessor


def started(account: Account) -> bool | list[str]:
    """Return True if the bucket starts the function, else what it starts. LabError if nothing says whether it does."""
    if bucket_triggers(account):
        return True
    if ways := reading.other_ways(account):
        why = _("the bucket sends its events to {ways}, and this check cannot follow them", ways=_(" and ").join(ways))
        raise LabError(why)
    return _started(account, [trigger["LambdaFunctionArn"] for trigger in reading.notifications(account)])


def other_starts(account: Account) -> list[str]:
    """Return the triggers whose function is gone, or is TotalNotifier."""
    arns = [trigger["LambdaFunctionArn"] for trigger in reading.notifications(account)]
    others = [arn for arn in arns if not reading.starts(account, arn, account.name(PROCESSOR))]
    return _started(account, [arn for arn in others if not starts_another(account, arn)])


def _started(account: Account, arns: list[str]) -> list[str]:
    return [_("the bucket starts {function}", function=short(account.lab, arn)) for arn in arns]


def covers(events: list[str]) -> bool:
    """Return True if a small and a large upload are among the events."""
    return all(any(like(event, CREATED + way) for event in events) for way in ("Put", "CompleteMultipartUpload"))


def invoker(account: Account) -> bool | str:
    if reading.is_indirect(account):
        return True
    if may_invoke(account, "any-bucket", ANOTHER_ACCOUNT):
        return _("any bucket of any account may start it")
    own = lasts(lambda account, after: may_invoke(account, account.lab.bucket, account.lab.account, after))
    return own(account)  # type: ignore[no-any-return]


fact(
    "02",
    "bucket-trigger",
    "bucket trigger",
    started,
    lambda account: yes(N_("the bucket starts {function}"), function=account.name(PROCESSOR)),
    N_(
        "Let the bucket {bucket} start {processor}. First delete its other event notification for the same keys, if "
        "there is one: S3 allows one"
    ),
    NOTIFY,
    PROPERTIES,
    after=BEFORE,
    of="bucket trigger",
    weight=3,
)
fact(
    "02",
    "bucket-trigger-events",
    "events of the bucket trigger",
    lambda account: [event for trigger in bucket_triggers(account) for event in trigger.get("Events", [])],
    Want(covers, f"{CREATED}*"),
    N_("Let the trigger of {processor} take all object create events, so that small and large files start it"),
    NOTIFY,
    PROPERTIES,
    after="bucket-trigger",
    of="bucket trigger",
)


@check("02", "bucket-trigger-filter", "filter of the bucket trigger", after="bucket-trigger", of="bucket trigger")
def keys(account: Account) -> Finding:
    """The trigger takes the handout's file, or a file that was in fact uploaded."""
    return filter_takes(account, [UPLOAD, *(upload["Key"] for upload in account.ask(buckets.uploads))])


def filter_takes(account: Account, uploads: list[str]) -> Finding:
    """Return whether the trigger takes one of these keys."""
    taken = [key for key in uploads if is_taken(account, key)]
    filters = sorted(f"{affix(trigger, 'prefix')}*{affix(trigger, 'suffix')}" for trigger in bucket_triggers(account))
    hint = _(
        "Remove prefix and suffix from the trigger of {name}, or make the suffix .txt", name=account.name(PROCESSOR)
    )
    hint = account.how_to_fix(hint, "s3.put_bucket_notification_configuration", PROPERTIES, cell("bucket trigger"))
    return judged(taken, "; ".join(filters), _("a filter that takes {key}", key=uploads[0]), hint)


fact(
    "02",
    "bucket-permission",
    "permission of the bucket",
    invoker,
    lambda account: yes(
        N_("{bucket} may start it, and no other bucket"), N_("{bucket} may not start it"), bucket=account.lab.bucket
    ),
    N_(
        "Let the bucket {bucket} of account {account} invoke {processor}, without a date, and remove any other "
        "statement from its policy with remove_permission"
    ),
    'lambda_.add_permission(FunctionName="{processor}", StatementId="bucket", Action="lambda:InvokeFunction", '
    'Principal="s3.amazonaws.com", SourceArn="{bucket_arn}", SourceAccount="{account}")',
    after=BEFORE,
    of="bucket trigger",
    weight=3,
)
fact(
    "02",
    "other-bucket-triggers",
    "other bucket triggers",
    other_starts,
    none(),
    N_("Delete this event notification of the bucket {bucket}"),
    NOTIFY,
    PROPERTIES,
    by_cell=False,
    after="bucket-trigger",
)
fact(
    "02",
    "elsewhere-bucket",
    "other events of the bucket",
    hazards.bucket_sends,
    none(),
    N_("Let the bucket {bucket} send the events s3:ObjectCreated:*, and only to {processor}"),
    NOTIFY,
    PROPERTIES,
    by_cell=False,
    after="bucket",
)
fact(
    "02",
    "elsewhere-{}",
    "other destinations of {}",
    lambda account, _name: hazards.files_go(account),
    none(),
    N_("Let {name} have no destination but {letters}, on failure"),
    SET_DESTINATION,
    N_("Configuration, Destinations"),
    after=f"function-{PROCESSOR}",
    subjects=[PROCESSOR],
)

# 02: the stream starts TotalNotifier


def mapped(account: Account) -> bool | list[str]:
    return bool(mapping(account)) or [_mapped(account, trigger) for trigger in account.ask(triggers.mappings)]


def wrong_mappings(account: Account) -> list[triggers.Trigger]:
    """Return those that are there twice, read an earlier stream, or start what is gone, or is the wrong function."""
    others = [other for other in account.ask(triggers.mappings) if other["UUID"] != mapping(account).get("UUID")]
    return [other for other in others if is_old(account, other) or not starts_another(account, other["FunctionArn"])]


def _mapped(account: Account, mapping: triggers.Trigger) -> str:
    name = short(account.lab, mapping["FunctionArn"])
    if is_old(account, mapping):
        return _("an earlier stream starts {function}", function=name)
    return _("the stream starts {function}", function=name)


fact(
    "02",
    "stream-trigger",
    "stream trigger",
    mapped,
    lambda account: yes(N_("the stream starts {function}"), function=account.name(NOTIFIER)),
    N_("Let the stream of {table} start {notifier}"),
    'lambda_.create_event_source_mapping(FunctionName="{notifier}", EventSourceArn=dynamodb.describe_table('
    'TableName="{table}")["Table"]["LatestStreamArn"], StartingPosition="TRIM_HORIZON")',
    TRIGGERS,
    after=f"stream function-{NOTIFIER}",
    of="stream trigger",
    weight=3,
)
of_mapping(
    "02",
    "stream-trigger-state",
    "state of the stream trigger",
    "mapping.State",
    equal("Enabled"),
    N_("Enable the trigger of {notifier}"),
    "Enabled=True)",
    waits=("Creating", "Enabling", "Updating"),
    of="stream trigger",
)
of_mapping(
    "02",
    "stream-trigger-batching-window",
    "batching window of the stream trigger",
    "mapping.MaximumBatchingWindowInSeconds || `0`",
    at_most(60, N_("{} s")),
    N_("Alerts wait for the batch window of the trigger of {notifier}. Set it to 1 s"),
    "MaximumBatchingWindowInSeconds=1)",
)
fact(
    "02",
    "other-stream-triggers",
    "other stream triggers",
    lambda account: [_mapped(account, other) for other in wrong_mappings(account)],
    none(),
    N_("Delete this trigger of the stream of {table}"),
    "lambda_.delete_event_source_mapping(UUID={uuids})",
    TRIGGERS,
    more=lambda account: {"uuids": _(" or ").join(f'"{other["UUID"]}"' for other in wrong_mappings(account))},
    by_cell=False,
    after="stream-trigger",
)
of_mapping(
    "02",
    "elsewhere-stream-trigger",
    "other destinations of the changes",
    hazards.changes_go,
    none(),
    N_("Let the trigger of {notifier} keep failed changes in {letters}, where nobody takes them for alerts"),
    TO_LETTERS,
)
of_mapping(
    "02",
    "load-stream-trigger",
    "limits of the stream trigger",
    hazards.stream_limits,
    none(),
    N_(
        "The trigger of {notifier} gives up changes for which DynamoDB or {notifier} had no time, or keeps them back. "
        "Let it try longer, without a window"
    ),
    "MaximumRetryAttempts=10, MaximumRecordAgeInSeconds=3600, TumblingWindowInSeconds=0)",
)

# 03: the topic and its people

fact(
    "03",
    "topic",
    "topic HighBalanceAlert",
    there(topics.attributes),
    own_name,
    N_("Create the standard topic {topic} in {region}"),
    'sns.create_topic(Name="{topic}")',
    of="topic",
    similar=topics.names,
)


@check("03", "email", "e-mail subscription", after="topic", made_by=PEOPLE)
def email(account: Account) -> Finding:
    return _subscribed(account, "email", account.lab.email)


@check("03", "email-confirmed", "e-mail confirmed", after="email", made_by=CONFIRMATION)
def confirmed(account: Account) -> Finding:
    """The recipient has clicked the link. Until then the subscription is pending, and gets no alert."""
    subscriptions = emails(account)
    confirmed = any(row["SubscriptionArn"].startswith("arn:") for row in subscriptions)
    hint = _("Open the mail from AWS Notifications, perhaps in the spam folder, and confirm with its link")
    hint = account.how_to_fix(hint, "sns.confirm_subscription", cell=CONFIRMATION)
    found = _("confirmed") if confirmed else _("pending") if subscriptions else _("none to confirm")
    return judged(confirmed or not subscriptions, found, _("confirmed"), hint, counts=bool(account.lab.email))


@check("03", "sms", "SMS subscription", after="topic", made_by=PEOPLE)
def sms(account: Account) -> Finding:
    return _subscribed(account, "sms", account.lab.phone)


def _subscribed(account: Account, protocol: str, address: str) -> Finding:
    """Return whether the address is subscribed; without an address that is right. The finding shows no address."""
    addresses = [row["Endpoint"] for row in account.ask(triggers.subscriptions) if row["Protocol"] == protocol]
    hint = _("Subscribe the address that you named to {topic}", topic=account.name(TOPIC))
    call = (
        f'sns.subscribe(TopicArn="{account.lab.arn("sns", account.name(TOPIC))}", Protocol="{protocol}", Endpoint=...)'
    )
    hint = account.how_to_fix(hint, call, SUBSCRIPTIONS, PEOPLE)
    if not address:
        return judged(True, _("subscribed") if addresses else _("none was named"), "", hint, counts=False)
    found = _("another address is subscribed") if addresses else _("not there")
    is_there = address in addresses
    return judged(is_there, _("subscribed") if is_there else found, _("subscribed"), hint)


fact(
    "03",
    "ends-topic",
    "expiry of the topic's policy",
    ends("topic"),
    none(),
    N_("Remove the date from the policy of {topic}"),
    SET_TOPIC_POLICY,
    POLICY,
    after="topic",
)

# 04: the queues


def limits(account: Account, name: str) -> list[str]:
    now = account.ask(queues.attributes, name)
    odd = [limit for limit in LIMITS if limit in now and count(now[limit]) not in LIMITS[limit]]
    return [_("{setting} is {value}", setting=limit, value=now[limit]) for limit in odd]


def other_senders(account: Account, name: str) -> list[str]:
    """Return who may send beside the topic and the users of the account."""
    senders = {*grants.senders(account.lab, *policy(account, "queue", name))} - {account.name(TOPIC)}
    return [_("anyone") if sender == grants.ANYONE else sender for sender in senders]


fact(
    "04",
    "queue-{}",
    "queue {}",
    there(queues.attributes),
    own_name,
    N_("Create the standard queue {name} in {region}"),
    'sqs.create_queue(QueueName="{name}")',
    of="queue",
    similar=queues.names,
)
fact(
    "04",
    "subscription-{}",
    "subscription of {}",
    lambda account, name: bool(reading.subscription(account, name)),
    lambda account, _name: yes(N_("subscribed to {topic}"), topic=account.name(TOPIC)),
    N_("Subscribe {name} to the topic {topic}"),
    'sns.subscribe(TopicArn="{topic_arn}", Protocol="sqs", Endpoint="{queue_arn}")',
    SUBSCRIPTIONS,
    after="topic queue-{}",
    of="subscription",
    weight=3,
)
fact(
    "04",
    "raw-delivery-{}",
    "raw delivery of {}",
    "subscription.RawMessageDelivery == 'true'",
    none(N_("off"), N_("on")),
    N_("The lab reads SNS's envelope. Turn off raw message delivery in the subscription of {name}"),
    SET_SUBSCRIPTION + '"RawMessageDelivery", AttributeValue="false")',
    SUBSCRIPTIONS,
    more=subscription_arn,
    by_cell=False,
    after="subscription-{}",
    of="subscription",
    shown=True,
)
fact(
    "04",
    "access-policy-{}",
    "access policy of {}",
    lasts(lambda account, name, after: may_send(account, name, account.lab.account, after)),
    lambda account, _name: yes(N_("{topic} may send"), N_("{topic} may not send"), topic=account.name(TOPIC)),
    N_("Without it, messages vanish without an error. Let {topic_arn} send to {name}, without a date"),
    SET_POLICY,
    POLICY,
    made_by=subscribing,
    after="topic queue-{}",
    of="queue",
    weight=3,
)
fact(
    "04",
    "other-senders-{}",
    "other senders to {}",
    other_senders,
    none(),
    N_("In the access policy of {name}, let in the topic {topic} only, by its aws:SourceArn"),
    SET_POLICY,
    POLICY,
    made_by=subscribing,
    after="queue-{}",
    subjects=queues.ALERT_QUEUES,
)
fact(
    "04",
    "limits-{}",
    "delay and retention of {}",
    limits,
    none(N_("enough for every alert")),
    N_("Let alerts of {name} come at once, and stay for four days: set DelaySeconds and MessageRetentionPeriod"),
    SET_QUEUE + '{{"DelaySeconds": "0", "MessageRetentionPeriod": "345600"}})',
    N_("Configuration"),
    by_cell=False,
    after="queue-{}",
    of="queue",
)
fact(
    "04",
    "encryption-{}",
    "encryption of {}",
    "queue.KmsMasterKeyId || ''",
    Want(lambda key: key != "alias/aws/sqs", N_("SSE-SQS, or a key that the topic may use")),
    N_("AWS's own key for SQS does not let SNS use it. Choose SSE-SQS for {name}, or a key of your own that does"),
    SET_QUEUE + '{{"KmsMasterKeyId": "", "SqsManagedSseEnabled": "true"}})',
    N_("Encryption"),
    by_cell=False,
    after="queue-{}",
    of="queue",
)
fact(
    "04",
    "other-subscriptions",
    "other subscriptions",
    hazards.alerts_go,
    none(),
    N_("Delete this subscription of {topic}, if it leads to another account, back into the chain, or to a stranger"),
    "sns.unsubscribe(SubscriptionArn=...)",
    SUBSCRIPTIONS,
    by_cell=False,
    after="topic",
)
fact(
    "04",
    "outsiders-{}",
    "other accounts at {}",
    outsiders("queue", grants.SEND.lower()),  # "other senders" judges that
    none(),
    N_("Remove what lets another account in from the policy of {name}"),
    SET_POLICY,
    POLICY,
    by_cell=False,
    after="queue-{}",
    subjects=queues.ALERT_QUEUES,
)
fact(
    "04",
    "elsewhere-{}",
    "dead-letter queue of {}",
    hazards.messages_go,
    none(),
    N_("SQS moves a message of {name} to this queue after some have looked at it. Remove the redrive policy"),
    SET_QUEUE + '{{"RedrivePolicy": ""}})',
    N_("Dead-letter queue"),
    by_cell=False,
    after="queue-{}",
    subjects=queues.ALERT_QUEUES,
)
