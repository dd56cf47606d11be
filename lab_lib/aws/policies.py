"""Build the policies of roles, function, topic, queues and bucket, as dicts. Nothing here calls AWS."""

from typing import Any

from lab_lib.lab import BREAK_IT_ANY, Lab

Policy = dict[str, Any]


def trust() -> Policy:
    """Let Lambda, and nobody else, assume a role.

    Conditions such as aws:SourceAccount are left out: AWS does not document that Lambda sends them when it reads a
    stream. A role is only passed to functions of its own account, and iam:PassRole says by whom.
    """
    principal = {"Service": "lambda.amazonaws.com"}
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def transaction_processor(lab: Lab) -> Policy:
    """Let TransactionProcessor read uploads, keep rejected lines, write two tables, and mark each upload."""
    bucket = lab.arn("s3", lab.bucket)
    return document(
        allow(["s3:GetObject"], f"{bucket}/*"),
        allow(["s3:ListBucket"], bucket),  # without it S3 answers 403 for a deleted object
        allow(["s3:PutObject", "s3:DeleteObject"], f"{bucket}/rejected/*"),
        allow(["dynamodb:BatchWriteItem"], table(lab, "Customer"), table(lab, "Transactions")),
        allow(["dynamodb:GetItem", "dynamodb:PutItem"], table(lab, "ProcessedRecords")),
        *_dead_letters_and_log(lab, "TransactionProcessor"),
    )


def total_notifier(lab: Lab) -> Policy:
    """Let TotalNotifier read the stream, write totals and markers, and publish to the topic."""
    totals = table(lab, "TransactionTotal")
    markers = table(lab, "ProcessedRecords")
    return document(
        allow(
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            f"{table(lab, 'Transactions')}/stream/*",
        ),
        allow(["dynamodb:ListStreams"], "*"),  # has no resource-level permissions
        allow(["dynamodb:UpdateItem", "dynamodb:BatchGetItem", "dynamodb:Scan"], totals),
        allow(["dynamodb:PutItem"], markers),
        allow(["sns:Publish"], _topic(lab)),
        *_dead_letters_and_log(lab, "TotalNotifier"),
    )


def policy(lab: Lab, name: str) -> Policy:
    """Return the policy that the lab gives to a role, to the topic or to a queue, by its name."""
    if name == "TransactionProcessorRole":
        return transaction_processor(lab)
    if name == "TotalNotifierRole":
        return total_notifier(lab)
    if name == "HighBalanceAlert":
        return alert_topic(lab)
    return queue(lab, name)


def experiments(lab: Lab) -> dict[str, Policy]:
    """Let each role do in notebooks 01 and 06 what it does in the lab, by the names there.

    The learner's first function, in 01, writes row by row. The one of 06 has the role of TotalNotifier, and may do what
    it likes with the items of its two tables.
    """
    beside = lab.variant(BREAK_IT_ANY)
    row_by_row = allow(["dynamodb:PutItem"], table(beside, "Customer"), table(beside, "Transactions"))
    return {
        "TransactionProcessor": document(*transaction_processor(beside)["Statement"], row_by_row),
        "TotalNotifier": document(*total_notifier(beside)["Statement"], items_of_notifier(beside)),
    }


def boundary(lab: Lab) -> Policy:
    """Return the permissions boundary of all roles: what the functions do in the lab and beside it."""
    roles = (transaction_processor(lab), total_notifier(lab), *experiments(lab).values())
    statements = []
    for role in roles:
        for statement in role["Statement"]:
            if statement not in statements:
                statements.append(statement)
    return document(*statements)


def items_of_notifier(lab: Lab) -> Policy:
    """Return the statement that lets a function do what it likes with the items of totals and markers."""
    actions = [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:Query",
        "dynamodb:Scan",
    ]
    return allow(actions, table(lab, "TransactionTotal"), table(lab, "ProcessedRecords"))


def bucket_to_function(lab: Lab) -> Policy:
    """Return the statement that lets this bucket of this account, and no other, invoke TransactionProcessor."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": lab.arn("lambda", f"function:{lab.name('TransactionProcessor')}"),
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": lab.account},
            "ArnLike": {"AWS:SourceArn": lab.arn("s3", lab.bucket)},
        },
    }


def tls_only_bucket(lab: Lab) -> Policy:
    """Deny every request to the bucket without TLS."""
    bucket = lab.arn("s3", lab.bucket)
    return document(_deny_without_tls("s3:*", bucket, f"{bucket}/*"))


def queue(lab: Lab, name: str) -> Policy:
    """Let the topic of this account, and nothing else, send to a queue for alerts. Deny requests without TLS.

    The functions send to LabDeadLetters by their roles, so it lets nobody in.
    """
    arn = lab.arn("sqs", lab.name(name))
    from_topic = {
        "Sid": "TopicToQueue",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": _topic(lab)}, "StringEquals": {"aws:SourceAccount": lab.account}},
    }
    deny = _deny_without_tls("sqs:*", arn)
    return document(deny) if name == "LabDeadLetters" else document(from_topic, deny)


def alert_topic(lab: Lab) -> Policy:
    """Let the topic's account use it, as SNS does by default, and deny publishing without TLS."""
    actions = ["Publish", "Subscribe", "ListSubscriptionsByTopic", "GetTopicAttributes", "SetTopicAttributes"]
    actions += ["AddPermission", "RemovePermission", "DeleteTopic"]
    return document(
        {
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [f"sns:{action}" for action in actions],
            "Resource": _topic(lab),
            "Condition": {"StringEquals": {"aws:SourceOwner": lab.account}},
        },
        _deny_without_tls("sns:Publish", _topic(lab)),
    )


def document(*statements: Policy) -> Policy:
    """Return a policy with these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: list[str], *resources: str) -> Policy:
    """Return a statement that allows these actions on these resources."""
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def table(lab: Lab, name: str) -> str:
    """Return the ARN of a table."""
    return lab.arn("dynamodb", f"table/{lab.name(name)}")


def _deny_without_tls(action: str, *resources: str) -> Policy:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _topic(lab: Lab) -> str:
    return lab.arn("sns", lab.name("HighBalanceAlert"))


def _dead_letters_and_log(lab: Lab, function: str) -> list[Policy]:
    """Return the statements for what Lambda does for a function: keep what failed, and write its log."""
    group = lab.arn("logs", f"log-group:/aws/lambda/{lab.name(function)}:*")
    letters = lab.arn("sqs", lab.name("LabDeadLetters"))
    return [allow(["sqs:SendMessage"], letters), allow(["logs:CreateLogStream", "logs:PutLogEvents"], group)]
