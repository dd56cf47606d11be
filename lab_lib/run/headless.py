"""Run the notebooks with papermill, in order, for one account, and read from the account what they made."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from lab_lib import one_command, transactions
from lab_lib.aws import buckets, cleanup, functions, queues, tables
from lab_lib.errors import UsageError
from lab_lib.exercises import copies, workbook
from lab_lib.exercises.notebook_files import without_slow_import
from lab_lib.exercises.workbook import DATA_FILE as DATA_FILE
from lab_lib.lab import Lab, open_lab
from lab_lib.masking import masked
from lab_lib.private_files import can_write_to, make_folder, write_file
from lab_lib.run.executed import Step as Step
from lab_lib.run.executed import printed
from lab_lib.run.kernels import NOWHERE, Kernel, one_kernel
from lab_lib.settings import SETTINGS
from lab_lib.waiting import busy, load_of_computer

BREAK_IT, CLEAN_UP = "06", "99"  # the numbers of these notebooks
# Seconds on a computer that is not busy. A cell waits as long as Lambda may try a large file.
LONGEST_START, LONGEST_CELL = 60, 3600


def notebooks(until: str | None = None) -> list[Path]:
    """Return all notebooks in order, or those up to and including a number such as "04".

    UsageError if no notebook before the clean-up has that number.
    """
    paths = copies.solved_notebooks()
    if until is None:
        return paths
    numbers = [path.stem[:2] for path in paths if path.stem[:2] != CLEAN_UP]
    number = until if until in numbers else f"0{until}"
    if number not in numbers:
        raise UsageError(f"--until is {until!r}; wanted one of {', '.join(numbers)}.")
    return paths[: numbers.index(number) + 1]


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
    waiting: Path = NOWHERE,
    source: Path | None = None,
    command: str = "lab run",
) -> dict[str, Any]:
    """Run the notebooks with these parameters; write them, their pictures and result.json to `out`; return the result.

    The notebooks in `source` are run, such as the learner's copy, which is not changed; by default the lab's own.
    With `until`, the run ends after that notebook and keeps everything; without, it ends with the clean-up. The first
    notebook that fails ends the run, and keeps what was made. `complete` is called once: before notebook 06, which
    breaks the lab on purpose, or at an earlier end. A cell writes into the file `waiting` what it waits for. First ends
    a clean-up that was interrupted: half of it would change the totals.

    UsageError, before anything is made, for an unknown parameter or number in `until`, a file of other contents than
    transactions, or an interrupted clean-up where everything is to be kept. LabInUse if another command is at
    work on the lab; `command` is the name of this one. LabError if `out` cannot be written to.
    """
    source = source or copies.NOTEBOOKS
    paths = [source / path.name for path in notebooks(until)]
    parameters, lab = prepare(parameters)
    key = Path(parameters["data_file"]).name
    if out.resolve() in (copies.NOTEBOOKS, source):
        raise UsageError(f"{out} holds the notebooks themselves. Name another folder.")
    with one_command.alone(lab, command):
        interrupted = cleanup.is_half_deleted(lab)
        if until is not None and interrupted:
            raise UsageError(
                "A clean-up was cut off here: tables hold items, and no trigger takes them up. "
                "Finish it with `lab clean`."
            )
        make_folder(out)
        copies.give_pictures(out)
        begun, steps, held = time.monotonic(), list[Step](), _nothing_held()
        try:
            if interrupted:
                list(cleanup.delete_all(lab))
            with one_kernel(source, waiting) as kernel:
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
                "ok": len(steps) == len(paths) and all(step.ok for step in steps),
                "seconds": round(time.monotonic() - begun, 1),
                "steps": [step.as_dict() for step in steps],
                **held,
            }
            text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
            write_file(out / "result.json", masked(text, lab))
    return result


def prepare(parameters: dict[str, Any]) -> tuple[dict[str, Any], Lab]:
    """Return the parameters with a data file, and the lab. UsageError if the notebooks cannot use them."""
    workbook.merged_settings(parameters)
    data_file = Path(parameters.get("data_file") or DATA_FILE).absolute()
    rows = check_data_file(data_file)
    lab = open_lab(**{name: parameters[name] for name in SETTINGS if name in parameters})
    functions.timeout_for(lab, rows)
    return {**parameters, "data_file": str(data_file)}, lab


def check_data_file(path: Path) -> int:
    """Return the number of rows of the file that notebook 05 uploads.

    UsageError if it cannot be read, has no row, or its name starts no trigger.
    """
    rows = transactions.count_rows(path)
    if not path.name.endswith(".txt"):
        raise UsageError(
            f"{path.name} does not end in .txt, and the bucket's trigger takes only keys that do. Rename it."
        )
    return rows


def run_one(path: Path, out: Path, parameters: dict[str, Any], lab: Lab, kernel: Kernel) -> Step:
    """Run one notebook in this kernel, with these parameters.

    Writes the notebook to `out` at its end, however it ended, with private values masked.
    """
    papermill = without_slow_import("papermill")
    from nbclient.exceptions import CellTimeoutError  # as slow to load as papermill

    begun, error, written = time.monotonic(), None, (out / path.name).resolve()
    load = load_of_computer()
    shown: list[Any] = []  # the notebook with its outputs, which papermill does not write when Ctrl-C ends it
    papermill.iorw.papermill_io.register(str(written), _MaskedFile(lab))
    try:
        with can_write_to(out):
            written.unlink(missing_ok=True)
        papermill.execute_notebook(
            _literally(path),
            _literally(written),
            parameters={"settings": parameters},
            kernel_name="python3",
            cwd=path.parent,
            progress_bar=False,
            km=kernel,
            request_save_on_cell_execute=False,
            start_timeout=round(LONGEST_START * load),
            execution_timeout=round(LONGEST_CELL * load),
            coalesce_streams=True,
            on_notebook_start=lambda notebook: shown.append(notebook),
        )
    except papermill.PapermillExecutionError as failure:
        error = masked(f"{failure.ename}: {failure.evalue}", lab)
    except CellTimeoutError:
        why = f"A cell did not end in {LONGEST_CELL * load:.0f} s. {busy(load)}".rstrip()
        error = f"{why} Run the notebook in JupyterLab to see what it waits for."
    # "Kernel died" is jupyter_client's own, or nbclient's DeadKernelError. "No kernel name found" is papermill's.
    except (RuntimeError, ValueError) as failure:
        error = f"{str(failure).rstrip('.')}. Run the notebook in JupyterLab to see where."
    finally:
        if shown and not written.exists():
            papermill.iorw.write_ipynb(shown[0], str(written))
    seen = "" if error else masked(printed(shown[0], "checkpoint"), lab)
    return Step(path.stem, error is None, time.monotonic() - begun, error, seen)


@dataclass(frozen=True)
class _MaskedFile:
    """Writes a notebook for papermill, with private values masked."""

    lab: Lab

    def write(self, text: str, path: str) -> None:
        write_file(Path(path), masked(text, self.lab))

    def pretty_path(self, path: str) -> str:
        """Return the name of the file for papermill's log."""
        return path


