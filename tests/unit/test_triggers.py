import dataclasses
import json

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import buckets, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.errors import LabError, StepMissing, UsageError
from lab_lib.handlers.transaction_processor import rejected_key

PROCESSOR = "arn:aws:lambda:us-east-1:123456789012:function:TransactionProcessor"


@pytest.fixture
def uploads(lab):
    """What the bucket's trigger joins."""
    buckets.ensure_bucket(lab)
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
    functions.ensure_function(lab, "TransactionProcessor")
    return lab


@pytest.fixture
def streaming(lab):
    """What the stream's trigger joins."""
    tables.ensure_table(lab, "Transactions")
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
    functions.ensure_function(lab, "TotalNotifier")
    return lab


@pytest.fixture
def alerting(lab):
    """What the queues' subscriptions join."""
    topics.ensure_topic(lab)
    for queue in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, queue)
    return lab


@pytest.fixture
def permission(lab):
    """The statements of TransactionProcessor's policy."""
    return lambda: json.loads(lab.client("lambda").get_policy(FunctionName="TransactionProcessor")["Policy"])[
        "Statement"
    ]


@pytest.fixture
def notifications(lab):
    def notifications(*, put=None):
        s3 = lab.client("s3")
        if put is not None:
            s3.put_bucket_notification_configuration(Bucket=lab.bucket, NotificationConfiguration=put)
        found = s3.get_bucket_notification_configuration(Bucket=lab.bucket)
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    return notifications


@pytest.fixture
def mapping(lab):
    return lambda uuid: lab.client("lambda").get_event_source_mapping(UUID=uuid)


@pytest.fixture
def listed(lab, monkeypatch):
    """Lambda lists these mappings."""
    return lambda *found: monkeypatch.setattr(
        lab.client("lambda"), "list_event_source_mappings", lambda **_: {"EventSourceMappings": [*found]}
    )


@pytest.fixture
def publish(lab):
    return lambda text: lab.client("sns").publish(TopicArn=topics.find_topic(lab), Message=text)


def test_ensure_bucket_trigger_starts_the_function_for_every_new_txt_object(uploads, notifications):
    assert triggers.ensure_bucket_trigger(uploads) == PROCESSOR

    (made,) = notifications()["LambdaFunctionConfigurations"]
    assert made["LambdaFunctionArn"] == PROCESSOR
    assert made["Events"] == ["s3:ObjectCreated:*"]
    assert made["Filter"] == {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".txt"}]}}
    assert triggers.find_bucket_trigger(uploads) == made


def test_what_the_function_rejects_does_not_start_it_again():
    (rule,) = triggers.UPLOADS["Key"]["FilterRules"]

    assert not rejected_key("my.txt").endswith(rule["Value"])


def test_ensure_bucket_trigger_lets_this_bucket_of_this_account_invoke_and_nobody_else(uploads, permission):
    triggers.ensure_bucket_trigger(uploads)

    (statement,) = permission()
    assert (statement["Effect"], statement["Action"]) == ("Allow", "lambda:InvokeFunction")
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnLike": {"AWS:SourceArn": f"arn:aws:s3:::{uploads.bucket}"},
        "StringEquals": {"AWS:SourceAccount": "123456789012"},
    }


def test_ensure_bucket_trigger_twice_gives_one_trigger_and_one_permission(uploads, notifications, permission):
    triggers.ensure_bucket_trigger(uploads)
    before = notifications()

    triggers.ensure_bucket_trigger(uploads)

    assert notifications() == before
    assert len(permission()) == 1


def test_ensure_bucket_trigger_again_leaves_the_permission_alone_so_that_no_upload_is_lost(uploads, monkeypatch):
    triggers.ensure_bucket_trigger(uploads)
    taken = []
    monkeypatch.setattr(uploads.client("lambda"), "remove_permission", lambda **call: taken.append(call))

    triggers.ensure_bucket_trigger(uploads)

    assert taken == []


