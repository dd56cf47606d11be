"""Show beside the lab what will come: the finished chain in notebook 00, a first function of the learner in 01.

Both have names of their own (see `lab.py`). The lab's tables stay empty: what the stream of Transactions once held
would be counted later. The first function stands in the part BreakIt_, which notebook 06 builds anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from IPython.display import display

from lab_lib.aws import buckets, cleanup, functions, policies, queues, roles, tables, topics, triggers
from lab_lib.checks import chain
from lab_lib.exercises import experiments, workbook
from lab_lib.lab import BREAK_IT, Lab, is_embedded
from lab_lib.language import _
from lab_lib.pages import frames, live

PROCESSOR = "TransactionProcessor"


def show(lab: Lab, text: str, on_aws: bool = False) -> None:
    """Build a chain beside the lab, follow a file with this text through it, and delete it all.

    Elsewhere than on the embedded AWS it takes minutes: there it needs `on_aws`, and an account that may make it.
    """
    if workbook.is_graded():  # nobody looks
        return
    if not on_aws and (lab.is_real or not is_embedded()):
        print(_("On AWS the first look takes up to ten minutes, so it is off. Write on_aws=True to see it, or go on."))
        return
    with _built(lab) as look, TemporaryDirectory() as folder:
        file = Path(folder, "first-look.txt")
        file.write_text(text, "utf-8")
        if look.patience:  # elsewhere a trigger works at once
            chain.wait_until_uploads_start(look)
        with chain.following(look, file, live.chain):
            buckets.upload(look, file)
        rows, totals = frames.table(look, "Transactions"), frames.table(look, "TransactionTotal")
        display(rows, totals, frames.alerts(look, "CustomerNotify"))  # type: ignore[no-untyped-call]


@contextmanager
def _built(lab: Lab) -> Iterator[Lab]:
    """Build the chain, and delete it when the `with` block ends. Delete first what an interrupted look has left."""
    look = lab.first_look
    list(cleanup.delete_all(look))
    try:
        create_functions(look)
        create_queues(look)
        triggers.ensure_stream_trigger(look)
        triggers.ensure_bucket_trigger(look)
        yield look
    finally:
        list(cleanup.delete_all(look))


def deploy_first(lab: Lab, file: str | Path) -> Lab:
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


def create_functions(lab: Lab) -> None:
    """Do the steps of notebooks 00 and 01."""
    buckets.ensure_bucket(lab)  # first: where it is, the clean-up looks for the rest
    for name in tables.KEYS:
        tables.ensure_table(lab, name)
    queues.ensure_queue(lab, queues.DEAD_LETTERS)
    for role in functions.ROLES.values():
        roles.ensure_role(lab, role)
    for name in functions.SOURCES:
        functions.ensure_function(lab, name)


def create_queues(lab: Lab) -> None:
    """Do the steps of notebooks 03 and 04."""
    topics.ensure_topic(lab)
    for name in queues.ALERT_QUEUES:
        queues.ensure_queue(lab, name)
        triggers.ensure_queue_subscription(lab, name)
