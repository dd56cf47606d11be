"""What ministack does not do as AWS does. When a test here fails, a newer ministack does, and our part of it can go."""

import inspect
import json

import pytest
from ministack.services import stepfunctions

from lab_lib.embedded import changes, error_names, machines

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:M"
BATCHED = {"StartAt": "A", "States": {"A": {"Type": "Map", "ItemBatcher": {}, "Next": "Gone"}}}


def started_twice(monkeypatch):
    running = {"executionArn": "A", "name": "N", "status": "RUNNING", "input": "{}", "startDate": "2026-11-28"}
    monkeypatch.setattr(stepfunctions, "_state_machines", {MACHINE: {"name": "M", "roleArn": ""}})
    monkeypatch.setattr(stepfunctions, "_executions", {f"{MACHINE.replace('stateMachine', 'execution')}:N": running})
    return machines._start({"stateMachineArn": MACHINE, "name": "N", "input": "{}"})[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "answer"),
    [
        ("definitions.refusal", lambda _: stepfunctions._validate_definition_jsonata(json.dumps(BATCHED)), None),
        (
            "machines.validated",
            lambda _: json.loads(stepfunctions._validate_state_machine_definition({})[2])["result"],
            "OK",
        ),
        ("machine_calls.call", lambda _: inspect.getsource(stepfunctions).count("iam_evaluator"), 1),
        ("machines.trusting", lambda _: "trust" in inspect.getsource(machines._create), False),
        ("machines.start", started_twice, 400),
        ("machines.matches", lambda _: stepfunctions._error_matches(["States.ALL"], "States.Runtime"), True),
        ("machines.limited", lambda _: len(stepfunctions._apply_output_path({}, "x" * 300_000)), 300_000),
        ("error_names", lambda _: '"Runtime.HandlerError"' in inspect.getsource(error_names._execute), True),
        (
            "changes.denied",
            lambda _: b"on resource" in changes._denied("lambda", "a", "p", "r", resource_arn="x")[2],
            False,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ministack_still_needs(monkeypatch, ours, theirs, answer):
    assert theirs(monkeypatch) == answer, f"a newer ministack does it: delete {ours}"
