"""Judge the role of a function: the permissions that the function needs, and those that it should not have."""

import ast
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lab_lib.aws import functions, grants, policies, queues, roles, tables
from lab_lib.aws.evaluator import Request, decide, from_service
from lab_lib.checks.function_code import parsed
from lab_lib.checks.rules import Account, or_none
from lab_lib.errors import LabError
from lab_lib.handlers.transaction_processor.transactions_file import rejected_key

ANOTHER_ACCOUNT = "000000000001"  # stands for all accounts but the lab's
UPLOAD = "transactions.txt"  # the handout's file
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OTHER = {"TransactionProcessor": "TotalNotifier", "TotalNotifier": "TransactionProcessor"}
_POLICIES = {"TransactionProcessor": policies.transaction_processor, "TotalNotifier": policies.total_notifier}


@dataclass(frozen=True)
class Need:
    """A permission: one of these actions on this resource."""

    actions: tuple[str, ...]
    resource: str

    def __str__(self) -> str:
        return f"{' or '.join(self.actions)} on {self.resource.split(':', 5)[-1]}"


def lacking(account: Account, name: str, role_arn: str) -> list[str]:
    """Return the permissions that the function needs and the role does not give."""
    needs = _needs(account, name)
    given = _given(account, role_arn, needs)
    return [str(need) for need in needs if need not in given]


def forbidden(account: Account, name: str, role_arn: str, arn: str, statements: list[policies.Policy]) -> list[str]:
    """Return what the function needs of a resource and the resource's own policy denies to the function's role."""
    needs = [each for each in _needs(account, name) if "/stream/" not in each.resource]  # it has a policy of its own
    needs = [each for each in needs if each.resource == arn or each.resource.startswith(f"{arn}/")]

    def is_denied(need: Need) -> bool:
        asked = (by_role(account, name, role_arn, action, need.resource) for action in need.actions)
        return not any(is_allowed([ALLOW_ALL, *statements], each) for each in asked)

    return [str(need) for need in needs if is_denied(need)]


def by_role(account: Account, name: str, role_arn: str, action: str, resource: str) -> Request:
    """Return the request of a function, with the condition keys that are known of each of its requests."""
    lab = account.lab
    known: dict[str, str | None] = {
        "aws:principalarn": role_arn,
        "aws:principalaccount": lab.account,
        "aws:principaltype": "AssumedRole",
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
        "aws:requestedregion": lab.region,
        "aws:securetransport": "true",
        "s3:tlsversion": "1.3",
        "lambda:sourcefunctionarn": lab.arn("lambda", f"function:{lab.name(name)}"),
        **dict.fromkeys(("aws:sourcearn", "aws:sourceaccount", "aws:principalservicename")),
    }
    if not functions.vpc(account.settings(name)):
        known |= dict.fromkeys(("aws:sourcevpc", "aws:sourcevpce"))
    return Request(role_arn, action, resource, known)


def excess(account: Account, name: str, role_arn: str) -> list[str]:
    """Return the permissions that the role gives without need: to do the other function's work, or to destroy."""
    own = {(action, need.resource) for need in _workbook_needs(account, name) for action in need.actions}
    others = [n for n in _workbook_needs(account, OTHER[name]) if (n.actions[0], n.resource) not in own]
    return [str(need) for need in _given(account, role_arn, [*others, *_destructive(account)])]


def trusts_lambda(role: dict[str, Any]) -> bool:
    """Return True if the Lambda service may assume the role."""
    statements = grants.statements(role.get("AssumeRolePolicyDocument"))
    return is_allowed(statements, from_service("lambda.amazonaws.com", "sts:AssumeRole", role["Arn"]))


def is_allowed(statements: list[policies.Policy], request: Request) -> bool:
    """Return True if the statements allow the request. Raises LabError if that cannot be decided."""
    decision = decide(statements, request)
    if decision.state == "unknown":
        raise LabError(f"this check cannot judge {decision.reason}")
    return decision.state == "allowed"


def _needs(account: Account, name: str) -> list[Need]:
    return _workbook_needs(account, name) if is_workbook_code(account, name) else _handout_needs(account, name)


