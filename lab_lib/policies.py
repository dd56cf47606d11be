"""The lab's policies, as the dicts that become JSON: who may do what to which. Pure functions; nothing calls AWS."""

from typing import Any

from lab_lib.lab import BUCKET_NAME, Lab

Policy = dict[str, Any]


def lambda_trust() -> Policy:
    """Lets the Lambda service, and nobody else, take on a role."""
    return _policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})


def transaction_processor(lab: Lab) -> Policy:
    """What TransactionProcessor may do: read the uploads, keep what it rejects, write two tables."""
    bucket = lab.arn("s3", lab.bucket)
    return _policy(
        _allow(["s3:GetObject"], f"{bucket}/*"),
        _allow(["s3:ListBucket"], bucket),  # without it, S3 says "forbidden" of an object that is gone
        _allow(["s3:PutObject", "s3:DeleteObject"], f"{bucket}/rejected/*"),
        _allow(["dynamodb:BatchWriteItem"], _table(lab, "Customer"), _table(lab, "Transactions")),
        _park(lab),
        _write_log(lab, "TransactionProcessor"),
    )


def total_notifier(lab: Lab) -> Policy:
    """What TotalNotifier may do: read the stream, keep totals and markers, publish to the one topic."""
    totals, markers = _table(lab, "TransactionTotal"), _table(lab, "ProcessedRecords")
    return _policy(
        _allow(
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            f"{_table(lab, 'Transactions')}/stream/*",
        ),
        _allow(["dynamodb:ListStreams"], "*"),  # this action knows no narrower resource
        _allow(["dynamodb:UpdateItem", "dynamodb:BatchGetItem"], totals),
        _allow(["dynamodb:PutItem"], markers),
        _allow(["sns:Publish"], lab.arn("sns", lab.name("HighBalanceAlert"))),
        _park(lab),
        _write_log(lab, "TotalNotifier"),
    )


def grader(lab: Lab) -> Policy:
    """What somebody may do who grades the account: see how it is built, and read what the lab keeps there."""
    bucket = lab.arn("s3", f"*{BUCKET_NAME}*")
    logs = [_log(lab, name) for name in ("TransactionProcessor", "TotalNotifier")]
    return _policy(
        _allow(
            [
                "cloudwatch:GetMetricData",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:ListTables",
                "iam:GetRole",
                "iam:SimulatePrincipalPolicy",
                "lambda:GetFunction",
                "lambda:GetFunctionEventInvokeConfig",
                "lambda:GetPolicy",
                "lambda:ListEventSourceMappings",
                "lambda:ListFunctions",
                "logs:DescribeLogGroups",
                "s3:ListAllMyBuckets",
                "sns:GetSubscriptionAttributes",
                "sns:GetTopicAttributes",
                "sns:ListSubscriptions",
                "sns:ListSubscriptionsByTopic",
                "sns:ListTopics",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListQueues",
            ],
            "*",
        ),
        _allow(
            [
                "s3:GetBucketLocation",
                "s3:GetBucketNotification",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:ListBucket",
            ],
            bucket,
        ),
        _allow(["s3:GetObject"], f"{bucket}/*"),
        _allow(["dynamodb:Scan"], *(_table(lab, name) for name in ("Customer", "Transactions", "TransactionTotal"))),
        _allow(
            ["logs:FilterLogEvents"], *logs, *(f"{log}:*" for log in logs)
        ),  # which of the two counts, AWS leaves open
        _allow(  # a message is only seen when it is received, and laid back at once
            ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility*"],
            *(lab.arn("sqs", lab.name(name)) for name in ("CustomerNotify", "CreditCollection")),
        ),
    )


def tls_only_bucket(lab: Lab) -> Policy:
    """Refuses every request to the bucket that does not come over TLS."""
    bucket = lab.arn("s3", lab.bucket)
    return _policy(
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, f"{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def topic_to_queue(lab: Lab, topic_arn: str, queue_arn: str) -> Policy:
    """Lets this topic of this account, and nothing else, send messages to the queue."""
    return _policy(
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
        }
    )


def _policy(*statements: Policy) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: list[str], *resources: str) -> Policy:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _table(lab: Lab, name: str) -> str:
    return lab.arn("dynamodb", f"table/{lab.name(name)}")


def _park(lab: Lab) -> Policy:
    return _allow(["sqs:SendMessage"], lab.arn("sqs", lab.name("LabDeadLetters")))


def _write_log(lab: Lab, function: str) -> Policy:
    return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{_log(lab, function)}:*")


def _log(lab: Lab, function: str) -> str:
    return lab.arn("logs", f"log-group:/aws/lambda/{lab.name(function)}")
