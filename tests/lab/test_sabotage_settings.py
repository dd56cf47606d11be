"""Settings of a finished lab are made wrong: some a check reads, and of others only a probe tells."""

import json

import pytest
from sabotage import Cases, assert_caught

from lab_lib import checks
from lab_lib.aws import functions, policies, queues, topics, triggers
from lab_lib.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY = queues.ALERT_QUEUES[0]
DOES_NOTHING = "import boto3\n\n\ndef lambda_handler(event, context):\n    return 'ok'\n"
PYTHON_2 = "import urllib\n\n\ndef lambda_handler(event, context):\n    urllib.unquote_plus('a')\n"
case = Cases()


@case.tried
def test_what_is_wrong_in_a_setting_is_caught(finished, sabotage, about, says, steps, probe, fix):
    assert_caught(finished, sabotage, about, says, steps, probe)


# Versions and code


def put_code(lab, name, text):
    """Give the function this code, and return the number of a version with it."""
    file = functions.source_files(name)[-1].name
    code = {"ZipFile": functions.zipped({file: text.encode()})}
    return lab.client("lambda").update_function_code(FunctionName=lab.name(name), **code, Publish=True)["Version"]


def alias_of_idle_version(lab, name):
    """Return the ARN of an alias whose version does nothing. $LATEST has the lab's own code."""
    version = put_code(lab, name, DOES_NOTHING)
    functions.ensure_function(lab, name)
    made = lab.client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    return made["AliasArn"]


def notify(lab, **changes):
    usual = triggers.find_bucket_trigger(lab)
    configuration = {"LambdaFunctionConfigurations": [{**usual, **changes}]}
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=lab.bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True
    )


def the_bucket_starts_an_alias_of_an_old_version(lab):
    arn = alias_of_idle_version(lab, PROCESSOR)
    permission = {"SourceArn": lab.arn("s3", lab.bucket), "SourceAccount": lab.account}
    lab.client("lambda").add_permission(
        FunctionName=arn,
        StatementId="qualified",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        **permission,
    )
    notify(lab, LambdaFunctionArn=arn)


def the_stream_starts_an_alias_of_an_old_version(lab):
    stream, function = triggers.find_stream_trigger(lab)["EventSourceArn"], alias_of_idle_version(lab, NOTIFIER)
    triggers.delete_stream_trigger(lab)
    where = {"EventSourceArn": stream, "FunctionName": function, "StartingPosition": "LATEST", "BatchSize": 100}
    uuid = lab.client("lambda").create_event_source_mapping(**where)["UUID"]
    mapped = lambda: lab.client("lambda").get_event_source_mapping(UUID=uuid)["State"] == "Enabled"  # noqa: E731
    wait_until(mapped, "the mapping")


# Only a probe tells


def filter_changes(pattern):
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    return lambda lab: lab.client("lambda").update_event_source_mapping(
        UUID=triggers.find_stream_trigger(lab)["UUID"], FilterCriteria=criteria
    )