def is_workbook_code(account: Account, name: str) -> bool:
    """Return True if the function's code has all functions of this workbook's code; it may have changes and more."""
    if account.ask(functions.describe, name) is None:
        return False
    ours = _defined(*(file.read_text(encoding="utf-8") for file in functions.source_files(name)))
    theirs = or_none(lambda: account.ask(functions.code, name)) or {}  # the check of the code says why it is not read
    return ours <= _defined(*theirs.values())


def _workbook_needs(account: Account, name: str) -> list[Need]:
    """Return the needs of this workbook's function: each action that its policy allows."""
    statements = _POLICIES[name](account.lab)["Statement"]
    return [
        Need((action,), _example(account, resource))
        for each in statements
        for resource in each["Resource"]
        for action in each["Action"]
    ]


def _handout_needs(account: Account, name: str) -> list[Need]:
    """Return the needs of the handout's function, which may write its rows one by one or in batches."""
    lab = account.lab
    log = _example(account, lab.arn("logs", f"log-group:/aws/lambda/{lab.name(name)}:*"))
    needs = [Need(("logs:CreateLogStream",), log), Need(("logs:PutLogEvents",), log)]
    if name == "TransactionProcessor":
        needs.append(Need(("s3:GetObject",), f"{lab.arn('s3', lab.bucket)}/{UPLOAD}"))
        write = ("dynamodb:PutItem", "dynamodb:BatchWriteItem")
        return [*needs, *(Need(write, policies.table(lab, each)) for each in ("Customer", "Transactions"))]
    stream = _example(account, f"{policies.table(lab, 'Transactions')}/stream/*")
    needs += [Need((f"dynamodb:{action}",), stream) for action in ("DescribeStream", "GetRecords", "GetShardIterator")]
    needs.append(Need(("dynamodb:UpdateItem", "dynamodb:PutItem"), policies.table(lab, "TransactionTotal")))
    return [*needs, Need(("sns:Publish",), lab.arn("sns", lab.name("HighBalanceAlert")))]


def _destructive(account: Account) -> list[Need]:
    """Return permissions that no function of the lab needs."""
    lab = account.lab
    return [
        Need(("dynamodb:DeleteTable",), policies.table(lab, "Transactions")),
        Need(("s3:DeleteBucket",), lab.arn("s3", lab.bucket)),
        Need(("sns:DeleteTopic",), lab.arn("sns", lab.name("HighBalanceAlert"))),
        Need(("sqs:PurgeQueue",), queues.queue_arn(lab, queues.ALERT_QUEUES[0])),
        Need(("lambda:UpdateFunctionCode",), lab.arn("lambda", f"function:{lab.name('TransactionProcessor')}")),
        Need(("iam:PassRole",), lab.arn("iam", "role/any")),
    ]


def _given(account: Account, role_arn: str, needs: list[Need]) -> list[Need]:
    """Return the needs that the role meets. IAM's policy simulator is asked once for each resource."""
    actions: dict[str, list[str]] = defaultdict(list)
    for need in needs:
        actions[need.resource] += need.actions
    allowed = {
        resource: account.ask(roles.allowed, role_arn, tuple(names), resource) for resource, names in actions.items()
    }
    return [need for need in needs if allowed[need.resource] & set(need.actions)]


def _example(account: Account, resource: str) -> str:
    """Return a resource that matches the pattern: IAM's policy simulator takes no patterns."""
    if resource.endswith("/stream/*") and (stream := account.ask(tables.find_stream)):
        return stream
    if "log-group:" in resource:
        return resource.removesuffix("*") + "log-stream:any"
    example = rejected_key(UPLOAD) if resource.endswith("/rejected/*") else UPLOAD
    return f"{resource.removesuffix('rejected/*').removesuffix('*')}{example}" if resource.endswith("/*") else resource


@lru_cache(maxsize=8)  # several checks ask for the same files
def _defined(*texts: str) -> set[str]:
    """Return the names of the functions in all files together. A file that is not Python has none."""
    names = set()
    for text in texts:
        with suppress(SyntaxError):
            names |= {node.name for node in ast.walk(parsed(text)) if isinstance(node, ast.FunctionDef)}
    return names
