"""The lab's policies, as the dicts that become JSON: who may do what to which. Pure functions; nothing calls AWS."""

from fnmatch import fnmatchcase
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


def senders(lab: Lab, statements: list[Policy], queue_arn: str) -> list[str]:
    """Who may send to the queue by these statements of its policy.

    Names of the account's own topics, ARNs of others, with * for anything; "users of this account", which SNS is not;
    "this account", which is anything in it; "anyone". A refusal that has a condition is taken to refuse nobody.
    """
    about = _on_sending(statements, queue_arn)
    refused = any(
        each["Effect"] == "Deny" and not each.get("Condition") and _lets_in(each, "sns.amazonaws.com") for each in about
    )
    allowed = [each for each in about if each["Effect"] == "Allow" and not refused]
    return sorted({source for each in allowed for source in _sources(lab, each)})


def invokers(lab: Lab, statements: list[Policy]) -> list[str]:
    """Which buckets may start a function by these statements of its policy, such as "my-bucket of any account"."""
    found = set()
    for each in statements:
        only = conditions(each)
        by_url = "lambda:functionurlauthtype" in only or "lambda:invokedviafunctionurl" in only
        if by_url or each["Effect"] != "Allow" or not _does(each, "lambda:invokefunction"):
            continue
        if not _lets_in(each, "s3.amazonaws.com"):
            continue
        account = "this account" if only.get("aws:sourceaccount") == [lab.account] else "any account"
        found |= {f"{arn.split(':')[-1]} of {account}" for arn in only.get("aws:sourcearn", ["any bucket"])}
    return sorted(found)


def conditions(statement: Policy) -> dict[str, list[str]]:
    """What a statement's condition asks for, whatever operator compares it: {"aws:sourcearn": ["arn:…"]}."""
    asked = [pair for pairs in statement.get("Condition", {}).values() for pair in pairs.items()]
    return {key.lower(): listed(value) for key, value in asked}


def listed(value: Any) -> list[Any]:
    """The value as a list: a policy's JSON may leave out the brackets around a single one."""
    return value if isinstance(value, list) else [value]


def matches(patterns: Any, value: str) -> bool:
    """True if one of a policy's patterns, in which * stands for anything, fits the value."""
    return any(fnmatchcase(value, str(pattern)) for pattern in listed(patterns))


def _on_sending(statements: list[Policy], queue_arn: str) -> list[Policy]:
    """The statements that are about sending to this queue."""
    found = [each for each in statements if matches(each.get("Resource", []), queue_arn)]
    return [each for each in found if _does(each, "sqs:sendmessage")]


def _does(statement: Policy, action: str) -> bool:
    """True if the statement is about the action, which is given in small letters, as AWS compares them."""
    return matches([str(each).lower() for each in listed(statement.get("Action", []))], action)


def _sources(lab: Lab, statement: Policy) -> list[str]:
    only = conditions(statement)
    if not _lets_in(statement, "sns.amazonaws.com"):
        return ["users of this account" if lab.account in each else each for each in _principals(statement)]
    if "aws:sourcearn" in only:
        names = {arn: arn.split(":")[-1] for arn in only["aws:sourcearn"]}
        ours = [
            arn for arn in names if arn.split(":")[4:5] == [lab.account] and matches(arn, lab.arn("sns", names[arn]))
        ]
        return [names[arn] if arn in ours else arn for arn in names]
    accounts = only.get("aws:sourceaccount", only.get("aws:principalaccount", []))
    return ["this account" if each == lab.account else f"account {each}" for each in accounts] or ["anyone"]


def _lets_in(statement: Policy, service: str) -> bool:
    """True if the statement is about this service, or about everyone."""
    return not {"*", service}.isdisjoint(_principals(statement))


def _principals(statement: Policy) -> list[str]:
    """Whom the statement is about: services, people by their ARN or account, * for everyone."""
    principal = statement.get("Principal", {})
    kinds = principal.values() if isinstance(principal, dict) else [principal]
    return [str(each) for kind in kinds for each in listed(kind)]


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
