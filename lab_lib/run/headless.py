"""The notebooks through papermill, in order, for one account; what they left there is read into a result."""

import functools
import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_lib import transactions
from lab_lib.aws import buckets, cleanup, queues, tables
from lab_lib.errors import UsageError
from lab_lib.exercises import experiments
from lab_lib.lab import Lab, open_lab
from lab_lib.masking import masked
from lab_lib.run.kernels import Kernel, Kernels, fresh_kernels

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
DATA_FILE = Path(__file__).parents[2] / "data" / "transactions.txt"
CLEAN_UP = "99-clean-up"
LONGEST_CELL = 900  # seconds; on AWS a cell may well wait for minutes
OPENING = ("account", "profile", "region", "prefix", "threshold", "email", "phone")


@dataclass(frozen=True)
class Step:
    """One notebook that was run; `seen` is what its checkpoint said."""

    notebook: str
    ok: bool
    seconds: float
    error: str | None
    seen: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"notebook": self.notebook, "ok": self.ok, "seconds": round(self.seconds, 2), "error": self.error}


def notebooks(until: str | None = None) -> list[Path]:
    """Return the notebooks in order: all of them, or those up to and with a number, such as "04".

    UsageError if no notebook before the clean-up has that number.
    """
    found = sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))
    if until is None:
        return found
    numbers = [path.stem[:2] for path in found if path.stem != CLEAN_UP]
    number = until if until in numbers else f"0{until}"
    if number not in numbers:
        raise UsageError(f"--until is {until!r}; wanted one of {', '.join(numbers)}.")
    return found[: numbers.index(number) + 1]


def last_kept() -> str:
    """Return the number of the last notebook before the clean-up; a run until there keeps everything."""
    return notebooks()[-2].stem[:2]


def run(
    parameters: dict[str, Any],
    out: Path,
    until: str | None = None,
    started: Callable[[str], None] = lambda notebook: None,
    finished: Callable[[Step], None] = lambda step: None,
    whole: Callable[[Lab], None] = lambda lab: None,
    kernels: Kernels | None = None,
    each_cell: bool = True,
) -> dict[str, Any]:
    """Run the notebooks with these parameters; write them to `out`, and the result to `out`/result.json.

    With `until`, the run ends after that notebook and keeps what was made; without, it ends with the clean-up. The
    first notebook that fails ends the run, and what it left in the account stays, to be looked at. What a run left
    that was cut off amid the experiments or the clean-up would count, so it is put back, or taken away, first. `whole`
    is called once, when the account holds all that it will hold, before anything is deleted. Each notebook has a fresh
    kernel, unless `kernels` gives it another. It is written after each cell, or at its end only, which saves most of
    what the kernel does not do. UsageError, before anything is made, for a parameter that no notebook has, a data file
    that is none, an unknown number in `until`, or a clean-up to be finished where all is to be kept.
    """
    paths = notebooks(until)
    parameters, lab, file = prepare(parameters)
    if out.resolve() == NOTEBOOKS:
        raise UsageError(f"{out} holds the notebooks themselves. Name another folder.")
    cut_off = cleanup.is_half_deleted(lab)
    if until is not None and cut_off:
        raise UsageError(
            "A clean-up was cut off here: tables hold items, and no trigger takes them up. Finish it with `lab clean`."
        )
    make_folder(out)
    begun, steps, held = time.monotonic(), [], _nothing_held()
    try:
        if cut_off:
            list(cleanup.delete_all(lab))
        elif experiments.begun(lab):
            experiments.put_back(lab)
        with closing((kernels or fresh_kernels)(paths)) as given:
            for path, kernel in zip(paths, given, strict=True):
                if path.stem == CLEAN_UP:
                    held = _held(lab, file.key)
                    whole(lab)
                started(path.stem)
                steps.append(run_one(path, out, parameters, lab, kernel, each_cell))
                finished(steps[-1])
                if not steps[-1].ok:
                    break
        if until is not None or not all(step.ok for step in steps):
            held = _held(lab, file.key)
            whole(lab)
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


def make_folder(out: Path) -> None:
    """Make a folder for results, which only its owner can open; UsageError if it cannot be made.

    A folder that is there already keeps its mode.
    """
    try:
        out.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot write to {out}: {error.strerror}. Name another folder.") from None