def test_ensure_bucket_trigger_gives_a_changed_filter_back(uploads, notifications):
    triggers.ensure_bucket_trigger(uploads)
    changed = {"Id": "mine", "LambdaFunctionArn": PROCESSOR, "Events": ["s3:ObjectCreated:Put"]}
    notifications(put={"LambdaFunctionConfigurations": [changed]})

    triggers.ensure_bucket_trigger(uploads)

    (made,) = notifications()["LambdaFunctionConfigurations"]
    assert (made["Events"], made["Filter"]) == (["s3:ObjectCreated:*"], triggers.UPLOADS)


def test_ensure_bucket_trigger_gives_a_permission_back_that_was_taken_by_hand(uploads, permission):
    triggers.ensure_bucket_trigger(uploads)
    uploads.client("lambda").remove_permission(FunctionName="TransactionProcessor", StatementId="BucketMayInvoke")

    triggers.ensure_bucket_trigger(uploads)

    assert len(permission()) == 1


def test_the_notifications_of_others_stay(alerting, uploads, notifications):
    queue = {"QueueArn": queues.queue_arn(uploads, "CustomerNotify"), "Events": ["s3:ObjectRemoved:*"], "Id": "theirs"}
    other = {"LambdaFunctionArn": f"{PROCESSOR}Other", "Events": ["s3:ObjectRemoved:*"], "Id": "other"}
    before = notifications(put={"QueueConfigurations": [queue], "LambdaFunctionConfigurations": [other]})

    triggers.ensure_bucket_trigger(uploads)
    made = notifications()
    triggers.delete_bucket_trigger(uploads)

    assert made["QueueConfigurations"] == before["QueueConfigurations"]
    assert [each["Id"] for each in made["LambdaFunctionConfigurations"]] == ["other", "TransactionProcessor"]
    assert notifications() == before


def test_ensure_bucket_trigger_without_the_bucket_says_which_step_is_missing(lab):
    with pytest.raises(StepMissing, match="Run 00-start-here first"):
        triggers.ensure_bucket_trigger(lab)


def test_ensure_bucket_trigger_without_the_function_says_which_step_is_missing(lab):
    buckets.ensure_bucket(lab)

    with pytest.raises(StepMissing, match=r"TransactionProcessor is not there\. Run 01-create-functions first"):
        triggers.ensure_bucket_trigger(lab)


def test_delete_bucket_trigger_takes_it_away_and_again_is_quiet(uploads):
    triggers.ensure_bucket_trigger(uploads)

    triggers.delete_bucket_trigger(uploads)
    triggers.delete_bucket_trigger(uploads)

    assert triggers.find_bucket_trigger(uploads) is None


def test_delete_bucket_trigger_works_when_the_function_is_gone(uploads):
    triggers.ensure_bucket_trigger(uploads)
    functions.delete_function(uploads, "TransactionProcessor")

    triggers.delete_bucket_trigger(uploads)

    assert triggers.find_bucket_trigger(uploads) is None


def test_ensure_stream_trigger_makes_an_enabled_mapping_with_its_settings(streaming, mapping):
    uuid = triggers.ensure_stream_trigger(streaming)

    made = mapping(uuid)
    assert made["State"] == "Enabled"
    assert made["EventSourceArn"] == tables.find_stream(streaming)
    assert made["FunctionArn"] == functions.find_function(streaming, "TotalNotifier")
    assert made["StartingPosition"] == "TRIM_HORIZON"
    assert {key: made[key] for key in triggers.MAPPING} == triggers.MAPPING
    assert made["DestinationConfig"]["OnFailure"]["Destination"] == queues.queue_arn(streaming, queues.DEAD_LETTERS)


def test_ensure_stream_trigger_twice_gives_the_same_mapping_and_updates_nothing(streaming, calls):
    uuid = triggers.ensure_stream_trigger(streaming)
    updates = calls("lambda", "update_event_source_mapping")

    assert triggers.ensure_stream_trigger(streaming) == uuid

    assert triggers.find_stream_trigger(streaming)["UUID"] == uuid
    assert updates == []


