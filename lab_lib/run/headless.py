"""Run the notebooks with papermill, in order, for one account, and read from the account what they made."""

import importlib.metadata
import json
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from lab_lib import language, transactions
from lab_lib.aws import buckets, cleanup, queues, tables
from lab_lib.errors import UsageError
from lab_lib.exercises import copies, translation
from lab_lib.exercises.copies import DATA_FILE as DATA_FILE
from lab_lib.exercises.notebook_files import without_slow_import
from lab_lib.lab import Lab, open_lab
from lab_lib.language import _
from lab_lib.run import execution
from lab_lib.run.execution import Kernel, Step, one_kernel
from lab_lib.settings import SETTINGS
from lab_lib.workspace import one_command
from lab_lib.workspace.masking import masked
from lab_lib.workspace.private_files import json_text, make_folder, write_file

BREAK_IT, CLEAN_UP = "06", "99"  # the numbers of the last two notebooks; a run until 06 keeps everything

_PACKAGES = "serverless-lab-workbook", "boto3", "ministack"  # whose versions may make one run differ from another


def notebooks(until: str | None = None) -> list[Path]:
    """Return all notebooks in order, or those up to and including a number such as "04".

    UsageError if no notebook before the clean-up has that number.
    """
    paths = copies.solved_notebooks()
    last = (until or CLEAN_UP).zfill(2)
    numbers = [path.stem[:2] for path in paths[:-1]]
    if until is not None and last not in numbers:
        raise UsageError("--until is {found!r}; wanted one of {wanted}.", found=until, wanted=_(", ").join(numbers))
    return [path for path in paths if path.stem[:2] <= last]


class Prepared(NamedTuple):
    """Hold the settings, the notebooks and the size of the file of a run, after all were looked at."""

    lab: Lab
    parameters: dict[str, Any]  # of each notebook
    notebooks: list[Path]
    rows: int  # of the file

    @property
    def cleans_up(self) -> bool:
        """Return True if the run ends with the clean-up, False if it keeps everything."""
        return self.notebooks[-1].stem[:2] == CLEAN_UP


def prepare(parameters: dict[str, Any], until: str | None = None, mine: bool = False) -> Prepared:
    """Open the lab for a run of all notebooks, or of those up to `until`.

    If they are `mine`, they are those of the learner's copy, whose settings count where a parameter is empty.
    UsageError for an unknown number, a file of other contents, or a copy that lacks a notebook.
    """
    paths = notebooks(until)
    if mine:
        given = {name: value for name, value in parameters.items() if value}
        parameters = copies.settings() | given
        paths = [copies.existing(path.name) for path in paths]
    data_file = Path(parameters.get("data_file") or DATA_FILE).absolute()
    rows = check_data_file(data_file)
    settings = {name: parameters[name] for name in SETTINGS if name in parameters}
    lab = open_lab(**settings)
    return Prepared(lab, {**parameters, "data_file": str(data_file)}, paths, rows)


def check_data_file(path: Path) -> int:
    """Return its rows. UsageError if notebook 05 cannot use it: unreadable, too large, misnamed, all bad."""
    preview = transactions.preview(path)
    if not preview.good:
        raise UsageError("{path} has no good row. Name a file that has one.", path=path)
    if not path.name.endswith(".txt"):
        raise UsageError(
            "{path.name} does not end in .txt, and the bucket's trigger takes only keys that do. Rename it.",
            path=path,
        )
    return preview.rows


