"""Connect bucket to function, stream to function, topic to queue, and topic to e-mail or SMS."""

import re
from collections.abc import Iterable
from typing import Any

from lab_lib import resources
from lab_lib.aws import policies
from lab_lib.aws.buckets import find_bucket
from lab_lib.aws.functions import SOURCES, Settings, find_function, statements
from lab_lib.aws.queues import DEAD_LETTERS, ensure_queue_policy, find_queue, queue_arn
from lab_lib.aws.tables import find_stream
from lab_lib.aws.topics import find_topic
from lab_lib.calls.waiting import WAITS
from lab_lib.errors import none_if_absent
from lab_lib.lab import TAGS, Lab, has_lab_tag

Trigger = dict[str, Any]  # a notification of S3, or a mapping of Lambda, as AWS describes it
PERMISSION = "BucketMayInvoke"  # the id of the statement in the function's policy
MAPPING: Settings = {
    "BatchSize": 1000,
    "MaximumBatchingWindowInSeconds": 1,
    "MaximumRetryAttempts": 10,
    "MaximumRecordAgeInSeconds": 3600,
    "BisectBatchOnFunctionError": True,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}


def ensure_bucket_trigger(lab: Lab) -> str:
    """Let new *.txt objects in the bucket start TransactionProcessor. Return the function's ARN.

    Other notifications of the bucket stay.
    """
    resources.require(find_bucket(lab), "bucket")
    function = resources.require(find_function(lab, "TransactionProcessor"), "function", "TransactionProcessor")
    _allow_bucket_to_invoke(lab)
    wanted = {
        "Id": lab.name("TransactionProcessor"),
        "LambdaFunctionArn": function,
        "Events": ["s3:ObjectCreated:*"],
        # Rejected rows are written as .csv, so that they do not start the function again.
        "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".txt"}]}},
    }
    _put_notifications(lab, [*_other_notifications(lab), wanted])
    return function


def find_bucket_trigger(lab: Lab) -> Trigger | None:
    """Return the notification that starts TransactionProcessor, as S3 describes it, or None."""
    for notification in notifications(lab):
        if _starts(lab, "TransactionProcessor", notification):
            return notification
    return None


def notifications(lab: Lab) -> list[Trigger]:
    """Return the bucket's notifications that start a function, as S3 describes them."""
    return list(bucket_notifications(lab).get("LambdaFunctionConfigurations", []))


def bucket_notifications(lab: Lab) -> Settings:
    """Return all notifications of the bucket, as S3 describes them: those that start a function, and others."""
    s3 = lab.client("s3")
    answer = none_if_absent(lambda: s3.get_bucket_notification_configuration(Bucket=lab.bucket)) or {}
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def allowed_buckets(lab: Lab) -> list[str]:
    """Return the buckets that the policy of TransactionProcessor names as those that may start it."""
    conditions = [statement.get("Condition") for statement in statements(lab, "TransactionProcessor")]
    name = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
    text = str(conditions)  # an ARN in it ends with a quote, or goes on with a slash
    return re.findall(rf"{lab.arn('s3', '')}({name})['/]", text)


def delete_bucket_trigger(lab: Lab) -> None:
    """Delete the notification. Other notifications stay."""
    others = _other_notifications(lab)
    if others != notifications(lab):
        _put_notifications(lab, others)


def ensure_stream_trigger(lab: Lab, stream: str | None = None, settings: Settings = MAPPING, wait: bool = True) -> str:
    """Let changes in the table Transactions start TotalNotifier. Return the mapping's UUID, by default once enabled.

    A new mapping starts at TRIM_HORIZON, the oldest record of the stream. LATEST, the handout's starting position, can
    miss changes in the minutes until the mapping works. `stream` is the ARN of another stream than the lab's own.
    """
    lambda_ = lab.client("lambda")
    stream = stream or resources.require(find_stream(lab), "table", "Transactions")
    function = resources.require(find_function(lab, "TotalNotifier"), "function", "TotalNotifier")
    settings = {**settings, "DestinationConfig": {"OnFailure": {"Destination": queue_arn(lab, DEAD_LETTERS)}}}
    for other in mappings_to(lab, "TotalNotifier"):
        if other["EventSourceArn"] != stream:  # of an earlier table
            delete_mapping(lab, other)
    mapping = find_stream_trigger(lab)
    if mapping is None:
        mapping = lambda_.create_event_source_mapping(
            EventSourceArn=stream, FunctionName=function, StartingPosition="TRIM_HORIZON", **settings, Tags=TAGS
        )
    elif _has_changed(mapping, settings):
        lambda_.update_event_source_mapping(UUID=mapping["UUID"], **settings, Enabled=True, FilterCriteria={})
    uuid = str(mapping["UUID"])
    if wait:
        _wait_for_state(lab, uuid, "Enabled")
    return uuid


def switch_mappings(labs: Iterable[Lab], on: bool) -> None:
    """Pause the mapping of each lab, or let it continue where it stopped in the stream, and wait until all do."""
    state = "Enabled" if on else "Disabled"
    pairs = [(lab, resources.require(find_stream_trigger(lab), "stream trigger")) for lab in labs]
    for lab, mapping in pairs:
        lab.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
    for lab, mapping in pairs:
        _wait_for_state(lab, mapping["UUID"], state)


def find_stream_trigger(lab: Lab) -> Trigger | None:
    """Return the mapping from a stream to TotalNotifier, as Lambda describes it, or None."""
    return next(iter(mappings_to(lab, "TotalNotifier")), None)


