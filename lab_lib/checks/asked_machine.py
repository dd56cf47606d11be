"""Check the learner's state machine of notebook 07: run it on a small upload, and read what no run shows.

A machine is tried once for all checks, until it is changed: the name of the execution says which machine it was.
"""

import hashlib
import json
from functools import partial
from typing import Any, NamedTuple

from lab_lib.aws import buckets, executions, machines, tables
from lab_lib.aws.json_text import json_object
from lab_lib.checks.rules import ASKED, Account, Finding, check, either, equal, judged, none_of
from lab_lib.errors import none_if_absent
from lab_lib.lab import Lab
from lab_lib.language import N_, _
from lab_lib.wording import listing

NAME = machines.NAME
PARTS, ROWS = 3, 40
_MARKERS, _DIES = "ProcessedRecords", 1  # the part whose child dies once in the second trial


class Trial(NamedTuple):
    """The end of a small upload: how many of its rows are there, how many were written, and the error."""

    there: int
    written: int
    error: str

    def __str__(self) -> str:
        rows = _("{trial.there} of {rows} rows are there, after {trial.written} were written", trial=self, rows=ROWS)
        return self.error or rows


def trial(lab: Lab, deaths: int) -> Trial:
    """Run the machine on an upload of three parts, of which one child dies so many times, unless that was done."""
    states, name = lab.client("stepfunctions"), f"trial-{deaths}-{_mark(lab)}"
    key, execution = f"{buckets.EXPERIMENTS}{name}.csv", lab.arn("states", f"execution:{lab.name(NAME)}:{name}")
    customers = [f"{name} {number}" for number in range(ROWS)]
    if none_if_absent(lambda: states.describe_execution(executionArn=execution)) is None:
        rows = [f"{customer}|1 Smith Street, London|T1|03/17/2017|1\n" for customer in customers]
        buckets.put(lab, key, "".join(["customer_id|customer_address|trn_id|trn_date|trn_amount\n", *rows]).encode())
        tables.put_item(lab, _MARKERS, {"EventId": f"fault {key}", "part": _DIES, "times": deaths})
        asked = json.dumps({"bucket": lab.bucket, "key": key, "of": PARTS})
        states.start_execution(stateMachineArn=machines.arn(lab), name=name, input=asked)
    now = executions.wait(lab, execution)
    there = {item["CustomerId"] for item in tables.items(lab, "Transactions", beginning=name)} & {*customers}
    error = "" if now.status == "SUCCEEDED" else executions.why_failed(lab, execution)
    return Trial(len(there), int(now.report.get("written", 0)), error)


@check(ASKED, "machine-{}", "machine {}", subjects=[NAME])
def machine(account: Account, name: str) -> Finding:
    is_there, hint = account.ask(machines.find_machine), _("Call states.create_state_machine with this name.")
    return either(is_there, account.name(name), _("not there"), hint)


of_machine = partial(check, ASKED, after=f"machine-{NAME}")


@of_machine("asked-children", N_("children of the Map state"))
def children(account: Account) -> Finding:
    """An inline map runs in the execution itself, at most 40 parts at a time; an express child lasts five minutes."""
    config = _map_state(account).get("ItemProcessor", {}).get("ProcessorConfig", {})
    now = [str(config.get(name, _("no {name}", name=name))) for name in ("Mode", "ExecutionType")]
    hint = _("Set Mode and ExecutionType in the ProcessorConfig of the ItemProcessor.")
    return equal(listing(now), listing(["DISTRIBUTED", "STANDARD"]), hint)


@of_machine("asked-at-once", N_("children at a time"))
def at_once(account: Account) -> Finding:
    """Without a bound, up to 10,000 children take all calls of Lambda that the account may run."""
    now, most = _map_state(account).get("MaxConcurrency", 0), account.ask(machines.at_once)
    found = str(now or _("no bound"))
    hint = _(
        "Set MaxConcurrency to {most}: so many calls of Lambda may run in this account beside the others.", most=most
    )
    return judged(isinstance(now, int) and 1 <= now <= most, found, _("1 to {most}", most=most), hint)


@of_machine("asked-tolerance", N_("failures that the Map state tolerates"))
def tolerance(account: Account) -> Finding:
    """A part that is missing must be an error. A Catch in the child hides it too."""
    state = _map_state(account)
    tolerated = {name: value for name, value in state.items() if value and name.startswith("Tolerated")}
    faults = [_("{name} is {value}", name=name, value=value) for name, value in tolerated.items()]
    child = state.get("ItemProcessor", {}).get("States", {})
    faults += [_("{name} has a Catch", name=name) for name, of_child in child.items() if "Catch" in of_child]
    return none_of(faults, _("Set ToleratedFailurePercentage to 0, and leave errors to the state Catch of the map."))


@of_machine("asked-parts", N_("each part is written once"))
def parts(account: Account) -> Finding:
    """The machine runs on forty rows in three parts."""
    now = account.ask(trial, 0)
    hint = _(
        'ItemsPath is the list "$.parts". ItemSelector gives each child "$$.Map.Item.Value" as its `part`, and '
        '`of`, `bucket`, `key` and `etag` from the input. The child hands on "$.Payload" of the answer.'
    )
    wanted = _("{rows} of {rows} rows, each written once", rows=ROWS)
    return judged(now == Trial(ROWS, ROWS, ""), str(now), wanted, hint)


@check(ASKED, "asked-retry", "a child that dies is tried again", after="asked-parts")
def retry(account: Account) -> Finding:
    """The child of one of the three parts dies once."""
    now = account.ask(trial, 1)
    hint = _('Give the Task a Retry: [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}].')
    wanted = _("{rows} of {rows} rows, though a child dies once", rows=ROWS)
    return judged(now == Trial(ROWS, ROWS, ""), str(now), wanted, hint)


def _map_state(account: Account) -> dict[str, Any]:
    """Return the Map state of the machine; an empty dict if it has none."""
    described = account.ask(machines.describe) or {}
    states = json_object(described.get("definition", "")).get("States", {}).values()
    return next((state for state in states if state.get("Type") == "Map"), {})


def _mark(lab: Lab) -> str:
    """Return a name for this machine as it is now: a new one, or a changed one, has another."""
    now = machines.describe(lab) or {}
    return hashlib.sha256(f"{now.get('creationDate')} {now.get('definition')}".encode()).hexdigest()[:12]
