import dataclasses

import pytest

from lab_lib import resources
from lab_lib.aws import buckets, cleanup, functions, policies, queues, roles, tables, topics, triggers
from tests.lab.chains import Chain

EVERYTHING = [
    "bucket trigger", "stream trigger", "function TransactionProcessor", "function TotalNotifier",
    "log of TransactionProcessor", "log of TotalNotifier", "topic HighBalanceAlert",
    *(f"queue {name}" for name in (*resources.names("queue"), queues.MINE)),
    "table Customer", "table Transactions", "table ProcessedRecords", "table TransactionTotal",
    "role TransactionProcessorRole", "role TotalNotifierRole", "bucket",
]  # fmt: skip


@pytest.fixture
def adopted(lab):
    """Resources of a managed classroom account: the bucket with an object, a table, a role, a queue."""
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    lab.client("s3").put_object(Bucket=lab.bucket, Key="theirs.csv", Body=b"x")
    arn = tables.ensure_table(lab, "Customer")
    lab.client("dynamodb").untag_resource(ResourceArn=arn, TagKeys=["lab"])
    lab.client("iam").create_role(RoleName="TotalNotifierRole", AssumeRolePolicyDocument="{}")
    lab.client("sqs").create_queue(QueueName="CustomerNotify")
    return ["queue CustomerNotify", "table Customer", "role TotalNotifierRole", "bucket"]


@pytest.fixture
def whole(lab):
    """Return the whole lab, and the queue of a cell that was killed."""
    Chain(lab).build()
    queues.ensure_queue(lab, queues.MINE)
    return lab


def test_delete_all_deletes_the_whole_lab_and_nothing_else(whole):
    theirs = dataclasses.replace(whole, prefix="bob-")
    queues.ensure_queue(theirs, "CustomerNotify")
    tables.ensure_table(theirs, "Customer")
    buckets.ensure_bucket(theirs)
    assert (cleanup.remaining(whole), cleanup.kept(whole)) == (EVERYTHING, [])

    assert list(cleanup.delete_all(whole)) == EVERYTHING

    assert cleanup.remaining(whole) == cleanup.kept(whole) == list(cleanup.delete_all(whole)) == []
    assert cleanup.remaining(theirs) == ["queue CustomerNotify", "table Customer", "bucket"]
    client = whole.client
    assert (queues.names(whole), tables.names(whole)) == (["bob-CustomerNotify"], ["bob-Customer"])
    assert topics.names(whole) == functions.names(whole) == triggers.subscriptions(whole) == []
    assert client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert client("logs").describe_log_groups()["logGroups"] == client("iam").list_roles()["Roles"] == []
    assert [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]] == [theirs.bucket]


def test_what_notebook_06_made_is_found_by_its_names_and_deleted_before_the_lab(whole):
    part, theirs = whole.variant("BreakIt_"), dataclasses.replace(whole, prefix="BreakIt-")
    for lab in (part, theirs):
        tables.ensure_table(lab, "Transactions")
        queues.ensure_queue(lab, queues.DEAD_LETTERS)
    functions.ensure_function(part, "TotalNotifier")
    triggers.ensure_stream_trigger(part)
    topics.ensure_topic(part)
    roles.ensure_experiments(whole, "TotalNotifierRole", policies.experiments(whole)["TotalNotifier"])
    for key in ("break-it/a.csv", "rejected/break-it/a.csv.csv", "other.csv"):
        buckets.put(whole, key, b"x")
    names = [f"{kind} BreakIt_{name}" for kind, name in (
        ("stream trigger of", ""), ("function", "TotalNotifier"), ("log of", "TotalNotifier"),
        ("topic", "HighBalanceAlert"), ("queue", "LabDeadLetters"), ("table", "Transactions"),
    )]  # fmt: skip
    names += ["policy break-it of TotalNotifierRole", "uploads to break-it/"]
    assert cleanup.remaining(whole) == [*names, *EVERYTHING]

    assert list(cleanup.delete_experiments(whole)) == names

    assert cleanup.remaining(whole) == EVERYTHING
    assert [item["Key"] for item in buckets.objects(whole)] == ["other.csv"]
    assert cleanup.remaining(theirs) == ["queue LabDeadLetters", "table Transactions"]


def test_delete_all_finishes_an_interrupted_clean_up(whole):
    tables.put_item(whole, "Customer", {"CustomerId": "C1"})
    assert not cleanup.is_half_deleted(whole)
    deleting = cleanup.delete_all(whole)
    assert cleanup.remaining(whole) == EVERYTHING  # nothing is deleted before the first name is read
    done = [next(deleting) for _ in range(6)]
    deleting.close()
    assert cleanup.is_half_deleted(whole)

    later = list(cleanup.delete_all(whole))

    assert done + later == EVERYTHING
    assert not cleanup.is_half_deleted(whole)


def test_resources_without_the_tag_are_kept_and_listed(adopted, whole):
    deleted = list(cleanup.delete_all(whole))

    assert deleted == [name for name in EVERYTHING if name not in adopted]
    assert (cleanup.remaining(whole), cleanup.kept(whole)) == ([], adopted)
    assert [item["Key"] for item in buckets.objects(whole)] == ["theirs.csv"]
    assert triggers.notifications(whole) == []


def test_a_given_bucket_and_one_that_the_learner_named_are_kept_and_said(lab):
    s3 = lab.client("s3")
    for name in ("given", "inputs3bucketfortransact-mine", "inputs3bucketfortransact-other", "unrelated"):
        s3.create_bucket(Bucket=name)
    tags = [{"Key": "lab", "Value": "serverless-lab"}, {"Key": "prefix", "Value": "other-"}]
    s3.put_bucket_tagging(Bucket="inputs3bucketfortransact-other", Tagging={"TagSet": tags})
    named = "bucket inputs3bucketfortransact-mine (not the one that the lab uses)"

    assert cleanup.kept(lab) == [named]
    kept = cleanup.kept(dataclasses.replace(lab, bucket_name="given"))
    assert (kept[0], named in kept) == ("bucket given (given)", True)


def test_where_buckets_cannot_be_listed_the_others_are_left_out(lab, refuse):
    refuse("s3", "list_buckets")

    assert cleanup.kept(lab) == []


def test_a_trigger_of_a_function_without_the_tag_stays(whole):
    for name in functions.SOURCES:
        whole.client("lambda").untag_resource(Resource=functions.find_function(whole, name), TagKeys=["lab"])

    deleted = list(cleanup.delete_all(whole))

    assert not [name for name in deleted if "trigger" in name or "function" in name]
    assert cleanup.kept(whole) == ["stream trigger", "function TransactionProcessor", "function TotalNotifier"]
