"""What functions, topics, queues and the bucket may do and let in, as the dicts that become JSON. Nothing calls AWS."""

from typing import Any

from lab_lib.lab import Lab

Policy = dict[str, Any]


def lambda_trust(lab: Lab) -> Policy:
    """Lets the Lambda service, for this account and for nobody else, take on a role."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
            # No aws:SourceArn: AWS does not say which one Lambda sends when it reads a stream for the function.
            "Condition": {"StringEquals": {"aws:SourceAccount": lab.account}},
        }
    )


def transaction_processor(lab: Lab) -> Policy:
    """What TransactionProcessor may do: read the uploads, keep what it rejects, write two tables."""
    bucket = lab.arn("s3", lab.bucket)
    return document(
        allow(["s3:GetObject"], f"{bucket}/*"),
        allow(["s3:ListBucket"], bucket),  # without it, S3 says "forbidden" of an object that is gone
        allow(["s3:PutObject", "s3:DeleteObject"], f"{bucket}/rejected/*"),
        allow(["dynamodb:BatchWriteItem"], table(lab, "Customer"), table(lab, "Transactions")),
        _park(lab),
        _write_log(lab, "TransactionProcessor"),
    )


def total_notifier(lab: Lab) -> Policy:
    """What TotalNotifier may do: read the stream, keep totals and markers, publish to the one topic."""
    totals, markers = table(lab, "TransactionTotal"), table(lab, "ProcessedRecords")
    return document(
        allow(
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            f"{table(lab, 'Transactions')}/stream/*",
        ),
        allow(["dynamodb:ListStreams"], "*"),  # this action knows no narrower resource
        allow(["dynamodb:UpdateItem", "dynamodb:BatchGetItem"], totals),
        allow(["dynamodb:PutItem"], markers),
        allow(["sns:Publish"], lab.arn("sns", lab.name("HighBalanceAlert"))),
        _park(lab),
        _write_log(lab, "TotalNotifier"),
    )


def tls_only_bucket(lab: Lab) -> Policy:
    """Refuses every request to the bucket that does not come over TLS."""
    bucket = lab.arn("s3", lab.bucket)
    return document(_refuse_without_tls("s3:*", bucket, f"{bucket}/*"))


def tls_only_queue(queue_arn: str) -> Policy:
    """Refuses every request to the queue that does not come over TLS."""
    return document(_refuse_without_tls("sqs:*", queue_arn))


def topic_to_queue(lab: Lab, topic_arn: str, queue_arn: str) -> Policy:
    """Lets this topic of this account, and nothing else, send messages to the queue; all over TLS."""
    return document(
        {
            "Sid": "TopicToQueue",
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {
                "ArnEquals": {"aws:SourceArn": topic_arn},
                "StringEquals": {"aws:SourceAccount": lab.account},
            },
        },
        _refuse_without_tls("sqs:*", queue_arn),
    )


def alert_topic(lab: Lab, topic_arn: str) -> Policy:
    """Leaves the topic to its account, as SNS does by itself, and refuses what is published without TLS."""
    actions = ["Publish", "Subscribe", "ListSubscriptionsByTopic", "GetTopicAttributes", "SetTopicAttributes"]
    actions += ["AddPermission", "RemovePermission", "DeleteTopic"]
    return document(
        {
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [f"sns:{action}" for action in actions],
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"aws:SourceOwner": lab.account}},
        },
        _refuse_without_tls("sns:Publish", topic_arn),
    )


def document(*statements: Policy) -> Policy:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: list[str], *resources: str, **more: Policy) -> Policy:
    """A statement that allows these actions on these resources; `more` is a Condition."""
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources), **more}


def table(lab: Lab, name: str) -> str:
    """The table's ARN."""
    return lab.arn("dynamodb", f"table/{lab.name(name)}")


def log(lab: Lab, function: str) -> str:
    """The ARN of the function's log group."""
    return lab.arn("logs", f"log-group:/aws/lambda/{lab.name(function)}")


def _refuse_without_tls(action: str, *resources: str) -> Policy:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _park(lab: Lab) -> Policy:
    return allow(["sqs:SendMessage"], lab.arn("sqs", lab.name("LabDeadLetters")))


def _write_log(lab: Lab, function: str) -> Policy:
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{log(lab, function)}:*")
