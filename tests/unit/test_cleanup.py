import dataclasses

import pytest

from lab_lib import resources
from lab_lib.aws import buckets, cleanup, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.errors import LabError
from tests.lab.chains import Chain

EVERYTHING = [
    "bucket trigger", "stream trigger", "function TransactionProcessor", "function TotalNotifier",
    "log of TransactionProcessor", "log of TotalNotifier", "topic HighBalanceAlert",
    *(f"queue {name}" for name in (*resources.names("queue"), queues.MINE)),
    "table Customer", "table Transactions", "table ProcessedRecords", "table TransactionTotal",
    "role TransactionProcessorRole", "role TotalNotifierRole", "bucket",
]  # fmt: skip


@pytest.fixture
def whole(lab):
    """Return the whole lab, and the queue of a cell that was killed."""
    Chain(lab).build()
    queues.ensure_queue(lab, queues.MINE)
    return lab


def test_the_whole_lab_and_nothing_else_is_deleted_although_the_clean_up_is_interrupted(whole):
    theirs = dataclasses.replace(whole, prefix="bob-")
    queues.ensure_queue(theirs, "CustomerNotify")
    buckets.ensure_bucket(theirs)
    tables.put_item(whole, "Customer", {"CustomerId": "C1"})
    assert not cleanup.is_half_deleted(whole)

    deleting = cleanup.delete_all(whole)
    assert cleanup.survey(whole) == (EVERYTHING, [])  # no name was read yet
    done = [next(deleting) for _ in range(6)]
    deleting.close()
    assert cleanup.is_half_deleted(whole)

    assert [*done, *cleanup.delete_all(whole)] == EVERYTHING
    assert (cleanup.survey(whole), list(cleanup.delete_all(whole))) == (([], []), [])
    assert not cleanup.is_half_deleted(whole)
    assert cleanup.remaining(theirs) == ["queue CustomerNotify", "bucket"]
    assert (queues.names(whole), tables.names(whole)) == (["bob-CustomerNotify"], [])
    assert topics.names(whole) == functions.names(whole) == triggers.mappings(whole) == []
    assert whole.client("logs").describe_log_groups()["logGroups"] == whole.client("iam").list_roles()["Roles"] == []


def test_what_aws_keeps_is_named_at_the_end_and_all_else_is_deleted(whole, refuse):
    refuse("logs", "delete_log_group")
    with pytest.raises(LabError, match=r"^Some resources are left: log of TransactionProcessor \(delete_log_group is"):
        list(cleanup.delete_all(whole))

    assert cleanup.remaining(whole) == ["log of TransactionProcessor", "log of TotalNotifier"]


def test_what_notebook_06_made_is_found_by_its_names_and_deleted_before_the_lab(prepared):
    buckets.ensure_bucket(prepared)
    lab = cleanup.remaining(prepared)
    part, theirs = prepared.variant("BreakIt_"), dataclasses.replace(prepared, prefix="BreakIt-")
    for other in (part, theirs):
        tables.ensure_table(other, "Transactions")
        queues.ensure_queue(other, queues.DEAD_LETTERS)
    functions.ensure_function(part, "TotalNotifier")
    triggers.ensure_stream_trigger(part)
    topics.ensure_topic(part)
    roles.ensure_experiments(prepared, "TotalNotifierRole", policies.experiments(prepared)["TotalNotifier"])
    for key in ("break-it/a.csv", "rejected/break-it/a.csv.csv", "other.csv"):
        buckets.put(prepared, key, b"x")
    made = ["stream trigger of BreakIt_", "function BreakIt_TotalNotifier", "log of BreakIt_TotalNotifier"]
    made += ["topic BreakIt_HighBalanceAlert", "queue BreakIt_LabDeadLetters", "table BreakIt_Transactions"]
    made += ["policy break-it of TotalNotifierRole", "uploads to break-it/"]
    assert cleanup.remaining(prepared) == [*made, *lab]

    assert list(cleanup.delete_experiments(prepared)) == made

    assert cleanup.remaining(prepared) == lab
    assert [item["Key"] for item in buckets.objects(prepared)] == ["other.csv"]
    assert cleanup.remaining(theirs) == ["queue LabDeadLetters", "table Transactions"]


def test_resources_without_the_tag_are_kept_and_listed_with_the_trigger_of_such_a_function(whole):
    """As those of a managed classroom account are."""
    client, own = whole.client, {"TagKeys": ["lab"]}
    client("lambda").untag_resource(Resource=functions.find_function(whole, "TotalNotifier"), **own)
    client("dynamodb").untag_resource(ResourceArn=tables.describe(whole, "Customer")["TableArn"], **own)
    client("sqs").untag_queue(QueueUrl=queues.find_queue(whole, "CustomerNotify"), **own)
    client("iam").untag_role(RoleName="TotalNotifierRole", **own)
    client("s3").delete_bucket_tagging(Bucket=whole.bucket)
    theirs = ["stream trigger", "function TotalNotifier", "queue CustomerNotify", "table Customer"]
    theirs += ["role TotalNotifierRole", "bucket"]

    assert list(cleanup.delete_all(whole)) == [name for name in EVERYTHING if name not in theirs]

    assert cleanup.survey(whole) == ([], theirs)
    assert triggers.notifications(whole) == []
