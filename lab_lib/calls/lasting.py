"""Read whether the cause of a refusal is there, and no late answer of AWS: then it lasts, and nobody need wait.

The reading calls are repeated too while they do not show what this process has just made or deleted.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.calls.recent import Call
from lab_lib.errors import is_access_denied

Client = Callable[[str], Any]  # of a service, such as "s3"
Params = dict[str, Any]  # of a call


def is_there(call: Call, client: Client) -> bool:
    """Return True if the mistake that AWS refuses the call for is there; False if it is not, or cannot be read."""
    read = _CAUSES.get(call.operation)
    try:
        return bool(read and read(client, call.params))
    except ClientError as error:
        return not is_access_denied(error)  # what the call needs is not there, or has another form


def _has_objects(client: Client, params: Params) -> Any:
    page = client("s3").list_object_versions(Bucket=params["Bucket"], MaxKeys=1)
    return page.get("Versions") or page.get("DeleteMarkers")


def _has_policies(client: Client, params: Params) -> Any:
    iam, role = client("iam"), {"RoleName": params["RoleName"]}
    return iam.list_role_policies(**role)["PolicyNames"] or iam.list_attached_role_policies(**role)["AttachedPolicies"]


def _has_no_role(client: Client, params: Params) -> Any:
    """Return True if Lambda may not assume the role that a function is to have."""
    name = params.get("Role", "").split("/")[-1]
    return name and "lambda.amazonaws.com" not in str(client("iam").get_role(RoleName=name)["Role"])


def _has_no_permission(client: Client, params: Params) -> Any:
    """Return True if S3 may not invoke one of the functions."""
    triggers = params["NotificationConfiguration"].get("LambdaFunctionConfigurations", [])
    policies = (client("lambda").get_policy(FunctionName=trigger["LambdaFunctionArn"]) for trigger in triggers)
    return any("s3.amazonaws.com" not in policy["Policy"] for policy in policies)


def _is_double_or_denied(client: Client, params: Params) -> Any:
    """Return True if there is such a mapping already, or the function's role may not read the stream."""
    lambda_, function, source = client("lambda"), {"FunctionName": params["FunctionName"]}, params["EventSourceArn"]
    if there := lambda_.list_event_source_mappings(EventSourceArn=source, **function)["EventSourceMappings"]:
        return any(mapping["State"] != "Deleting" for mapping in there)
    role = lambda_.get_function_configuration(**function)["Role"]
    asked = {"PolicySourceArn": role, "ActionNames": ["dynamodb:GetRecords"], "ResourceArns": [source]}
    results = client("iam").simulate_principal_policy(**asked)["EvaluationResults"]
    return any(result["EvalDecision"] != "allowed" for result in results)


_CAUSES: dict[str, Callable[[Client, Params], Any]] = {  # by the operations that are refused
    "DeleteBucket": _has_objects,
    "DeleteRole": _has_policies,
    "CreateFunction": _has_no_role,
    "UpdateFunctionConfiguration": _has_no_role,
    "PutBucketNotificationConfiguration": _has_no_permission,
    "CreateEventSourceMapping": _is_double_or_denied,
}
