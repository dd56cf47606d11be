"""The layer answers as each line of behaviours.py says: late at first, and then as the embedded AWS does."""

import io
import json
import zipfile
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws_delays import clock
from tests.aws_delays.behaviours import ALL, DELAYS

pytestmark = pytest.mark.slow


class To(NamedTuple):
    """A call, and the keys of what is read in its answer. ACCOUNT in a parameter stands for the account."""

    operation: str
    params: dict
    read: str


def to(operation, read="", **params):
    return To(operation, params, read)


def policy(action):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


def code():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("f.py", "")
    return {"ZipFile": file.getvalue()}


ROLE_ARN, TOPIC_ARN = "arn:aws:iam::ACCOUNT:role/R", "arn:aws:sns:us-east-1:ACCOUNT:T"
QUEUE_ARN, QUEUE_URL = "arn:aws:sqs:us-east-1:ACCOUNT:Q", "http://127.0.0.1/ACCOUNT/Q"
TAGS, STATUS = {"a": "b"}, "ResponseMetadata HTTPStatusCode"

ROLE = to("iam.create_role", RoleName="R", AssumeRolePolicyDocument=policy("sts:AssumeRole"))
GET_ROLE = to("iam.get_role", "Role RoleName", RoleName="R")
PUT_POLICY, OTHER_POLICY = (
    to("iam.put_role_policy", RoleName="R", PolicyName="P", PolicyDocument=policy(action))
    for action in ("s3:GetObject", "s3:PutObject")
)
GET_POLICY = to("iam.get_role_policy", "PolicyDocument Statement 0 Action", RoleName="R", PolicyName="P")
DELETE_POLICY = to("iam.delete_role_policy", RoleName="R", PolicyName="P")
SIMULATE = to(
    "iam.simulate_principal_policy",
    "EvaluationResults 0 EvalDecision",
    PolicySourceArn=ROLE_ARN,
    ActionNames=["s3:GetObject", "s3:PutObject"],
)
SETTINGS = {"Runtime": "python3.13", "Role": ROLE_ARN, "Handler": "f.handler", "Code": code(), "Tags": TAGS}
FUNCTION = to("lambda.create_function", FunctionName="F", **SETTINGS)
LIST_FUNCTIONS = to("lambda.list_functions", "Functions 0 FunctionName")
WHO_AND_WHAT = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
PERMISSION = to("lambda.add_permission", FunctionName="F", StatementId="S", **WHO_AND_WHAT)
GET_PERMISSION = to("lambda.get_policy", "Policy Statement 0 Sid", FunctionName="F")
LIST_MAPPINGS = to("lambda.list_event_source_mappings", "EventSourceMappings 0 UUID")
TABLE = to(
    "dynamodb.create_table",
    "TableDescription LatestStreamArn",
    TableName="Table",
    KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
)
GET_TABLE = to("dynamodb.describe_table", "Table TableName", TableName="Table")
BUCKET = to("s3.create_bucket", Bucket="delays-ACCOUNT")
HEAD_BUCKET = to("s3.head_bucket", STATUS, Bucket="delays-ACCOUNT")
LIST_BUCKETS = to("s3.list_buckets", "Buckets 0 Name", Prefix="delays-ACCOUNT")
PUT_BUCKET_POLICY = to("s3.put_bucket_policy", Bucket="delays-ACCOUNT", Policy=policy("s3:GetObject"))
GET_BUCKET_POLICY = to("s3.get_bucket_policy", "Policy Statement 0 Action", Bucket="delays-ACCOUNT")
EVENTS = {"EventBridgeConfiguration": {}}
NOTIFY = to("s3.put_bucket_notification_configuration", Bucket="delays-ACCOUNT", NotificationConfiguration=EVENTS)
GET_EVENTS = to("s3.get_bucket_notification_configuration", "EventBridgeConfiguration", Bucket="delays-ACCOUNT")
TOPIC, DELETE_TOPIC = to("sns.create_topic", Name="T"), to("sns.delete_topic", TopicArn=TOPIC_ARN)
NAME = {"AttributeName": "DisplayName", "AttributeValue": "N"}
SET_TOPIC = to("sns.set_topic_attributes", TopicArn=TOPIC_ARN, **NAME)
GET_TOPIC = to("sns.get_topic_attributes", "Attributes DisplayName", TopicArn=TOPIC_ARN)
SUBSCRIBE = to("sns.subscribe", TopicArn=TOPIC_ARN, Protocol="sqs", Endpoint=QUEUE_ARN)
LIST_SUBSCRIPTIONS = to("sns.list_subscriptions_by_topic", "Subscriptions 0 Protocol", TopicArn=TOPIC_ARN)
QUEUE = to("sqs.create_queue", QueueName="Q", tags=TAGS)
GET_QUEUE = to("sqs.get_queue_url", STATUS, QueueName="Q")
LIST_QUEUE_TAGS = to("sqs.list_queue_tags", "Tags a", QueueUrl=QUEUE_URL)
GROUP, DELETE_GROUP = to("logs.create_log_group", logGroupName="G"), to("logs.delete_log_group", logGroupName="G")
LIST_GROUPS = to("logs.describe_log_groups", "logGroups 0 logGroupName")
RETENTION = to("logs.put_retention_policy", logGroupName="G", retentionInDays=14)

