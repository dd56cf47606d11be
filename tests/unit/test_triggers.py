import pytest

from lab_lib.aws import functions, policies, queues, tables, topics, triggers
from lab_lib.errors import StepMissing
from lab_lib.exercises.experiments import create_functions

PROCESSOR = "arn:aws:lambda:us-east-1:123456789012:function:TransactionProcessor"


def permission(lab):
    """Return the statements of TransactionProcessor's policy."""
    return functions.statements(lab, "TransactionProcessor")


@pytest.fixture
def lab(lab):
    """Return the lab with all that triggers and subscriptions join."""
    create_functions(lab)
    topics.ensure_topic(lab)
    for queue in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, queue)
    return lab


def notify(lab, **notifications):
    lab.client("s3").put_bucket_notification_configuration(Bucket=lab.bucket, NotificationConfiguration=notifications)


def test_ensure_bucket_trigger_repairs_events_filter_and_permission_and_nothing_that_is_right(lab, calls):
    assert triggers.ensure_bucket_trigger(lab) == PROCESSOR
    right = triggers.notifications(lab), permission(lab)
    removed = calls("lambda", "remove_permission")
    triggers.ensure_bucket_trigger(lab)
    assert removed == []  # an upload without the permission would be lost

    changed = {"Id": "mine", "LambdaFunctionArn": PROCESSOR, "Events": ["s3:ObjectCreated:Put"]}
    notify(lab, LambdaFunctionConfigurations=[changed])
    wide = {"FunctionName": "TransactionProcessor", "StatementId": triggers.PERMISSION}
    lab.client("lambda").remove_permission(**wide)
    lab.client("lambda").add_permission(**wide, Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    triggers.ensure_bucket_trigger(lab)

    assert (triggers.notifications(lab), permission(lab)) == right
    assert right[1] == [{**policies.bucket_to_function(lab), "Sid": triggers.PERMISSION}]


def test_the_notifications_of_others_stay(lab):
    removed = {"Events": ["s3:ObjectRemoved:*"]}
    queue = {"QueueArn": queues.queue_arn(lab, "CustomerNotify"), "Id": "theirs", **removed}
    other = {"LambdaFunctionArn": f"{PROCESSOR}Other", "Id": "other", **removed}
    notify(lab, QueueConfigurations=[queue], LambdaFunctionConfigurations=[other])
    before = triggers.bucket_notifications(lab)

    triggers.ensure_bucket_trigger(lab)
    assert [item["Id"] for item in triggers.notifications(lab)] == ["other", "TransactionProcessor"]
    triggers.delete_bucket_trigger(lab)

    assert triggers.bucket_notifications(lab) == before


def test_ensure_stream_trigger_creates_one_mapping_and_changes_nothing_that_is_right(lab, calls):
    uuid = triggers.ensure_stream_trigger(lab)
    updates = calls("lambda", "update_event_source_mapping")
    assert triggers.ensure_stream_trigger(lab) == uuid

    (made,) = triggers.mappings_to(lab, "TotalNotifier")
    assert (made["UUID"], made["StartingPosition"]) == (uuid, "TRIM_HORIZON")
    assert updates == []


@pytest.mark.parametrize(
    "change",
    [{"MaximumRetryAttempts": 0}, {"State": "Disabled"}, {"FilterCriteria": {"Filters": [{}]}}],
    ids=str,
)
def test_ensure_stream_trigger_repairs_a_setting_that_was_changed_by_hand(lab, monkeypatch, calls, change):
    uuid = triggers.ensure_stream_trigger(lab)
    changed = {**triggers.find_stream_trigger(lab), **change}
    monkeypatch.setattr(triggers, "find_stream_trigger", lambda _: changed)
    updates = calls("lambda", "update_event_source_mapping")  # moto's update keeps only some of the settings

    assert triggers.ensure_stream_trigger(lab) == uuid

    (update,) = updates
    assert triggers.MAPPING.items() <= update.items()
    assert (update["Enabled"], update["FilterCriteria"]) == (True, {})


def test_ensure_stream_trigger_replaces_the_mapping_of_an_earlier_table(lab):
    triggers.ensure_stream_trigger(lab)
    tables.delete_table(lab, "Transactions")
    tables.ensure_table(lab, "Transactions")

    triggers.ensure_stream_trigger(lab)

    (made,) = triggers.mappings_to(lab, "TotalNotifier")
    assert made["EventSourceArn"] == tables.find_stream(lab)


def test_ensure_queue_subscription_twice_gives_the_same_and_repairs_policy_and_subscription(lab):
    first = triggers.ensure_queue_subscription(lab, "CustomerNotify")
    assert triggers.ensure_queue_subscription(lab, "CustomerNotify") == first
    url = queues.find_queue(lab, "CustomerNotify")
    lab.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    lab.client("sns").unsubscribe(SubscriptionArn=first)

    again = triggers.ensure_queue_subscription(lab, "CustomerNotify")

    assert triggers.find_queue_subscription(lab, "CustomerNotify") == again
    assert queues.statements(lab, "CustomerNotify")[0]["Sid"] == "TopicToQueue"


@pytest.mark.parametrize(
    ("delete", "name", "ensure", "queue", "message"),
    [
        (functions.delete_function, ["TransactionProcessor"], triggers.ensure_bucket_trigger, [], "Run notebook 01"),
        (tables.delete_table, ["Transactions"], triggers.ensure_stream_trigger, [], "Transactions .* Run notebook 00"),
        (queues.delete_queue, ["CustomerNotify"], triggers.ensure_queue_subscription, ["CustomerNotify"],
         "Run notebook 04"),
    ],
)  # fmt: skip
def test_what_a_trigger_joins_is_named_with_its_notebook_if_it_is_missing(lab, delete, name, ensure, queue, message):
    delete(lab, *name)

    with pytest.raises(StepMissing, match=message):
        ensure(lab, *queue)
    assert triggers.subscriptions(lab) == []


@pytest.mark.parametrize(("kind", "function"), [("bucket", "TransactionProcessor"), ("stream", "TotalNotifier")])
def test_a_trigger_is_deleted_quietly_also_without_its_function(lab, kind, function):
    ensure, find, delete = (getattr(triggers, f"{verb}_{kind}_trigger") for verb in ("ensure", "find", "delete"))
    ensure(lab)
    functions.delete_function(lab, function)
    assert find(lab)

    delete(lab)
    delete(lab)

    assert find(lab) is None
