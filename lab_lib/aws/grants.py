"""Read policies: whether they allow a request, and whom of other accounts they let in. Nothing here calls AWS.

What is not understood is never guessed: NotAction, a policy variable, another operator than those below, or a condition
key that the request does not mention is a LabError, if the answer depends on it.
"""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from operator import eq
from typing import Any, NamedTuple

from lab_lib.aws.json_text import json_object
from lab_lib.aws.policies import Policy
from lab_lib.errors import LabError
from lab_lib.lab import Lab
from lab_lib.language import N_, _

Context = Mapping[str, str | None]
SEND = "sqs:SendMessage"
ANYONE = N_("anyone")
ANOTHER_ACCOUNT = "000000000001"  # stands for all accounts but the lab's
# A usual request: it comes over TLS, and by no function URL.
_USUAL: Context = {
    "aws:securetransport": "true",
    "lambda:functionurlauthtype": None,
    "lambda:invokedviafunctionurl": None,
}
_SAYS_WHO = re.compile("aws:(source|principal)(arn|account|owner|orgid|vpce?)", re.IGNORECASE)


class Request(NamedTuple):
    """A request: who wants to do what on which resource, and the values of the condition keys, in lower case.

    The principal is as policies name it, or "*" for one that they do not name. None is the value of a key that AWS
    leaves out of this request.
    """

    principal: str
    action: str
    resource: str
    context: Context = {}  # noqa: RUF012  # nobody changes it


def statements(policy: Any) -> list[Policy]:
    """Return the statements of a policy, which is in JSON or read already; an empty list without a policy."""
    document = policy if isinstance(policy, dict) else json_object(policy)
    found = []
    for statement in as_list(document.get("Statement", [])):
        if isinstance(statement, dict) and statement.get("Effect") in ("Allow", "Deny"):
            found.append(statement)
    return found


def is_allowed(statements: list[Policy], request: Request) -> bool:
    """Return True if a statement allows the request and none denies it. LabError if that cannot be decided."""
    return not is_denied(statements, request) and _any_applies("Allow", statements, request)


def is_denied(statements: list[Policy], request: Request) -> bool:
    """Return True if a statement denies the request. LabError if that cannot be decided."""
    return _any_applies("Deny", statements, request)


def outsiders(lab: Lab, statements: list[Policy], resource: str) -> list[tuple[str, str]]:
    """Return who of other accounts may do what on a resource: each action that a statement allows them.

    LabError if that cannot be decided.
    """
    found = []
    for statement in statements:
        for who in _strangers(lab, statement):
            for action in as_list(_element(statement, "Action")):
                if not is_denied(statements, Request(who, action, resource)):
                    found.append((who, action))
    return found


def short(lab: Lab, arn: str) -> str:
    """Return the name in an ARN of this account and Region. Return any other ARN as it is."""
    service = arn_part(arn, 2)
    resource = arn_part(arn, 5)
    if arn != lab.arn(service, resource):
        return arn
    return resource.removeprefix("function:")


def as_list(value: Any) -> list[Any]:
    """Return the value as a list. The JSON of a policy may omit the brackets around a single value."""
    return value if isinstance(value, list) else [value]


def like(pattern: str, value: str) -> bool:
    """Return True if the value matches the pattern, in which * stands for any text and ? for one character."""
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def arn_part(arn: str, place: int) -> str:
    """Return a part of arn:partition:service:region:account:resource, such as 2 for the service; "" without one."""
    return "".join(arn.split(":", 5)[place : place + 1])


_OPERATORS: dict[str, Callable[[str, str], bool]] = {  # each gets what the policy wants, and what the request has
    "StringEquals": eq,
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda wanted, value: wanted.lower() == value,
}


def _any_applies(effect: str, statements: list[Policy], request: Request) -> bool:
    """Return True if a statement with this effect is about the request. LabError if that depends on an unclear one."""
    unclear = None
    for statement in statements:
        try:
            if statement["Effect"] == effect and _applies(statement, request):
                return True
        except LabError as error:
            unclear = error
    if unclear:
        raise unclear
    return False


def _applies(statement: Policy, request: Request) -> bool:
    """Return whether the statement is about this request."""
    principals = []
    for names in _principals(statement).values():
        principals += as_list(names)
    if "*" not in principals and request.principal not in principals:
        return False
    actions = _texts(_element(statement, "Action"))
    if not any(like(action.lower(), request.action.lower()) for action in actions):
        return False
    resources = _texts(_element(statement, "Resource"))
    if not any(like(resource, request.resource) for resource in resources):
        return False
    return all(_holds(operator, key, wanted, request.context) for operator, key, wanted in _conditions(statement))


def _strangers(lab: Lab, statement: Policy) -> list[str]:
    """Return whom of other accounts a statement allows something: "anyone", or who is named.

    These are its principals, narrowed by each condition that says who asks. A condition of Lambda's, which is about
    a function's URL, is taken to hold.
    """
    if statement["Effect"] == "Deny":
        return []
    principals = _principals(statement)
    for kind in principals.keys() - {"AWS", "Service"}:
        raise _unclear(_("the principal {name}", name=kind))
    names = [name for name in as_list(principals.get("AWS", [])) if not _is_ours(lab, name)]
    if "Resource" in statement:  # AWS's services assume roles only for their own account
        names += as_list(principals.get("Service", []))
    for operator, key, wanted in _conditions(statement):
        if not names:
            return []
        if operator in _OPERATORS and _SAYS_WHO.fullmatch(key):
            names = [value for value in _texts(wanted) if not _is_ours(lab, value)]
        elif not key.startswith("lambda:") and not _holds(operator, key, wanted, {}):
            return []
    return [ANYONE if name == "*" else name for name in names]


def _is_ours(lab: Lab, name: str) -> bool:
    """Return True if an account, an ARN or an organisation is the lab's. Buckets and organisations name no account."""
    account = name if name.isdigit() else arn_part(name, 4)
    return account == lab.account or (not account and "*" not in name)


def _principals(statement: Policy) -> dict[str, Any]:
    """Return whom the statement names, by kind. That of an identity's own policy is for everybody who has it."""
    principals = _element(statement, "Principal")
    return principals if isinstance(principals, dict) else {"AWS": principals}


def _element(statement: Policy, name: str) -> Any:
    """Return the Principal, Action or Resource of a statement. Without one, it is about all."""
    if f"Not{name}" in statement:
        raise _unclear(f"Not{name}")
    return statement.get(name, "*")


def _conditions(statement: Policy) -> list[tuple[str, str, Any]]:
    """Return the conditions of the statement: operator, key, and what is wanted."""
    conditions = []
    for operator, pairs in statement.get("Condition", {}).items():
        for key, wanted in pairs.items():
            conditions.append((operator, key, wanted))
    return conditions


def _holds(operator: str, key: str, wanted: Any, context: Context) -> bool:
    """Return whether a condition holds. Of several wanted values, one is enough."""
    context = {**_USUAL, **context}
    if operator not in _OPERATORS:
        raise _unclear(_("the condition operator {name}", name=operator))
    if key.lower() not in context:
        raise _unclear(_("the condition key {key}", key=key))
    value = context[key.lower()]
    if value is None:
        return False
    return any(_OPERATORS[operator](text, value) for text in _texts(wanted))


def _texts(wanted: Any) -> list[str]:
    """Return the texts of a policy. One with a policy variable cannot be decided."""
    texts = [str(text) for text in as_list(wanted)]
    for text in texts:
        if "${" in text:
            raise _unclear(_("the policy variable in {text}", text=text))
    return texts


def _unclear(what: str) -> LabError:
    return LabError("this check cannot judge {what}", what=what)
