"""What a function's role must be able to do for the function to work, and what it had better not be able to do."""

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from lab_lib.aws import functions, grants, policies, roles, tables
from lab_lib.checks.rules import Account

OTHER = {"TransactionProcessor": "TotalNotifier", "TotalNotifier": "TransactionProcessor"}
_POLICIES = {"TransactionProcessor": policies.transaction_processor, "TotalNotifier": policies.total_notifier}


@dataclass(frozen=True)
class Need:
    """One of these actions, on this resource."""

    actions: tuple[str, ...]
    resource: str

    def __str__(self) -> str:
        return f"{' or '.join(self.actions)} on {self.resource.split(':', 5)[-1]}"


def lacking(account: Account, name: str, role_arn: str) -> list[str]:
    """What the role would have to allow, and does not, for the function to work."""
    needs = _own(account, name) if is_this_workbooks(account, name) else _handouts(account, name)
    met = _met(account, role_arn, needs)
    return [str(need) for need in needs if need not in met]


def surplus(account: Account, name: str, role_arn: str) -> list[str]:
    """What the role allows, although the function has no need of it: the other function's work, and destruction."""
    own = {(action, need.resource) for need in _own(account, name) for action in need.actions}
    others = [need for need in _own(account, OTHER[name]) if (need.actions[0], need.resource) not in own]
    return [str(need) for need in _met(account, role_arn, [*others, *_destruction(account)])]


def trusting_lambda(role: dict[str, Any]) -> list[policies.Policy]:
    """The statements that let the Lambda service take on the role."""
    document = role["AssumeRolePolicyDocument"]
    statements = grants.as_list(document["Statement"]) if isinstance(document, dict) else []
    return [
        each
        for each in statements
        if each["Effect"] == "Allow"
        and isinstance(each.get("Principal"), dict)
        and "lambda.amazonaws.com" in grants.as_list(each["Principal"].get("Service", []))
    ]


def is_this_workbooks(account: Account, name: str) -> bool:
    """True if the function's code is the workbook's own, perhaps changed a little: it has all its parts."""
    if account.ask(functions.describe, name) is None:
        return False
    texts = account.ask(functions.code, name).values()
    return any(_parts(functions.SOURCES[name].read_text(encoding="utf-8")) <= _parts(text) for text in texts)


def _own(account: Account, name: str) -> list[Need]:
    """The needs of this workbook's function: each action that its policy allows."""
    statements = _POLICIES[name](account.lab)["Statement"]
    return [
        Need((action,), _concrete(account, resource))
        for each in statements
        for resource in each["Resource"]
        for action in each["Action"]
    ]


def _handouts(account: Account, name: str) -> list[Need]:
    """The needs of a function as the handout has it, which writes its rows one by one, or in batches."""
    lab = account.lab
    log = _concrete(account, lab.arn("logs", f"log-group:/aws/lambda/{lab.name(name)}:*"))
    needs = [Need(("logs:CreateLogStream",), log), Need(("logs:PutLogEvents",), log)]
    if name == "TransactionProcessor":
        needs.append(Need(("s3:GetObject",), f"{lab.arn('s3', lab.bucket)}/transactions.txt"))
        writing = ("dynamodb:PutItem", "dynamodb:BatchWriteItem")
        return [*needs, Need(writing, _table(account, "Customer")), Need(writing, _table(account, "Transactions"))]
    stream = _concrete(account, f"{_table(account, 'Transactions')}/stream/*")
    needs += [Need((f"dynamodb:{action}",), stream) for action in ("DescribeStream", "GetRecords", "GetShardIterator")]
    needs.append(Need(("dynamodb:UpdateItem", "dynamodb:PutItem"), _table(account, "TransactionTotal")))
    return [*needs, Need(("sns:Publish",), lab.arn("sns", lab.name("HighBalanceAlert")))]


def _destruction(account: Account) -> list[Need]:
    """What neither function ever does."""
    lab = account.lab
    function = lab.arn("lambda", f"function:{lab.name('TransactionProcessor')}")
    return [
        Need(("dynamodb:DeleteTable",), _table(account, "Transactions")),
        Need(("s3:DeleteBucket",), lab.arn("s3", lab.bucket)),
        Need(("sns:DeleteTopic",), lab.arn("sns", lab.name("HighBalanceAlert"))),
        Need(("sqs:PurgeQueue",), lab.arn("sqs", lab.name("CustomerNotify"))),
        Need(("lambda:UpdateFunctionCode",), function),
        Need(("iam:PassRole",), lab.arn("iam", "role/any")),
    ]


def _met(account: Account, role_arn: str, needs: list[Need]) -> list[Need]:
    """Those of the needs that the role allows; the simulator is asked once for each resource."""
    actions: dict[str, list[str]] = defaultdict(list)
    for need in needs:
        actions[need.resource] += need.actions
    allowed = {
        resource: account.ask(roles.allowed, role_arn, tuple(names), resource) for resource, names in actions.items()
    }
    return [need for need in needs if allowed[need.resource] & set(need.actions)]


def _concrete(account: Account, resource: str) -> str:
    """A resource that the pattern fits: IAM's simulator judges single ones."""
    if resource.endswith("/stream/*") and (stream := account.ask(tables.find_stream)):
        return stream
    if "log-group:" in resource:
        return resource.removesuffix("*") + "log-stream:any"
    return resource.removesuffix("*") + "any" if resource.endswith("/*") else resource


def _table(account: Account, name: str) -> str:
    return account.lab.arn("dynamodb", f"table/{account.lab.name(name)}")


def _parts(code: str) -> set[str]:
    """The names of a file's functions; none if it cannot be read as Python."""
    try:
        return {node.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)} or {""}
    except SyntaxError:
        return set()
