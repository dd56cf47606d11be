import dataclasses
import json
from base64 import b64encode

import pytest
from in_process import Notifier, Processor, record

from lab_lib.aws import policies
from tests.iam_requests import PROVEN, in_china, prove

BOTH = [policies.transaction_processor, policies.total_notifier]
ACCOUNT = "123456789012"
TLS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("role", BOTH)
def test_a_role_allows_no_action_with_a_star_and_only_resources_with_the_prefix(moto_lab, role):
    statements = role(dataclasses.replace(moto_lab, prefix="ana-"))["Statement"]

    actions = [action for statement in statements for action in statement["Action"]]
    assert len(actions) == len(set(actions))
    assert "*" not in "".join(actions)
    wide = [statement["Action"] for statement in statements if not all("ana-" in arn for arn in statement["Resource"])]
    assert wide in ([], [["dynamodb:ListStreams"]])  # which has no resource-level permissions
    assert {statement["Effect"] for statement in statements} == {"Allow"}


@pytest.mark.parametrize("policy", [*BOTH, policies.tls_only_bucket])
def test_a_policy_has_the_partition_of_its_region_and_fits_into_its_limit(moto_lab, policy):
    written = json.dumps(policy(dataclasses.replace(moto_lab, partition="aws-cn", region="cn-north-1")))

    assert "arn:aws:" not in written
    assert '"Version": "2012-10-17"' in written
    assert len(written) < 10_240  # bytes for all inline policies of a role


@pytest.mark.parametrize(
    ("statement", "principal", "values"),
    [
        (lambda lab: policies.lambda_trust()["Statement"][0], {"Service": "lambda.amazonaws.com"}, set()),
        (lambda lab: policies.topic_to_queue(lab, "the-topic", "q")["Statement"][0], {"Service": "sns.amazonaws.com"},
         {"the-topic", ACCOUNT}),
        (policies.bucket_to_function, {"Service": "s3.amazonaws.com"}, {"arn:aws:s3:::b", ACCOUNT}),
        (lambda lab: policies.alert_topic(lab, "t")["Statement"][0], {"AWS": "*"}, {ACCOUNT}),
    ],
    ids=["role", "queue", "function", "topic"],
)  # fmt: skip
def test_a_service_gets_in_only_for_this_account_and_resource(moto_lab, statement, principal, values):
    made = statement(dataclasses.replace(moto_lab, bucket_name="b"))

    assert (made["Effect"], made["Principal"]) == ("Allow", principal)
    conditions = made.get("Condition", {})
    assert {value for pairs in conditions.values() for value in pairs.values()} == values
    assert conditions.keys() <= {"StringEquals", "ArnEquals", "ArnLike"}


@pytest.mark.parametrize(
    ("policy", "resources", "action"),
    [
        (lambda lab: policies.tls_only_bucket(lab), ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "s3:*"),
        (lambda lab: policies.tls_only_queue("the-queue"), ["the-queue"], "sqs:*"),
        (lambda lab: policies.topic_to_queue(lab, "the-topic", "the-queue"), ["the-queue"], "sqs:*"),
        (lambda lab: policies.alert_topic(lab, "the-topic"), ["the-topic"], "sns:Publish"),
    ],
    ids=["bucket", "dead letters", "alerts", "topic"],
)
def test_requests_without_tls_are_denied_to_everyone(moto_lab, policy, resources, action):
    statements = policy(dataclasses.replace(moto_lab, bucket_name="b"))["Statement"]

    (deny,) = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert (deny["Principal"], deny["Action"], deny["Resource"], deny["Condition"]) == ("*", action, resources, TLS)


def calls_of_lambda(lab, name):
    """Return the calls that Lambda makes with the role of a function: to its log, and its destination for failures."""
    log = {"logGroupName": f"/aws/lambda/{lab.name(name)}", "logStreamName": "2026/01/01/[$LATEST]0"}
    letter = {"QueueUrl": f"https://sqs/{lab.name('LabDeadLetters')}"}
    return [call("logs", "CreateLogStream", log), call("logs", "PutLogEvents", log), call("sqs", "SendMessage", letter)]


def calls_of_poller(lab):
    """Return the calls that Lambda makes with the role of TotalNotifier to read the stream."""
    stream = {"StreamArn": lab.arn("dynamodb", f"table/{lab.name('Transactions')}/stream/2026-01-01T00:00:00.000")}
    iterator = {"ShardIterator": b64encode(json.dumps({"t": lab.name("Transactions")}).encode()).decode()}
    calls = {"DescribeStream": stream, "GetShardIterator": stream, "GetRecords": iterator, "ListStreams": {}}
    return [call("dynamodbstreams", name, params) for name, params in calls.items()]


def call(service, operation, params):
    return {"service": service, "operation": operation, "params": params}


def processed(lab, monkeypatch, note):
    """Let TransactionProcessor take in a file with a bad row, and the file without it."""
    processor = Processor(lab, monkeypatch)
    for more in (["bad"], []):
        processor.run(processor.upload("C1|a|T1|03/16/2017|598", *more), fault=note)
    return calls_of_lambda(lab, "TransactionProcessor")


def notified(lab, monkeypatch, note):
    """Let TotalNotifier send an alert, park a record, and recheck."""
    notifier = Notifier(lab, monkeypatch)
    notifier.run(record("C2", 1750), record("C2", {"S": "ten"}), fault=note)
    notifier.recheck(fault=note)
    return [*calls_of_lambda(lab, "TotalNotifier"), *calls_of_poller(lab)]


@pytest.mark.parametrize(
    ("policy", "run"), [(policies.transaction_processor, processed), (policies.total_notifier, notified)]
)
def test_a_function_needs_all_that_its_role_allows_and_no_more(lab, monkeypatch, policy, run):
    lab, calls = dataclasses.replace(lab, prefix="Ana-"), []

    def note(name, make):
        calls.append(call(make.service, name, make.parameters))
        return make()

    calls += run(lab, monkeypatch, note)

    assert prove(policy.__name__, policy(lab), calls, lab) == PROVEN
    china = dataclasses.replace(lab, partition="aws-cn", region="cn-north-1")
    assert prove(policy.__name__, policy(china), in_china(calls), china) == PROVEN
