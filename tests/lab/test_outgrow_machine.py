"""The learner's machine of notebook 07 is judged by what it does with a small upload.

What the notebook itself shows, with the solution, is compared by nbval.
"""

import copy

import pytest

from lab_lib.aws import buckets, executions, machines, policies, roles
from lab_lib.errors import StepMissing
from lab_lib.exercises import made, outgrow
from lab_lib.lab import open_lab

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mine(new_account):
    """Return the part beside a lab, without a machine."""
    lab = open_lab(account=new_account())
    buckets.ensure_bucket(lab)
    roles.ensure_role(lab, "TransactionProcessorRole", policies.transaction_processor(lab))
    return outgrow.prepare(lab)


@pytest.fixture
def judged(mine):
    """judged(change): what is not right of a machine whose Map state was changed so, as name and what was found."""

    def judged(change):
        state = copy.deepcopy(machines.map_state(mine))
        change(state, state["ItemProcessor"]["States"]["WritePart"])
        machines.ensure_machine(mine, machines.definition(mine, state))
        report = made.run_checks(mine, "create-machine")
        return {check.id: check.found for check in report.checks if check.state == "not yet"}

    return judged


def test_without_a_machine_the_cell_that_makes_it_is_named(mine):
    with pytest.raises(StepMissing, match="Create it under “Create the machine”"):
        outgrow.take_in(mine, "break-it/none.csv")


def hands_on_the_plan(state, task):
    """The same in another form: the child gets the whole plan, and the task picks from it."""
    state["ItemSelector"] = {"number.$": "$$.Map.Item.Value", "plan.$": "$"}
    names = ("of", "bucket", "key", "etag")
    picked = {f"{name}.$": f"$.plan.{name}" for name in names}
    task["Parameters"]["Payload"] = {"mode": "part", "part.$": "$.number", **picked}


def test_a_machine_that_writes_each_part_once_and_tries_again_is_right_in_any_form(judged, mine):
    assert judged(hands_on_the_plan) == {}

    tried = [executions.children(mine, arn(mine, execution)) for execution in trials(mine)]
    assert sorted(max(child.tries for child in children) for children in tried) == [1, 2]  # and no more trials
    assert made.is_right(mine, "create-machine")
    assert len(trials(mine)) == 2


def fixed_part(state, task):
    del state["ItemSelector"]["part.$"]
    state["ItemSelector"]["part"] = 0


WRONG = {
    "no retry": (lambda state, task: task.pop("Retry"), "asked-retry", "Worker process died"),
    "fixed part": (fixed_part, "asked-parts", " rows are there"),
    "no ETag": (lambda state, task: task["Parameters"]["Payload"].pop("etag.$"), "asked-parts", "etag"),
}


@pytest.mark.parametrize(("change", "check", "words"), WRONG.values(), ids=WRONG)
def test_a_machine_that_loses_rows_or_gives_up_is_told_what_became_of_them(judged, change, check, words):
    found = judged(change)

    assert found.keys() == {check}
    assert words in found[check]


def trials(mine):
    """Return the names of the trials' executions."""
    pages = mine.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machines.arn(mine))
    names = [execution["name"] for page in pages for execution in page["executions"]]
    return [name for name in names if name.startswith("trial-")]


def arn(mine, execution):
    return mine.arn("states", f"execution:{mine.name(machines.NAME)}:{execution}")