# The delay; what is there; what is changed; what is read then: late, and at last. An error is its code.
CASES = [
    ("iam", [], ROLE, GET_ROLE, "NoSuchEntity", "R"),
    ("role-policy", [ROLE], PUT_POLICY, SIMULATE, "implicitDeny", "allowed"),
    ("function-reads", [ROLE], FUNCTION, LIST_FUNCTIONS, None, "F"),
    ("permission", [ROLE, FUNCTION], PERMISSION, GET_PERMISSION, None, "S"),
    ("bucket", [], BUCKET, HEAD_BUCKET, "404", 200),
    ("bucket", [], BUCKET, LIST_BUCKETS, None, "delays-ACCOUNT"),
    ("bucket-settings", [BUCKET], PUT_BUCKET_POLICY, GET_BUCKET_POLICY, "NoSuchBucketPolicy", "s3:GetObject"),
    ("notification-reads", [BUCKET], NOTIFY, GET_EVENTS, None, {}),
    ("topic", [], TOPIC, GET_TOPIC, "NotFound", ""),
    ("topic-deletion", [TOPIC], DELETE_TOPIC, GET_TOPIC, "", "NotFound"),
    ("subscription", [TOPIC, QUEUE], SUBSCRIBE, LIST_SUBSCRIPTIONS, None, "sqs"),
    ("queue", [], QUEUE, GET_QUEUE, "AWS.SimpleQueueService.NonExistentQueue", 200),
    ("log-group", [], GROUP, LIST_GROUPS, None, "G"),
    ("log-group-deletion", [GROUP], DELETE_GROUP, LIST_GROUPS, "G", None),
    ("settings", [TOPIC], SET_TOPIC, GET_TOPIC, "", "N"),
    ("tags", [], QUEUE, LIST_QUEUE_TAGS, None, "b"),
]


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    """Let AWS's time pass only while the clock sleeps, however slow this computer is."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: 0.0))


@pytest.fixture
def asked(account):
    """asked(lab, call): what is read in the answer, or the code of the error."""

    def asked(lab, call):
        service, operation = call.operation.split(".")
        client = lab.session.client(service, endpoint_url=lab.endpoint)
        named = {name: value.replace("ACCOUNT", account) for name, value in call.params.items() if type(value) is str}
        try:
            answer = getattr(client, operation)(**call.params | named)
        except ClientError as error:
            return error.response["Error"]["Code"]
        for key in call.read.split():
            answer = json.loads(answer) if isinstance(answer, str) else answer
            answer = answer[int(key)] if isinstance(answer, list) and answer else (answer or {}).get(key)
        return answer.replace(account, "ACCOUNT") if isinstance(answer, str) else answer

    return asked


@pytest.mark.parametrize(
    ("delay", "there", "change", "read", "late", "then"),
    CASES,
    ids=[f"{case[0]} {case[3].operation}" for case in CASES],
)
def test_an_answer_is_late_until_the_delay_is_over(layered, asked, delay, there, change, read, late, then):
    lab, layer = layered(delay)
    for call in (*there, change):
        layer.clock.sleep(DELAYS[delay].seconds)  # what is there is not new
        assert not isinstance(asked(lab, call), str), call

    assert asked(lab, read) == late
    layer.clock.sleep(DELAYS[delay].seconds - 1)
    assert asked(lab, read) == late
    layer.clock.sleep(1)
    assert asked(lab, read) == then


@pytest.mark.parametrize(
    ("delay", "there", "call", "error"),
    [
        ("permission-conflict", [ROLE, FUNCTION], PERMISSION, "ResourceConflictException"),
        ("bucket-conflict", [BUCKET], PUT_BUCKET_POLICY, "OperationAborted"),
        ("log-group-conflict", [GROUP], RETENTION, "OperationAbortedException"),
    ],
    ids=["permission", "bucket", "log group"],
)
def test_a_change_is_refused_twice_each_time(layered, asked, delay, there, call, error):
    lab, _ = layered(delay)
    for before in there:
        asked(lab, before)

    assert [asked(lab, call) == error for _ in range(4)] == [True, True, False, True]


def test_every_other_read_does_not_find_a_new_table(layered, asked):
    lab, layer = layered("table-reads")
    asked(lab, TABLE)

    assert [asked(lab, GET_TABLE) for _ in range(4)] == ["ResourceNotFoundException", "Table"] * 2
    layer.clock.sleep(10)
    assert [asked(lab, GET_TABLE) for _ in range(2)] == ["Table", "Table"]


def test_a_new_mapping_is_neither_found_nor_listed(layered, asked, account):
    lab, layer = layered("mapping-reads")
    stream = [asked(lab, call) for call in (ROLE, FUNCTION, TABLE)][-1].replace("ACCOUNT", account)
    where = {"FunctionName": "F", "EventSourceArn": stream, "StartingPosition": "LATEST"}
    uuid = asked(lab, to("lambda.create_event_source_mapping", "UUID", **where))

    get = to("lambda.get_event_source_mapping", "UUID", UUID=uuid)
    assert [asked(lab, get), asked(lab, LIST_MAPPINGS)] == ["ResourceNotFoundException", None]
    layer.clock.sleep(5)
    assert [asked(lab, get), asked(lab, LIST_MAPPINGS)] == [uuid, uuid]


def test_a_policy_is_shown_before_it_counts_and_does_not_come_back_after_its_deletion(layered, asked):
    lab, layer = layered("role-policy")
    for call in (ROLE, PUT_POLICY):
        asked(lab, call)

    assert [asked(lab, GET_POLICY), asked(lab, SIMULATE)] == ["s3:GetObject", "implicitDeny"]
    asked(lab, DELETE_POLICY)
    layer.clock.sleep(15)
    assert asked(lab, GET_POLICY) == "NoSuchEntity"


def test_a_topic_that_is_made_again_is_a_new_one_and_not_deleted_later(layered, asked):
    lab, layer = layered("topic-deletion")
    for call in (TOPIC, SET_TOPIC, DELETE_TOPIC):
        asked(lab, call)
    assert asked(lab, GET_TOPIC) == "N"

    asked(lab, TOPIC)
    assert asked(lab, GET_TOPIC) == ""
    layer.clock.sleep(30)
    assert asked(lab, GET_TOPIC) == ""


def test_all_delays_together_come_one_after_the_other(layered, asked):
    lab, layer = layered(*[name for name in ALL if "throttling" not in name])
    asked(lab, BUCKET)

    assert asked(lab, PUT_BUCKET_POLICY) == "NoSuchBucket"
    layer.clock.sleep(5)
    assert [asked(lab, PUT_BUCKET_POLICY) == "OperationAborted" for _ in range(3)] == [True, True, False]
    assert asked(lab, GET_BUCKET_POLICY) == "NoSuchBucketPolicy"
    layer.clock.sleep(5)
    assert asked(lab, GET_BUCKET_POLICY) == "s3:GetObject"


def test_a_change_that_does_not_count_yet_is_read_as_before_first(layered, asked):
    lab, layer = layered("role-policy", "settings")
    for call in (ROLE, PUT_POLICY, OTHER_POLICY):
        asked(lab, call)
        layer.clock.sleep(6)  # the first policy is read, and does not count
    asked(lab, PUT_POLICY)

    assert asked(lab, GET_POLICY) == "s3:PutObject"
    layer.clock.sleep(5)
    assert [asked(lab, GET_POLICY), asked(lab, SIMULATE)] == ["s3:GetObject", "implicitDeny"]


def test_a_second_change_does_not_show_the_first_one(layered, asked):
    lab, layer = layered("settings")
    for call in (ROLE, PUT_POLICY, OTHER_POLICY):
        asked(lab, call)

    assert asked(lab, GET_POLICY) == "NoSuchEntity"
    layer.clock.sleep(5)
    assert asked(lab, GET_POLICY) == "s3:PutObject"


def test_the_processes_of_a_run_share_what_happened(layered, asked):
    (lab, _), (other, layer) = layered("topic"), layered("topic")
    asked(lab, TOPIC)

    assert asked(other, GET_TOPIC) == "NotFound"
    layer.clock.sleep(3)
    assert asked(lab, GET_TOPIC) == ""


def test_a_call_is_throttled_six_times_in_a_row(sped_up):
    lab, _ = sped_up("long-throttling")
    config = Config(retries={"mode": "standard", "total_max_attempts": 7})
    sns = lab.session.client("sns", endpoint_url=lab.endpoint, config=config)

    assert [sns.list_topics()["ResponseMetadata"]["RetryAttempts"] for _ in range(41)] == [0] * 40 + [6]
