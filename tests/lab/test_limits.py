"""AWS's limits on the embedded AWS: it refuses what AWS refuses, with AWS's error code, and takes what AWS takes."""

import json

import pytest
from botocore.exceptions import ClientError
from chains import create_function, zipped

from lab_lib.aws import policies, roles, tables
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow

REPEATER = 'def handler(event, context):\n    return "x" * event\n'
QUEUE = "arn:aws:sqs:us-east-1:000000000000:standard"


def policy(length):
    """Return a policy of this many characters beside its blanks, which IAM does not count."""
    text = json.dumps(policies.document(policies.allow(["s3:GetObject"], "arn:aws:s3:::")))
    return text.replace(":::", ":::" + "x" * (length - len(text.replace(" ", ""))))


@pytest.fixture(scope="module")
def made(new_account):
    """Return a lab with a role, function, topic and queue, and what their requests need."""
    lab = open_lab(account=new_account())
    queue = lab.client("sqs").create_queue(QueueName="standard")["QueueUrl"]
    role = create_function(lab, "Repeater", REPEATER, Timeout=30)["Role"]
    create_function(lab, "Another", REPEATER)
    tables.ensure_table(lab, tables.STREAMED)
    new = {"EventSourceArn": tables.find_stream(lab), "StartingPosition": "LATEST"}
    mapping = lab.client("lambda").create_event_source_mapping(FunctionName="Another", **new)
    topic = lab.client("sns").create_topic(Name="Topic")["TopicArn"]
    return lab, {
        "role": {"RoleName": "TotalNotifierRole", "PolicyName": "lab"},
        "managed": {"PolicyName": "policy"},
        "function": {"FunctionName": "Repeater"},
        "new mapping": {"FunctionName": "Repeater", **new},
        "mapping": {"UUID": mapping["UUID"]},
        "new function": {
            "Role": role,
            "Runtime": "python3.13",
            "Handler": "probe.handler",
            "Code": {"ZipFile": zipped(REPEATER)},
        },
        "topic": {"TopicArn": topic, "Message": "text"},
        "subscription": {"TopicArn": topic, "Protocol": "sqs", "Endpoint": QUEUE},
        "receiving": {"QueueUrl": queue},
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


CREATE, UPDATE = ("create_function", "new function"), ("update_function_configuration", "function")
MODEL, VALUE = "ValidationException", "InvalidParameterValueException"
LIMITS = [  # service; operation, and its other parameters; a parameter, at its limit, and beyond it; error code
    ("iam", "create_policy", "managed", "PolicyDocument", policy(6_144), policy(6_145), "LimitExceeded"),
    ("lambda", *CREATE, "FunctionName", "x" * 64, "x" * 65, MODEL),
    ("lambda", *UPDATE, "Timeout", 900, 901, MODEL),
    ("lambda", "create_event_source_mapping", "new mapping", "StartingPosition", "LATEST", None, VALUE),
    ("lambda", *UPDATE, "Runtime", "python3.13", "python2.7", VALUE),
    ("sns", "publish", "topic", "Subject", "x" * 100, "x" * 101, "InvalidParameter"),
    ("sns", "subscribe", "subscription", "Protocol", "sqs", "queue", "InvalidParameter"),
    (
        "sqs",
        "set_queue_attributes",
        "receiving",
        "Attributes",
        {"Policy": ""},
        {"Policy": "{"},
        "InvalidAttributeValue",
    ),
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


def test_notebook_00_makes_the_roles_again_if_01_was_left_half_way(new_account):
    lab = open_lab(account=new_account())

    for _ in range(2):
        roles.ensure_role(lab, "TransactionProcessorRole")
        roles.ensure_experiments(lab, "TransactionProcessorRole", policies.experiments(lab)["TransactionProcessor"])

    assert roles.find_experiments(lab, "TransactionProcessorRole")


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


def test_a_second_mapping_of_a_stream_to_a_function_names_the_first(made):
    lab, requests = made

    request = {**requests["new mapping"], "FunctionName": "Another"}
    error = refused(lab, "lambda", "create_event_source_mapping", request)

    assert error["Code"] == "ResourceConflictException"
    assert error["Message"].endswith(f"delete the existing mapping with UUID {requests['mapping']['UUID']}")
