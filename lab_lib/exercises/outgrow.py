"""Take in files in parts beside the lab, by the learner's machine, and break it, for notebook 07.

In the part BreakItLarge_ are the tables that the rows go to, LargeFileProcessor and the machine. Bucket and roles are
the lab's own. The function comes with large_file_faults, which splits by bytes too, and fails where it is told to.
"""

import io
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from lab_lib import resources, transactions
from lab_lib.aws import buckets, cleanup, executions, functions, machines, policies, queues, roles, tables
from lab_lib.errors import StepMissing
from lab_lib.exercises import experiments
from lab_lib.lab import BREAK_IT_LARGE, Lab
from lab_lib.language import N_, _, ngettext
from lab_lib.waiting import wait_until
from lab_lib.wording import clauses

TABLES = ("Customer", "Transactions", "ProcessedRecords")
PARTS, TIMES = 4, 10  # parts of a file; lines of each transaction
_CUSTOMERS, _RELEASE = 40, f"{buckets.EXPERIMENTS}replaced"
_FAULTS = Path(__file__).parents[1] / "handlers" / "large_file_faults" / "large_file_faults.py"


class Run(NamedTuple):
    """An execution of the machine, as it ended. The attempts at an upload are counted from 1 on."""

    execution: str  # its ARN
    status: str
    rows: int  # that were written or rejected; 0 if it has failed

    def __str__(self) -> str:
        told = _("attempt {number}: {status}", number=self.execution.rpartition("-")[2], status=self.status)
        return clauses([told, ngettext("{count:,} row", "{count:,} rows", self.rows) if self.rows else ""])


def prepare(lab: Lab) -> Lab:
    """Delete what an earlier try has left, and create the part, without its machine. Return the part."""
    experiments.require_quiet(lab)
    list(cleanup.delete_experiments(lab))
    machines.ensure_role(lab)  # first: see `machines.may_exist`
    role = functions.ROLES[functions.LARGE]
    roles.ensure_experiments(lab, role, policies.experiments(lab)["TransactionProcessor"])
    part = lab.variant(BREAK_IT_LARGE)
    for table in TABLES:
        tables.ensure_table(part, table)
    queues.ensure_queue(part, queues.DEAD_LETTERS)
    files = [*functions.source_files(functions.LARGE), _FAULTS]
    functions.ensure_function(part, functions.LARGE, functions.LONGEST_TIMEOUT, files)
    return part


def delete(lab: Lab) -> list[str]:
    """Delete the part, and the machine's role unless the lab has a machine too. Return the name of each."""
    deleted = list(cleanup.delete_experiments(lab))
    if not machines.find_machine(lab) and roles.is_ours(lab, machines.ROLE):
        roles.delete_role(lab, machines.ROLE)
        deleted.append(f"role {machines.ROLE}")
    return deleted


def upload(part: Lab, name: str, number: int = 400, seed: int = 0) -> str:
    """Upload a made-up file with ten lines for each of so many transactions. Return its key, which starts nothing."""
    text, key = io.StringIO(), f"{buckets.EXPERIMENTS}{name}.csv"
    transactions.write(text, _made_up(name, number, seed))
    buckets.put(part, key, text.getvalue().encode())
    return key


def lines(part: Lab, key: str, transaction: str) -> pd.DataFrame:
    """Return the lines of a transaction in a file: line, range (of four, by bytes) and amount."""
    content = buckets.content(part, key)
    found, start = [], 0
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        fields = line.decode().strip().split("|")
        if fields[2] == transaction:
            found.append((number, start * PARTS // len(content), Decimal(fields[4])))
        start += len(line)
    return pd.DataFrame(found, columns=["line", "range", "amount"])


def write_ranges(part: Lab, key: str) -> None:
    """Write the file by ranges of its bytes: a call for each, one after the other, the last range first."""
    for number in reversed(range(PARTS)):
        event = {"mode": "range", "bucket": part.bucket, "key": key, "part": number, "of": PARTS}
        functions.invoke(part, functions.LARGE, event)


def compare(part: Lab, key: str) -> pd.DataFrame:
    """Return each transaction of the file: CustomerId, TransactionId, its amount in the file and in the table."""
    wanted = transactions.recount(key, buckets.content(part, key)).amounts
    held = transactions.read_amounts(tables.items(part, "Transactions"))
    rows = [(*name, amount, held.get(name)) for name, amount in sorted(wanted.items())]
    return pd.DataFrame(rows, columns=["CustomerId", "TransactionId", "file", "table"], dtype=object)


def kill(part: Lab, key: str, number: int, times: int) -> None:
    """Let the child of a part of this upload die so many times, in the middle of its rows; 0 repairs it."""
    tables.put_item(part, "ProcessedRecords", {"EventId": f"fault {key}", "part": number, "times": times})


def take_in(part: Lab, key: str, meanwhile: Callable[[], object] | None = None) -> Run:
    """Start the learner's machine for an upload, and wait until it has ended.

    `meanwhile` is called when the parts are planned and none is written: their children wait for its end.
    """
    if not machines.find_machine(part):
        told = N_("Your machine is not there yet. Create it under “{heading}”, then run this cell.")
        raise StepMissing(_(told, heading=resources.Cell("07-22").heading))
    if meanwhile:
        buckets.delete_object(part, _RELEASE)
        tables.put_item(part, "ProcessedRecords", {"EventId": f"fault {key}", "until": _RELEASE})
    execution, _is_new = executions.start(part, key, PARTS)
    if meanwhile:
        executions.wait(part, execution, lambda now: now.is_over or now.parts > 0)
        meanwhile()
        buckets.put(part, _RELEASE, b"")
    ended = executions.wait(part, execution)
    return Run(execution, ended.status, int(ended.report.get("rows", 0)))


def children(part: Lab, run: Run) -> pd.DataFrame:
    """Return the children of a run, first those of the first plan: part, status, start, end, rows, tries.

    start and end are in seconds since the first child began. AWS may list a child late.
    """

    def listed() -> tuple[list[executions.Child]] | None:
        found = executions.children(part, run.execution)
        rows = sum(child.written + child.rejected for child in found)
        return (found,) if not found or rows >= run.rows else None

    (found,) = wait_until(listed, "the list of the children", on_aws=_("a few seconds"))
    frame = pd.DataFrame(found, columns=list(executions.Child._fields))
    frame["plan"], frame["rows"] = frame.groupby("part").cumcount(), frame["written"] + frame["rejected"]
    starts, ends = (pd.to_datetime(frame[column]) for column in ("start", "stop"))
    frame["start"], frame["end"] = ((times - starts.min()).dt.total_seconds() for times in (starts, ends))
    frame = frame.sort_values(["plan", "part"], ignore_index=True)
    return frame[["part", "status", "start", "end", "rows", "tries"]]


def _made_up(name: str, number: int, seed: int) -> list[transactions.Row]:
    """Return ten rows for each of so many transactions, shuffled. All ten have other amounts; customers move."""
    chance = random.Random(seed)  # noqa: S311, no secret is generated
    rows = [
        {"CustomerId": f"{name} {index % _CUSTOMERS}", "TransactionId": f"T{index:03}", "TransactionAmount": amount}
        for index in range(number)
        for amount in (Decimal(cents) / 100 for cents in chance.sample(range(100, 4000), TIMES))
    ]
    chance.shuffle(rows)
    for place, row in enumerate(rows):
        row |= {"Address": f"{place // number + 1} Smith Street, London", "TransactionDate": "03/17/2017"}
    return rows
