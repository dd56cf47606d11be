"""limits.py names what AWS would refuse. The other unit tests check each of their requests with it, in conftest.py."""

import botocore.session
import pytest

from tests.lab.limits import problems

TRUST = {"RoleName": "R", "AssumeRolePolicyDocument": "{}"}
ITEM = {"PutRequest": {"Item": {"Id": {"S": "1"}}}}
MAPPING = {"EventSourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026", "FunctionName": "F"}
# Requests that fit, and what of each is changed to what AWS would refuse.
REFUSED = [
    ("sns", "Publish", {"Message": "m", "Subject": "s" * 100}, {"Subject": "s" * 101}),
    ("sns", "Publish", {"Message": "m", "Subject": "s"}, {"Subject": "two\nlines"}),
    ("sns", "Publish", {"Message": "m", "Subject": "s"}, {"Subject": "é"}),
    ("sns", "Publish", {"Message": "m" * 262_144}, {"Message": "é" * 131_073}),
    ("sns", "Publish", {"Message": "m", "MessageStructure": "json"}, {"MessageStructure": "raw"}),
    ("sns", "CreateTopic", {"Name": "N", "Tags": [{"Key": "k" * 128, "Value": "v"}]},
     {"Tags": [{"Key": "k" * 129, "Value": "v"}]}),
    ("sqs", "CreateQueue", {"QueueName": "q", "tags": {"lab": "v" * 256}}, {"tags": {"lab": "v" * 257}}),
    ("iam", "CreateRole", {**TRUST, "Tags": [{"Key": "lab", "Value": "Ana Müller"}]},
     {"Tags": [{"Key": "lab", "Value": "a, b"}]}),
    ("iam", "CreateRole", TRUST, {"RoleName": "R" * 65}),
    ("iam", "PutRolePolicy", {"RoleName": "R", "PolicyName": "P", "PolicyDocument": "{}"},
     {"PolicyDocument": f'["{"x" * 10_240}"]'}),
    ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "F", "Timeout": 900}, {"Timeout": 901}),
    ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "F"}, {"Description": "d" * 257}),
    ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "F", "Environment": {"Variables": {"A1": "x" * 4_000}}},
     {"Environment": {"Variables": {"A1": "x" * 4_097}}}),
    ("lambda", "CreateEventSourceMapping", {**MAPPING, "BatchSize": 1_000, "StartingPosition": "LATEST"},
     {"StartingPosition": "NEWEST"}),
    ("lambda", "CreateEventSourceMapping", {**MAPPING, "MaximumRecordAgeInSeconds": -1},
     {"MaximumRecordAgeInSeconds": 59}),
    ("lambda", "PutFunctionEventInvokeConfig", {"FunctionName": "F", "MaximumRetryAttempts": 2},
     {"MaximumRetryAttempts": 3}),
    ("logs", "PutRetentionPolicy", {"logGroupName": "/aws/lambda/F", "retentionInDays": 30}, {"retentionInDays": 31}),
    ("dynamodb", "BatchWriteItem", {"RequestItems": {"T12": [ITEM] * 25}}, {"RequestItems": {"T12": [ITEM] * 26}}),
    ("dynamodb", "PutItem", {"TableName": "T12", "Item": {"a": {"S": "x"}}}, {"Item": {"a": {"S": "x" * 400_000}}}),
    ("sqs", "SetQueueAttributes", {"QueueUrl": "u", "Attributes": {"VisibilityTimeout": "43200"}},
     {"Attributes": {"VisibilityTimeout": "43201"}}),
    ("s3", "CreateBucket", {"Bucket": "b" * 63}, {"Bucket": "Bucket"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def models():
    """models(service, operation): botocore's model of the operation."""
    session = botocore.session.get_session()
    return lambda service, operation: session.get_service_model(service).operation_model(operation)


@pytest.mark.parametrize(("service", "operation", "right", "changed"), REFUSED)
def test_a_value_beyond_a_limit_of_aws_is_named_and_one_at_the_limit_is_right(
    models, service, operation, right, changed
):
    model = models(service, operation)

    (found, *_) = problems(model, {**right, **changed}) or ["nothing"]

    assert (problems(model, right), f"{service}.{operation}: {next(iter(changed))}" in found) == ([], True), found
