"""Create and delete the state machine of Step Functions that takes in files which outgrow one function.

LargeFileProcessor plans the parts of a file. A Distributed Map calls it once for each part, several at a time, and a
last call finishes. All rows of a customer are in one part, so their order stays.
"""

import json
import time
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from lab_lib.aws import functions, policies, queues, roles
from lab_lib.aws.json_text import json_object
from lab_lib.errors import is_access_denied, none_if_absent
from lab_lib.lab import TAG_KEY, TAG_VALUE, Lab
from lab_lib.waiting import wait_until

NAME, FUNCTION, ROLE = policies.MACHINE, functions.LARGE, f"{policies.MACHINE}Role"
# At 500 rows a second each, eight write what a new table takes: 4,000 units a second (DynamoDB Developer Guide,
# "On-demand capacity mode").
MOST_AT_ONCE = 8
_SPARE = 2  # calls of Lambda that stay for the functions of the chain
_TAG = {"key": TAG_KEY, "value": TAG_VALUE}
_UPDATE = 10  # seconds for which AWS may still use the definition before


def definition(lab: Lab, write_parts: dict[str, Any]) -> dict[str, Any]:
    """Return the machine in the Amazon States Language. `write_parts` is its Map state, such as `map_state`."""
    where = {name: f"$$.Execution.Input.{name}" for name in ("bucket", "key", "of")}
    upload = {name: f"$.{name}" for name in ("bucket", "key", "etag", "marker", "reports")}
    give_up = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "KeepInput"}]
    letter = {"upload.$": "$$.Execution.Input", "error.$": "$.error"}
    return {
        "Comment": "Takes in a transactions file that one call of a function cannot carry.",
        "StartAt": "Plan",
        "States": {
            "Plan": {**call(lab, "plan", where), "Catch": give_up, "Next": "WriteParts"},
            "WriteParts": {**write_parts, "ResultPath": "$.reports", "Catch": give_up, "Next": "Finish"},
            "Finish": {**call(lab, "finish", upload), "Catch": give_up, "Next": "WasReplaced"},
            "WasReplaced": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.replaced", "BooleanEquals": True, "Next": "Plan"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
            "KeepInput": {
                "Type": "Task",
                "Resource": service(lab, "sqs:sendMessage"),
                "Parameters": {"QueueUrl": queues.find_queue(lab, queues.DEAD_LETTERS), "MessageBody": letter},
                "ResultPath": None,
                "Next": "Failed",
            },
            "Failed": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
        },
    }


def map_state(lab: Lab) -> dict[str, Any]:
    """Return the Map state: a child execution for each part, of which each is tried three times."""
    upload = {name: f"$.{name}" for name in ("of", "bucket", "key", "etag")}
    return {
        "Type": "Map",
        "ItemsPath": "$.parts",
        "ItemSelector": _from_paths({"part": "$$.Map.Item.Value", **upload}),
        "MaxConcurrency": at_once(lab),
        "ToleratedFailurePercentage": 0,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "WritePart",
            "States": {"WritePart": {**call(lab, "part", {"part": "$.part", **upload}), "End": True}},
        },
    }