def write_file(path: Path, text: str) -> None:
    """Write a file, whole or not at all, so that only its owner can read it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)  # a draft that a killed run left keeps its mode
    draft.touch(0o600)
    draft.write_text(text, encoding="utf-8", newline="")
    draft.replace(path)


def prepare(parameters: dict[str, Any]) -> tuple[dict[str, Any], Lab, transactions.TransactionsFile]:
    """Refuse what cannot work before anything is made; the parameters with a data file, the lab, and the file."""
    if unknown := sorted(parameters.keys() - known_parameters().keys()):
        known = ", ".join(sorted(known_parameters()))
        raise UsageError(f"No notebook has a parameter {unknown[0]}; they have {known}.")
    data_file = str(Path(parameters.get("data_file") or DATA_FILE).resolve())
    file = upload(data_file)
    lab = open_lab(**{name: parameters[name] for name in OPENING if name in parameters})
    return {**parameters, "data_file": data_file}, lab, file


def known_parameters() -> dict[str, str]:
    """All parameters that a notebook has, and the type of each, such as str or bool."""
    return {name: kind for path in notebooks() for name, kind in parameters_of(path).items()}


def upload(path: str | Path) -> transactions.TransactionsFile:
    """The file that step 05 uploads; UsageError if it is none, or one that the bucket's trigger would not take."""
    file = transactions.read(path)
    if not file.key.endswith(".txt"):
        raise UsageError(
            f"{file.key} does not end in .txt, and the bucket's trigger takes only keys that do. Rename it."
        )
    return file


def run_one(
    path: Path,
    out: Path,
    parameters: dict[str, Any],
    lab: Lab,
    kernel: Kernel,
    each_cell: bool = True,
) -> Step:
    """Run one notebook with those parameters that it has, in this kernel.

    It is written to `out`, after each cell if wanted, with the evidence if it failed, and without what is private in
    the lab.
    """
    papermill = _papermill()
    from nbclient.exceptions import (  # after papermill, and as slow to load without its stop
        CellTimeoutError,
        DeadKernelError,
    )

    begun, error, seen, written = time.monotonic(), None, "", (out / path.name).resolve()
    papermill.iorw.papermill_io.register(str(written), _MaskedFile(lab))
    known = parameters_of(path)
    try:
        papermill.execute_notebook(
            _literally(path),
            _literally(written),
            parameters={name: value for name, value in parameters.items() if name in known},
            kernel_name="python3",
            cwd=path.parent,
            progress_bar=False,
            shutdown_kernel="immediate",
            km=kernel,
            request_save_on_cell_execute=each_cell,
            execution_timeout=LONGEST_CELL,
        )
    except papermill.PapermillExecutionError as failure:
        error = masked(f"{failure.ename}: {failure.evalue}", lab)
    except DeadKernelError:
        error = "The kernel died. Run the notebook in JupyterLab to see where."
    except CellTimeoutError:
        error = f"A cell did not end in {LONGEST_CELL} s. Run the notebook in JupyterLab to see what it waits for."
    if error is None:
        seen = _checkpoint(written)
    return Step(path.stem, error is None, time.monotonic() - begun, error, seen)


@dataclass(frozen=True)
class _MaskedFile:
    """How papermill writes a notebook: at the start, around each cell, at the end; never with what is private."""

    lab: Lab

    def write(self, text: str, path: str) -> None:
        write_file(Path(path), masked(text, self.lab))

    def pretty_path(self, path: str) -> str:
        """What papermill calls the file in its log."""
        return path


def totals(lab: Lab) -> dict[str, str]:
    """Each customer's total in the account, as decimal text."""
    balances = tables.items(lab, "TransactionTotal")
    return {item["CustomerId"]: f"{item.get('accountBalance', 0):f}" for item in balances}


def _held(lab: Lab, key: str) -> dict[str, Any]:
    """What the account holds at the end, amounts as decimal text; what is absent holds nothing."""
    return {
        "totals": totals(lab),
        "transactions": len(tables.items(lab, "Transactions")),
        "customers": len(tables.items(lab, "Customer")),
        "alerts": queues.alerts(lab, queues.ALERT_QUEUES[0]),
        "queues": {name: len(queues.messages(lab, name)) for name in queues.ALERT_QUEUES},
        "rejected": [{"line": row["line"], "reason": row["reason"]} for row in buckets.rejected_rows(lab, key)],
    }


def _nothing_held() -> dict[str, Any]:
    empty: dict[str, Any] = {"totals": {}, "transactions": 0, "customers": 0, "alerts": [], "rejected": []}
    return {**empty, "queues": dict.fromkeys(queues.ALERT_QUEUES, 0)}


@functools.cache
def parameters_of(path: Path) -> dict[str, str]:
    """The parameters of a notebook, and the type of each."""
    return {name: each["inferred_type_name"] for name, each in _papermill().inspect_notebook(_literally(path)).items()}


def _literally(path: Path) -> str:
    """The path for papermill, which puts parameters in the place of names in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _checkpoint(path: Path) -> str:
    """What the notebook's checkpoint printed."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    checkpoints = [cell for cell in cells if "checkpoint" in cell["metadata"].get("tags", [])]
    outputs = [output for cell in checkpoints for output in cell["outputs"] if output.get("name") == "stdout"]
    return "".join(outputs[-1]["text"]).strip() if outputs else ""


def _papermill() -> Any:
    """papermill, without a grammar for internationalised addresses that takes longer to build than all the rest.

    jupyterlab installs rfc3987-syntax, jsonschema imports it if it is there, and nothing here checks such addresses.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # makes the import fail, which is allowed for
    import papermill

    return papermill
