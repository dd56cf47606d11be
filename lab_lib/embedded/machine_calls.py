"""Let a state of a state machine call a service: by a request with the keys of the machine's role.

So the role's permissions, the policies and the limits of the service hold. ministack calls its own functions instead,
whatever the role allows.

The errors are named as "Handling errors in Step Functions workflows" in the developer guide says: after the classes of
the AWS SDK for Java, of version 1 for Step Functions' own integrations, else of version 2.
"""

import json
import os
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions as states

from lab_lib.embedded.server import HOST

Failure: Any = states._ExecutionError  # of a state: the name of the error, and its cause
Params = dict[str, Any]

role = ContextVar("role", default="")  # of the machine that runs; the threads of an execution inherit it
# How version 1 of the SDK for Java names a service, and the error that is no class of its own.
_INTEGRATIONS = {
    "lambda": ("Lambda", "AWSLambdaException"),
    "sqs": ("SQS", "AmazonSQSException"),
    "sns": ("SNS", "AmazonSNSException"),
    "dynamodb": ("DynamoDB", "AmazonDynamoDBException"),
    "states": ("StepFunctions", "AWSStepFunctionsException"),
}
_CLIENTS = {"states": "stepfunctions", "sfn": "stepfunctions", "cloudwatchlogs": "logs"}  # boto3's names
_LOADER = Loader()  # keeps the models of the services, which are large


def call(resource: str, params: Params) -> Any:
    """Return the answer to what a state asks of a service, such as arn:aws:states:::sqs:sendMessage."""
    *_, kind, service, operation = resource.split(":")
    is_sdk = kind == "aws-sdk"
    prefix = states._AWS_SDK_ERROR_PREFIX.get(service, service)
    names = (prefix, f"{prefix}Exception") if is_sdk else _INTEGRATIONS.get(service, (prefix, prefix))
    try:
        client = _client(service)
        model = client.meta.service_model.operation_model(operation[0].upper() + operation[1:])
        answer = getattr(client, xform_name(model.name))(**_request(params, model.input_shape))
    except ClientError as error:
        raise _error(error, client.meta.service_model, *names) from None
    except BotoCoreError as error:
        raise Failure(f"{names[0]}.SdkClientException", str(error)) from None
    del answer["ResponseMetadata"]
    plain = json.loads(json.dumps(answer, default=_text))
    return states._sdk_json_value(plain, model.output_shape) if is_sdk else plain


def invoke(function: str, event: Any) -> Any:
    """Return the answer of a function. An error of the function has its own name."""
    answer = call("arn:aws:states:::lambda:invoke", {"FunctionName": function, "Payload": json.dumps(event)})
    payload = json.loads(answer["Payload"] or "null")
    if "FunctionError" in answer:
        raise Failure(payload.get("errorType", "Lambda.Unknown"), json.dumps(payload))
    return payload


def read_items(bucket: str, key: str) -> str:
    """Return the object that an ItemReader names."""
    try:
        return str(call("arn:aws:states:::aws-sdk:s3:getObject", {"Bucket": bucket, "Key": key})["Body"])
    except Failure as error:
        raise Failure("States.ItemReaderFailed", error.cause) from None


def keys() -> dict[str, str]:
    """Return keys of the machine's role, which are made as a function's are."""
    arn = f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:Step Functions"
    settings = {"FunctionArn": arn, "Role": role.get(), "FunctionName": "StepFunctions"}
    return dict(lambda_runtime.execution_credentials(settings))


def _request(params: Params, shape: Any) -> Params:
    """Return the parameters under the names of the API. A value that should be text becomes JSON."""
    request: Params = states._sdk_json_param_value(params, shape)
    kinds = {name: member.type_name for name, member in shape.members.items()}
    return {
        name: json.dumps(value) if kinds.get(name) in ("string", "blob") and not isinstance(value, str) else value
        for name, value in request.items()
    }


def _text(value: Any) -> str:
    """Return a value of boto3's as the text that Step Functions has for it."""
    if isinstance(value, datetime):
        return value.isoformat()
    content: bytes = value if isinstance(value, bytes) else value.read()
    return content.decode(errors="replace")


def _error(error: ClientError, model: Any, prefix: str, other: str) -> Exception:
    """Return the error of a state for an error of a service; `other` names the ones without a class of their own."""
    answer, metadata = error.response["Error"], error.response["ResponseMetadata"]
    shape = model.shape_for_error_code(answer["Code"])
    name = f"{shape.name.removesuffix('Exception')}Exception" if shape else other
    origin = f"(Service: {prefix}; Status Code: {metadata['HTTPStatusCode']}; Error Code: {answer['Code']})"
    failure: Exception = Failure(f"{prefix}.{name}", f"{answer['Message']} {origin}")
    return failure


def _client(service: str) -> Any:
    return _made(_CLIENTS.get(service, service), get_region(), *keys().values())


@lru_cache(maxsize=100)
def _made(service: str, region: str, *keys: str) -> Any:
    core = botocore.session.Session()
    core.register_component("data_loader", _LOADER)
    session = boto3.Session(*keys, region_name=region, botocore_session=core)  # noqa: TID251, with the machine's role
    # A function may run for 15 minutes. Only the machine tries again.
    config = Config(read_timeout=1_000, retries={"total_max_attempts": 1}, max_pool_connections=100)
    return session.client(service, endpoint_url=f"http://{HOST}:{os.environ['GATEWAY_PORT']}", config=config)
