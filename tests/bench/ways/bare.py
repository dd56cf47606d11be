"""Publish a message for each upload, and do nothing else."""

import os

import boto3

sns = boto3.client("sns")


def process(event, context):
    sns.publish(TopicArn=os.environ["TOPIC_ARN"], Message=event["Records"][0]["s3"]["object"]["key"])
    print("published")
