"""What all kinds of resources have in common: ensure creates and repairs, find finds, delete spares what is adopted."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore.exceptions import ClientError

from lab_lib import resources
from lab_lib.aws import buckets, cleanup, cloudwatch, functions, policies, queues, roles, tables, topics
from lab_lib.errors import WrongResource

NOTHING = json.dumps(policies.document())
EVERYTHING = json.dumps(policies.document(policies.allow(["*"], "*")))
HANDLER = functions.package(functions.source_files("TransactionProcessor"))  # of the other function
NAME, ROLE, TAG = "TotalNotifier", "TotalNotifierRole", ["lab"]


class Kind(NamedTuple):
    """A kind, the name of a resource, how it is made, the call that looks for it, and how its tag is removed."""

    kind: str
    name: str
    ensure: Callable
    service: str
    id: str  # the parameter that names the resource in API calls
    lookup: str
    denied: str
    untag: Callable

    def do(self, verb, lab):
        function = self.ensure if verb == "ensure" else getattr(cleanup.KINDS[self.kind], verb)
        return function(lab, self.name) if self.name else function(lab)

    def api(self, lab, call, **arguments):
        """Call the API on this resource."""
        name = self.name if self.kind in ("table", "role", "function") else self.do("find", lab)
        return getattr(lab.client(self.service), call)(**{self.id: name}, **arguments)


KINDS = {
    kind.kind: kind
    for kind in [
        Kind("bucket", "", buckets.ensure_bucket, "s3", "Bucket", "head_bucket", "403",
             lambda s3, name: s3.delete_bucket_tagging(Bucket=name)),
        Kind("table", "ProcessedRecords", tables.ensure_table, "dynamodb", "TableName", "describe_table",
             "AccessDeniedException", lambda dynamodb, arn: dynamodb.untag_resource(ResourceArn=arn, TagKeys=TAG)),
        Kind("role", ROLE, roles.ensure_role, "iam", "RoleName", "get_role", "AccessDenied",
             lambda iam, arn: iam.untag_role(RoleName=ROLE, TagKeys=TAG)),
        Kind("function", NAME, functions.ensure_function, "lambda", "FunctionName", "get_function_configuration",
             "AccessDeniedException", lambda lambda_, arn: lambda_.untag_resource(Resource=arn, TagKeys=TAG)),
        Kind("log", NAME, cloudwatch.ensure_log_group, "logs", "logGroupName", "describe_log_groups",
             "AccessDeniedException", lambda logs, name: logs.untag_log_group(logGroupName=name, tags=TAG)),
        Kind("queue", queues.DEAD_LETTERS, queues.ensure_queue, "sqs", "QueueUrl", "get_queue_attributes",
             "AccessDenied", lambda sqs, url: sqs.untag_queue(QueueUrl=url, TagKeys=TAG)),
        Kind("topic", topics.ALERT_TOPIC, topics.ensure_topic, "sns", "TopicArn", "get_topic_attributes",
             "AuthorizationError", lambda sns, arn: sns.untag_resource(ResourceArn=arn, TagKeys=TAG)),
    ]
}  # fmt: skip
TAGS_ALONE = {"bucket": "get_bucket_tagging", "queue": "list_queue_tags"}  # tell whether these are the lab's


@pytest.fixture(params=KINDS)
def kind(request, lab):
    if request.param == "function":
        request.getfixturevalue("prepared")
    return KINDS[request.param]


@pytest.fixture
def adopted(kind, lab):
    """Put the resource into the account, without the lab's tag."""
    kind.do("ensure", lab)
    kind.untag(lab.client(kind.service), kind.do("find", lab))


def test_a_resource_is_made_once_with_the_labs_tag_and_deleted_quietly(kind, lab):
    kind.do("delete", lab)

    assert kind.do("ensure", lab) == kind.do("ensure", lab)
    assert (bool(kind.do("find", lab)), kind.do("is_ours", lab)) == (True, True)

    for _ in range(2):
        kind.do("delete", lab)
    assert (kind.do("find", lab), kind.do("is_ours", lab)) == (None, False)


