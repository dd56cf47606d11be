"""Give the notebooks one name for all but calls of AWS.

Each name leads to the module that does the work. The functions here only put two of these together.
"""

# ruff: noqa: F401  # the notebooks take all names from here

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from IPython import get_ipython
from pandas import DataFrame

from lab_lib import transactions
from lab_lib.aws import cleanup, functions
from lab_lib.aws.functions import alert_again
from lab_lib.aws.policies import policy
from lab_lib.aws.triggers import switch_mappings
from lab_lib.checks import chain, checkpoint
from lab_lib.exercises import cells, made, questions
from lab_lib.exercises.experiments import (
    compare_functions,
    dead_letters,
    deliver_again,
    deploy_first,
    deploy_notifier,
    prepare_experiments,
    resend_dead_letter,
    show_file,
    show_first_look,
    upload_experiment,
)
from lab_lib.exercises.made import arguments, complete, is_missing, solve
from lab_lib.exercises.pictures import picture
from lab_lib.exercises.questions import compare
from lab_lib.exercises.translation import show_source
from lab_lib.exercises.trial import try_function
from lab_lib.exercises.tries import delete_my_rows, listen, receive, upload_mine, wait_for_totals
from lab_lib.exercises.workbook import open_lab
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages import frames, live
from lab_lib.pages.frames import alerts, rejected, stream_changes, table
from lab_lib.pages.plots import plot_comparison, plot_totals
from lab_lib.pages.shown_calls import show_calls
from lab_lib.run.costs import of_functions as costs
from lab_lib.trace import watch as trace

if shell := get_ipython():
    cells.register(shell)


def judge(exercise: str, answer: Any, *values: Any) -> bool:
    """Print whether an answer is right, and return that. Where something was to be made, the answer is the lab."""
    if exercise in made.EXERCISES:
        return made.judge(answer, exercise)
    return questions.judge(exercise, answer, *values)


def invoke(lab: Lab, name: str, event: dict[str, Any]) -> None:
    """Invoke a function with an event, as the console's Test button does. Print its answer, or its error."""
    try:
        print(_("It answered {answer}", answer=functions.invoke(lab, name, event)))
    except functions.FunctionFailed as error:
        print(error)


def preview(lab: Lab) -> transactions.Recount:
    """Read the lab's data file as TransactionProcessor does. StepMissing if the function's timeout is too short."""
    file = transactions.preview(lab.data_file)
    functions.require_timeout(lab, file.rows)
    return file


def follow(lab: Lab, path: str | Path) -> AbstractContextManager[None]:
    """Show the chain at work on the file that the block uploads, until all that is due is there."""
    return chain.following(lab, path, show=live.chain)


def metrics(lab: Lab) -> DataFrame:
    """Return CloudWatch's numbers of the last day. On AWS, first wait until it has counted."""
    if lab.is_real:  # elsewhere nothing is late
        chain.wait_until_counted(lab)
    return frames.metrics(lab)


def logs(lab: Lab) -> DataFrame:
    """Wait until the logs tell of the last upload. Return what the functions printed: function, message."""
    chain.wait_until_logged(lab)
    return frames.logs(lab)


def show_resources(lab: Lab) -> None:
    """Print what the lab has made in the account, and what it uses or may have used that others made."""
    remaining, kept = cleanup.survey(lab)
    print(_("{count} made by the lab:", count=len(remaining)), *remaining, sep="\n- ")
    print(_("Kept:"), *(kept or [_("nothing")]), sep="\n- ")


def delete_experiments(lab: Lab) -> None:
    """Delete what stands beside the lab, and print how much that was."""
    deleted = list(cleanup.delete_experiments(lab))
    print(_("deleted: {count}", count=len(deleted)))


def delete_all(lab: Lab, yes: bool = False) -> None:
    """Delete what the lab has made, and print each name. On AWS, ask first, unless `yes`."""
    cleanup.confirm(lab, yes)
    for name in cleanup.delete_all(lab):
        print(_("deleted {name}", name=name))
