"""Say what AWS refuses in a request: what botocore's models do not allow, and what AWS's documents limit beside them.

ministack accepts much of it, so validation.py asks here before ministack gets a request.

limits.csv has the limits: JSON, a range of numbers, the most characters of a policy, or a pattern. They are from the
quotas and the API references of the services. The error codes and messages are from answers of AWS that users have
published, and that LocalStack and moto repeat.

botocore checks types, required parameters and minimums before it sends a request. Its models have more: maximums,
patterns and enumerations.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from botocore.model import OperationModel

# Parts of Java's patterns, each with Python's way to write it. In Java's [\w-_] the hyphen is a character.
_JAVA = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{P}": r"!-/:-@\[-`{-~", r"\p{M}": "", r"\p{S}": "+=|~"}
_JAVA |= {r"\w-_": r"\w_-"}

Params = Mapping[str, Any]
Allows = Callable[[Any], bool]

LONGEST_POLICY = 6_144  # characters, of a managed policy
_CONSTRAINT = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must {}"
# The error code for what a model does not allow. SNS and SQS answer in words of their own.
_CODES = {
    "iam": "ValidationError",
    "lambda": "ValidationException",
    "logs": "InvalidParameterException",
}


class Refusal(NamedTuple):
    """AWS's answer to a request that it refuses. The code is empty if AWS's is not known."""

    code: str
    message: str
    status: int = 400


class Limit(NamedTuple):
    """A limit of a parameter: what AWS allows, and its answer to anything else.

    The parameter is named by its last names, with its operation before them if this is about one operation. In braces,
    the message may have this value as {value}, and other parameters of the request.
    """

    service: str
    parameter: str
    allows: Allows
    message: str = "{value} is not within AWS's limit"
    code: str = ""
    status: int = 400


def number(low: int, high: int) -> Allows:
    """Allow a number in this range."""
    return lambda value: low <= int(value) <= high


def policy_length(document: str) -> int:
    """Return the number of characters that IAM counts: all but white space."""
    return len("".join(document.split()))


def _is_json(text: str) -> bool:
    """Return True if the text is a JSON object. An empty text takes it away."""
    try:
        return isinstance(json.loads(text or "{}"), dict)
    except ValueError:
        return False


def _allows(allowed: str) -> Allows:
    """Return what allows JSON, a range, the most characters of a policy, or a pattern, as limits.csv has them."""
    if allowed == "JSON":
        return _is_json
    low, to, high = allowed.partition(" to ")
    if not to:
        return lambda value: bool(re.fullmatch(allowed, value, re.DOTALL))
    if low == "policy":
        return lambda value: policy_length(value) <= int(high)
    return number(int(low), int(high))


LIMITS = [
    Limit(service, parameter, _allows(allowed), message, code, int(status))
    for line in Path(__file__).with_suffix(".csv").read_text("utf-8").splitlines()[1:]
    for service, parameter, allowed, code, status, message in [line.split(";")]
]


def refusals(model: OperationModel, params: Params, limits: Iterable[Limit] = LIMITS) -> Iterator[Refusal]:
    """Yield each reason why AWS would refuse these parameters of an operation."""
    service = model.service_model.service_name
    own = [limit for limit in limits if limit.service == service]
    for path, shape, value in _values(model.input_shape, params):
        for limit in own:
            if _is_about(limit.parameter, f"{model.name}:{path}") and not limit.allows(value):
                yield Refusal(limit.code, limit.message.format(value=value, **params), limit.status)
        for rule in broken(shape, value):
            yield Refusal(_CODES.get(service, ""), _CONSTRAINT.format(value, path[0].lower() + path[1:], rule))


def _is_about(parameter: str, path: str) -> bool:
    return path == parameter or path.endswith((f":{parameter}", f".{parameter}"))


def _values(shape: Any, value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (names from the top, shape, value) of each parameter that the model knows, and of all parts of it."""
    if path:
        yield path, shape, value
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value:
                called = f"Attributes.{value['AttributeName']}" if name == "AttributeValue" else name
                yield from _values(member, value[name], f"{path}.{called}".lstrip("."))
    elif shape.type_name == "list" and isinstance(value, list):
        for part in value:
            yield from _values(shape.member, part, path)
    elif shape.type_name == "map" and isinstance(value, dict):
        for name, part in value.items():
            yield f"{path} key", shape.key, name
            yield from _values(shape.value, part, f"{path}.{name}")


def broken(shape: Any, value: Any) -> Iterator[str]:
    """Yield what the model demands and the value is not: its maximum, its pattern, its enumeration."""
    longest, pattern, known = (shape.metadata.get(name) for name in ("max", "pattern", "enum"))
    is_number = shape.type_name in ("integer", "long")
    if longest is not None and (int(value) if is_number else len(value)) > longest:
        yield f"have {'value' if is_number else 'length'} less than or equal to {longest}"
    if pattern and isinstance(value, str) and not re.fullmatch(_python(pattern), value):
        yield f"satisfy regular expression pattern: {pattern}"
    if known and value not in known:
        yield f"satisfy enum value set: [{', '.join(known)}]"


def _python(pattern: str) -> str:
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    return pattern
