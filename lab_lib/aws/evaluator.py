"""Decide whether policies allow a request, as AWS would. Nothing here calls AWS.

A part of a policy that is not understood is never guessed: an unknown operator, a policy variable, a condition key
that the request does not mention. Each question about a statement has one of three answers: True, False, or a text
that says why it cannot be decided.
"""

import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from lab_lib.errors import LabError
from lab_lib.language import _

Answer = bool | str
Context = Mapping[str, str | None]
Policy = Mapping[str, Any]  # a statement of one
ANOTHER_ACCOUNT = "000000000001"  # stands for all accounts but the lab's
NOW, A_YEAR = timedelta(), timedelta(days=365)
_ORGANISATION = ("aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce")
_ABSENT: dict[str, None] = dict.fromkeys(_ORGANISATION)  # in the request of somebody in none, and in no network


class Request(NamedTuple):
    """A request: who wants to do what on which resource, and the values of the condition keys, in lower case.

    The principal is a service or an ARN. None is the value of a key that AWS leaves out of this request. It is made now
    or `after` some time: a policy may end.
    """

    principal: str
    action: str
    resource: str
    context: Context = {}  # noqa: RUF012  # nobody changes it
    after: timedelta = NOW


def decide(statements: Collection[Policy], request: Request) -> Answer:
    """Return whether one identity's or one resource's policies allow the request, or why that cannot be decided.

    A Deny goes first. What no statement allows is denied.
    """
    allows, denies = (
        any_of(_applies(statement, request) for statement in statements if statement["Effect"] == effect)
        for effect in ("Allow", "Deny")
    )
    return all_of([_not(denies), allows])


def is_allowed(statements: Collection[Policy], request: Request) -> bool:
    """Return True if the statements allow the request. Raises LabError if that cannot be decided."""
    answer = decide(statements, request)
    if isinstance(answer, str):
        raise LabError("this check cannot judge {what}", what=answer)
    return answer


def moment(after: timedelta) -> dict[str, str]:
    """Return the condition keys of the time: of now or, `after` some time, of later."""
    time = datetime.now(UTC) + after
    return {"aws:currenttime": f"{time:%Y-%m-%dT%H:%M:%SZ}", "aws:epochtime": str(int(time.timestamp()))}


def from_service(service: str, action: str, resource: str, context: Context) -> Request:
    """Return the request of an AWS service, over TLS. The context has more condition keys, in lower case."""
    usual = {"aws:securetransport": "true", "aws:principalservicename": service, "aws:principalisawsservice": "true"}
    return Request(service, action, resource, {**_ABSENT, **usual, **context})


def from_user(user: str, action: str, resource: str, context: Context) -> Request:
    """Return the request of a user or role who calls AWS directly, over TLS. `context` is as in `from_service`."""
    usual = {"aws:principalarn": user, "aws:principalaccount": arn_part(user, 4), "aws:securetransport": "true"}
    sources = dict.fromkeys(("aws:sourcearn", "aws:sourceaccount"))
    return Request(user, action, resource, {**_ABSENT, **usual, **sources, **context})


def as_list(value: Any) -> list[Any]:
    """Return the value as a list. The JSON of a policy may omit the brackets around a single value."""
    return value if isinstance(value, list) else [value]


def like(pattern: str, value: str) -> bool:
    """Return True if the value matches the pattern, in which * stands for any text and ? for one character."""
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def arn_part(arn: str, place: int) -> str:
    """Return a part of arn:partition:service:region:account:resource, such as 2 for the service; "" without one."""
    return "".join(arn.split(":", 5)[place : place + 1])


def _applies(statement: Policy, request: Request) -> Answer:
    """Return whether the statement is about this request."""
    conditions = [
        _condition(name, key, as_list(values), request)
        for name, pairs in statement.get("Condition", {}).items()
        for key, values in pairs.items()
    ]
    return all_of(
        [
            _principals(statement, request.principal),
            _element(statement, "Action", request.action, str.lower),
            _element(statement, "Resource", request.resource),
            *conditions,
        ]
    )


def _principals(statement: Policy, who: str) -> Answer:
    """Return whether the statement names the principal. A statement of an identity's own policy names nobody."""
    if "Principal" not in statement:
        return "NotPrincipal" if "NotPrincipal" in statement else True
    principals = statement["Principal"]
    kinds = principals if isinstance(principals, dict) else {"AWS": principals}
    names = {str(name) for kind in kinds.values() for name in as_list(kind)}
    accepted = {"*", who}
    if who.startswith("arn:"):
        accepted |= {arn_part(who, 4), f"{who.rsplit(':', 1)[0]}:root"}
    unclear = sorted({*kinds} - {"AWS", "Service"} | {name for name in names if ":assumed-role/" in name})
    return not accepted.isdisjoint(names) or (_("the principal {name}", name=unclear[0]) if unclear else False)


def _element(statement: Policy, name: str, value: str, fold: Callable[[str], str] = str) -> Answer:
    """Return whether Action or Resource match. The policy of a role has no resource."""
    if f"Not{name}" in statement:
        return f"Not{name}"
    if name not in statement:
        return True
    return any_of(_text(like, fold(value), fold(str(pattern))) for pattern in as_list(statement[name]))


def _condition(name: str, key: str, wanted: list[Any], request: Request) -> Answer:
    """Return whether an operator holds for one key. Of several wanted values, one is enough."""
    operation, optional = name.removesuffix("IfExists"), name.endswith("IfExists")
    positive = operation.replace("Not", "", 1)
    context = {**moment(request.after), **request.context}
    if key.lower() not in context:
        return _("the condition key {key}", key=key)
    value = context[key.lower()]
    if positive not in _OPERATORS:
        return _("the condition operator {name}", name=name)
    if value is None:
        return optional or positive != operation
    matches = any_of(_text(_OPERATORS[positive], value, str(text)) for text in wanted)
    return matches if positive == operation else _not(matches)


def _text(matches: Callable[[str, str], bool], value: str, pattern: str) -> Answer:
    """Return whether a text of a policy matches the value. A text with a policy variable cannot be decided."""
    return _("the policy variable in {text}", text=pattern) if "${" in pattern else matches(pattern, value)


def _by_order(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    """Return whether a value, and that of a policy, compare so: dates, or numbers. A date may be a number too."""
    return lambda pattern, value: compare(_number(value), _number(pattern))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


_COMPARISONS = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    **{f"{kind}{name}": _by_order(compare) for kind in ("Date", "Numeric") for name, compare in _COMPARISONS.items()},
    "StringEquals": operator.eq,
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda pattern, value: pattern.lower() == value.lower(),
}


def all_of(answers: Iterable[Answer]) -> Answer:
    """Return False if one is False; else the first text; else True."""
    return _not(any_of(map(_not, answers)))


def any_of(answers: Iterable[Answer]) -> Answer:
    """Return True if one is True; else the first text; else False."""
    known = list(answers)
    return True if True in known else next((answer for answer in known if isinstance(answer, str)), False)


def _not(answer: Answer) -> Answer:
    return answer if isinstance(answer, str) else not answer
