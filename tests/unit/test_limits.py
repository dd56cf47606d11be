"""limits.py names what AWS would refuse. The other unit tests check each of their requests with it, in conftest.py."""

import botocore.session
import pytest

from tests.lab.limits import problems

ITEM = {"PutRequest": {"Item": {"Id": {"S": "1"}}}}
# Of each way to say a limit, a request that fits it, and what of it is changed to what AWS would refuse.
REFUSED = [
    ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "F"}, {"Description": "d" * 257}),  # botocore's maximum,
    ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "F"}, {"Role": "no ARN"}),  # its pattern,
    ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "F"}, {"Runtime": "python2"}),  # its enumeration,
    ("sns", "Publish", {"Message": "m", "Subject": "s" * 100}, {"Subject": "s" * 101}),  # and limits.py's text,
    ("sqs", "SetQueueAttributes", {"QueueUrl": "u", "Attributes": {"DelaySeconds": "900"}},
     {"Attributes": {"DelaySeconds": "901"}}),  # number,
    ("sqs", "CreateQueue", {"QueueName": "q", "tags": {"lab": "v" * 256}}, {"tags": {"lab": "v" * 257}}),  # tags,
    ("dynamodb", "BatchWriteItem", {"RequestItems": {"T12": [ITEM] * 25}}, {"RequestItems": {"T12": [ITEM] * 26}}),
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
