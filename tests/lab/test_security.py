"""Nobody in: what the roles, strangers and other accounts may not do is tried, where an embedded AWS checks it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from accounts import EVERYTHING, built, lab_of, user_of
from botocore.exceptions import ClientError

from conftest import create_function
from lab_lib.aws import functions, policies, queues, roles, tables, topics
from lab_lib.errors import is_access_denied
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until

pytestmark = pytest.mark.slow

ACCOUNT, OTHER = "300000000011", "300000000012"
HERE = Lab(None, "an account", ACCOUNT, "us-east-1", "aws")
MAY = {
    "TransactionProcessor": policies.transaction_processor(HERE),
    "TotalNotifier": policies.total_notifier(HERE),
}
PAIRS = sorted(
    {
        (action, arn)
        for each in MAY.values()
        for one in each["Statement"]
        for action in one["Action"]
        for arn in one["Resource"]
    }
)
ROW = {"CustomerId": {"S": "tried"}, "TransactionId": {"S": "tried"}, "TransactionAmount": {"N": "0"}}
CUSTOMER = {"CustomerId": {"S": "tried"}}

# Each action of a function's policy, done with a lab's credentials; `name` is the last part of the resource's ARN.
TRIES = {
    "s3:GetObject": lambda lab, name: lab.client("s3").get_object(Bucket=lab.bucket, Key="transactions.txt"),
    "s3:ListBucket": lambda lab, name: lab.client("s3").list_objects_v2(Bucket=lab.bucket),
    "s3:PutObject": lambda lab, name: lab.client("s3").put_object(Bucket=lab.bucket, Key="rejected/tried", Body=b""),
    "s3:DeleteObject": lambda lab, name: lab.client("s3").delete_object(Bucket=lab.bucket, Key="rejected/tried"),
    "dynamodb:BatchWriteItem": lambda lab, name: lab.client("dynamodb").batch_write_item(
        RequestItems={name: [{"PutRequest": {"Item": ROW}}]}
    ),
    "dynamodb:BatchGetItem": lambda lab, name: lab.client("dynamodb").batch_get_item(
        RequestItems={name: {"Keys": [CUSTOMER]}}
    ),
    "dynamodb:PutItem": lambda lab, name: lab.client("dynamodb").put_item(
        TableName=name, Item={"EventId": {"S": "tried"}}
    ),
    "dynamodb:UpdateItem": lambda lab, name: lab.client("dynamodb").update_item(TableName=name, Key=CUSTOMER),
    "dynamodb:ListStreams": lambda lab, name: lab.client("dynamodbstreams").list_streams(),
    "dynamodb:DescribeStream": lambda lab, name: lab.client("dynamodbstreams").describe_stream(StreamArn=stream(lab)),
    "dynamodb:GetShardIterator": lambda lab, name: lab.client("dynamodbstreams").get_shard_iterator(
        StreamArn=stream(lab), ShardId="shardId-00000000000000000000-00000000", ShardIteratorType="TRIM_HORIZON"
    ),
    "dynamodb:GetRecords": lambda lab, name: lab.client("dynamodbstreams").get_records(ShardIterator=stream(lab)),
    "sns:Publish": lambda lab, name: lab.client("sns").publish(TopicArn=lab.arn("sns", name), Message="tried"),
    "sqs:SendMessage": lambda lab, name: lab.client("sqs").send_message(QueueUrl=url(lab, name), MessageBody="tried"),
    "logs:CreateLogStream": lambda lab, name: lab.client("logs").create_log_stream(
        logGroupName=name, logStreamName="tried"
    ),
    "logs:PutLogEvents": lambda lab, name: lab.client("logs").put_log_events(
        logGroupName=name, logStreamName="tried", logEvents=[{"timestamp": 0, "message": "tried"}]
    ),
}

# The embedded AWS does not see which stream a call is about, and writes a log group's ARN without the :* that AWS puts
# behind it. So it refuses these even to the function whose policy allows them, and its policy simulator is asked.
SIMULATED = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}

PROBE = """
import os

