"""Notebook 07 without AWS: its file, its lanes, its function's own part, and what is read of the learner's machine."""

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stub_account import LAB

from lab_lib import transactions
from lab_lib.aws import buckets, executions, machines
from lab_lib.checks import asked_machine
from lab_lib.checks.rules import Account
from lab_lib.exercises import outgrow

HANDLERS = Path(machines.__file__).parents[1] / "handlers"
STARTED = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def uploaded(monkeypatch):
    """uploaded(name, …): the key and the content of a file that `outgrow.upload` makes up; the bucket is a dict."""
    held = {}
    monkeypatch.setattr(buckets, "put", lambda lab, key, content: held.update({key: content}))
    monkeypatch.setattr(buckets, "content", lambda lab, key: held[key])

    def uploaded(*arguments, **options):
        key = outgrow.upload(LAB, *arguments, **options)
        return key, held[key]

    return uploaded


def test_a_file_has_each_transaction_ten_times_with_other_amounts_and_starts_nothing(uploaded):
    key, content = uploaded("x", 40)

    amounts = {}
    for line in content.decode().splitlines()[1:]:
        customer, _, transaction, _, amount = line.split("|")
        amounts.setdefault((customer, transaction), set()).add(amount)
    assert {len(different) for different in amounts.values()} == {10}
    assert (len(amounts), key) == (40, "break-it/x.csv")
    assert uploaded("x", 40)[1] == content != uploaded("x", 40, seed=1)[1]
    assert amounts.keys() == transactions.recount("x", uploaded("x", 40, seed=1)[1]).amounts.keys()


def test_children_stand_by_plan_and_part_and_their_times_begin_with_the_first(monkeypatch):
    def child(part, start, stop, status="SUCCEEDED", tries=1):
        at = [STARTED + timedelta(seconds=number) for number in (start, stop)]
        return executions.Child(part, status, *at, 5, 1, tries)

    found = [child(1, 0, 1), child(0, 0.5, 1, "FAILED", 3), child(0, 2, 3), child(1, 2.5, 4)]
    monkeypatch.setattr(executions, "children", lambda lab, execution: found)

    frame = outgrow.children(LAB, outgrow.Run("", "SUCCEEDED", 24))

    assert frame[["part", "start", "end", "tries"]].values.tolist() == [
        [0, 0.5, 1, 3],
        [1, 0, 1, 1],
        [0, 2, 3, 1],
        [1, 2.5, 4, 1],
    ]
    assert set(frame["rows"]) == {6}


def test_a_machine_without_children_has_no_lanes(monkeypatch):
    monkeypatch.setattr(executions, "children", lambda lab, execution: [])

    assert outgrow.children(LAB, outgrow.Run("", "FAILED", 0)).empty


@pytest.fixture
def faults(monkeypatch):
    """Return the module that notebook 07 puts beside LargeFileProcessor, as Lambda imports it."""
    for folder in ("transaction_processor", "large_file_processor", "large_file_faults"):
        monkeypatch.syspath_prepend(HANDLERS / folder)
    yield importlib.import_module("large_file_faults")
    for name in ("large_file_faults", "large_file_processor", "parts"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("of", [1, 2, 4, 7])
def test_each_line_is_in_the_range_in_which_it_begins_and_in_no_other(faults, uploaded, monkeypatch, of):
    _, content = uploaded("Björk", 10)
    written = []

    class Storage:
        def get_object(self, **_):
            return {"Body": self}

        def read(self):
            return content

    def write_rows(rows):
        written.extend((row["TransactionId"], f"{row['TransactionAmount']:f}") for _, row, _, _ in rows)
        return len(rows), 0, []

    monkeypatch.setattr(faults, "aws", lambda kind, service: Storage())
    monkeypatch.setattr(faults, "write_rows", write_rows)

    counts = [faults.write_range("b", "k", number, of) for number in range(of)]

    lines = [line.split("|") for line in content.decode().splitlines()[1:]]
    assert written == [(fields[2], fields[4]) for fields in lines]
    assert min(counts) > 0


RIGHT = {
    "Type": "Map",
    "MaxConcurrency": 8,
    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "States": {"A": {}}},
}


def of_map(check, **changed):
    """Return what a check finds in a machine with this Map state, in an account that may run eight children."""
    definition = json.dumps({"States": {"Plan": {"Type": "Task"}, "Mine": {**RIGHT, **changed}}})
    account = Account(LAB)
    account.ask = lambda read, *_: 8 if read is machines.at_once else {"definition": definition}
    return check(account)


@pytest.mark.parametrize(
    ("check", "changed", "found"),
    [
        (asked_machine.at_once, {"MaxConcurrency": 0}, "no bound"),
        (asked_machine.at_once, {"MaxConcurrency": 1000}, "1000"),
        (asked_machine.at_once, {"MaxConcurrency": "8"}, "8"),
        (
            asked_machine.children,
            {"ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}}},
            "INLINE, no ExecutionType",
        ),
        (asked_machine.tolerance, {"ToleratedFailurePercentage": 100}, "ToleratedFailurePercentage is 100"),
        (asked_machine.tolerance, {"ToleratedFailureCountPath": "$.of"}, "ToleratedFailureCountPath is $.of"),
        (asked_machine.tolerance, {"ItemProcessor": {"States": {"A": {"Catch": []}}}}, "A has a Catch"),
    ],
)
def test_what_no_run_shows_is_read_and_named(check, changed, found):
    finding = of_map(check, **changed)

    assert (finding.state, finding.found) == ("not yet", found)


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        (asked_machine.at_once, {"MaxConcurrency": 1}),
        (asked_machine.tolerance, {"ToleratedFailurePercentage": 0, "ToleratedFailureCount": 0}),
    ],
)
def test_a_map_state_that_is_right_is_right_in_any_form(check, changed):
    assert of_map(check, **changed).ok
