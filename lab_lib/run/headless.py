"""Run the notebooks with papermill, in order, for one account, and read from the account what they made."""

import importlib.metadata
import json
import platform
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from lab_lib import language, transactions
from lab_lib.aws import buckets, cleanup, parts, queues, tables
from lab_lib.calls.sessions import RETRIES
from lab_lib.calls.waiting import load_of_computer
from lab_lib.errors import UsageError
from lab_lib.exercises import copies, translation, workbook
from lab_lib.exercises.notebook_files import without_slow_import
from lab_lib.exercises.workbook import DATA_FILE as DATA_FILE
from lab_lib.lab import Lab, open_lab
from lab_lib.language import _
from lab_lib.run.executed import Step as Step
from lab_lib.run.executed import printed
from lab_lib.run.kernels import Kernel, one_kernel
from lab_lib.settings import SETTINGS
from lab_lib.workspace import one_command
from lab_lib.workspace.masking import masked
from lab_lib.workspace.private_files import can_write_to, file_named_by, make_folder, write_file

BREAK_IT, CLEAN_UP = "06", "99"  # the numbers of these notebooks
LONGEST_START = 60  # seconds, on a computer that is not busy


def notebooks(until: str | None = None) -> list[Path]:
    """Return all notebooks in order, or those up to and including a number such as "04".

    UsageError if no notebook before the clean-up has that number.
    """
    paths, last = copies.solved_notebooks(), (until or CLEAN_UP).zfill(2)
    numbers = [path.stem[:2] for path in paths[:-1]]
    if until is not None and last not in numbers:
        raise UsageError(f"--until is {until!r}; wanted one of {', '.join(numbers)}.")
    return [path for path in paths if path.stem[:2] <= last]


def last_kept() -> str:
    """Return the number of the last notebook before the clean-up; a run until there keeps everything."""
    return notebooks()[-2].stem[:2]


def run(
    parameters: dict[str, Any],
    out: Path,
    until: str | None = None,
    started: Callable[[str], None] = lambda notebook: None,
    finished: Callable[[Step], None] = lambda step: None,
    complete: Callable[[Lab], None] = lambda lab: None,
    source: Path | None = None,
    command: str = "lab run",
) -> dict[str, Any]:
    """Run the notebooks with these parameters; write them, their pictures and result.json to `out`; return the result.

    The notebooks in `source` are run, such as the learner's copy, which is not changed; by default the lab's own.
    With `until`, the run ends after that notebook and keeps everything; without, it ends with the clean-up. The first
    notebook that fails ends the run, and keeps what was made. `complete` is called once: before notebook 06, which
    breaks the lab on purpose, or at an earlier end. First ends a clean-up that was interrupted: half of it would change
    the totals.

    UsageError, before anything is made, for an unknown parameter or number in `until`, a file of other contents than
    transactions, or an interrupted clean-up where everything is to be kept. LabInUse if another command is at
    work on the lab; `command` is the name of this one. LabError if `out` cannot be written to.

    After Ctrl-C, result.json says nothing of what the account holds, since nobody has looked.
    """
    source = source or copies.NOTEBOOKS
    paths = [source / path.name for path in notebooks(until)]
    parameters, lab = prepare(parameters)
    key = Path(parameters["data_file"]).name
    if out.resolve() in (copies.NOTEBOOKS, source):
        raise UsageError(f"{out} holds the notebooks themselves. Name another folder.")
    with one_command.alone(lab, command), file_named_by(RETRIES) as retries:
        interrupted = cleanup.is_half_deleted(lab)
        if until is not None and interrupted:
            raise UsageError(
                "A clean-up was cut off here: tables hold items, and no trigger takes them up. "
                "Finish it with `lab clean`."
            )
        make_folder(out)
        copies.give_pictures(out)
        begun, steps, held = time.monotonic(), list[Step](), dict[str, Any]()
        try:
            if interrupted:
                list(cleanup.delete_all(lab))
            with one_kernel(source) as kernel:
                for path in paths:
                    if steps:
                        kernel.reset()
                    if path.stem[:2] == BREAK_IT:
                        complete(lab)
                    if path.stem[:2] == CLEAN_UP:
                        held = _held(lab, key)
                    started(path.stem)
                    steps.append(run_one(path, out, parameters, lab, kernel))
                    finished(steps[-1])
                    if not steps[-1].ok:
                        break
            if BREAK_IT not in (step.notebook[:2] for step in steps):
                complete(lab)
            if until is not None or not all(step.ok for step in steps):
                held = _held(lab, key)
        finally:
            result = {
                "account": lab.account,
                "region": lab.region,
                "versions": _versions(),
                "ok": len(steps) == len(paths) and all(step.ok for step in steps),
                "seconds": round(time.monotonic() - begun, 1),
                "steps": [step.as_dict() for step in steps],
                "retries": Counter(retries.read_text(encoding="utf-8").split()),
                **held,
            }
            text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
            write_file(out / "result.json", masked(text, lab))
    return result