def run(
    prepared: Prepared,
    out: Path,
    started: Callable[[str], None] = lambda notebook: None,
    complete: Callable[[Lab], None] = lambda lab: None,
    command: str = "lab run",
) -> tuple[list[Step], dict[str, Any]]:
    """Run the notebooks; write them and result.json to `out`. Return a step for each, and the result.

    The first notebook that fails ends the run. An interrupted clean-up is ended first: half of it would change the
    totals. `complete` is called once: before notebook 06, which breaks the lab on purpose, or at an earlier end.

    UsageError if `out` holds the notebooks, or all is to be kept on top of half a clean-up. LabInUse if another command
    than this `command` is at work on the lab.
    """
    lab = prepared.lab
    if out.resolve() in (copies.NOTEBOOKS, prepared.notebooks[0].parent):
        raise UsageError("{folder} holds the notebooks themselves. Name another folder.", folder=out)
    with one_command.alone(lab, command):
        is_interrupted = cleanup.is_half_deleted(lab)
        if is_interrupted and not prepared.cleans_up:
            raise UsageError(
                "A clean-up was cut off here: tables hold items, and no trigger takes them up. Finish it with `lab "
                "clean`."
            )
        make_folder(out)
        begun = time.monotonic()
        steps = list[Step]()
        held = dict[str, Any]()  # empty after Ctrl-C, since nobody has looked
        try:
            if is_interrupted:
                list(cleanup.delete_all(lab))
            with one_kernel(prepared.notebooks[0].parent) as kernel:
                held = _run_notebooks(prepared, out, kernel, steps, started, complete)
        finally:
            versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
            versions |= {"python": platform.python_version(), "platform": platform.platform()}
            is_complete = len(steps) == len(prepared.notebooks)
            result = {
                "account": lab.account,
                "region": lab.region,
                "versions": versions,
                "ok": is_complete and all(step.ok for step in steps),
                "seconds": round(time.monotonic() - begun, 1),
                "steps": [step.as_dict() for step in steps],
                **held,
            }
            write_file(out / "result.json", masked(json_text(result), lab))
    return steps, result


def _run_notebooks(
    prepared: Prepared,
    out: Path,
    kernel: Kernel,
    steps: list[Step],
    started: Callable[[str], None],
    complete: Callable[[Lab], None],
) -> dict[str, Any]:
    """Run the notebooks until one fails, and add their steps. Return what the account held before the clean-up."""
    lab = prepared.lab
    held = {}
    for path in prepared.notebooks:
        number = path.stem[:2]
        if steps:
            kernel.reset()
        if number == BREAK_IT:
            complete(lab)
        if number == CLEAN_UP:
            held = _held(prepared)
        started(path.stem)
        steps.append(run_one(path, out, prepared.parameters, lab, kernel))
        if not steps[-1].ok:
            break
    if number < BREAK_IT:  # the last one that was run
        complete(lab)
    if number < CLEAN_UP:
        with suppress(BotoCoreError, ClientError):  # which may be why a notebook failed
            held = _held(prepared)
    return held


def run_one(path: Path, out: Path, parameters: dict[str, Any], lab: Lab, kernel: Kernel) -> Step:
    """Run one notebook in this kernel, with these parameters.

    Writes the notebook to `out` at its end, however it ended, with private values masked.
    """
    source = path
    written = out / path.name
    is_english = language.used() == language.ENGLISH
    if path.parent == copies.NOTEBOOKS and not is_english:
        write_file(written, json.dumps(translation.notebook(path, language.used())))
        source = written
    notebook = execution.load(source, {"settings": parameters})
    try:
        step = execution.run(path.stem, notebook, kernel)
    finally:
        text = masked(without_slow_import("nbformat").writes(notebook), lab)
        write_file(written, text)
    error = step.error and masked(step.error, lab)
    return step._replace(content=json.loads(text), error=error)


def _held(prepared: Prepared) -> dict[str, Any]:
    """Return what the account holds before the clean-up, or at an earlier end, amounts as decimal text."""
    lab = prepared.lab
    key = Path(prepared.parameters["data_file"]).name
    totals = {}
    for item in tables.items(lab, "TransactionTotal"):
        totals[str(item.get("CustomerId"))] = str(item.get("accountBalance", 0))
    return {
        "totals": totals,
        "transactions": tables.count(lab, "Transactions"),
        "customers": tables.count(lab, "Customer"),
        "alerts": queues.alerts(lab, queues.ALERT_QUEUES[0]),
        "queues": {name: len(queues.messages(lab, name)) for name in queues.ALERT_QUEUES},
        "rejected": [{"line": row["line"], "reason": row["reason"]} for row in buckets.rejected_rows(lab, key)],
    }
