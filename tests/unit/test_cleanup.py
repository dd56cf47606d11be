import dataclasses

import pytest
from botocore.exceptions import ClientError

from lab_lib.aws import buckets, cleanup, functions, policies, queues, roles, tables, topics, triggers

EVERYTHING = [
    "bucket trigger",
    "stream trigger",
    "function TransactionProcessor",
    "function TotalNotifier",
    "log of TransactionProcessor",
    "log of TotalNotifier",
    "topic HighBalanceAlert",
    "queue CustomerNotify",
    "queue CreditCollection",
    "queue LabDeadLetters",
    "table Customer",
    "table Transactions",
    "table TransactionTotal",
    "table ProcessedRecords",
    "role TransactionProcessorRole",
    "role TotalNotifierRole",
    "bucket",
]


@pytest.fixture
def build():
    """Make the whole lab, as the notebooks do."""

    def build(lab):
        buckets.ensure_bucket(lab)
        for name in tables.KEYS:
            tables.ensure_table(lab, name)
        queues.ensure_queue(lab, queues.DEAD_LETTERS)
        roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
        roles.ensure_role(lab, "TotalNotifierRole", policies.total_notifier(lab))
        for name in functions.SOURCES:
            functions.ensure_function(lab, name)
        triggers.ensure_bucket_trigger(lab)
        triggers.ensure_stream_trigger(lab)
        topics.ensure_topic(lab)
        for queue in queues.ALERT_QUEUES:
            queues.ensure_queue(lab, queue)
            triggers.ensure_queue_subscription(lab, queue)
        return lab

    return build


@pytest.fixture
def given_things(lab):
    """What a managed classroom account has before the lab: the bucket with an object, a table, a role, a queue."""
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    lab.client("s3").put_object(Bucket=lab.bucket, Key="theirs.csv", Body=b"x")
    lab.client("dynamodb").create_table(
        TableName="Customer",
        KeySchema=[{"AttributeName": "CustomerId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "CustomerId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    lab.client("iam").create_role(RoleName="TotalNotifierRole", AssumeRolePolicyDocument="{}")
    lab.client("sqs").create_queue(QueueName="CustomerNotify")
    return ["queue CustomerNotify", "table Customer", "role TotalNotifierRole", "bucket"]


def test_in_an_empty_account_there_is_nothing_to_delete(lab):
    assert list(cleanup.delete_all(lab)) == []
    assert cleanup.left(lab) == []
    assert cleanup.given(lab) == []


def test_everything_of_the_lab_is_left_before_it_is_deleted(lab, build):
    build(lab)

    assert cleanup.left(lab) == EVERYTHING
    assert cleanup.given(lab) == []


def test_delete_all_deletes_everything_and_says_what(lab, build):
    build(lab)

    assert list(cleanup.delete_all(lab)) == EVERYTHING

    assert cleanup.left(lab) == []


def test_after_delete_all_the_account_is_as_empty_as_before(lab, build):
    build(lab)

    list(cleanup.delete_all(lab))

    assert lab.client("s3").list_buckets()["Buckets"] == []
    assert lab.client("dynamodb").list_tables()["TableNames"] == []
    assert lab.client("sqs").list_queues().get("QueueUrls", []) == []
    assert lab.client("sns").list_topics()["Topics"] == []
    assert lab.client("sns").list_subscriptions()["Subscriptions"] == []
    assert lab.client("lambda").list_functions()["Functions"] == []
    assert lab.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert lab.client("logs").describe_log_groups()["logGroups"] == []
    assert lab.client("iam").list_roles()["Roles"] == []


def test_delete_all_again_deletes_nothing(lab, build):
    build(lab)
    list(cleanup.delete_all(lab))

    assert list(cleanup.delete_all(lab)) == []


def test_delete_all_finishes_what_was_deleted_half_way(lab, build):
    build(lab)
    deleting = cleanup.delete_all(lab)
    done = [next(deleting) for _ in range(6)]
    deleting.close()

    rest = list(cleanup.delete_all(lab))

    assert done + rest == EVERYTHING
    assert cleanup.left(lab) == []


def test_nothing_is_deleted_until_the_answer_is_read(lab, build):
    build(lab)

    cleanup.delete_all(lab)

    assert cleanup.left(lab) == EVERYTHING


def test_given_things_are_kept_and_listed(lab, build, given_things):
    build(lab)

    deleted = list(cleanup.delete_all(lab))

    assert deleted == [what for what in EVERYTHING if what not in given_things]
    assert cleanup.left(lab) == []
    assert cleanup.given(lab) == given_things
    assert [each["Key"] for each in buckets.objects(lab)] == ["theirs.csv"]


def test_a_trigger_of_the_lab_goes_though_its_bucket_was_given(lab, build, given_things):
    build(lab)

    list(cleanup.delete_all(lab))

    found = lab.client("s3").get_bucket_notification_configuration(Bucket=lab.bucket)
    assert "LambdaFunctionConfigurations" not in found


def test_a_trigger_of_a_function_that_the_lab_did_not_make_stays(lab, build):
    build(lab)
    for name in functions.SOURCES:
        lab.client("lambda").untag_resource(Resource=functions.find_function(lab, name), TagKeys=["lab"])

    deleted = list(cleanup.delete_all(lab))

    assert not [what for what in deleted if "trigger" in what]
    assert cleanup.given(lab)[:2] == ["stream trigger", "function TransactionProcessor"]
    assert triggers.find_stream_trigger(lab)


def test_a_trigger_whose_function_is_gone_is_deleted(lab, build):
    build(lab)
    for name in functions.SOURCES:
        functions.delete_function(lab, name)

    assert list(cleanup.delete_all(lab))[:2] == EVERYTHING[:2]


def test_the_lab_of_another_prefix_stays(lab, build):
    other = build(dataclasses.replace(lab, prefix="bob-"))
    build(lab)

    list(cleanup.delete_all(lab))

    assert cleanup.left(lab) == []
    assert cleanup.left(other) == EVERYTHING


def test_things_that_are_not_the_labs_stay(lab, build):
    build(lab)
    lab.client("sqs").create_queue(QueueName="CustomerNotifyToo")
    lab.client("s3").create_bucket(Bucket="theirs")

    list(cleanup.delete_all(lab))

    assert len(lab.client("sqs").list_queues()["QueueUrls"]) == 1
    assert [each["Name"] for each in lab.client("s3").list_buckets()["Buckets"]] == ["theirs"]


def test_a_refusal_is_never_an_empty_account(lab, build, refuse):
    build(lab)
    refuse("dynamodb", "describe_table", code="AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        cleanup.left(lab)
    with pytest.raises(ClientError, match="AccessDenied"):
        list(cleanup.delete_all(lab))