def test_a_resource_without_the_tag_is_adopted_and_never_changed_or_deleted(kind, lab, adopted, monkeypatch):
    existing, client, made = kind.do("find", lab), lab.client(kind.service), []
    call = client._make_api_call
    monkeypatch.setattr(client, "_make_api_call", lambda name, more: made.append(name) or call(name, more))

    if kind.kind not in ("table", "function"):  # which the lab cannot use as they are
        kind.do("ensure", lab)
    kind.do("delete", lab)

    assert [name for name in made if not name.startswith(("Get", "List", "Describe", "Head"))] == []
    assert kind.do("find", lab) == existing
    assert kind.do("is_ours", lab) is False


def test_a_denied_call_is_never_absence(kind, lab, refuse):
    refuse(kind.service, kind.lookup, code=kind.denied)
    if kind.kind in TAGS_ALONE:
        refuse(kind.service, TAGS_ALONE[kind.kind], code=kind.denied)

    # The lab goes on without a log group.
    for verb in ("find", "is_ours", "delete", *["ensure"] * (kind.service != "logs")):
        with pytest.raises(
            (ClientError, WrongResource), match=r"Denied|AuthorizationError|belongs to another account|403"
        ):
            kind.do(verb, lab)


OPEN = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], False)
OTHER_TRUST = json.dumps(policies.document({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}))
OFF = {"Enabled": False, "AttributeName": "ExpiresAt"}
QUEUE = {"AttributeNames": ["MessageRetentionPeriod", "SqsManagedSseEnabled", "Policy"]}


@pytest.mark.parametrize(
    ("kind", "drift", "more", "read", "which"),
    [
        ("bucket", "put_public_access_block", {"PublicAccessBlockConfiguration": OPEN}, "get_public_access_block", {}),
        ("bucket", "delete_bucket_encryption", {}, "get_bucket_encryption", {}),
        ("bucket", "delete_bucket_policy", {}, "get_bucket_policy", {}),
        ("table", "update_time_to_live", {"TimeToLiveSpecification": OFF}, "describe_time_to_live", {}),
        ("role", "put_role_policy", {"PolicyName": "lab", "PolicyDocument": EVERYTHING}, "get_role_policy",
         {"PolicyName": "lab"}),
        ("role", "put_role_policy", {"PolicyName": "more", "PolicyDocument": EVERYTHING}, "list_role_policies", {}),
        ("role", "update_assume_role_policy", {"PolicyDocument": OTHER_TRUST}, "get_role", {}),
        ("function", "update_function_configuration", {"Environment": {"Variables": {}}}, "get_function_configuration",
         {}),
        ("function", "update_function_code", {"ZipFile": HANDLER}, "get_function_configuration", {}),
        ("log", "delete_retention_policy", {}, "describe_log_groups", {}),
        ("queue", "set_queue_attributes", {"Attributes": {"MessageRetentionPeriod": "60"}}, "get_queue_attributes",
         QUEUE),
        ("queue", "set_queue_attributes", {"Attributes": {"Policy": ""}}, "get_queue_attributes", QUEUE),
        ("topic", "set_topic_attributes", {"AttributeName": "KmsMasterKeyId", "AttributeValue": "alias/aws/sns"},
         "get_topic_attributes", {}),
        ("topic", "set_topic_attributes", {"AttributeName": "Policy", "AttributeValue": NOTHING},
         "get_topic_attributes", {}),
    ],
    indirect=["kind"],
)  # fmt: skip
def test_ensure_repairs_a_setting_that_was_changed_by_hand(kind, lab, drift, more, read, which):
    def setting():
        try:
            answer = lab.client("logs").describe_log_groups() if kind.kind == "log" else kind.api(lab, read, **which)
        except ClientError:
            return None
        return answer | dict.fromkeys(["ResponseMetadata", "LastModified", "RevisionId"])

    kind.do("ensure", lab)
    right = setting()
    kind.api(lab, drift, **more)
    assert setting() != right

    kind.do("ensure", lab)

    assert setting() == right


def test_each_resource_has_a_cell_of_the_notebooks_as_their_headings_are_now():
    headings = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "headings.py"))["headings"]()

    assert resources.HEADINGS.read_text(encoding="utf-8") == headings
    others = {value.id for value in vars(resources).values() if isinstance(value, resources.Cell)}
    assert {resource.cell.id for resource in resources.RESOURCES} | others <= json.loads(headings).keys()