@pytest.mark.parametrize(
    "change", [{"BatchSize": 1}, {"MaximumRetryAttempts": 0}, {"BisectBatchOnFunctionError": False}, {"Enabled": False}]
)
def test_ensure_stream_trigger_asks_lambda_to_give_a_changed_setting_back(streaming, monkeypatch, calls, change):
    # moto's update keeps only some of the settings, so what counts is what it is asked.
    uuid = triggers.ensure_stream_trigger(streaming)
    streaming.client("lambda").update_event_source_mapping(UUID=uuid, **change)
    changed = {**triggers.find_stream_trigger(streaming), **change}
    changed["State"] = "Enabled" if changed.pop("Enabled", True) else "Disabled"
    monkeypatch.setattr(triggers, "find_stream_trigger", lambda _: changed)
    updates = calls("lambda", "update_event_source_mapping")

    assert triggers.ensure_stream_trigger(streaming) == uuid

    (update,) = updates
    assert {key: update[key] for key in triggers.MAPPING} == triggers.MAPPING
    assert update["Enabled"] is True


def test_ensure_stream_trigger_follows_a_table_that_was_made_anew(streaming, mapping):
    old = triggers.ensure_stream_trigger(streaming)
    stream = tables.find_stream(streaming)
    tables.delete_table(streaming, "Transactions")
    tables.ensure_table(streaming, "Transactions")
    assert tables.find_stream(streaming) != stream

    uuid = triggers.ensure_stream_trigger(streaming)

    assert mapping(uuid)["EventSourceArn"] == tables.find_stream(streaming)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        mapping(old)


def test_ensure_stream_trigger_without_the_stream_says_which_step_is_missing(lab):
    with pytest.raises(StepMissing, match="Run 00-start-here first"):
        triggers.ensure_stream_trigger(lab)


def test_ensure_stream_trigger_without_the_function_says_which_step_is_missing(lab):
    tables.ensure_table(lab, "Transactions")

    with pytest.raises(StepMissing, match=r"TotalNotifier is not there\. Run 01-create-functions first"):
        triggers.ensure_stream_trigger(lab)


def test_find_stream_trigger_sees_no_mapping_of_another_table(streaming):
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    other = streaming.client("dynamodb").create_table(
        TableName="Transactions2",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=stream,
    )["TableDescription"]
    streaming.client("lambda").create_event_source_mapping(
        EventSourceArn=other["LatestStreamArn"], FunctionName="TotalNotifier", StartingPosition="LATEST"
    )

    assert triggers.find_stream_trigger(streaming) is None


def test_delete_stream_trigger_deletes_it_and_again_is_quiet(streaming):
    triggers.ensure_stream_trigger(streaming)

    triggers.delete_stream_trigger(streaming)
    triggers.delete_stream_trigger(streaming)

    assert triggers.find_stream_trigger(streaming) is None


def test_a_mapping_whose_function_is_gone_is_found_and_deleted(streaming):
    triggers.ensure_stream_trigger(streaming)
    streaming.client("lambda").delete_function(FunctionName="TotalNotifier")
    assert triggers.find_stream_trigger(streaming) is not None

    triggers.delete_stream_trigger(streaming)

    assert triggers.find_stream_trigger(streaming) is None


def test_a_refusal_is_never_an_absent_mapping(streaming, refuse):
    refuse("lambda", "list_event_source_mappings", code="AccessDeniedException")

    for call in (triggers.find_stream_trigger, triggers.ensure_stream_trigger, triggers.delete_stream_trigger):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(streaming)


def test_a_refusal_is_never_an_absent_notification(uploads, refuse):
    refuse("s3", "get_bucket_notification_configuration")

    for call in (triggers.find_bucket_trigger, triggers.ensure_bucket_trigger, triggers.delete_bucket_trigger):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(uploads)


def test_what_is_published_comes_into_both_queues(alerting, publish):
    for queue in queues.ALERT_QUEUES:
        triggers.ensure_queue_subscription(alerting, queue)

    publish('{"customerID": "C2", "accountBalance": "1750"}')

    for queue in queues.ALERT_QUEUES:
        assert queues.alerts(alerting, queue) == [{"customerID": "C2", "accountBalance": "1750"}]


def test_ensure_queue_subscription_lets_the_topic_in_and_nobody_else(alerting):
    triggers.ensure_queue_subscription(alerting, "CustomerNotify")

    assert queues.allowed_senders(alerting, "CustomerNotify") == ["HighBalanceAlert"]
    assert queues.allowed_senders(alerting, "CreditCollection") == []


