import dataclasses
import json
from base64 import b64encode

import pytest
from handlers import Notifier, Processor, record

from lab_lib.aws import policies
from tests.iam_requests import PROVEN, prove

BOTH = [policies.transaction_processor, policies.total_notifier]


@pytest.mark.parametrize("role", BOTH)
def test_a_role_allows_no_action_with_a_star_and_only_resources_with_the_prefix(moto_lab, role):
    statements = role(dataclasses.replace(moto_lab, prefix="ana-"))["Statement"]

    assert "*" not in str([statement["Action"] for statement in statements])
    wide = [statement["Action"] for statement in statements if not all("ana-" in arn for arn in statement["Resource"])]
    assert wide in ([], [["dynamodb:ListStreams"]])  # which has no resource-level permissions


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

    assert prove(policy(lab), calls, lab) == PROVEN
    assert prove(policies.boundary(lab), calls, lab)["denied"] == []
