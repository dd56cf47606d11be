"""Say what AWS would refuse in a request: beside the limits of the embedded AWS, those that moto does not know."""

import re

from lab_lib.embedded.limits import LIMITS, Limit, refusals


def text(low, high, pattern):
    """Allow a text of this many bytes and of this pattern."""
    return lambda value: low <= len(value.encode()) <= high and re.fullmatch(pattern, value)


def items(high, low=0):
    return lambda value: low <= len(value) <= high


def batch(high):
    """Allow at most so many items of all tables together in RequestItems."""
    return lambda tables: 1 <= sum(map(len, tables.values())) <= high


ALL = (
    *LIMITS,
    # S3 User Guide: bucket naming rules, object keys
    Limit("s3", "Bucket", text(3, 63, r"[a-z0-9][a-z0-9.-]*[a-z0-9]")),
    Limit("s3", "Key", lambda key: isinstance(key, dict) or 1 <= len(key.encode()) <= 1_024),  # a dict: a filter's
    Limit("s3", "Delete.Objects", items(1_000, 1)),
    # DynamoDB Developer Guide: service quotas, naming rules
    Limit("dynamodb", "TableName", text(3, 255, r"[A-Za-z0-9_.-]+")),
    Limit("dynamodb", "BatchWriteItem:RequestItems", batch(25)),
    # SQS API reference: SendMessage
    Limit("sqs", "Entries", items(10, 1)),
    Limit("sqs", "MessageBody", text(1, 2**20, r"[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")),
    Limit("cloudwatch", "MetricDataQueries", items(500, 1)),
    Limit("cloudwatch", "MetricDataQueries.Id", text(1, 255, r"[a-z]\w*")),
)


def problems(model, params):
    """Return what AWS would refuse in these parameters of botocore's operation model."""
    service = model.service_model.service_name
    return [f"{service}.{model.name}: {refusal.message}" for refusal in refusals(model, params, ALL)]
