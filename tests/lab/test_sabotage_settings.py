"""Settings of a finished lab that its checks may pass over: qualifiers, destinations, variables, messages."""

import json

import pytest
from sabotage import Cases, assert_caught

from lab_lib.aws import functions, queues, topics, triggers
from lab_lib.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

PROCESSOR, NOTIFIER = functions.SOURCES
NOTIFY = queues.ALERT_QUEUES[0]
DOES_NOTHING = b"import boto3\n\n\ndef lambda_handler(event, context):\n    return 'ok'\n"
case = Cases()


@case.tried
def test_what_is_wrong_in_a_setting_is_caught(finished, sabotage, about, says, steps, probe, mend):
    assert_caught(finished, sabotage, about, says, steps, probe)


# Versions and aliases


def publish_idle_version(lab, name):
    """Publish a version whose code does nothing, with the lab's own code in $LATEST again. Return its number."""
    file = functions.source_files(name)[-1].name
    code = {"ZipFile": functions.zipped({file: DOES_NOTHING})}
    version = lab.client("lambda").update_function_code(FunctionName=lab.name(name), **code, Publish=True)["Version"]
    functions.ensure_function(lab, name)
    return version


def alias(lab, name, version, **weights):
    """Let the alias "live" name this version, and return its ARN."""
    made = lab.client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion=version, **weights)
    return made["AliasArn"]


def start(lab, arn, **changes):
    """Let the bucket start this function, version or alias, which permits it."""
    lab.client("lambda").add_permission(
        FunctionName=arn,
        StatementId="qualified",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=lab.arn("s3", lab.bucket),
        SourceAccount=lab.account,
    )
    notify(lab, LambdaFunctionArn=arn, **changes)


def notify(lab, **changes):
    usual = triggers.find_bucket_trigger(lab)
    configuration = {"LambdaFunctionConfigurations": [{**usual, **changes}]}
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=lab.bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True
    )


def map_to(lab, function):
    """Let the stream start this function, version or alias instead."""
    stream = triggers.find_stream_trigger(lab)["EventSourceArn"]
    triggers.delete_stream_trigger(lab)
    where = {"EventSourceArn": stream, "FunctionName": function, "StartingPosition": "LATEST", "BatchSize": 100}
    uuid = lab.client("lambda").create_event_source_mapping(**where)["UUID"]
    mapped = lambda: lab.client("lambda").get_event_source_mapping(UUID=uuid)["State"] == "Enabled"  # noqa: E731
    wait_until(mapped, "the mapping")


@case(f"bucket|{PROCESSOR}", "version|alias|:1|boto|code", steps=("01", "02"))
def the_bucket_starts_an_old_version(lab):
    start(lab, f"{functions.find_function(lab, PROCESSOR)}:{publish_idle_version(lab, PROCESSOR)}")


@case(f"bucket|{PROCESSOR}", "live", steps=("01", "02"))
def the_bucket_starts_an_alias_that_sends_half_to_an_old_version(lab):
    idle = publish_idle_version(lab, PROCESSOR)
    version = lab.client("lambda").publish_version(FunctionName=PROCESSOR)["Version"]
    start(lab, alias(lab, PROCESSOR, version, RoutingConfig={"AdditionalVersionWeights": {idle: 0.5}}))


@case(f"stream|{NOTIFIER}", "live", steps=("01", "02"))
def the_stream_starts_an_alias_of_an_old_version(lab):
    map_to(lab, alias(lab, NOTIFIER, publish_idle_version(lab, NOTIFIER)))


# Triggers


@case("bucket-trigger")
def the_bucket_trigger_takes_only_an_encoded_key(lab):
    notify(lab, Filter={"Key": {"FilterRules": [{"Name": "prefix", "Value": "trans%61ctions"}]}})


@case("stream-trigger")
def the_stream_trigger_takes_only_numbers_as_keys(lab):
    uuid = triggers.find_stream_trigger(lab)["UUID"]
    criteria = {"Filters": [{"Pattern": json.dumps({"dynamodb": {"Keys": {"CustomerId": {"N": [{"exists": True}]}}}})}]}
    lab.client("lambda").update_event_source_mapping(UUID=uuid, FilterCriteria=criteria)


@case("stream", "TotalNotifier", steps=("02", "further"))
def the_old_stream_is_still_read_beside_the_new_one(lab):
    uuid = triggers.find_stream_trigger(lab)["UUID"]
    for stream in ({"StreamEnabled": False}, {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}):
        lab.client("dynamodb").update_table(TableName="Transactions", StreamSpecification=stream)
    assert triggers.find_stream_trigger(lab)["UUID"] == uuid


# Functions


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


# Subscriptions and queues


@case(NOTIFY, "filter|Missing", steps=("04",))
def a_subscription_takes_only_what_is_not_in_an_alert(lab):
    arn, policy = triggers.find_queue_subscription(lab, NOTIFY), json.dumps({"Missing": [{"exists": True}]})
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", policy)):
        lab.client("sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


@case.each(
    NOTIFY,
    steps=("04",),
    another_region=lambda arn: arn.replace("us-east-1", "eu-west-1"),
    another_partition=lambda arn: arn.replace("arn:aws:", "arn:aws-cn:"),
)
def the_queue_that_is_subscribed_is_of(lab, changed):
    arn = queues.queue_arn(lab, NOTIFY)
    lab.client("sns").unsubscribe(SubscriptionArn=triggers.find_queue_subscription(lab, NOTIFY))
    lab.client("sns").subscribe(TopicArn=topics.find_topic(lab), Protocol="sqs", Endpoint=changed(arn))


# The bucket


@case("bucket|upload|lifecycle", "expire|lifecycle|day", steps=("00", "05", "further"))
def uploads_expire_after_a_day(lab):
    expiry = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": "transactions"}, "Expiration": {"Days": 1}}
    lab.client("s3").put_bucket_lifecycle_configuration(Bucket=lab.bucket, LifecycleConfiguration={"Rules": [expiry]})