def test_ensure_queue_subscription_twice_gives_the_same_subscription_and_one_message(alerting, publish):
    first = triggers.ensure_queue_subscription(alerting, "CustomerNotify")

    assert triggers.ensure_queue_subscription(alerting, "CustomerNotify") == first

    publish("{}")
    assert len(queues.messages(alerting, "CustomerNotify")) == 1


def test_ensure_queue_subscription_gives_a_changed_policy_back(alerting):
    triggers.ensure_queue_subscription(alerting, "CustomerNotify")
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    alerting.client("sqs").set_queue_attributes(
        QueueUrl=queues.find_queue(alerting, "CustomerNotify"),
        Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [everyone]})},
    )

    triggers.ensure_queue_subscription(alerting, "CustomerNotify")

    assert queues.allowed_senders(alerting, "CustomerNotify") == ["HighBalanceAlert"]


def test_ensure_queue_subscription_subscribes_again_what_was_unsubscribed_by_hand(alerting):
    first = triggers.ensure_queue_subscription(alerting, "CustomerNotify")
    alerting.client("sns").unsubscribe(SubscriptionArn=first)
    assert triggers.find_queue_subscription(alerting, "CustomerNotify") is None

    again = triggers.ensure_queue_subscription(alerting, "CustomerNotify")

    assert triggers.find_queue_subscription(alerting, "CustomerNotify") == again


def test_ensure_queue_subscription_without_the_topic_says_which_step_is_missing(lab):
    with pytest.raises(StepMissing, match=r"Topic HighBalanceAlert is not there\. Run 03-create-topic first"):
        triggers.ensure_queue_subscription(lab, "CustomerNotify")


def test_ensure_queue_subscription_without_the_queue_says_which_step_is_missing(lab):
    topics.ensure_topic(lab)

    with pytest.raises(StepMissing, match=r"Queue CustomerNotify is not there\. Run 04-create-queues first"):
        triggers.ensure_queue_subscription(lab, "CustomerNotify")


@pytest.mark.parametrize(("protocol", "address"), [("email", "ana@example.com"), ("sms", "+15555550100")])
def test_ensure_subscription_twice_gives_one_subscription(alerting, protocol, address):
    first = triggers.ensure_subscription(alerting, protocol, address)

    assert triggers.ensure_subscription(alerting, protocol, address) == first
    assert [(each["Protocol"], each["Endpoint"]) for each in triggers.subscriptions(alerting)] == [(protocol, address)]


def test_a_subscription_that_waits_for_its_recipient_is_not_made_again(alerting, monkeypatch, calls):
    # moto confirms every address by itself.
    waiting = {"Protocol": "email", "Endpoint": "ana@example.com", "SubscriptionArn": "PendingConfirmation"}
    monkeypatch.setattr(triggers, "subscriptions", lambda _: [waiting])
    made = calls("sns", "subscribe")

    assert triggers.ensure_subscription(alerting, "email", "ana@example.com") == "PendingConfirmation"
    assert made == []


LINK = "https://sns.us-east-1.amazonaws.com/confirmation.html?TopicArn=t&Token=2336abc&Endpoint=ana@example.com"


@pytest.mark.parametrize(
    "link", [LINK, f"  {LINK}\n", LINK.replace("Token=2336", "Token=23\n 36"), "2336abc"], ids=str.split
)
def test_confirm_subscription_confirms_by_link_or_token_that_only_the_account_may_unsubscribe(alerting, calls, link):
    made = calls("sns", "confirm_subscription")

    arn = triggers.confirm_subscription(alerting, link)

    assert arn.startswith(topics.find_topic(alerting))
    assert made == [{"TopicArn": topics.find_topic(alerting), "Token": "2336abc", "AuthenticateOnUnsubscribe": "true"}]