def is_ours(lab: Lab) -> bool:
    """Return True if the mapping from a stream to TotalNotifier exists and has the lab's tag."""
    mapping = find_stream_trigger(lab)
    if mapping is None:
        return False
    return has_lab_tag(lab.client("lambda").list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"])


def mappings(lab: Lab) -> list[Trigger]:
    """Return all mappings from a present or earlier stream of Transactions, as Lambda describes them."""
    return _mappings(lab, f"table/{lab.name('Transactions')}/")


def mappings_to(lab: Lab, *names: str) -> list[Trigger]:
    """Return the mappings from a stream to one of these functions. A user may have created more than one."""
    found = []
    for mapping in _mappings(lab, "table/"):
        if any(_starts(lab, name, mapping) for name in names):
            found.append(mapping)
    return found


def delete_stream_trigger(lab: Lab, wait: bool = True) -> None:
    """Delete the mapping. With `wait`, return when it is gone: until then it may still call the function."""
    for mapping in mappings_to(lab, "TotalNotifier"):
        delete_mapping(lab, mapping, wait)


def ensure_queue_subscription(lab: Lab, queue: str) -> str:
    """Subscribe the queue to the topic, and let only that topic send to it. Return the subscription's ARN."""
    topic = resources.require(find_topic(lab), "topic")
    resources.require(find_queue(lab, queue), "queue", queue)
    ensure_queue_policy(lab, queue)
    arn = find_queue_subscription(lab, queue)
    if arn:
        return arn
    answer = lab.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(lab, queue))
    return str(answer["SubscriptionArn"])


def find_queue_subscription(lab: Lab, queue: str) -> str | None:
    """Return the ARN of the queue's subscription to the topic, or None."""
    return find_subscription(lab, "sqs", queue_arn(lab, queue))


def find_subscription(lab: Lab, protocol: str, address: str) -> str | None:
    """Return the subscription's ARN, PendingConfirmation until the recipient confirms it, or None."""
    for row in subscriptions(lab):
        if (row["Protocol"], row["Endpoint"]) == (protocol, address):
            return str(row["SubscriptionArn"])
    return None


def subscriptions(lab: Lab) -> list[dict[str, Any]]:
    """Return all subscriptions of the topic, as SNS lists them."""
    topic = find_topic(lab)
    if topic is None:
        return []
    pages = lab.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return list(pages.build_full_result()["Subscriptions"])


def subscription_settings(lab: Lab, arn: str) -> dict[str, str]:
    """Return the attributes of a subscription, as SNS gives them: RawMessageDelivery, FilterPolicy …"""
    return dict(lab.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"])


def _allow_bucket_to_invoke(lab: Lab) -> None:
    """Let this bucket of this account, and no other, invoke the function."""
    lambda_ = lab.client("lambda")
    function = lab.name("TransactionProcessor")
    wanted = {**policies.bucket_to_function(lab), "Sid": PERMISSION}
    existing = statements(lab, "TransactionProcessor")
    ours = [statement for statement in existing if statement.get("Sid") == PERMISSION]
    if ours == [wanted]:
        return  # without the permission, even for a moment, an upload would not start the function
    if ours:
        lambda_.remove_permission(FunctionName=function, StatementId=PERMISSION)
    lambda_.add_permission(
        FunctionName=function,
        StatementId=PERMISSION,
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=lab.arn("s3", lab.bucket),
        SourceAccount=lab.account,
    )


def _starts(lab: Lab, function: str, trigger: Trigger) -> bool:
    """Return True if the notification or mapping starts this function."""
    arn = lab.arn("lambda", f"function:{lab.name(function)}")
    return arn in (trigger.get("LambdaFunctionArn"), trigger.get("FunctionArn"))


def _other_notifications(lab: Lab) -> list[Trigger]:
    """Return the notifications that start none of the lab's functions."""
    others = []
    for notification in notifications(lab):
        if not any(_starts(lab, name, notification) for name in SOURCES):
            others.append(notification)
    return others


def _put_notifications(lab: Lab, to_functions: list[Trigger]) -> None:
    """Replace the bucket's notifications to functions. S3 replaces all others too, so they are sent again."""
    wanted = {**bucket_notifications(lab), "LambdaFunctionConfigurations": to_functions}
    lab.client("s3").put_bucket_notification_configuration(Bucket=lab.bucket, NotificationConfiguration=wanted)


def _mappings(lab: Lab, source: str) -> list[Trigger]:
    """Return the mappings from streams whose ARN continues like this after the account."""
    beginning = lab.arn("dynamodb", source)
    found = []
    # All mappings of the account are listed: Lambda does not find a mapping by a function that is deleted.
    for page in lab.client("lambda").get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            stream = mapping.get("EventSourceArn", "")  # a mapping of Kafka may have none
            if stream.startswith(beginning) and mapping["State"] != "Deleting":
                found.append(mapping)
    return found


def _has_changed(mapping: Trigger, settings: Settings) -> bool:
    """Return True if the mapping has other settings, is not enabled, or has a filter."""
    is_filtered = "Filters" in mapping.get("FilterCriteria", {})
    wanted = {**settings, "State": "Enabled"}
    return is_filtered or any(mapping.get(name) != value for name, value in wanted.items())


def delete_mapping(lab: Lab, mapping: Trigger, wait: bool = True) -> None:
    """Delete the mapping. With `wait`, return when it is gone: until then it may still call the function."""
    lab.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
    if wait:
        _wait_for_state(lab, mapping["UUID"], None)


def _wait_for_state(lab: Lab, uuid: str, wanted: str | None) -> None:
    def has_it() -> bool:
        state = none_if_absent(lambda: lab.client("lambda").get_event_source_mapping(UUID=uuid)["State"])
        return bool(state == wanted)

    lab.wait_until(has_it, WAITS["mapping"].what, **WAITS["mapping"].times)
