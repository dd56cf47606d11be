"""ministack accepts requests that AWS refuses: limits.py says which, and why; goes when it refuses them."""

import json
import uuid
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from botocore.loaders import Loader
from botocore.model import ServiceModel
from ministack.core.iam_actions import _load_botocore_routes, access_denied_response
from ministack.services import iam

from lab_lib.embedded import references
from lab_lib.embedded.limits import refusals

Headers = dict[str, str]
Answer = tuple[int, Headers, bytes]
Handler = Callable[[str, str, Headers, bytes, dict[str, list[str]]], Awaitable[Answer]]
# ministack validates the requests of S3 and DynamoDB itself
SERVICES = ("iam", "lambda", "logs", "sns", "sqs")


def validated(service: str, handler: Handler) -> Handler:
    """Return ministack's handler of a service behind AWS's limits."""

    async def handle(method: str, path: str, headers: Headers, body: bytes, query: dict[str, list[str]]) -> Answer:
        refused = _refusal(service, *_parsed(method, path, headers, body), headers) if body else None
        return refused or await handler(method, path, headers, body, query)

    return handle


def _refusal(service: str, operation: str, params: dict[str, Any], headers: Headers) -> Answer | None:
    """Return AWS's refusal of a request, in the protocol of the service; None if it is not refused."""
    if operation not in (model := _model(service)).operation_names:
        return None
    found = (*refusals(model.operation_model(operation), params), *references.refusals(operation, params))
    for code, message, status in found:
        if code:
            request = str(uuid.uuid4())
            answer = access_denied_response(service, "", "", request, error_code=code, message=message, headers=headers)
            return status, *answer[1:]
    return None


def _parsed(method: str, path: str, headers: Headers, body: bytes) -> tuple[str, dict[str, Any]]:
    """Return operation and parameters of a request: JSON with the operation in header or path, or a form."""
    operation = headers.get("x-amz-target", "").split(".")[-1] or _operation_of_lambda(method, path)
    if operation.startswith("Invoke"):  # its body is an event
        return operation, {}
    if operation:
        return operation, json.loads(body)
    form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    attributes = {value: form.get(f"{name[:-3]}value", "") for name, value in form.items() if name.endswith(".key")}
    return form.get("Action", ""), {**form, "Attributes": attributes, "InlinePolicies": _other_policies(form)}


def _other_policies(params: dict[str, str]) -> list[str]:
    """Return the inline policies that count together with the one that is put: the other ones of its role."""
    if params.get("Action") != "PutRolePolicy":
        return []
    policies = iam._roles.get(params.get("RoleName"), {}).get("InlinePolicies", {})
    return [text for name, text in policies.items() if name != params.get("PolicyName")]


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


_routes = cache(_load_botocore_routes)


def _operation_of_lambda(method: str, path: str) -> str:
    return next((name for verb, route, name, *_ in _routes("lambda") if verb == method and route.match(path)), "")
