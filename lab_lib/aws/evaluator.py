"""Decide whether policies allow a request, as AWS would. Nothing here calls AWS.

A part of a policy that is not understood is never guessed: an unknown operator, a policy variable, a condition key
that the request does not mention. Each question about a statement has one of three answers: True, False, or a text
that says why it cannot be decided.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Literal, NamedTuple

from lab_lib.errors import LabError

Answer = bool | str
ANOTHER_ACCOUNT = "000000000001"  # stands for all accounts but the lab's


@dataclass(frozen=True)
class Request:
    """A request: who wants to do what on which resource, and the values of the condition keys, in lower case.

    The principal is a service or an ARN. None is the value of a key that AWS leaves out of this request.
    """

    principal: str
    action: str
    resource: str
    context: Mapping[str, str | None] = field(default_factory=dict)


class Decision(NamedTuple):
    """The decision on a request, and the reason if it is not allowed."""

    state: Literal["allowed", "denied", "unknown"]
    reason: str = ""


def decide(statements: Iterable[Mapping[str, Any]], request: Request) -> Decision:
    """Return the decision of one identity's or one resource's policies. A Deny goes first.

    What no statement allows is denied. A statement that is not understood decides nothing: it makes the decision
    "unknown", unless the others decide all the same.
    """
    applies: dict[str, list[Answer]] = {"Allow": [], "Deny": []}
    for statement in statements:
        applies[statement["Effect"]].append(_applies(statement, request))
    denied, allowed = any_of(applies["Deny"]), any_of(applies["Allow"])
    if denied is True:
        return Decision("denied", "a Deny statement")
    if allowed is False:
        return Decision("denied", "no statement allows it")
    unclear = next((answer for answer in (denied, allowed) if isinstance(answer, str)), "")
    return Decision("unknown", unclear) if unclear else Decision("allowed")


def is_allowed(statements: Iterable[Mapping[str, Any]], request: Request) -> bool:
    """Return True if the statements allow the request. Raises LabError if that cannot be decided."""
    decision = decide(statements, request)
    if decision.state == "unknown":
        raise LabError(f"this check cannot judge {decision.reason}")
    return decision.state == "allowed"


def from_service(service: str, action: str, resource: str, **context: str | None) -> Request:
    """Return the request of an AWS service, over TLS. It has these condition keys, written aws_sourcearn="…", too."""
    usual = {"aws:securetransport": "true", "aws:principalservicename": service, "aws:principalorgid": None}
    return Request(service, action, resource, {"aws:principalisawsservice": "true", **usual, **_keys(context)})


def from_user(user: str, action: str, resource: str, **context: str | None) -> Request:
    """Return the request of a user or role who calls AWS directly, over TLS. `context` is as in `from_service`."""
    usual = {"aws:principalarn": user, "aws:principalaccount": arn_part(user, 4), "aws:securetransport": "true"}
    unset = dict.fromkeys(("aws:sourcearn", "aws:sourceaccount"))
    return Request(user, action, resource, {**usual, **unset, **_keys(context)})


def as_list(value: Any) -> list[Any]:
    """Return the value as a list. The JSON of a policy may omit the brackets around a single value."""
    return value if isinstance(value, list) else [value]


def like(pattern: str, value: str) -> bool:
    """Return True if the value matches the pattern, in which * stands for any text and ? for one character."""
    is_longer = len(pattern) - pattern.count("*") > len(value)
    return not is_longer and fnmatchcase(value, pattern.replace("[", "[[]"))


def arn_part(arn: str, place: int) -> str:
    """Return a part of arn:partition:service:region:account:resource, such as 2 for the service; "" without one."""
    return "".join(arn.split(":", 5)[place : place + 1])


def _keys(context: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return condition keys that were written as names of Python."""
    return {name.replace("_", ":"): value for name, value in context.items()}


def _applies(statement: Mapping[str, Any], request: Request) -> Answer:
    """Return whether the statement is about this request."""
    conditions = [
        _condition(name, key, as_list(values), request)
        for name, pairs in statement.get("Condition", {}).items()
        for key, values in pairs.items()
    ]
    action = partial(_text, like, request.action.lower())
    return all_of(
        [
            _principal(statement, request.principal),
            _element(statement, "Action", lambda pattern: action(pattern.lower())),
            _element(statement, "Resource", partial(_arn, request.resource)),
            *conditions,
        ]
    )


def _principal(statement: Mapping[str, Any], who: str) -> Answer:
    """Return whether the statement names the principal. A statement of an identity's own policy names nobody."""
    if "NotPrincipal" in statement:
        return "NotPrincipal"
    return _is_named(statement["Principal"], who) if "Principal" in statement else True


def _is_named(principals: Any, who: str) -> Answer:
    kinds = principals if isinstance(principals, dict) else {"AWS": principals}
    names = {str(name) for kind in kinds.values() for name in as_list(kind)}
    accepted = {"*", who}
    if who.startswith("arn:"):
        accepted |= {arn_part(who, 4), f"{who.rsplit(':', 1)[0]}:root"}
    unclear = sorted({*kinds} - {"AWS", "Service"} | {name for name in names if ":assumed-role/" in name})
    return not accepted.isdisjoint(names) or (f"the principal {unclear[0]}" if unclear else False)


def _element(statement: Mapping[str, Any], name: str, matches: Callable[[str], Answer]) -> Answer:
    """Return whether Action or Resource match. The policy of a role has no resource."""
    if f"Not{name}" in statement:
        return f"Not{name}"
    return any_of(map(matches, map(str, as_list(statement[name])))) if name in statement else True


def _condition(name: str, key: str, wanted: list[Any], request: Request) -> Answer:
    """Return whether an operator holds for one key. Of several wanted values, one is enough."""
    operation, optional = name.removesuffix("IfExists"), name.endswith("IfExists")
    positive = operation.replace("Not", "", 1)
    if key.lower() not in request.context:
        return f"the condition key {key}"
    value = request.context[key.lower()]
    if positive not in _OPERATORS:
        return f"the condition operator {name}"
    if value is None:
        return optional or positive != operation
    matches = any_of(_OPERATORS[positive](value, str(text)) for text in wanted)
    return matches if positive == operation else _not(matches)


def _text(matches: Callable[[str, str], bool], value: str, pattern: str) -> Answer:
    """Return whether a text of a policy matches the value. A text with a policy variable cannot be decided."""
    return f"the policy variable in {pattern}" if "${" in pattern else matches(pattern, value)


def _arn(value: str, pattern: str) -> Answer:
    """Return whether the ARN matches. A wildcard stands for characters within one of the six parts."""
    if pattern == "*" or "${" in pattern:
        return _text(like, value, pattern)
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    if len(parts) == len(patterns) == 6 and all(map(like, patterns, parts)):
        return True
    unclear = len(patterns) < 6 or like(pattern, value)  # AWS may fill in parts, or let * stand for several of them
    return f"the wildcards in {pattern}" if unclear else False


def _same(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


_OPERATORS: dict[str, Callable[[str, str], Answer]] = {
    "StringEquals": partial(_text, operator.eq),
    "StringLike": partial(_text, like),
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": partial(_text, _same),
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
