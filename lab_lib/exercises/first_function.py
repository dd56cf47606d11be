"""Put the learner's first function to work beside the lab, by hand, with tables of its own. Notebook 01 does.

It stands in the part BreakIt_, which notebook 06 builds anew and `cleanup.delete_experiments` deletes. The lab's tables
stay empty: what the stream of Transactions once held would be counted later.
"""

from pathlib import Path
from typing import Any

from lab_lib.aws import cleanup, functions, policies, queues, roles, tables
from lab_lib.exercises import experiments
from lab_lib.lab import BREAK_IT, Lab
from lab_lib.language import _

PROCESSOR = "TransactionProcessor"


def deploy(lab: Lab, file: str | Path) -> Lab:
    """Deploy the file as a function with empty tables. Return the part of the lab that they are in.

    What an earlier try has left is deleted first.
    """
    experiments.require_quiet(lab)
    list(cleanup.delete_experiments(lab))
    roles.ensure_experiments(lab, functions.ROLES[PROCESSOR], policies.experiments(lab)[PROCESSOR])
    part = lab.variant(BREAK_IT)
    for table in ("Customer", "Transactions", "ProcessedRecords"):
        tables.ensure_table(part, table)
    queues.ensure_queue(part, queues.DEAD_LETTERS)
    functions.ensure_function(part, PROCESSOR, files=[Path(file)])
    return part


def call(part: Lab, event: dict[str, Any]) -> None:
    """Invoke the function with the event. Print its answer, or the error with which it failed."""
    try:
        print(_("It answered {answer}", answer=functions.invoke(part, PROCESSOR, event)))
    except functions.FunctionFailed as error:
        print(error)
