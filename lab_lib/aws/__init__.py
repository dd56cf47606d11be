"""One module a kind of AWS resource: `aws.queues.ensure_queue(lab, name)` is in queues.py, with the calls of boto3."""

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
