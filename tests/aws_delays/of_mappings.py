"""The states of event source mappings.

Nothing is delivered while a mapping is created or enabled: the embedded AWS is told to enable it at the end.
"""

from typing import Any

from tests.aws_delays.layer import Call, answer, change, shape
from tests.aws_delays.replies import Refusal


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
        call.later("mapping", "mapping", uuid, "UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    parsed["State"] = state


@change("mapping", "DeleteEventSourceMapping")
def _deleted_mapping(call: Call, parsed: dict[str, Any]) -> None:
    parsed["State"] = "Deleting"
    about = {name: value for name, value in parsed.items() if name not in ("ResponseMetadata", "LastModified")}
    call.forget("mapping", parsed["UUID"])
    call.note("mapping", parsed["UUID"], {"state": "Deleting", "enabled": False, "about": about})


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
