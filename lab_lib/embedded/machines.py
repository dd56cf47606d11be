"""Run state machines of Step Functions as AWS does: with their role, within AWS's limits, and only what is understood.

machine_calls.py makes the calls of their states; definitions.py says which definitions are refused.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_actions import identity_denial_message
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import iam
from ministack.services import stepfunctions as states

from lab_lib.embedded import definitions, machine_calls
from lab_lib.embedded.limits import LONGEST_DATA
from lab_lib.embedded.machine_calls import Failure, Params

State = dict[str, Any]

_UNTRUSTED = (
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
    "provided role."
)
_TOO_LONG = "The state/task '{}' returned a result with a size exceeding the maximum number of bytes service limit."
# Errors that States.ALL does not catch
_TERMINAL = {"States.DataLimitExceeded", "States.Runtime"}
# ministack's own functions, which are replaced
_run, _start, _create, _update = (
    states._run_execution,
    states._start_execution,
    states._create_state_machine,
    states._update_state_machine,
)
_run_map, _matches = states._run_distributed_map, states._error_matches


def make() -> None:
    """Make all changes of Step Functions in ministack."""
    states._run_execution, states._start_execution = run, start
    states._create_state_machine, states._update_state_machine = trusting(_create), trusting(_update)
    states._validate_definition_jsonata, states._validate_state_machine_definition = definitions.refusal, validated
    states._call_lambda, states._s3_object_text = machine_calls.invoke, machine_calls.read_items
    states._SERVICE_DISPATCH = {"arn:aws:states:::": machine_calls.call}
    states._invoke_nested_start_execution = machine_calls.call
    states._run_distributed_map, states._error_matches = run_map, matches
    for name in ("_apply_parameters", "_apply_result_selector", "_apply_output_path"):
        setattr(states, name, limited(getattr(states, name)))


def run(execution: str) -> None:
    """Run an execution with the role that its machine has at the start."""
    machine = (states._executions.get(execution) or {}).get("stateMachineArn")
    machine_calls.role.set((states._state_machines.get(machine) or {}).get("roleArn", ""))
    _run(execution)


def start(request: Params) -> Any:
    """Start an execution; answer with the same one if it runs with this name and input."""
    name = f"{request['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{request.get('name')}"
    running = states._executions.get(name) or {}
    if running.get("status") == "RUNNING" and running["input"] == request.get("input", "{}"):
        return json_response({"executionArn": name, "startDate": running["startDate"]})
    return _start(request)


def trusting(change: Callable[[Params], Any]) -> Callable[[Params], Any]:
    """Let this change refuse a role that Step Functions may not assume."""

    def changed(request: Params) -> Any:
        if "roleArn" in request and not _trusts(request):
            return error_response_json("AccessDeniedException", _UNTRUSTED, 400)
        return change(request)

    return changed


def validated(request: Params) -> Any:
    """Answer what is wrong in a definition."""
    found = definitions.problems(request["definition"])
    diagnostics = [{"severity": "ERROR", "code": problem.split(":")[0], "message": problem} for problem in found]
    return json_response({"result": "FAIL" if found else "OK", "diagnostics": diagnostics})


def run_map(state: State, raw: Any, effective: Any, processor: State, execution: State, context: Params) -> Any:
    """Run a Distributed Map, if the role may start executions of the machine.

    "IAM policies for using Distributed Map states" in the developer guide asks for this permission. It does not name
    the error.
    """
    machine, action = context["StateMachine"]["Id"], "states:StartExecution"
    denied = iam_evaluator.enforce(machine_calls.keys()["AWS_ACCESS_KEY_ID"], action, "states", get_region(), machine)
    if denied:
        is_explicit = denied.decision == "Deny"
        message = identity_denial_message(action, denied.principal_arn, machine, is_explicit)
        raise Failure("States.Permissions", message)
    return _run_map(state, raw, effective, processor, execution, context)


def matches(names: list[str], error: str) -> bool:
    """Return whether a retrier or catcher is for this error."""
    return error in names if error in _TERMINAL else _matches(names, error)


def limited(step: Callable[..., Any]) -> Callable[..., Any]:
    """Let this step in the work of a state refuse data that is too long, before and after it."""

    @wraps(step)
    def checked(state: State, data: Any, *context: Any) -> Any:
        result = step(state, data, *context)
        for value in (data, result):
            if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > LONGEST_DATA:
                name = state.get("Resource") or state.get("Type")
                raise Failure("States.DataLimitExceeded", _TOO_LONG.format(name))
        return result

    return checked


def _trusts(request: Params) -> bool:
    """Return whether the role exists, and its trust lets Step Functions assume it for this machine."""
    account, region, service = get_account_id(), get_region(), "states.amazonaws.com"
    machine = request.get("stateMachineArn", f"arn:aws:states:{region}:{account}:stateMachine:{request.get('name')}")
    known = {"aws:sourceaccount": account, "aws:sourcearn": machine}
    question = iam_evaluator.EvalContext(
        service, "Service", account, "sts:AssumeRole", "*", region, service_context=known
    )
    trust = (iam._roles.get(request["roleArn"].rsplit("/", 1)[-1]) or {}).get("AssumeRolePolicyDocument")
    return bool(iam_evaluator.evaluate_resource_policy(trust, question, service).decision == "Allow")
