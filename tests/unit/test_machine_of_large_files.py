"""The state machine for large files, on moto, which starts an execution and leaves it running."""

import json
import time
from dataclasses import replace

import pytest

from lab_lib.aws import buckets, executions, machines

KEY = "large/march.csv"
DONE = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


@pytest.fixture
def machine(prepared):
    """Return the lab with its machine, and an uploaded file."""
    machines.ensure_all(prepared)
    buckets.ensure_bucket(prepared)
    buckets.put(prepared, KEY, b"first")
    return prepared


def stop(lab, execution):
    lab.client("stepfunctions").stop_execution(executionArn=execution)


def test_a_machine_that_is_right_is_left_alone_and_another_one_is_repaired(machine, calls):
    wanted, updates = (
        machines.definition(machine, machines.map_state(machine)),
        calls("stepfunctions", "update_state_machine"),
    )
    made = machines.describe(machine)
    assert (json.loads(made["definition"]), made["roleArn"]) == (wanted, machine.arn("iam", "role/LargeFilesRole"))

    assert machines.ensure_all(machine) == machines.find_machine(machine) == made["stateMachineArn"]
    assert updates == []

    machines.ensure_machine(machine, DONE)
    machines.ensure_all(machine)
    assert len(updates) == 2
    assert json.loads(machines.describe(machine)["definition"]) == wanted


def test_on_aws_the_next_execution_has_time_to_get_the_new_definition(machine, monkeypatch):
    monkeypatch.setattr(machines, "_UPDATE", 0.2)
    late, begun = replace(machine, patience=1), time.monotonic()

    machines.ensure_machine(late, DONE)

    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize(("free", "at_once"), [(1000, 8), (10, 8), (9, 7), (3, 1), (1, 1)])
def test_as_many_parts_are_written_at_a_time_as_the_account_lets_run_without_two(machine, monkeypatch, free, at_once):
    limit = {"AccountLimit": {"UnreservedConcurrentExecutions": free}}
    monkeypatch.setattr(machine.client("lambda"), "get_account_settings", lambda: limit)

    assert machines.map_state(machine)["MaxConcurrency"] == at_once


def test_an_upload_is_started_once_until_it_has_failed_or_is_replaced(machine):
    first, is_new = executions.start(machine, KEY, parts=3)
    assert (is_new, executions.start(machine, KEY)) == (True, (first, False))
    asked = machine.client("stepfunctions").describe_execution(executionArn=first)["input"]
    assert json.loads(asked) == {"bucket": machine.bucket, "key": KEY, "of": 3}

    stop(machine, first)
    second, is_new = executions.start(machine, KEY)
    assert (second, is_new, executions.start(machine, KEY)) == (f"{first[:-1]}2", True, (second, False))

    buckets.put(machine, KEY, b"second")
    third, is_new = executions.start(machine, KEY)
    assert (third[-2:], third[:-2] == first[:-2], is_new) == ("-1", False, True)


def test_a_machine_is_deleted_with_its_executions_stopped_and_counts_as_gone_at_once(machine, calls, monkeypatch):
    stopped, (ended, _) = calls("stepfunctions", "stop_execution"), executions.start(machine, KEY)
    stop(machine, ended)
    running, _ = executions.start(machine, KEY)

    machines.delete_machine(machine)

    assert [call["executionArn"] for call in stopped] == [ended, running]
    assert machines.find_machine(machine) is None
    deleting = {"status": "DELETING"}
    monkeypatch.setattr(machine.client("stepfunctions"), "describe_state_machine", lambda **_: deleting)
    assert (machines.find_machine(machine), machines.is_ours(machine)) == (None, False)
