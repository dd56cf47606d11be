"""Say what AWS refuses in a request: what botocore's models do not allow, and what AWS's documents limit beside them.

ministack accepts much of it, so validation.py asks here before ministack gets a request. botocore itself checks types,
required parameters and minimums before it sends one.

limits.csv has what the models lack: JSON, a range of numbers, or a pattern. The limits are from the quotas and the API
references of the services. The error codes and messages are from answers of AWS that users have published, and that
LocalStack and moto repeat.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from botocore.model import OperationModel

Params = dict[str, Any]
Allows = Callable[[Any], bool]

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
    """A limit of a parameter: what AWS allows, and its answer to anything else, which may have this value as {value}.

    The parameter is named by its last names, with its operation before them if this is about one operation.
    """

    service: str
    parameter: str
    allows: Allows
    message: str
    code: str


def _is_json(text: str) -> bool:
    """Return True if the text is a JSON object. An empty text takes it away."""
    try:
        return isinstance(json.loads(text or "{}"), dict)
    except ValueError:
        return False


def _allows(allowed: str) -> Allows:
    """Return what allows JSON, a range such as "1 to 900", or a pattern, as limits.csv has them."""
    if allowed == "JSON":
        return _is_json
    if " to " in allowed:
        low, high = map(int, allowed.split(" to "))
        return lambda value: low <= int(value) <= high
    return lambda value: bool(re.fullmatch(allowed, value, re.DOTALL))


def _listed() -> Iterator[Limit]:
    for line in Path(__file__).with_suffix(".csv").read_text("utf-8").splitlines()[1:]:
        service, parameter, allowed, code, message = line.split(";")
        yield Limit(service, parameter, _allows(allowed), message, code)


LIMITS = tuple(_listed())


def refusals(model: OperationModel, params: Params) -> Iterator[Refusal]:
    """Yield each reason why AWS would refuse these parameters of an operation."""
    service = model.service_model.service_name
    of_service = [limit for limit in LIMITS if limit.service == service]
    for path, shape, value in _values(model.input_shape, params):
        place = f":{model.name}:{path}"
        for limit in of_service:
            is_about = place.endswith((f":{limit.parameter}", f".{limit.parameter}"))
            if is_about and not limit.allows(value):
                yield Refusal(limit.code, limit.message.format(value=value))
        for rule in _broken(shape, value):
            member = path[0].lower() + path[1:]
            yield Refusal(_CODES.get(service, ""), _CONSTRAINT.format(value, member, rule))


def _values(shape: Any, value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (names from the top, shape, value) of each parameter that the model knows, and of all parts of it."""
    if path:
        yield path, shape, value
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value:
                last_name = name
                if name == "AttributeValue":
                    last_name = f"Attributes.{value['AttributeName']}"
                yield from _values(member, value[name], f"{path}.{last_name}".lstrip("."))
    elif shape.type_name == "list" and isinstance(value, list):
        for part in value:
            yield from _values(shape.member, part, path)
    elif shape.type_name == "map" and isinstance(value, dict):
        for name, part in value.items():
            yield f"{path} key", shape.key, name
            yield from _values(shape.value, part, f"{path}.{name}")


def _broken(shape: Any, value: Any) -> Iterator[str]:
    """Yield what the model demands and the value is not: its maximum, its pattern, its enumeration."""
    longest, pattern, known = (shape.metadata.get(name) for name in ("max", "pattern", "enum"))
    if longest is not None:
        is_number = shape.type_name in ("integer", "long")
        size = int(value) if is_number else len(value)
        what = "value" if is_number else "length"
        if size > longest:
            yield f"have {what} less than or equal to {longest}"
    if pattern and isinstance(value, str) and not _matches(pattern, value):
        yield f"satisfy regular expression pattern: {pattern}"
    if known and value not in known:
        yield f"satisfy enum value set: [{', '.join(known)}]"


def _matches(pattern: str, text: str) -> bool:
    """Return True if the text is as the pattern says, or the pattern is one of Java's, which tags have."""
    try:
        return bool(re.fullmatch(pattern, text))
    except re.error:
        return True