def handler(event, context):
    return [os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
"""


def stream(lab):
    return lab.arn("dynamodb", "table/Transactions/stream/any")


def url(lab, queue):
    return f"{lab.endpoint}/{ACCOUNT}/{queue}"


def refused(call):
    """True if AWS refuses the call; any other error goes up."""
    try:
        call()
    except ClientError as error:
        if not is_access_denied(error):
            raise
        return True
    return False


def part(arn):
    """The last part of an ARN: a table, a queue, a topic, a log group."""
    return arn.removesuffix(":*").split(":")[-1].removeprefix("table/")


def covers(policy, action, arn):
    return any(action in each["Action"] and arn in each["Resource"] for each in policy["Statement"])


@pytest.fixture(scope="module")
def finished():
    """Two accounts, as their root sees them, with the handout's file gone all the way."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip([ACCOUNT, OTHER], pool.map(built, [ACCOUNT, OTHER]), strict=True))


@pytest.fixture(scope="module")
def root(finished):
    return finished[ACCOUNT]


@pytest.fixture(scope="module")
def as_function(root):
    """{function: the lab as that function sees it}, with the credentials that Lambda gives to whatever has its role."""

    def of(function):
        lambda_, name = root.client("lambda"), f"{function}Probe"
        create_function(root, name, PROBE, roles.find_role(root, functions.ROLES[function]))
        lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return lab_of(root, *json.load(lambda_.invoke(FunctionName=name)["Payload"]))

    return {function: of(function) for function in MAY}


@pytest.fixture(scope="module")
def outsiders(finished):
    """The labs of two who want in: a user of the account who may do nothing, and one who may do all in another."""
    return {
        "a user without a policy": user_of(finished[ACCOUNT], "stranger"),
        "another account's administrator": user_of(finished[OTHER], "administrator", EVERYTHING),
    }


@pytest.mark.parametrize(("action", "arn"), PAIRS, ids=[f"{action} {part(arn)}" for action, arn in PAIRS])
def test_a_function_may_do_what_its_own_policy_says_and_nothing_that_only_the_others_does(
    action, arn, root, as_function, record_property
):
    def denied(function):
        if action in SIMULATED:
            role = roles.find_role(root, functions.ROLES[function])
            one = arn.removesuffix("*") + ("log-stream:any" if "logs" in action else "any")
            return action not in roles.allowed(root, role, (action,), one)
        return refused(lambda: TRIES[action](as_function[function], part(arn)))

    found = {function: "denied" if denied(function) else "allowed" for function in MAY}

    record_property("table", "Who may do what")
    record_property("action", action)
    record_property("resource", part(arn).replace(HERE.bucket, "BUCKET").replace("/aws/lambda/", "log of "))
    for function in MAY:
        record_property(function, found[function])
    record_property("found by", "simulator" if action in SIMULATED else "trying")
    assert found == {name: "allowed" if covers(policy, action, arn) else "denied" for name, policy in MAY.items()}


@pytest.mark.parametrize("action", sorted(SIMULATED))
def test_what_is_asked_of_the_policy_simulator_the_embedded_aws_refuses_to_everyone(action, as_function):
    names = {part(arn) for each, arn in PAIRS if each == action}

    tried = [refused(lambda: TRIES[action](lab, name)) for lab in as_function.values() for name in names]  # noqa: B023

    assert all(tried)


def test_a_function_has_its_own_role_and_no_other(as_function):
    callers = {name: lab.client("sts").get_caller_identity()["Arn"] for name, lab in as_function.items()}

    assert {name: arn.split("/")[1] for name, arn in callers.items()} == functions.ROLES


def test_nobody_but_lambda_takes_on_a_role(root, outsiders):
    administrator = user_of(root, "administrator", EVERYTHING)

    for lab in (root, administrator, *outsiders.values()):
        for role in functions.ROLES.values():
            asked = {"RoleArn": root.arn("iam", f"role/{role}"), "RoleSessionName": "tried"}
            assert refused(lambda: lab.client("sts").assume_role(**asked))  # noqa: B023


# What somebody from outside would do; the ones that begin with s3, sqs or sns can name another account's things.
BUCKET, TOPIC = HERE.bucket, HERE.arn("sns", "HighBalanceAlert")
BY_NAME = {"FunctionName": "TotalNotifier"}
INTRUSIONS = {
    "s3 read an upload": lambda lab: lab.client("s3").get_object(Bucket=BUCKET, Key="transactions.txt"),
    "s3 list the uploads": lambda lab: lab.client("s3").list_objects_v2(Bucket=BUCKET),
    "s3 upload": lambda lab: lab.client("s3").put_object(Bucket=BUCKET, Key="tried.txt", Body=b""),
    "s3 delete an upload": lambda lab: lab.client("s3").delete_object(Bucket=BUCKET, Key="transactions.txt"),
    "s3 take the policy away": lambda lab: lab.client("s3").delete_bucket_policy(Bucket=BUCKET),
    "s3 open it to the public": lambda lab: lab.client("s3").delete_public_access_block(Bucket=BUCKET),
    "sns publish": lambda lab: lab.client("sns").publish(TopicArn=TOPIC, Message="tried"),
    "sns subscribe": lambda lab: lab.client("sns").subscribe(
        TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com"
    ),
    "sns change the policy": lambda lab: lab.client("sns").set_topic_attributes(
        TopicArn=TOPIC, AttributeName="Policy", AttributeValue=json.dumps(policies.alert_topic(HERE, TOPIC))
    ),
    **{
        f"sqs {what} {queue}": lambda lab, queue=queue, do=do: do(lab.client("sqs"), url(lab, queue))
        for queue in (*queues.ALERT_QUEUES, queues.DEAD_LETTERS)
        for what, do in {
            "read": lambda sqs, url: sqs.receive_message(QueueUrl=url),
            "write to": lambda sqs, url: sqs.send_message(QueueUrl=url, MessageBody="tried"),
            "empty": lambda sqs, url: sqs.purge_queue(QueueUrl=url),
            "open": lambda sqs, url: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""}),
        }.items()
    },
    **{
        f"dynamodb {what} {table}": lambda lab, table=table, do=do: do(lab.client("dynamodb"), table)
        for table in tables.KEYS
        for what, do in {
            "read": lambda dynamodb, table: dynamodb.scan(TableName=table),
            "write to": lambda dynamodb, table: dynamodb.put_item(TableName=table, Item=ROW),
            "delete": lambda dynamodb, table: dynamodb.delete_table(TableName=table),
        }.items()
    },
    "lambda call a function": lambda lab: lab.client("lambda").invoke(**BY_NAME, Payload=b'{"Records": []}'),
    "lambda read a function": lambda lab: lab.client("lambda").get_function(**BY_NAME),
    "lambda replace a function": lambda lab: lab.client("lambda").update_function_code(**BY_NAME, ZipFile=b"tried"),
    "iam read a role": lambda lab: lab.client("iam").get_role(RoleName="TotalNotifierRole"),
    "iam widen a role": lambda lab: lab.client("iam").put_role_policy(
        RoleName="TotalNotifierRole", PolicyName="lab", PolicyDocument=json.dumps(EVERYTHING)
    ),
    "logs read a log": lambda lab: lab.client("logs").filter_log_events(logGroupName="/aws/lambda/TotalNotifier"),
}
TRIED_BY = [
    (who, what)
    for who in ("a user without a policy", "another account's administrator")
    for what in INTRUSIONS
    if who == "a user without a policy" or what.split()[0] in ("s3", "sqs", "sns")
]


