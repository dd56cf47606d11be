"""What all kinds of resources have in common: ensure creates and repairs, find finds, delete spares what is adopted."""

import json
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from botocore.exceptions import ClientError

from lab_lib import resources
from lab_lib.aws import buckets, cloudwatch, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.errors import WrongResource

NOTHING = json.dumps(policies.document())
EVERYTHING = json.dumps(policies.document(policies.allow(["*"], "*")))
HANDLER = functions.package(functions.source_files("TransactionProcessor"))  # of the other function


NAME, ROLE, GROUP, TAG = "TotalNotifier", "TotalNotifierRole", "/aws/lambda/TotalNotifier", ["lab"]


@dataclass(frozen=True)
class Kind:
    """A module, the name of one resource, the calls that look for it, and how its tag is removed."""

    module: ModuleType
    noun: str
    name: str
    service: str
    id: str  # the parameter that names the resource in API calls
    lookups: tuple[str, ...]
    denied: str
    untag: Callable

    def do(self, verb, lab):
        function = {"is_ours": getattr(self.module, "is_ours", None) or cloudwatch.is_our_log_group}.get(verb)
        name = [self.name] if self.name else []
        return (function or getattr(self.module, f"{verb}_{self.noun}"))(lab, *name)

    def api(self, lab, call, **arguments):
        """Call the API on this resource."""
        existing = self.do("find", lab)
        arguments[self.id] = existing if self.noun in ("bucket", "queue", "topic", "log_group") else self.name
        return getattr(lab.client(self.service), call)(**arguments)


KINDS = {
    kind.noun: kind
    for kind in [
        Kind(buckets, "bucket", "", "s3", "Bucket", ("head_bucket", "get_bucket_tagging"), "403",
             lambda s3, name: s3.delete_bucket_tagging(Bucket=name)),
        Kind(tables, "table", "ProcessedRecords", "dynamodb", "TableName", ("describe_table",), "AccessDeniedException",
             lambda dynamodb, arn: dynamodb.untag_resource(ResourceArn=arn, TagKeys=TAG)),
        Kind(roles, "role", ROLE, "iam", "RoleName", ("get_role",), "AccessDenied",
             lambda iam, arn: iam.untag_role(RoleName=ROLE, TagKeys=TAG)),
        Kind(functions, "function", NAME, "lambda", "FunctionName", ("get_function_configuration",),
             "AccessDeniedException", lambda lambda_, arn: lambda_.untag_resource(Resource=arn, TagKeys=TAG)),
        Kind(cloudwatch, "log_group", NAME, "logs", "logGroupName", ("describe_log_groups",), "AccessDeniedException",
             lambda logs, name: logs.untag_log_group(logGroupName=name, tags=TAG)),
        Kind(queues, "queue", queues.DEAD_LETTERS, "sqs", "QueueUrl", ("get_queue_url",), "AccessDenied",
             lambda sqs, url: sqs.untag_queue(QueueUrl=url, TagKeys=TAG)),
        Kind(topics, "topic", topics.ALERT_TOPIC, "sns", "TopicArn", ("get_topic_attributes",), "AuthorizationError",
             lambda sns, arn: sns.untag_resource(ResourceArn=arn, TagKeys=TAG)),
    ]
}  # fmt: skip


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

    if kind.noun not in ("table", "function"):  # which the lab cannot use as they are
        kind.do("ensure", lab)
    kind.do("delete", lab)

    assert [name for name in made if not name.startswith(("Get", "List", "Describe", "Head"))] == []
    assert kind.do("find", lab) == existing
    assert kind.do("is_ours", lab) is False


def test_a_denied_call_is_never_absence(kind, lab, refuse):
    for call in kind.lookups:
        refuse(kind.service, call, code=kind.denied)

    # The lab goes on without a log group.
    for verb in ("find", "is_ours", "delete", *["ensure"] * (kind.service != "logs")):
        with pytest.raises((ClientError, WrongResource), match=f"{kind.denied}|belongs to another account"):
            kind.do(verb, lab)


OPEN = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], False)
OTHER_TRUST = json.dumps(policies.document({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}))
OFF = {"Enabled": False, "AttributeName": "ExpiresAt"}
QUEUE = {"AttributeNames": ["MessageRetentionPeriod", "SqsManagedSseEnabled", "Policy"]}
LOGS = {"logGroupNamePrefix": GROUP}


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
        ("log_group", "delete_retention_policy", {}, "describe_log_groups", LOGS),
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
            answer = lab.client("logs").describe_log_groups(**which) if which == LOGS else kind.api(lab, read, **which)
        except ClientError:
            return None
        passing = ("ResponseMetadata", "LastModified", "RevisionId")
        return {name: value for name, value in answer.items() if name not in passing}

    kind.do("ensure", lab)
    right = setting()
    kind.api(lab, drift, **more)
    assert setting() != right

    kind.do("ensure", lab)

    assert setting() == right


TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/Transactions"
MAPPING = {"UUID": "1", "EventSourceArn": f"{TABLE}/stream/1", "FunctionArn": "f", "State": "Enabled"}
UPLOAD = {"Key": "1", "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("find_all", "service", "call", "key", "one", "two", "token"),
    [
        (queues.names, "sqs", "list_queues", "QueueUrls", "https://sqs/1", "https://sqs/2", "NextToken"),
        (buckets.objects, "s3", "list_objects_v2", "Contents", UPLOAD, {**UPLOAD, "Key": "2"},
         "NextContinuationToken"),
        (triggers.mappings, "lambda", "list_event_source_mappings", "EventSourceMappings", MAPPING,
         {**MAPPING, "UUID": "2"}, "NextMarker"),
        (lambda lab: tables.items(lab, "Customer"), "dynamodb", "scan", "Items", {"CustomerId": {"S": "1"}},
         {"CustomerId": {"S": "2"}}, "LastEvaluatedKey"),
    ],
)  # fmt: skip
def test_a_list_is_whole_when_aws_gives_it_in_pages(lab, monkeypatch, find_all, service, call, key, one, two, token):
    buckets.ensure_bucket(lab)
    pages = [
        {key: [one], "IsTruncated": True, token: {"CustomerId": {"S": "1"}} if key == "Items" else "1"},
        {key: [two]},
    ]
    asked = []
    monkeypatch.setattr(lab.client(service), call, lambda **arguments: asked.append(arguments) or pages.pop(0))

    assert len(find_all(lab)) == 2
    assert service != "sqs" or asked[0]["MaxResults"] == 1000  # without it, SQS gives 1,000 and tells of no more


def test_each_resource_has_a_cell_of_the_notebooks_as_their_headings_are_now():
    headings = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "headings.py"))["headings"]()

    assert resources.HEADINGS.read_text(encoding="utf-8") == headings
    others = {value.id for value in vars(resources).values() if isinstance(value, resources.Cell)}
    assert {resource.cell.id for resource in resources.RESOURCES} | others <= json.loads(headings).keys()
