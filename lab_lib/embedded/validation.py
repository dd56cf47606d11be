"""ministack accepts requests that AWS refuses; goes when it refuses them.

limits.py says what AWS refuses in a request alone. What it refuses for what is there already, or is not, is here.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from botocore.loaders import Loader
from botocore.model import ServiceModel
from ministack import app
from ministack.core import iam_evaluator
from ministack.core.iam_actions import _load_botocore_routes, access_denied_response
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc, s3

from lab_lib.embedded import replace
from lab_lib.embedded.limits import Params, Refusal, refusals

Headers = dict[str, str]
Handler = Callable[..., Awaitable[Any]]

_SERVICES = ("iam", "lambda", "logs", "sns", "sqs")  # ministack validates the requests of S3 and DynamoDB itself
_routes, _validate = cache(_load_botocore_routes), s3._validate_notification_configs


def install() -> None:
    """Put these services behind AWS's limits, and let S3 refuse notifications to functions that it may not invoke."""
    for service in _SERVICES:
        app.SERVICE_HANDLERS[service] = _validated(service, app.SERVICE_HANDLERS[service])
    replace(s3, "_validate_notification_configs", validate_notifications)


def _validated(service: str, handler: Handler) -> Handler:
    async def handle(method: str, path: str, headers: Headers, body: bytes, query: Any) -> Any:
        operation, params = _parsed(method, path, headers, body)
        for code, message, status in _refusals(service, operation, params):
            if code:  # in the protocol of the service
                answer = access_denied_response(service, "", "", "", error_code=code, message=message, headers=headers)
                return status, *answer[1:]
        return await handler(method, path, headers, body, query)

    return handle


def _parsed(method: str, path: str, headers: Headers, body: bytes) -> tuple[str, Params]:
    """Return operation and parameters of a request: JSON with the operation in header or path, or a form."""
    operation = headers.get("x-amz-target", "").split(".")[-1] or _operation_of_lambda(method, path)
    if operation.startswith("Invoke"):  # its body is an event
        return operation, {}
    if operation:
        return operation, json.loads(body or b"{}")
    fields = parse_qs(body.decode(), keep_blank_values=True)
    form = {name: values[0] for name, values in fields.items()}
    attributes = {}
    for name, value in form.items():
        if name.endswith(".key"):  # such as Attributes.entry.1.key, whose value is in Attributes.entry.1.value
            attributes[value] = form.get(f"{name.removesuffix('key')}value", "")
    return form.get("Action", ""), {**form, "Attributes": attributes}


def _operation_of_lambda(method: str, path: str) -> str:
    for verb, route, name, *_ in _routes("lambda"):
        if verb == method and route.match(path):
            return str(name)
    return ""


def _refusals(service: str, operation: str, params: Params) -> Iterator[Refusal]:
    model = _model(service)
    if operation in model.operation_names:
        yield from refusals(model.operation_model(operation), params)
    if operation == "CreateEventSourceMapping":
        yield from _refusals_of_mapping(params)


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _refusals_of_mapping(params: Params) -> Iterator[Refusal]:
    """Yield why AWS would refuse a mapping: it does not say where to start, or is the second of its kind."""
    source = params.get("EventSourceArn", "")
    if ":dynamodb:" in source and "StartingPosition" not in params:
        message = "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
        yield Refusal("InvalidParameterValueException", f"{message}Member must not be null.")
    name, qualifier = lambda_svc._resolve_request_scoped_name_and_qualifier(params["FunctionName"])
    for mapping in lambda_svc._esms.values():
        if (source, name, qualifier) == (mapping["EventSourceArn"], mapping["FunctionName"], mapping["Qualifier"]):
            message = (
                f'The event source arn (" {source} ") and function (" {name} ") provided mapping already exists. '
                f"Please update or delete the existing mapping with UUID {mapping['UUID']}"
            )
            yield Refusal("ResourceConflictException", message, 409)


def validate_notifications(notifications: list[dict[str, str]], region: str, bucket: str, skips: bool) -> Any:
    """Return why S3 refuses a bucket's notifications, such as one to a function that it may not invoke; else None."""
    refused = _validate(notifications, region, bucket, skips)
    functions = [each["arn"] for each in notifications if each["type"] == "lambda"]
    if refused or skips or all(_may_invoke(bucket, arn) for arn in functions):
        return refused
    return s3._invalid_notification_config("Unable to validate the following destination configurations")


def _may_invoke(bucket: str, arn: str) -> bool:
    """Return True if the function is there, and its policy lets S3 invoke it for this bucket."""
    function = lambda_svc._functions.get(arn.split(":")[6])
    source = {"aws:sourcearn": f"arn:aws:s3:::{bucket}", "aws:sourceaccount": get_account_id()}
    who = ("*", "Service", "", "lambda:InvokeFunction", arn, get_region())
    request = iam_evaluator.EvalContext(*who, service_context=source)
    policy = function and function["policy"]
    decision = iam_evaluator.evaluate_resource_policy(policy, request, service="s3.amazonaws.com").decision
    return bool(decision == "Allow")