@pytest.mark.parametrize(("who", "what"), TRIED_BY, ids=lambda each: each)
def test_from_outside_nothing_of_the_lab_can_be_read_or_changed(who, what, outsiders):
    assert refused(lambda: INTRUSIONS[what](outsiders[who]))


def test_a_topic_that_is_not_the_labs_own_cannot_write_to_its_queues(finished, root):
    """Neither the topic of that name of another account, nor another topic of this account."""
    queue, other = queues.queue_arn(root, "CustomerNotify"), finished[OTHER]
    strange = {topics.find_topic(other): other, topics.ensure_topic(root, "SomethingElse"): root}
    for topic, lab in strange.items():
        lab.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        lab.client("sns").publish(TopicArn=topic, Message=json.dumps({"from": topic}))
    own = topics.find_topic(root)

    root.client("sns").publish(TopicArn=own, Message=json.dumps({"from": own}))

    def came(lab):
        return {
            message["TopicArn"] for message in queues.messages(lab, "CustomerNotify") if "from" in message["Message"]
        }

    wait_until(lambda: own in came(root), "the message of the lab's own topic", timeout=10)
    wait_until(lambda: topics.find_topic(other) in came(other), "the other account's own message", timeout=10)
    assert came(root) == {own}


@pytest.fixture(scope="module")
def plain(root):
    """A user who may do everything, reaching bucket, topic and queue of the account without TLS."""

    def without_tls(request, **_):
        request.headers["X-Forwarded-Proto"] = "http"

    user = user_of(root, "user-without-tls", EVERYTHING)
    user.session.events.register("before-sign", without_tls)
    return user


# The policy of the topic speaks of publishing only: SNS takes no wider refusal there.
WITHOUT_TLS = [what for what in INTRUSIONS if what.startswith(("s3", "sqs", "sns publish"))]


@pytest.mark.parametrize("what", WITHOUT_TLS)
def test_without_tls_bucket_topic_and_queues_refuse_even_who_may_do_everything(what, plain):
    assert refused(lambda: INTRUSIONS[what](plain))


def test_without_tls_the_same_user_may_do_what_no_policy_of_a_resource_refuses(plain):
    assert [each["Name"] for each in plain.client("s3").list_buckets()["Buckets"]] == [plain.bucket]
    assert plain.client("sns").get_topic_attributes(TopicArn=topics.find_topic(plain))["Attributes"]["Policy"]