@pytest.mark.parametrize(
    "link", ["", "https://example.com/", LINK.replace("Token=2336abc", "Token="), "Confirm: subscription"]
)
def test_confirm_subscription_by_a_link_without_a_token_says_what_to_copy(alerting, calls, link):
    made = calls("sns", "confirm_subscription")

    with pytest.raises(UsageError, match="Copy the whole address") as told:
        triggers.confirm_subscription(alerting, link)

    assert (made, "ana@example.com" in str(told.value)) == ([], False)


def test_confirm_subscription_with_a_token_that_sns_does_not_take_says_why_in_one_line(alerting, refuse):
    refuse("sns", "confirm_subscription", code="InvalidParameter", message="Invalid parameter: Token")

    with pytest.raises(LabError, match=r"HighBalanceAlert: it is not whole, older than two days.*newest mail") as told:
        triggers.confirm_subscription(alerting, LINK)

    assert "\n" not in str(told.value)


def test_confirm_subscription_without_the_topic_says_which_step_is_missing(lab):
    with pytest.raises(StepMissing, match="03-create-topic"):
        triggers.confirm_subscription(lab, LINK)


def test_another_address_is_another_subscription(alerting):
    triggers.ensure_subscription(alerting, "email", "ana@example.com")

    assert triggers.find_subscription(alerting, "email", "bob@example.com") is None


def test_without_the_topic_there_are_no_subscriptions(lab):
    assert triggers.subscriptions(lab) == []
    assert triggers.find_queue_subscription(lab, "CustomerNotify") is None


def test_a_refusal_is_never_an_absent_subscription(alerting, refuse):
    refuse("sns", "list_subscriptions_by_topic", code="AuthorizationError")

    with pytest.raises(ClientError, match="AuthorizationError"):
        triggers.find_queue_subscription(alerting, "CustomerNotify")
    with pytest.raises(ClientError, match="AuthorizationError"):
        triggers.ensure_subscription(alerting, "email", "ana@example.com")


def test_notifications_are_all_that_start_a_function(alerting, uploads, notifications):
    queue = {"QueueArn": queues.queue_arn(uploads, "CustomerNotify"), "Events": ["s3:ObjectRemoved:*"], "Id": "theirs"}
    other = {"LambdaFunctionArn": f"{PROCESSOR}Other", "Events": ["s3:ObjectRemoved:*"], "Id": "other"}
    notifications(put={"QueueConfigurations": [queue], "LambdaFunctionConfigurations": [other]})
    triggers.ensure_bucket_trigger(uploads)

    found = triggers.notifications(uploads)

    assert [each["Id"] for each in found] == ["other", "TransactionProcessor"]
    assert triggers.find_bucket_trigger(uploads) == found[1]


def test_notifications_of_a_bucket_without_any_and_of_an_absent_bucket_are_none(lab):
    assert triggers.notifications(lab) == []

    buckets.ensure_bucket(lab)

    assert triggers.notifications(lab) == []


def test_mappings_are_those_of_transactions_whatever_function_they_start(streaming, listed):
    stream, function = tables.find_stream(streaming), functions.find_function(streaming, "TotalNotifier")
    table = stream.split("/stream/")[0]
    old, other = f"{table}/stream/2020-01-01T00:00:00.000", f"{table}2/stream/2020-01-01T00:00:00.000"
    mapping = {"UUID": "now", "EventSourceArn": stream, "FunctionArn": function, "State": "Enabled"}
    listed(
        {**mapping, "UUID": "old", "EventSourceArn": old},
        {**mapping, "UUID": "other table", "EventSourceArn": other},
        mapping,
        {**mapping, "UUID": "other function", "FunctionArn": PROCESSOR},
        {**mapping, "UUID": "off", "State": "Disabled"},
        {**mapping, "UUID": "going", "State": "Deleting"},
        {"UUID": "of no stream", "FunctionArn": function, "State": "Enabled"},
    )

    found = [each["UUID"] for each in triggers.mappings(streaming)]

    assert found == ["old", "now", "other function", "off"]


def test_mappings_are_those_of_the_table_with_the_labs_prefix(streaming):
    triggers.ensure_stream_trigger(streaming)

    assert len(triggers.mappings(streaming)) == 1
    assert triggers.mappings(dataclasses.replace(streaming, prefix="ana-")) == []


