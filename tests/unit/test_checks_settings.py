"""What the checks read beside the plain settings: policies, versions, layers, networks, filters, losses. On a stub."""

import json

import pytest
from stub_account import (
    DEAD_LETTERS,
    LAB,
    MAPPING,
    NOTIFIER,
    PROCESSOR,
    TOPIC,
    VARIABLES,
    permission,
    role,
    run,
    subscription,
    whole,
)
from test_checks_steps import (
    BY_HAND,
    NOTIFY,
    OWN,
    TLS_ONLY,
    WITHOUT_NOTIFY,
    code,
    function,
    mapped,
    notified,
    queue,
    sent_by,
    subscribed,
    variables,
    with_settings,
)

from lab_lib.aws import buckets, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.aws.event_filters import ANY, passes

ROLE, OTHERS = (LAB.arn("iam", f"role/{name}Role") for name in (PROCESSOR, NOTIFIER))
BUCKET, UPLOADS = LAB.arn("s3", LAB.bucket), LAB.arn("s3", f"{LAB.bucket}/*")
ELSEWHERE = f"arn:aws:lambda:us-east-1:111122223333:function:{PROCESSOR}"
LIVE = LAB.arn("lambda", f"function:{PROCESSOR}:live")
LAYER = {"Layers": [{"Arn": LAB.arn("lambda", "layer:pandas:3")}]}
LATEST = whole()[functions.describe, PROCESSOR]["Configuration"] | {"Version": "2"}
OLDER = LATEST | {"Version": "1", "CodeSha256": "old", "Environment": {"Variables": {}}}
GONE = LAB.arn("sqs", "Gone")


def denied(action, who="*", **more):
    principal = {"AWS": who} if who != "*" else "*"
    return {"Effect": "Deny", "Principal": principal, "Action": action, "Resource": "*", **more}


def when(operator, key, value):
    return {"Condition": {operator: {key: value}}}


def in_bucket(*statements):
    return {(buckets.statements,): [*policies.tls_only_bucket(LAB)["Statement"], *statements]}


def in_topic(*statements):
    return {(topics.statements,): [*policies.alert_topic(LAB, TOPIC)["Statement"], *statements]}


def in_dead_letters(*statements):
    return {
        (queues.statements, queues.DEAD_LETTERS): [*policies.tls_only_queue(DEAD_LETTERS)["Statement"], *statements]
    }


def of_alias(*versions, resource=LIVE):
    """Let the bucket start the alias live of TransactionProcessor, which stands for these versions."""
    return notified({"LambdaFunctionArn": LIVE}) | {
        (functions.versions, PROCESSOR, "live"): [*versions],
        (functions.statements, PROCESSOR, "live"): [permission() | {"Resource": resource}],
    }


def filtered(*patterns):
    return mapped({"FilterCriteria": {"Filters": [{"Pattern": json.dumps(each)} for each in patterns]}})


def expiring(days, **more):
    return {(buckets.lifecycle,): [{"Status": "Enabled", "Expiration": {"Days": days}, **more}]}


def redriven(arn):
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})


def created(*ways):
    return {"Events": [f"s3:ObjectCreated:{way}" for way in ways]}


def image(**attributes):
    return {"dynamodb": {"NewImage": attributes}}


