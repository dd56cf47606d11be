"""The lab's policies, as the dicts that become JSON: who may do what to which. Pure functions; nothing calls AWS."""

from fnmatch import fnmatchcase
from typing import Any

from lab_lib.lab import Lab

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

    Names of topics, in which * may stand for anything; "users of this account", which SNS is not; "this account",
    which is anything in it; "anyone". Conditions of a refusal are not weighed: such a statement refuses nobody.
    """
    refused = any(each["Effect"] == "Deny" and not each.get("Condition") for each in _on_sending(statements, queue_arn))
    allowed = [each for each in _on_sending(statements, queue_arn) if each["Effect"] == "Allow" and not refused]
    return sorted({source for each in allowed for source in _sources(lab, each)})


def invokers(lab: Lab, statements: list[Policy]) -> list[str]:
    """Which buckets may start a function by these statements of its policy, such as "my-bucket of any account"."""
    found = set()
    for each in statements:
        if _service(each) not in ("s3.amazonaws.com", "*") or each["Effect"] != "Allow":
            continue
        only = conditions(each)
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
    actions = [[action.lower() for action in listed(each.get("Action", []))] for each in found]
    return [each for each, names in zip(found, actions, strict=True) if matches(names, "sqs:sendmessage")]


def _sources(lab: Lab, statement: Policy) -> list[str]:
    only, principal, service = conditions(statement), statement.get("Principal", {}), _service(statement)
    people = listed(principal.get("AWS", [])) if isinstance(principal, dict) else [principal]
    if people and all(lab.account in str(each) for each in people):
        return ["users of this account"]
    if service not in ("", "*", "sns.amazonaws.com"):
        return [service]
    if "aws:sourcearn" in only:
        return [arn.split(":")[-1] if lab.arn("sns", "") in arn else arn for arn in only["aws:sourcearn"]]
    accounts = only.get("aws:sourceaccount", only.get("aws:principalaccount", []))
    return ["this account" if each == lab.account else f"account {each}" for each in accounts] or ["anyone"]


def _service(statement: Policy) -> str:
    """The service that the statement lets in; * where it lets in everyone, "" where it is about people."""
    principal = statement.get("Principal", {})
    if principal == "*" or principal == {"AWS": "*"}:
        return "*"
    return str(principal.get("Service", "")) if isinstance(principal, dict) else ""


def _policy(*statements: Policy) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: list[str], *resources: str) -> Policy:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _table(lab: Lab, name: str) -> str:
    return lab.arn("dynamodb", f"table/{lab.name(name)}")


def _park(lab: Lab) -> Policy:
    return _allow(["sqs:SendMessage"], lab.arn("sqs", lab.name("LabDeadLetters")))


def _write_log(lab: Lab, function: str) -> Policy:
    group = lab.arn("logs", f"log-group:/aws/lambda/{lab.name(function)}")
    return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{group}:*")