def test_mappings_are_all_there_when_they_are_more_than_a_page(lab, monkeypatch):
    mapping = {"EventSourceArn": lab.arn("dynamodb", "table/Transactions/stream/1"), "State": "Enabled"}
    pages = {
        None: {"EventSourceMappings": [{**mapping, "UUID": "one"}], "NextMarker": "more"},
        "more": {"EventSourceMappings": [{**mapping, "UUID": "two"}]},
    }
    monkeypatch.setattr(
        lab.client("lambda"), "list_event_source_mappings", lambda **arguments: pages[arguments.get("Marker")]
    )

    assert [each["UUID"] for each in triggers.mappings(lab)] == ["one", "two"]


def test_mappings_outlive_the_table_and_its_stream(streaming):
    uuid = triggers.ensure_stream_trigger(streaming)
    tables.delete_table(streaming, "Transactions")

    assert [each["UUID"] for each in triggers.mappings(streaming)] == [uuid]


def test_all_subscriptions_are_those_of_every_topic(alerting):
    other = alerting.client("sns").create_topic(Name="Other")["TopicArn"]
    queue = queues.queue_arn(alerting, "CustomerNotify")
    alerting.client("sns").subscribe(TopicArn=other, Protocol="sqs", Endpoint=queue)
    triggers.ensure_queue_subscription(alerting, "CustomerNotify")

    found = {(each["TopicArn"], each["Endpoint"]) for each in triggers.all_subscriptions(alerting)}

    assert found == {(other, queue), (topics.find_topic(alerting), queue)}
    assert [each["TopicArn"] for each in triggers.subscriptions(alerting)] == [topics.find_topic(alerting)]


def test_all_subscriptions_are_there_when_they_are_more_than_a_page(alerting):
    topic = topics.find_topic(alerting)
    for number in range(101):  # SNS's pages have 100
        alerting.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=f"ana{number}@example.com")

    assert len(triggers.all_subscriptions(alerting)) == len(triggers.subscriptions(alerting)) == 101


def test_without_any_topic_there_are_no_subscriptions_at_all(lab):
    assert triggers.all_subscriptions(lab) == []


def test_subscription_settings_are_what_sns_tells_of_the_subscription(alerting):
    arn = triggers.ensure_queue_subscription(alerting, "CustomerNotify")
    before = triggers.subscription_settings(alerting, arn)
    for name, value in [("RawMessageDelivery", "true"), ("FilterPolicy", '{"store": ["x"]}')]:
        alerting.client("sns").set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=name, AttributeValue=value
        )

    now = triggers.subscription_settings(alerting, arn)

    assert before["SubscriptionArn"] == arn
    assert before.get("RawMessageDelivery", "false") == "false"
    assert "FilterPolicy" not in before
    assert (now["RawMessageDelivery"], json.loads(now["FilterPolicy"])) == ("true", {"store": ["x"]})


def test_a_refusal_to_list_or_to_read_is_never_that_there_is_nothing(alerting, refuse):
    refuse("sns", "list_subscriptions", code="AuthorizationError")
    refuse("sns", "get_subscription_attributes", code="AuthorizationError")

    with pytest.raises(ClientError, match="AuthorizationError"):
        triggers.all_subscriptions(alerting)
    with pytest.raises(ClientError, match="AuthorizationError"):
        triggers.subscription_settings(alerting, alerting.arn("sns", "HighBalanceAlert:1"))


def test_switch_stream_trigger_pauses_the_mapping_and_lets_it_go_on(lab, streaming, mapping, monkeypatch):
    uuid = triggers.ensure_stream_trigger(lab)
    settings = triggers.MAPPING["BatchSize"]

    triggers.switch_stream_trigger(lab, on=False)
    assert mapping(uuid)["State"] == "Disabled"

    triggers.switch_stream_trigger(lab, on=True)
    assert mapping(uuid)["State"] == "Enabled"
    assert mapping(uuid)["BatchSize"] == settings


def test_switch_stream_trigger_without_one_names_the_step(lab, streaming):
    with pytest.raises(StepMissing, match="02-add-triggers"):
        triggers.switch_stream_trigger(lab, on=False)
