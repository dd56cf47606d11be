"""The delays of roles, functions and event source mappings."""

from typing import Any

from tests.aws_delays.layer import Call, Refusal, answer, change, refuse, shape
from tests.aws_delays.layer import last_name as _name

_OF_ROLES = ("GetRole", "PutRolePolicy", "GetRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies")
_OF_ROLES += ("AttachRolePolicy", "UpdateAssumeRolePolicy", "SimulatePrincipalPolicy", "TagRole", "DeleteRole")
_ASSUMED = "The role defined for the function cannot be assumed by Lambda."
_GRANT = (
    "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
    "CreateGrant. Please check your KMS key settings. KMS Exception: InvalidArnException KMS Message: ARN does not "
    "refer to a valid principal"
)
_STREAM = (
    "Cannot access stream {}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and "
    "ListStreams Actions on your stream in IAM."
)


@change("", "CreateRole")
def _created_role(call: Call, parsed: dict[str, Any]) -> None:
    call.note("role", call.params["RoleName"])


@change("", "DeleteRole")
def _deleted_role(call: Call, parsed: dict[str, Any]) -> None:
    call.forget("role", call.params["RoleName"])


_NOT_FOUND = Refusal(404, "NoSuchEntity", "The role with name {} cannot be found.")
refuse("iam", "role", _OF_ROLES, {"RoleName", "PolicySourceArn"}, _NOT_FOUND)
_WITH_ROLE = ("CreateFunction", "UpdateFunctionConfiguration")
for _delay, _message in (("role", _ASSUMED), ("grant", _GRANT)):
    refuse(_delay, "role", _WITH_ROLE, {"Role"}, Refusal(400, "InvalidParameterValueException", _message))


@answer("stream-access", "CreateEventSourceMapping")
def _no_access(call: Call) -> Refusal | None:
    role = call.value("function", _name(call.params["FunctionName"]))
    message = _STREAM.format(call.params["EventSourceArn"])
    late = role and call.is_late("stream-access", "role", role)
    return Refusal(400, "InvalidParameterValueException", message) if late else None


@change("", "CreateFunction")
def _created_function(call: Call, parsed: dict[str, Any]) -> None:
    call.note("function", call.params["FunctionName"], _name(call.params["Role"]))
    _state(call, parsed)


@change("", "UpdateFunctionCode", "UpdateFunctionConfiguration")
def _updated_function(call: Call, parsed: dict[str, Any]) -> None:
    call.note("function-update", _name(call.params["FunctionName"]))
    _state(call, parsed)


@change("", "DeleteFunction")
def _deleted_function(call: Call, parsed: dict[str, Any]) -> None:
    call.forget("function", _name(call.params["FunctionName"]))
    call.forget("function-update", _name(call.params["FunctionName"]))


@change("", "GetFunction", "GetFunctionConfiguration")
def _state(call: Call, parsed: dict[str, Any]) -> None:
    name, settings = _name(call.params["FunctionName"]), parsed.get("Configuration", parsed)
    if call.is_late("function", "function", name):
        settings.update(State="Pending", StateReason="The function is being created.", StateReasonCode="Creating")
        settings["LastUpdateStatus"] = "InProgress"
    elif call.is_late("function-update", "function-update", name):
        settings["LastUpdateStatus"] = "InProgress"


def _refuse_changes(delay: str, why: str, *operations: str) -> None:
    error = Refusal(409, "ResourceConflictException", f"The operation cannot be performed at this time. {why}")
    changes = ("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion")
    refuse(delay, delay, (*changes, *operations), {"FunctionName"}, error)


_refuse_changes("function", "The function is currently in the following state: Pending", "Invoke")
_refuse_changes("function-update", "An update is in progress for the function.")


# Nothing is delivered while a mapping is created or enabled: the embedded AWS is told to enable it at the end.


@shape("mapping", "CreateEventSourceMapping", "UpdateEventSourceMapping")
def _enable_later(call: Call) -> None:
    was = (call.value("mapping", call.params.get("UUID", "")) or {"enabled": "UUID" in call.params})["enabled"]
    wanted = call.params.get("Enabled", was if "UUID" in call.params else True)
    call.kept.update(was=was, wanted=wanted)
    call.params["Enabled"] = wanted and was


@change("mapping", "CreateEventSourceMapping", "UpdateEventSourceMapping")
def _changed_mapping(call: Call, parsed: dict[str, Any]) -> None:
    uuid, was, wanted = parsed["UUID"], call.kept["was"], call.kept["wanted"]
    states = {(False, True): "Enabling", (True, False): "Disabling"}
    state = states.get((was, wanted), "Updating") if "UUID" in call.params else "Creating"
    call.note("mapping", uuid, {"state": state, "enabled": wanted})
    if wanted and not was:
        call.later("mapping", "mapping", uuid, "lambda", "UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    parsed["State"] = state


@change("mapping", "DeleteEventSourceMapping")
def _deleted_mapping(call: Call, parsed: dict[str, Any]) -> None:
    parsed["State"] = "Deleting"
    about = {name: value for name, value in parsed.items() if name not in ("ResponseMetadata", "LastModified")}
    call.forget("mapping", parsed["UUID"])
    call.note(
        "mapping",
        parsed["UUID"],
        {"state": "Deleting", "enabled": False, "about": about},
    )


@answer("mapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping")
def _mapping_in_use(call: Call) -> Refusal | None:
    if not call.is_late("mapping", "mapping", call.params["UUID"]):
        return None
    verb = call.operation.removesuffix("EventSourceMapping").lower()
    message = f"Cannot {verb} the event source mapping because it is in use."
    return Refusal(400, "ResourceInUseException", message)


@answer("mapping", "GetEventSourceMapping")
def _deleting_mapping(call: Call) -> dict[str, Any] | None:
    value = call.value("mapping", call.params["UUID"]) or {}
    late = "about" in value and call.is_late("mapping", "mapping", call.params["UUID"])
    return value["about"] if late else None


@change("mapping", "GetEventSourceMapping")
def _mapping_state(call: Call, parsed: dict[str, Any]) -> None:
    if call.is_late("mapping", "mapping", parsed["UUID"]):
        parsed["State"] = call.value("mapping", parsed["UUID"])["state"]


@change("mapping", "ListEventSourceMappings")
def _mapping_states(call: Call, parsed: dict[str, Any]) -> None:
    for mapping in parsed["EventSourceMappings"]:
        _mapping_state(call, mapping)
    for uuid, value in call.layer.notes.of_kind("mapping"):
        if "about" in value and call.is_late("mapping", "mapping", uuid):
            parsed["EventSourceMappings"].append(value["about"])