# The check that finds a fault, and a part of its words; the answers of the account that are changed.
FAULTS = {
    "bucket-policy: denies s3:GetObject on": in_bucket(denied("s3:Get*", ROLE, Resource=UPLOADS)),
    "table-policy-Customer: denies dynamodb:BatchWriteItem on table/Customer; wanted": {
        (tables.statements, "Customer"): [denied("dynamodb:*", LAB.account)]
    },
    "table-policy-TransactionTotal: denies dynamodb:UpdateItem on": {
        (tables.statements, "TransactionTotal"): [
            {key: value for key, value in denied("", NotAction=["dynamodb:Scan", "dynamodb:Batch*"]).items() if value}
        ]
    },
    "topic-policy: denies sns:Publish on HighBalanceAlert": in_topic(
        denied("sns:Publish", **when("StringNotEquals", "aws:SourceVpce", "vpce-1"))
    ),
    "policy-LabDeadLetters-TotalNotifier: denies sqs:SendMessage": in_dead_letters(denied("sqs:*", OTHERS)),
    "other-senders-CustomerNotify: arn:aws:iam::111122223333:root": sent_by(
        OWN, TLS_ONLY, OWN | {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Condition": {}}
    ),
    "bucket-trigger: the bucket starts arn:aws:lambda:us-east-1:111122223333": notified(
        {"LambdaFunctionArn": ELSEWHERE}
    ),
    "bucket-trigger-version: live, which is not there; wanted: live, as $LATEST": of_alias(),
    "bucket-trigger-version: live runs version 1, with other code and variables than": of_alias(LATEST, OLDER),
    "bucket-permission: may not start it": of_alias(LATEST, resource=LIVE.removesuffix(":live")),
    "stream-trigger-version: 7, which is not there": mapped({"FunctionArn": f"{MAPPING['FunctionArn']}:7"})
    | {(functions.versions, NOTIFIER, "7"): []},
    "variables-TotalNotifier: AWS_ENDPOINT_URL_SNS misleads its calls; wanted: all set, to the lab's values.": (
        variables(AWS_ENDPOINT_URL_SNS="https://sns.example.com")
    ),
    "variables-TotalNotifier: AWS_PROFILE misleads": variables(AWS_PROFILE="ana"),
    "bucket-trigger-events: s3:ObjectCreated:Put; wanted": notified(created("Put")),
    "stream-trigger-tumbling-window: 60 s; wanted: none": mapped({"TumblingWindowInSeconds": 60}),
    "stream-trigger-filter: REMOVE": filtered({"eventName": ["REMOVE"]}),
    "stream-trigger-filter: C1": filtered(image(CustomerId={"S": ["C1"]})),
    "corrections-pass: they are dropped": filtered({"eventName": ["INSERT"]}),
    "subscription-CustomerNotify: pending": {
        (triggers.subscription_settings, "PendingConfirmation"): AssertionError("it has none"),
        (triggers.subscriptions,): [
            subscription("sqs", LAB.arn("sqs", NOTIFY), SubscriptionArn="PendingConfirmation"),
            *WITHOUT_NOTIFY,
        ],
    },
    "subscription-CustomerNotify: subscribed to arn:aws:sns:eu-west-1:123456789012:HighBalanceAlert; wanted": {
        (triggers.subscriptions,): WITHOUT_NOTIFY,
        (triggers.all_subscriptions,): [
            subscription("sqs", LAB.arn("sqs", NOTIFY)) | {"TopicArn": TOPIC.replace("us-east-1", "eu-west-1")}
        ],
    },
    "filter-policy-CustomerNotify: 2000": with_settings(
        FilterPolicy='{"accountBalance": ["2000"]}', FilterPolicyScope="MessageBody"
    ),
    "other-subscriptions: TotalNotifier, which takes no alerts, gone, which is not there": subscribed(
        subscription("lambda", LAB.arn("lambda", "function:gone")),
        subscription("lambda", LAB.arn("lambda", f"function:{NOTIFIER}:live")),
        subscription("firehose", LAB.arn("firehose", "deliverystream/mine")),
        subscription("https", "https://example.com/alerts"),
    ),
    "limits-CustomerNotify: DelaySeconds is 900, MaximumMessageSize is 1024; wanted": queue(
        DelaySeconds="900", MaximumMessageSize="1024", MessageRetentionPeriod="3600"
    ),
    "limits-CustomerNotify: is 60; wanted: MessageRetentionPeriod from 3600 to 1209600. Set MessageRet": (
        queue(MessageRetentionPeriod="60")
    ),
    "upload-life: 1 day": expiring(1, Filter={"Prefix": "trans"}),
    "redrive-CustomerNotify: Gone, which is not there": queue(RedrivePolicy=redriven(GONE)),
    "redrive-CreditCollection: Dead.fifo, which is FIFO": {
        (triggers.subscription_settings, "arn:CreditCollection"): {
            "RedrivePolicy": redriven(LAB.arn("sqs", "Dead.fifo"))
        }
    },
    "failed-files: Gone, which is not there": {(functions.on_failure, PROCESSOR): GONE},
    "failed-changes: HighBalanceAlert, which takes alerts": mapped(
        {"DestinationConfig": {"OnFailure": {"Destination": TOPIC}}}
    ),
}

# Changes after which everything still holds.
HARMLESS = {
    "denials for others, for old TLS, and of what nobody needs": in_bucket(
        denied("s3:*", OTHERS, Resource=UPLOADS),
        denied("s3:*", **when("NumericLessThan", "s3:TlsVersion", "1.2")),
        denied("s3:*", **when("StringNotEquals", "aws:PrincipalAccount", LAB.account)),
        denied("s3:DeleteBucket", Resource=BUCKET),
        {key: value for key, value in denied("s3:*", NotResource=[BUCKET, UPLOADS]).items() if key != "Resource"},
    ),
    "senders whom a Deny keeps out": sent_by(
        OWN | {"Condition": {}},
        TLS_ONLY,
        TLS_ONLY,
        denied("sqs:*", **when("ArnNotEquals", "aws:SourceArn", TOPIC)),
        denied("sqs:*", **when("StringNotEquals", "aws:SourceAccount", LAB.account)),
    ),
    "an alias of the present code": of_alias(LATEST, LATEST | {"Version": "3"}),
    "code whose calls stand in a layer": function(**LAYER)
    | code("import mine\n\ndef lambda_handler(event, context):\n    return mine.run(event)\n")
    | function(Handler="lambda_function.lambda_handler", **LAYER),
    "code that calls through another file": code(BY_HAND)
    | {
        (functions.code, NOTIFIER): lambda _: {
            "lambda_function.py": "import work\ndef lambda_handler(event, context):\n    return work.run(event)\n",
            "work.py": "import boto3 as aws\ndef run(event):\n    aws.client('sns').publish()\n",
        }
    },
    "a handler in a package, other architecture and newest runtime": function(
        Handler="src/app.handler", Runtime="python3.14", Architectures=["arm64"]
    )
    | {(functions.code, NOTIFIER): lambda _: {"src/app/__init__.py": BY_HAND.replace("lambda_", "")}},
    "variables for Lambda itself": variables(
        AWS_LAMBDA_EXEC_WRAPPER="/opt/run", AWS_MAX_ATTEMPTS="9", AWS_USE_FIPS_ENDPOINT="true", AWS_PROFILE=""
    ),
    "the two ways of an upload, in two": notified(created("Put"), created("CompleteMultipartUpload")),
    "a filter for changes of rows": filtered({"eventName": ["INSERT", "MODIFY"]}),
    "a filter against deletions": filtered(
        {"eventName": [{"anything-but": ["REMOVE"]}], "eventSource": ["aws:dynamodb"]}
    ),
    "two filters that let all through": filtered(
        {"eventName": ["INSERT"]}, {"eventName": ["MODIFY"], **image(TransactionAmount={"N": [{"exists": True}]})}
    ),
    "no retry is a limit too": mapped({"MaximumRetryAttempts": 0, "MaximumRecordAgeInSeconds": 60}),
    "several batches of a shard at once": mapped({"ParallelizationFactor": 10}),
    "a filter that every alert passes": with_settings(
        FilterPolicy='{"customerID": [{"exists": true}]}', FilterPolicyScope="MessageBody"
    ),
    "a slow, short and narrow queue": queue(
        DelaySeconds="60", MessageRetentionPeriod="3600", MaximumMessageSize="4096", ReceiveMessageWaitTimeSeconds="20"
    ),
    "rules that leave the uploads alone": {
        (buckets.lifecycle,): [
            {"Status": "Enabled", "Expiration": {"Days": 1}, "Filter": {"Prefix": "rejected/"}},
            {"Status": "Enabled", "Expiration": {"Days": 1}, "Filter": {"Tag": {"Key": "a", "Value": "b"}}},
            {"Status": "Disabled", "Expiration": {"Days": 1}, "Prefix": ""},
            {"Status": "Enabled", "Expiration": {"Days": 14}, "Prefix": ""},
            {"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Filter": {}},
        ]
    },
    "queues for what was looked at too often": queue(RedrivePolicy=redriven(DEAD_LETTERS)),
    "the older target of failed files": {(functions.on_failure, PROCESSOR): None}
    | function(PROCESSOR, DeadLetterConfig={"TargetArn": DEAD_LETTERS}),
}

TIME = when("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z")

# The check that cannot see, and a part of the reason.
UNSEEN = {
    "role-trust-TotalNotifier: aws:SourceAccount": {
        (roles.describe, "TotalNotifierRole"): role(
            "TotalNotifierRole", **when("StringEquals", "aws:SourceAccount", LAB.account)
        )
    },
    "bucket-permission: aws:CurrentTime": {(functions.statements, PROCESSOR): [permission() | TIME]},
    "access-policy-CustomerNotify: aws:CurrentTime": sent_by(OWN | TIME, TLS_ONLY),
    "access-policy-CustomerNotify: the condition key aws:CurrentTime": sent_by(OWN, TLS_ONLY, TLS_ONLY | TIME),
    "bucket-policy: the condition key aws:SourceIp": in_bucket(
        denied("s3:*", **when("NotIpAddress", "aws:SourceIp", "192.0.2.1"))
    ),
    "topic-policy: NotPrincipal": in_topic(
        {key: value for key, value in denied("sns:*", NotPrincipal={"AWS": OTHERS}).items() if key != "Principal"}
    ),
    "table-policy-Customer: the principal arn:aws:sts": {
        (tables.statements, "Customer"): [denied("*", f"arn:aws:sts::{LAB.account}:assumed-role/{PROCESSOR}Role/x")]
    },
    "bucket-policy: the condition key aws:SourceVpce": function(PROCESSOR, VpcConfig={"VpcId": "vpc-1"})
    | in_bucket(denied("s3:*", **when("StringNotEquals", "aws:SourceVpce", "vpce-1"))),
    "other-senders-CustomerNotify: the condition key aws:CurrentTime": sent_by(
        OWN, TLS_ONLY, OWN | {"Principal": "*"} | when("DateLessThan", "aws:CurrentTime", "2030-01-01")
    ),
    "network-TotalNotifier: TotalNotifier is in vpc-1": function(VpcConfig={"VpcId": "vpc-1"}),
    "code-TotalNotifier: the handler total_notifier.lambda_handler may be in the layers pandas:3": function(**LAYER)
    | {(functions.code, NOTIFIER): lambda _: {}},
    "bucket-trigger: the bucket sends its events to EventBridge": notified()
    | {(triggers.other_ways,): ["EventBridge"]},
    'stream-trigger-filter: the filter {"numeric"': filtered(image(TransactionAmount={"N": [{"numeric": [">", 0]}]})),
    'filter-policy-CustomerNotify: the filter {"prefix"': with_settings(
        FilterPolicy='{"customerID": [{"prefix": "C"}]}', FilterPolicyScope="MessageBody"
    ),
}


def made_with(monkeypatch, change):
    return [check for check in run(monkeypatch, change).checks if check.state not in ("ok", "waits")]


@pytest.mark.parametrize(("fault", "change"), FAULTS.items(), ids=FAULTS)
def test_a_fault_is_found_by_its_check_and_by_no_other(monkeypatch, fault, change):
    name, part = fault.split(": ", 1)

    (check,) = made_with(monkeypatch, change)
    assert (check.id, check.state in ("not yet", "could be"), check.hint[-1]) == (name, True, ".")
    assert part in check.words


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_is_right_in_another_way_holds(monkeypatch, change):
    assert made_with(monkeypatch, change) == []


@pytest.mark.parametrize(("unseen", "change"), UNSEEN.items(), ids=UNSEEN)
def test_what_is_not_understood_is_neither_right_nor_wrong(monkeypatch, unseen, change):
    name, part = unseen.split(": ", 1)

    found = made_with(monkeypatch, change)
    assert {check.state for check in found} == {"cannot see"}
    (check,) = [check for check in found if check.id == name]
    assert part in check.found


def test_variables_that_are_set_stay_hidden_and_only_a_wrong_one_is_told(monkeypatch):
    change = variables(**VARIABLES[NOTIFIER], SECRET="hunter2")

    assert "hunter2" not in repr(run(monkeypatch, change))


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ({}, True),
        ({"a": ["1", "x"]}, True),
        ({"a": ["2"]}, False),
        ({"a": ["1"], "b": {"c": ["z"]}}, False),
        ({"b": {"c": [{"exists": True}]}}, True),
        ({"b": {"d": [{"exists": False}]}}, True),
        ({"missing": {"c": ["1"]}}, False),
        ({"a": [{"anything-but": "1"}]}, False),
        ({"a": [{"anything-but": ["2"]}]}, True),
        ({"b": {"c": [{"anything-but": ["2"]}]}}, "the filter"),
        ({"a": [{"prefix": "1"}, "1"]}, True),
        ({"a": [{"prefix": "1"}], "b": {"c": ["z"]}}, False),
        ({"missing": [{"prefix": "1"}]}, False),
        ({"$or": [{"a": ["1"]}]}, "the filter"),
        ({"a": "1"}, "the filter"),
    ],
    ids=str,
)
def test_a_filter_lets_an_event_through_drops_it_or_is_not_understood(pattern, answer):
    found = passes(json.dumps(pattern), {"a": "1", "b": {"c": ANY}})

    assert found is answer if isinstance(answer, bool) else found.startswith(answer)
