"""AWS's limits on the embedded AWS: it refuses what AWS refuses, with AWS's error code, and takes what AWS takes."""

import pytest
from botocore.exceptions import ClientError
from chains import create_function

from lab_lib.aws import tables

pytestmark = pytest.mark.slow


@pytest.fixture
def refused(lab):
    """refused(service, operation, **params): the error of a request, which is sent once; {} if it is not refused."""

    def refused(service, operation, **params):
        client = lab.session.client(service, endpoint_url=lab.endpoint)
        try:
            getattr(client, operation)(**params)
        except ClientError as error:
            return error.response["Error"]
        return {}

    create_function(lab, "Probe", "def handler(event, context):\n    return 1\n")
    return refused


def test_a_value_beyond_a_limit_is_refused_and_one_at_it_is_not(lab, refused):
    configure = "lambda", "update_function_configuration", {"FunctionName": "Probe"}
    topic = lab.client("sns").create_topic(Name="Topic")["TopicArn"]
    publish = "sns", "publish", {"TopicArn": topic, "Message": "text"}
    queue = "sqs", "create_queue", {"QueueName": "Queue"}

    for service, operation, others, name, allowed, beyond, code in [
        (*configure, "Timeout", 900, 901, "ValidationException"),
        (*configure, "Runtime", "python3.13", "python2.7", "InvalidParameterValueException"),
        ("iam", "create_user", {}, "UserName", "x" * 64, "x" * 65, "ValidationError"),
        (*publish, "Subject", "x" * 100, "x" * 101, "InvalidParameter"),
        (*queue, "Attributes", {"Policy": ""}, {"Policy": "{"}, "InvalidAttributeValue"),
    ]:
        answers = [refused(service, operation, **others, **{name: value}) for value in (beyond, allowed)]
        assert [answer.get("Code") for answer in answers] == [code, None]


def test_a_mapping_says_where_to_start_and_a_second_one_names_the_first(lab, refused):
    tables.ensure_table(lab, tables.STREAMED)
    create = "lambda", "create_event_source_mapping"
    source = {"FunctionName": "Probe", "EventSourceArn": tables.find_stream(lab)}

    assert refused(*create, **source)["Code"] == "InvalidParameterValueException"
    assert refused(*create, **source, StartingPosition="LATEST") == {}
    second = refused(*create, **source, StartingPosition="LATEST")
    [mapping] = lab.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert second["Code"] == "ResourceConflictException"
    assert second["Message"].endswith(f"delete the existing mapping with UUID {mapping['UUID']}")


def test_s3_must_be_allowed_to_invoke_each_function_that_a_bucket_notifies(lab, refused):
    def put(name):
        function = {"LambdaFunctionArn": lab.arn("lambda", f"function:{name}"), "Events": ["s3:ObjectCreated:*"]}
        wanted = {"Bucket": lab.bucket, "NotificationConfiguration": {"LambdaFunctionConfigurations": [function]}}
        return refused("s3", "put_bucket_notification_configuration", **wanted).get("Message", "")

    lab.client("s3").create_bucket(Bucket=lab.bucket)
    for name in ("Missing", "Probe"):
        assert put(name) == "Unable to validate the following destination configurations"
    for source in ("other-bucket", lab.bucket):
        about = {"FunctionName": "Probe", "StatementId": source, "SourceArn": lab.arn("s3", source)}
        lab.client("lambda").add_permission(Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", **about)
        assert (put("Probe") == "") == (source == lab.bucket)
