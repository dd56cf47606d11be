"""Say what AWS refuses in a request for what is there already, or is not. To delete once ministack refuses it too."""

from collections.abc import Callable, Iterator
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc, s3

from lab_lib.embedded import replace
from lab_lib.embedded.limits import Params, Refusal


def install() -> None:
    """Let S3 refuse notifications to functions that it may not invoke."""
    replace(s3, "_validate_notification_configs", _validated(s3._validate_notification_configs))


def refusals(operation: str, params: Params) -> Iterator[Refusal]:
    """Yield the reason why AWS would refuse a second mapping of the same stream to the same function."""
    if operation != "CreateEventSourceMapping":
        return
    name, qualifier = lambda_svc._resolve_request_scoped_name_and_qualifier(params["FunctionName"])
    wanted = params.get("EventSourceArn"), name, qualifier
    for mapping in lambda_svc._esms.values():
        if wanted == (mapping["EventSourceArn"], mapping["FunctionName"], mapping["Qualifier"]):
            message = (
                f'The event source arn (" {wanted[0]} ") and function (" {name} ") provided mapping already exists. '
                f"Please update or delete the existing mapping with UUID {mapping['UUID']}"
            )
            yield Refusal("ResourceConflictException", message, 409)


def _validated(validate: Callable[..., Any]) -> Callable[..., Any]:
    """Return what validates a bucket's notifications: S3 must be allowed to invoke each function that they name."""

    def validate_all(notifications: list[dict[str, str]], region: str, bucket: str, skips: bool) -> Any:
        refused = validate(notifications, region, bucket, skips)
        functions = [each["arn"] for each in notifications if each["type"] == "lambda"]
        if refused or skips or all(_may_invoke(bucket, arn) for arn in functions):
            return refused
        return s3._invalid_notification_config("Unable to validate the following destination configurations")

    return validate_all


def _may_invoke(bucket: str, arn: str) -> bool:
    """Return True if the function is there, and its policy lets S3 invoke it for this bucket."""
    function = lambda_svc._functions.get(arn.split(":")[6])
    source = {"aws:sourcearn": f"arn:aws:s3:::{bucket}", "aws:sourceaccount": get_account_id()}
    who = ("*", "Service", "", "lambda:InvokeFunction", arn, get_region())
    request = iam_evaluator.EvalContext(*who, service_context=source)
    policy = function and function["policy"]
    decision = iam_evaluator.evaluate_resource_policy(policy, request, service="s3.amazonaws.com").decision
    return bool(decision == "Allow")
