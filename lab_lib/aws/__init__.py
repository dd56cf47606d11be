"""Make, find and delete each kind of AWS resource, with the calls of boto3 spelled out."""

from lab_lib.aws import (  # noqa: F401  # the notebooks import this package alone
    buckets,
    cleanup,
    cloudwatch,
    functions,
    policies,
    queues,
    roles,
    streams,
    tables,
    topics,
    triggers,
)
