"""AWS's limits on the embedded AWS: it refuses what AWS refuses, with AWS's error code, and takes what AWS takes."""

import json

import botocore.session
import pytest
from botocore.exceptions import ClientError
from chains import create_function

from lab_lib.aws import policies, roles, tables
from lab_lib.embedded import limits
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

REPEATER = 'def handler(event, context):\n    return "x" * event\n'
TRUST = json.dumps(policies.trust())


def policy(length):
    """Return a policy of this many characters beside its blanks, which IAM does not count."""
    text = json.dumps(policies.document(policies.allow(["s3:GetObject"], "arn:aws:s3:::")))
    return text.replace(":::", ":::" + "x" * (length - len(text.replace(" ", ""))))


@pytest.fixture(scope="module")
def made(new_account):
    """Return a lab with a role, function, topic and queue, and what their requests need."""
    lab = open_lab(account=new_account())
    queue = lab.client("sqs").create_queue(QueueName="standard")["QueueUrl"]
    role = roles.ensure_role(lab, "Role", policies.document(policies.allow(["sqs:ListQueues"], "*")))
    create_function(lab, "Repeater", REPEATER, role, Timeout=30)
    create_function(lab, "Another", REPEATER, role)
    tables.ensure_table(lab, tables.STREAMED)
    new = {"EventSourceArn": tables.find_stream(lab), "StartingPosition": "LATEST"}
    mapping = lab.client("lambda").create_event_source_mapping(FunctionName="Another", **new)
    topic = lab.client("sns").create_topic(Name="Topic")["TopicArn"]
    return lab, {
        "role": {"RoleName": "Role", "PolicyName": "lab"},
        "trust": {"AssumeRolePolicyDocument": TRUST},
        "function": {"FunctionName": "Repeater"},
        "new mapping": {"FunctionName": "Repeater", **new},
        "mapping": {"UUID": mapping["UUID"]},
        "nothing": {},
        "policy": {"TopicArn": topic, "AttributeName": "Policy"},
        "message": {"QueueUrl": queue, "MessageBody": "text"},
        "queue": {"QueueUrl": queue},
    }


def refused(lab, service, operation, params):
    """Return the error of a request, which is sent once; {} if it is not refused."""
    client = lab.session.client(service, endpoint_url=lab.endpoint)
    try:
        getattr(client, operation)(**{name: value for name, value in params.items() if value is not None})
    except ClientError as error:
        return error.response["Error"]
    return {}


def error_code(*request):
    return refused(*request).get("Code")


UPDATE, VALUE = ("update_function_configuration", "function"), "InvalidParameterValueException"
JSON, NO_JSON = {"Policy": ""}, {"Policy": "{"}
LIMITS = [  # service; operation, and its other parameters; a parameter, at its limit, and beyond it; error code
    ("iam", "put_role_policy", "role", "PolicyDocument", policy(10_240), policy(10_241), "LimitExceeded"),
    ("iam", "create_role", "trust", "RoleName", "x" * 64, "x" * 65, "ValidationError"),
    ("lambda", *UPDATE, "Timeout", 900, 901, "ValidationException"),
    ("lambda", "update_event_source_mapping", "mapping", "BatchSize", 10_000, 10_001, "ValidationException"),
    ("lambda", "create_event_source_mapping", "new mapping", "StartingPosition", "LATEST", None, VALUE),
    ("lambda", *UPDATE, "Runtime", "python3.13", "python2.7", VALUE),
    ("lambda", *UPDATE, "Handler", "probe.handler", "probe handler", "ValidationException"),
    ("logs", "create_log_group", "nothing", "logGroupName", "/aws/lambda/x", "a b", "InvalidParameterException"),
    ("sns", "create_topic", "nothing", "Name", "x" * 256, "a b", "InvalidParameter"),
    ("sns", "set_topic_attributes", "policy", "AttributeValue", TRUST, TRUST[1:], "InvalidParameter"),
    ("sqs", "set_queue_attributes", "queue", "Attributes", JSON, NO_JSON, "InvalidAttributeValue"),
    ("sqs", "send_message", "message", "DelaySeconds", 900, 901, "InvalidParameterValue"),
]


@pytest.mark.parametrize(
    ("service", "operation", "others", "parameter", "allowed", "refused", "code"),
    LIMITS,
    ids=[f"{limit[1]}-{limit[3]}-{place}" for place, limit in enumerate(LIMITS)],
)
def test_a_value_beyond_a_limit_is_refused_and_one_at_it_is_not(
    made, service, operation, others, parameter, allowed, refused, code
):
    lab, requests = made
    for value, answer in ((refused, code), (allowed, None)):
        assert error_code(lab, service, operation, {**requests[others], parameter: value}) == answer


@pytest.mark.parametrize("service", ["iam", "lambda", "logs"])
def test_python_can_read_each_pattern_of_a_model(service):
    model = botocore.session.Session().get_service_model(service)
    texts = [shape for shape in map(model.shape_for, model.shape_names) if shape.type_name == "string"]

    assert [[*limits.broken(text, "")] for text in texts]


def test_s3_must_be_allowed_to_invoke_each_function_that_a_bucket_notifies(made):
    lab, _ = made

    def put(name):
        function = {"LambdaFunctionArn": lab.arn("lambda", f"function:{name}"), "Events": ["s3:ObjectCreated:*"]}
        wanted = {"Bucket": lab.bucket, "NotificationConfiguration": {"LambdaFunctionConfigurations": [function]}}
        return refused(lab, "s3", "put_bucket_notification_configuration", wanted).get("Message", "")

    lab.client("s3").create_bucket(Bucket=lab.bucket)
    for name in ("Missing", "Another"):
        assert put(name) == "Unable to validate the following destination configurations"
    for source in ("other-bucket", lab.bucket):
        about = {"FunctionName": "Another", "StatementId": source, "SourceArn": lab.arn("s3", source)}
        lab.client("lambda").add_permission(Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", **about)
        assert (put("Another") == "") == (source == lab.bucket)


def test_a_destination_must_be_there(made):
    lab, requests = made
    for name, code in (("standard", None), ("missing", VALUE)):
        to = {"DestinationConfig": {"OnFailure": {"Destination": lab.arn("sqs", name)}}}
        assert error_code(lab, "lambda", "put_function_event_invoke_config", {**requests["function"], **to}) == code


def test_a_second_mapping_of_a_stream_to_a_function_names_the_first(made):
    lab, requests = made

    request = {**requests["new mapping"], "FunctionName": "Another"}
    error = refused(lab, "lambda", "create_event_source_mapping", request)

    assert error["Code"] == "ResourceConflictException"
    assert error["Message"].endswith(f"delete the existing mapping with UUID {requests['mapping']['UUID']}")
