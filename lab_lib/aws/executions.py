"""Start the state machine for a large file, and follow its execution: how far it is, who wrote which part, and when."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from lab_lib.aws.json_text import error_message, json_object
from lab_lib.aws.machines import NAME, arn
from lab_lib.errors import none_if_absent
from lab_lib.handlers.large_file_processor.parts import mark_of
from lab_lib.lab import Lab
from lab_lib.waiting import wait_until


class Progress(NamedTuple):
    """How far an execution is. `done` of `parts` are written; `report` is what the function has said at the end."""

    status: str  # RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED
    done: int
    parts: int
    report: dict[str, Any]

    @property
    def is_over(self) -> bool:
        return self.status != "RUNNING"


class Child(NamedTuple):
    """The execution that has written one part: when, how many rows, and how often it was tried."""

    part: int
    status: str
    start: datetime
    stop: datetime | None  # None while it runs
    written: int
    rejected: int
    tries: int


def start(lab: Lab, key: str, parts: int = 0) -> tuple[str, bool]:
    """Start an execution for an uploaded object. Return its ARN, and whether it was started now.

    Its name is that of the upload, so the same upload is taken in once: the same start again starts nothing. After an
    execution that has failed, there is a next one. `parts` is for trials; by default the function plans them.
    """
    states, now = lab.client("stepfunctions"), lab.client("s3").head_object(Bucket=lab.bucket, Key=key)
    name = mark_of(lab.bucket, key, now["ETag"], now["LastModified"])
    asked = json.dumps({"bucket": lab.bucket, "key": key, "of": parts})
    for attempt in count(1):
        execution = lab.arn("states", f"execution:{lab.name(NAME)}:{name}-{attempt}")
        before = none_if_absent(partial(states.describe_execution, executionArn=execution))
        if before and before["status"] in ("RUNNING", "SUCCEEDED"):
            return execution, False
        if before is None:
            states.start_execution(stateMachineArn=arn(lab), name=f"{name}-{attempt}", input=asked)
            break
    return execution, True


def progress(lab: Lab, execution: str) -> Progress:
    """Return how far an execution is. It counts the parts of its last map run: a replaced object leads to another."""
    states = lab.client("stepfunctions")
    now, runs = states.describe_execution(executionArn=execution), _map_runs(lab, execution)
    counts = states.describe_map_run(mapRunArn=runs[-1])["itemCounts"] if runs else {"succeeded": 0, "total": 0}
    report = json_object(now.get("output") or "") if now["status"] == "SUCCEEDED" else {}
    return Progress(now["status"], counts["succeeded"], counts["total"], report)


def wait(
    lab: Lab, execution: str, is_done: Callable[[Progress], bool] = lambda now: now.is_over, timeout: float = 600
) -> Progress:
    """Wait until an execution `is_done`, by default until it has ended, and return how far it is then."""
    now: Progress

    def probe() -> bool:
        nonlocal now
        now = progress(lab, execution)
        return is_done(now)

    wait_until(
        probe,
        f"{lab.name(NAME)} to take in a file",
        timeout=timeout,
        on_aws="10 s or more",
        hint="Its execution shows where it is.",
        so_far=lambda: f"parts: {now.done} of {now.parts}",
        longest_pause=2 if lab.is_real else 0.3,
    )
    return now


def why_failed(lab: Lab, execution: str) -> str:
    """Return the error of the last child that has failed: a map says only that one has. Without one, its own error."""
    states = lab.client("stepfunctions")
    for run in reversed(_map_runs(lab, execution)):
        if failed := states.list_executions(mapRunArn=run, statusFilter="FAILED", maxResults=1)["executions"]:
            return _error(states.describe_execution(executionArn=failed[0]["executionArn"]))
    return _error(states.describe_execution(executionArn=execution))


def children(lab: Lab, execution: str) -> list[Child]:
    """Return the executions that have written the parts, in the order of their start; of all map runs."""
    states = lab.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate
    found = [
        _child(lab, child["executionArn"])
        for run in _map_runs(lab, execution)
        for page in pages(mapRunArn=run)
        for child in page["executions"]
    ]
    return sorted(found, key=lambda child: (child.start, child.part))


def _child(lab: Lab, execution: str) -> Child:
    states = lab.client("stepfunctions")
    now = states.describe_execution(executionArn=execution)
    report = json_object(now.get("output") or "")
    events = states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    tries = sum(event["type"] == "TaskScheduled" for event in events)
    written, rejected = (int(report.get(name, 0)) for name in ("written", "rejected"))
    part = int((json_object(now["input"]) | report).get("part", -1))  # a learner's child may name it otherwise
    return Child(part, now["status"], now["startDate"], now.get("stopDate"), written, rejected, tries)


def _map_runs(lab: Lab, execution: str) -> list[str]:
    """Return the ARNs of an execution's map runs, oldest first."""
    pages = lab.client("stepfunctions").get_paginator("list_map_runs").paginate(executionArn=execution)
    runs = [run for page in pages for run in page["mapRuns"]]
    return [run["mapRunArn"] for run in sorted(runs, key=lambda run: run["startDate"])]


def _error(execution: dict[str, Any]) -> str:
    """Return the error of an execution: its name, and the message in its cause, which may be JSON of Lambda.

    One that was stopped has none, so its status is returned.
    """
    texts = execution.get("error"), error_message(execution.get("cause", ""))
    return ": ".join(filter(None, texts)) or str(execution["status"])
