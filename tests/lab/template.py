"""A CloudFormation template of the lab, without SAM, as somebody writes it from the handout."""

import json

from by_hand import KEYS, NOTIFIER, PROCESSOR

from lab_lib.aws.queues import ALERT_QUEUES

RUNTIME = {"Runtime": "python3.12", "Handler": "index.lambda_handler", "Timeout": 20}
ALLOWED = ["s3:GetObject", "dynamodb:*", "sns:*", "logs:*"]


def template(bucket):
    """Return the template as JSON."""
    resources = {
        **{name: table(name) for name in KEYS},
        "Role": role(),
        "TransactionProcessor": function("TransactionProcessor", PROCESSOR),
        "TotalNotifier": function("TotalNotifier", NOTIFIER),
        "BucketMayInvoke": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "TransactionProcessor"},
                "Action": "lambda:InvokeFunction",
                "Principal": "s3.amazonaws.com",
                "SourceArn": f"arn:aws:s3:::{bucket}",
                "SourceAccount": {"Ref": "AWS::AccountId"},
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": "BucketMayInvoke", "Properties": bucket_properties(bucket)},
        "StreamTrigger": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": attribute("Transactions", "StreamArn"),
                "FunctionName": {"Ref": "TotalNotifier"},
                "StartingPosition": "LATEST",
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "HighBalanceAlert"}},
    }
    for name in ALERT_QUEUES:
        resources |= queue(name)
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})


def attribute(name, which="Arn"):
    return {"Fn::GetAtt": [name, which]}


def table(name):
    keys = KEYS[name]
    stream = {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}} if name == "Transactions" else {}
    properties = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        "KeySchema": [
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
    }
    return {"Type": "AWS::DynamoDB::Table", "Properties": {**properties, **stream}}


def role():
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allow = {"Effect": "Allow", "Action": ALLOWED, "Resource": "*"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": "lab", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allow]}},
            ],
        },
    }


def function(name, code):
    properties = {"FunctionName": name, "Role": attribute("Role"), "Code": {"ZipFile": code}, **RUNTIME}
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def bucket_properties(bucket):
    kinds = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    trigger = {"Event": "s3:ObjectCreated:*", "Function": attribute("TransactionProcessor")}
    return {
        "BucketName": bucket,
        "PublicAccessBlockConfiguration": dict.fromkeys(kinds, True),
        "NotificationConfiguration": {"LambdaConfigurations": [trigger]},
    }


def queue(name):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": attribute(name),
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}},
    }
    return {
        name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
        f"{name}Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": name}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            },
        },
        f"{name}Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": attribute(name)},
        },
    }