def totals(lab: Lab) -> dict[str, str]:
    """Return each customer's total in the account, as decimal text."""
    balances = tables.items(lab, "TransactionTotal")
    return {str(item.get("CustomerId")): _as_text(item.get("accountBalance", Decimal(0))) for item in balances}


def _as_text(balance: Any) -> str:
    """Return the balance as decimal text, and what is no number as Python shows it."""
    return f"{balance:f}" if isinstance(balance, Decimal) else repr(balance)


def _held(lab: Lab, key: str) -> dict[str, Any]:
    """Return what the account holds at the end, amounts as decimal text."""
    return {
        "totals": totals(lab),
        "transactions": tables.count(lab, "Transactions"),
        "customers": tables.count(lab, "Customer"),
        "alerts": queues.alerts(lab, queues.ALERT_QUEUES[0]),
        "queues": {name: len(queues.messages(lab, name)) for name in queues.ALERT_QUEUES},
        "rejected": [{"line": row["line"], "reason": row["reason"]} for row in buckets.rejected_rows(lab, key)],
    }


def _nothing_held() -> dict[str, Any]:
    empty: dict[str, Any] = {"totals": {}, "transactions": 0, "customers": 0, "alerts": [], "rejected": []}
    return {**empty, "queues": dict.fromkeys(queues.ALERT_QUEUES, 0)}


def _literally(path: Path) -> str:
    """Return the path for papermill, which puts parameters in the place of names in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")