def call(lab: Lab, mode: str, arguments: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a Task state that calls LargeFileProcessor with values at these paths. Two retries."""
    payload = {"mode": mode, **_from_paths(arguments)}
    return {
        "Type": "Task",
        "Resource": service(lab, "lambda:invoke"),
        "Parameters": {"FunctionName": lab.name(FUNCTION), "Payload": payload},
        "OutputPath": "$.Payload",
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 2}],
    }


def service(lab: Lab, action: str) -> str:
    """Return the ARN of an action of another service, as a Task state names it."""
    return f"arn:{lab.partition}:states:::{action}"


def _from_paths(paths: dict[str, str]) -> dict[str, str]:
    """Return fields that take their values from these paths."""
    return {f"{name}.$": path for name, path in paths.items()}


def at_once(lab: Lab) -> int:
    """Return how many parts are written at a time: as many as the account lets run, without two, and at most eight.

    A new account may run ten calls of Lambda at a time.
    """
    limits = lab.client("lambda").get_account_settings()["AccountLimit"]
    return max(1, min(MOST_AT_ONCE, int(limits["UnreservedConcurrentExecutions"]) - _SPARE))


def ensure_all(lab: Lab) -> str:
    """Create or repair the machine, and the function and the roles that it needs. Return its ARN."""
    ensure_role(lab)  # first: see `may_exist`
    roles.ensure_role(lab.base, functions.ROLES[FUNCTION], policies.transaction_processor(lab.base))
    functions.ensure_function(lab, FUNCTION, functions.LONGEST_TIMEOUT)
    return ensure_machine(lab, definition(lab, map_state(lab)))


def ensure_role(lab: Lab) -> str:
    """Create or repair the machine's role, which the lab and its parts share. Return its ARN."""
    return roles.ensure_role(lab.base, ROLE, policies.large_files(lab.base), "states")


def may_exist(lab: Lab) -> bool:
    """Return True if the lab, or a part beside it, may have a machine or what belongs to it.

    Their role is made first and deleted last. Whoever may not see it has made none of them.
    """
    try:
        return roles.find_role(lab.base, ROLE) is not None
    except ClientError as error:
        if is_access_denied(error):
            return False
        raise


def ensure_machine(lab: Lab, wanted: dict[str, Any]) -> str:
    """Create the machine with this definition, or update it if it has another. Return its ARN.

    On AWS an execution that is started just after an update may have the definition before (API reference,
    UpdateStateMachine), so this waits then.
    """
    states, role, now = lab.client("stepfunctions"), roles.find_role(lab.base, ROLE), describe(lab)
    settings = {"definition": json.dumps(wanted), "roleArn": role}
    if now is None:
        states.create_state_machine(name=lab.name(NAME), **settings, tags=[_TAG])
    elif (json_object(now["definition"]), now["roleArn"]) != (wanted, role):
        states.update_state_machine(stateMachineArn=arn(lab), **settings)
        begun, what = time.monotonic(), f"Step Functions to use the new definition of {lab.name(NAME)}"
        wait_until(lambda: not lab.patience or time.monotonic() - begun >= _UPDATE, what, on_aws="a few seconds")
    return arn(lab)


def arn(lab: Lab) -> str:
    """Return the ARN of a machine of this name."""
    return lab.arn("states", f"stateMachine:{lab.name(NAME)}")


def describe(lab: Lab) -> dict[str, Any] | None:
    """Return the machine, as Step Functions describes it, or None. One that is being deleted counts as gone."""
    states = lab.client("stepfunctions")
    now = none_if_absent(lambda: states.describe_state_machine(stateMachineArn=arn(lab)))
    return now if now and now.get("status") != "DELETING" else None


def find_machine(lab: Lab) -> str | None:
    """Return the machine's ARN, or None."""
    return arn(lab) if describe(lab) else None


def is_ours(lab: Lab) -> bool:
    """Return True if the machine exists and has the lab's tag."""
    states = lab.client("stepfunctions")
    return bool(find_machine(lab)) and _TAG in states.list_tags_for_resource(resourceArn=arn(lab))["tags"]


def delete_machine(lab: Lab) -> None:
    """Delete the machine, if the lab created it. Its executions are stopped: AWS keeps it until they have ended."""
    states = lab.client("stepfunctions")
    if not is_ours(lab):
        return
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=arn(lab), statusFilter="RUNNING")
    for execution in [each["executionArn"] for page in pages for each in page["executions"]]:
        with suppress(states.exceptions.ValidationException, states.exceptions.ExecutionDoesNotExist):  # it has ended
            states.stop_execution(executionArn=execution)
    states.delete_state_machine(stateMachineArn=arn(lab))