def prepare(parameters: dict[str, Any]) -> tuple[dict[str, Any], Lab]:
    """Return the parameters with a data file, and the lab. UsageError if the notebooks cannot use them."""
    workbook.merged_settings(parameters)
    data_file = Path(parameters.get("data_file") or DATA_FILE).absolute()
    check_data_file(data_file)
    lab = open_lab(**{name: parameters[name] for name in SETTINGS if name in parameters})
    return {**parameters, "data_file": str(data_file)}, lab


def check_data_file(path: Path) -> None:
    """Raise UsageError if notebook 05 cannot upload the file: unreadable, no row or too many, a wrong name."""
    parts.assign(path, transactions.preview(path).lines)
    if not path.name.endswith(".txt"):
        raise UsageError(
            f"{path.name} does not end in .txt, and the bucket's trigger takes only keys that do. Rename it."
        )


def run_one(path: Path, out: Path, parameters: dict[str, Any], lab: Lab, kernel: Kernel) -> Step:
    """Run one notebook in this kernel, with these parameters.

    Writes the notebook to `out` at its end, however it ended, with private values masked.
    """
    papermill, nbformat = without_slow_import("papermill"), without_slow_import("nbformat")
    begun, error, source, written = time.monotonic(), None, path, out / path.name
    shown: list[Any] = []  # the notebook with its outputs, which papermill does not return when a cell fails
    with can_write_to(out):
        written.unlink(missing_ok=True)
    if path.parent == copies.NOTEBOOKS and language.folder(language.used()):
        write_file(source := written, json.dumps(translation.notebook(path)))
    try:
        papermill.execute_notebook(
            str(source).replace("{", "{{").replace("}", "}}"),  # papermill puts parameters in the place of {names}
            None,
            parameters={"settings": parameters},
            kernel_name="python3",
            cwd=path.parent,
            progress_bar=False,
            km=kernel,
            start_timeout=round(LONGEST_START * load_of_computer()),
            coalesce_streams=True,
            on_notebook_start=lambda notebook: shown.append(notebook),
        )
    except papermill.PapermillExecutionError as failure:
        error = masked(f"{failure.ename}: {failure.evalue}", lab)
    # "Kernel died" is jupyter_client's own, or nbclient's DeadKernelError. "No kernel name found" is papermill's.
    except (RuntimeError, ValueError) as failure:
        error = _("{error}. Run the notebook in JupyterLab to see where.", error=str(failure).rstrip("."))
    finally:
        if shown:
            write_file(written, masked(nbformat.writes(shown[0]), lab))
    seen = "" if error else masked(printed(shown[0], "checkpoint"), lab)
    return Step(path.stem, error is None, time.monotonic() - begun, error, seen)


def _versions() -> dict[str, str]:
    """Return the versions that may make one run differ from another."""
    packages = ("serverless-lab-workbook", "boto3", "ministack")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {**versions, "python": platform.python_version(), "platform": platform.platform()}


def _totals(lab: Lab) -> dict[str, str]:
    """Return each customer's total in the account as decimal text, and what is no number as Python shows it."""
    items = tables.items(lab, "TransactionTotal")
    balances = {str(item.get("CustomerId")): item.get("accountBalance", Decimal(0)) for item in items}
    return {who: f"{value:f}" if isinstance(value, Decimal) else repr(value) for who, value in balances.items()}


def _held(lab: Lab, key: str) -> dict[str, Any]:
    """Return what the account holds at the end, amounts as decimal text."""
    return {
        "totals": _totals(lab),
        "transactions": tables.count(lab, "Transactions"),
        "customers": tables.count(lab, "Customer"),
        "alerts": queues.alerts(lab, queues.ALERT_QUEUES[0]),
        "queues": {name: len(queues.messages(lab, name)) for name in queues.ALERT_QUEUES},
        "rejected": [{"line": row["line"], "reason": row["reason"]} for row in buckets.rejected_rows(lab, key)],
    }
