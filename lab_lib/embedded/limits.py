"""Say what AWS refuses in a request: what botocore's models do not allow, and what AWS's documents limit beside them.

ministack accepts much of it, so validation.py asks here before ministack gets a request.

limits.csv has most limits: JSON, a range of numbers, the most characters of a policy, or a pattern. Those that need
code are here, and those that depend on what is there already in references.py. They are from the quotas and the API
references of the services. The error codes and messages are from answers of AWS that users have published, and that
LocalStack and moto repeat.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from botocore.model import OperationModel

from lab_lib.embedded import models

Params = Mapping[str, Any]
Allows = Callable[[Any, Params], bool]

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


def policy_length(document: str) -> int:
    """Return the number of characters that IAM counts: all but white space."""
    return len("".join(document.split()))


def _is_json(text: str, _: Params) -> bool:
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
        return lambda value, _: bool(re.fullmatch(allowed, value, re.DOTALL))
    if low == "policy":  # together with the other inline policies of its role
        return lambda value, params: sum(map(policy_length, (value, *params.get("InlinePolicies", ())))) <= int(high)
    return lambda value, _: int(low) <= int(value) <= int(high)


def _listed() -> Iterator[Limit]:
    for line in Path(__file__).with_suffix(".csv").read_text("utf-8").splitlines()[1:]:
        service, parameter, allowed, code, status, message = line.split(";")
        yield Limit(service, parameter, _allows(allowed), message, code, int(status))


LIMITS = (
    *_listed(),
    Limit(
        "lambda",
        "CreateEventSourceMapping:EventSourceArn",
        lambda arn, params: ":dynamodb:" not in arn or "StartingPosition" in params,
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
        "Member must not be null.",
        "InvalidParameterValueException",
    ),
)


def refusals(model: OperationModel, params: Params, limits: Iterable[Limit] = LIMITS) -> Iterator[Refusal]:
    """Yield each reason why AWS would refuse these parameters of an operation."""
    service = model.service_model.service_name
    own = [limit for limit in limits if limit.service == service]
    for path, shape, value in models.values(model.input_shape, params):
        for limit in own:
            if _is_about(limit.parameter, f"{model.name}:{path}") and not limit.allows(value, params):
                yield Refusal(limit.code, limit.message.format(value=value, **params), limit.status)
        for rule in models.broken(shape, value):
            yield Refusal(_CODES.get(service, ""), _CONSTRAINT.format(value, path[0].lower() + path[1:], rule))


def _is_about(parameter: str, path: str) -> bool:
    return path == parameter or path.endswith((f":{parameter}", f".{parameter}"))