def filter_alerts(lab):
    arn, policy = triggers.find_queue_subscription(lab, NOTIFY), json.dumps({"accountBalance": ["2000"]})
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", policy)):
        lab.client("sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


def denial(lab, name, action, resource):
    who = {"AWS": lab.arn("iam", f"role/{name}Role")}
    statement = {"Effect": "Deny", "Principal": who, "Action": action, "Resource": resource}
    return json.dumps(policies.document(statement))


def the_bucket_denies_reading(lab):
    policy = denial(lab, PROCESSOR, "s3:GetObject", f"{lab.arn('s3', lab.bucket)}/*")
    lab.client("s3").put_bucket_policy(Bucket=lab.bucket, Policy=policy)


def the_topic_denies_publishing(lab):
    arn = topics.find_topic(lab)
    policy = denial(lab, NOTIFIER, "sns:Publish", arn)
    lab.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def a_variable_misleads_the_calls(lab):
    variables = {**functions.variables(lab, PROCESSOR), "AWS_PROFILE": "ana"}
    lab.client("lambda").update_function_configuration(FunctionName=PROCESSOR, Environment={"Variables": variables})


# The check of the probe that says so, a part of its words, and what breaks the chain.
UNREAD = [
    ("probe-rows", "is missing", the_bucket_starts_an_alias_of_an_old_version),
    ("probe-totals", "is missing", the_stream_starts_an_alias_of_an_old_version),
    ("probe-totals", "filter of the stream trigger", filter_changes({"eventName": ["REMOVE"]})),
    (
        "probe-totals",
        "filter of the stream trigger",
        filter_changes({"dynamodb": {"NewImage": {"CustomerId": {"S": ["C1"]}}}}),
    ),
    (f"probe-alert-{NOTIFY}", f"filter policy of {NOTIFY}", filter_alerts),
    ("probe-rows", "AccessDenied", the_bucket_denies_reading),
    (f"probe-alert-{NOTIFY}", "AuthorizationError", the_topic_denies_publishing),
    ("probe-rows", "config profile", a_variable_misleads_the_calls),
    ("probe-rows", "is missing", lambda lab: put_code(lab, PROCESSOR, DOES_NOTHING)),
    ("probe-rows", "unquote_plus", lambda lab: put_code(lab, PROCESSOR, PYTHON_2)),
]


@pytest.mark.parametrize(("id", "words", "sabotage"), UNREAD)
def test_what_no_check_reads_a_probe_shows(finished, id, words, sabotage):
    sabotage(finished)

    failed = {check.id: check for check in checks.run(finished, "00", probe=True).failed if not check.cause}
    assert {name for name in failed if not name.startswith("probe-")} == set()
    assert words in failed[id].words


# Triggers, functions and queues, which the checks read


@case("bucket-trigger")
def the_bucket_trigger_takes_only_an_encoded_key(lab):
    notify(lab, Filter={"Key": {"FilterRules": [{"Name": "prefix", "Value": "trans%61ctions"}]}})


@case("stream", "TotalNotifier", steps=("02", "further"))
def the_old_stream_is_still_read_beside_the_new_one(lab):
    uuid = triggers.find_stream_trigger(lab)["UUID"]
    for stream in ({"StreamEnabled": False}, {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}):
        lab.client("dynamodb").update_table(TableName="Transactions", StreamSpecification=stream)
    assert triggers.find_stream_trigger(lab)["UUID"] == uuid


@case(NOTIFIER, "0", steps=("01",))
def no_run_is_left_of_the_reserved_concurrency(lab):
    lab.client("lambda").put_function_concurrency(FunctionName=NOTIFIER, ReservedConcurrentExecutions=0)


@case(f"{NOTIFIER}|probe", steps=("01", "02"), probe=True)
def a_layer_shadows_boto3(lab):
    """Python finds what is in a layer before what comes with the runtime."""
    files = {"python/boto3/__init__.py": b"raise ImportError('not this one')\n"}
    layer = lab.client("lambda").publish_layer_version(LayerName="more", Content={"ZipFile": functions.zipped(files)})
    lab.client("lambda").update_function_configuration(FunctionName=NOTIFIER, Layers=[layer["LayerVersionArn"]])


@case("LabDeadLetters|dead|fail", steps=("00", "01", "02", "further"))
def the_dead_letter_queue_is_gone(lab):
    lab.client("sqs").delete_queue(QueueUrl=queues.find_queue(lab, queues.DEAD_LETTERS))


@case(NOTIFY, steps=("04",))
def the_queue_that_is_subscribed_is_of_another_region(lab):
    arn = queues.queue_arn(lab, NOTIFY).replace("us-east-1", "eu-west-1")
    lab.client("sns").unsubscribe(SubscriptionArn=triggers.find_queue_subscription(lab, NOTIFY))
    lab.client("sns").subscribe(TopicArn=topics.find_topic(lab), Protocol="sqs", Endpoint=arn)
