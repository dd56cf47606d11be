"""One account's work in a class, so plain that it can go to another process or machine, and the record of it.

What a record (grade.json) holds is told in gradebook.py; besides, it has the fingerprint of what was asked for.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab_lib import checks
from lab_lib.classroom.roster import Student
from lab_lib.lab import Lab, open_lab
from lab_lib.masking import masked, without_accounts
from lab_lib.run import headless
from lab_lib.run.headless import Step
from lab_lib.run.kernels import environment, one_kernel

Record = dict[str, Any]
STEP = ".step"  # the file in the draft that names the notebook that is run now


@dataclass(frozen=True)
class Work:
    """What is to be done for one student, and where its results go."""

    student: Student
    out: Path
    until: str | None = None

    @property
    def folder(self) -> Path:
        return self.out / self.student.folder

    @property
    def draft(self) -> Path:
        """Where the notebooks lie while they are run."""
        return self.out / f".{self.student.folder}.draft"

    @property
    def fingerprint(self) -> str:
        """What was asked for: the student's row, the notebooks and the file. If it is the same, so is the result."""
        row = {**vars(self.student), "line": 0, "id": ""}
        digest = sha256(json.dumps(row, sort_keys=True, default=str).encode())
        for path in [*headless.notebooks(self.until), Path(_parameters(self.student)["data_file"])]:
            digest.update(path.read_bytes())
        return digest.hexdigest()


def do(work: Work) -> Record:
    """Run the notebooks of one student in one kernel, grade the account, and write all of it to the folder."""
    begun, graded, steps = time.monotonic(), list[tuple[Lab, checks.Report]](), list[Step]()
    with _draft(work), _environment(work.student):
        result = headless.run(
            _parameters(work.student) | {"yes": True},
            work.draft,
            work.until,
            started=lambda notebook: _note(work, notebook),
            finished=steps.append,
            whole=lambda lab: graded.append((lab, checks.run(lab))),
            kernels=one_kernel,
            each_cell=False,
        )
    (lab, report), *_ = graded
    return _write(
        work,
        lab,
        state="done" if result["ok"] else "failed",
        seconds=round(time.monotonic() - begun, 1),
        error=next((f"{step.notebook}: {step.error}" for step in steps if not step.ok), None),
        steps=result["steps"],
        checks=report.as_dicts(),
        totals=result["totals"],
    )


def grade(work: Work) -> Record:
    """Grade the account as it is, whoever built it. Nothing is run, so a run has it to do, and nothing is changed."""
    begun, lab = time.monotonic(), opened(work.student)
    checked = checks.run(lab).as_dicts()
    totals, seconds = headless.totals(lab), round(time.monotonic() - begun, 1)
    return _write(work, lab, state="done", seconds=seconds, checks=checked, totals=totals, fingerprint="")


def failed(work: Work, error: BaseException) -> Record:
    """The record of work that ended in an error of ours, of AWS or of the process that did it."""
    return _write(work, state="failed", error=without_accounts(f"{type(error).__name__}: {error}"))


def forget(work: Work) -> None:
    """Let nothing tell of earlier work for this student, before it is begun again."""
    shutil.rmtree(work.draft, ignore_errors=True)
    (work.folder / "grade.json").unlink(missing_ok=True)


def step(work: Work) -> str | None:
    """The notebook that is run now, or was when the run was stopped; None if the work was not begun."""
    try:
        return (work.draft / STEP).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def read(work: Work) -> Record | None:
    """The record of earlier work for this student, if it came to an end."""
    try:
        record: Record = json.loads((work.folder / "grade.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record


def record(work: Work, state: str) -> Record:
    """A record of nothing yet."""
    student = work.student
    return {
        "name": student.name,
        "account": without_accounts(student.account),
        "folder": student.folder,
        "id": student.id,
        "state": state,
        "seconds": 0.0,
        "error": None,
        "steps": [],
        "checks": [],
        "totals": {},
        "threshold": str(student.parameters.get("threshold", 1500)),
        "notebooks": [],
        "fingerprint": work.fingerprint,
    }


def opened(student: Student) -> Lab:
    """The lab in a student's account."""
    known = {name: student.parameters[name] for name in headless.OPENING if name in student.parameters}
    where = {"account": student.account, "profile": student.profile}
    return open_lab(**known, **where, role_arn=student.role_arn, external_id=student.external_id)


def _parameters(student: Student) -> dict[str, Any]:
    where = {"account": student.account, "profile": student.profile, "data_file": str(headless.DATA_FILE)}
    return where | student.parameters


def _note(work: Work, notebook: str) -> None:
    (work.draft / STEP).write_text(notebook, encoding="utf-8")


def _write(work: Work, lab: Lab | None = None, **entries: Any) -> Record:
    """Write the record, whole or not at all, without what is private.

    What the roster says stays as it is: an id may well be an address, and a masked one is of nobody in the school.
    """
    notebooks = sorted(path.name for path in work.folder.glob("*.ipynb"))
    found = json.dumps(entries | {"notebooks": notebooks}, ensure_ascii=False)
    written: Record = record(work, entries["state"]) | json.loads(masked(found, lab) if lab else found)
    headless.make_folder(work.folder)
    headless.write_file(work.folder / "grade.json", json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    return written


@contextmanager
def _draft(work: Work) -> Iterator[None]:
    """An empty folder to work in. It takes the place of the student's at the end, however that came."""
    shutil.rmtree(work.draft, ignore_errors=True)
    headless.make_folder(work.draft)
    _note(work, "getting ready")
    try:
        yield
    finally:
        (work.draft / STEP).unlink(missing_ok=True)
        if work.folder.exists():
            shutil.rmtree(work.folder)
        work.draft.replace(work.folder)


def _environment(student: Student) -> AbstractContextManager[None]:
    """Let this process and its kernels open the lab of this student; afterwards all is as before.

    No credentials are in it: each kernel assumes the role itself.
    """
    return environment(
        {
            "LAB_ACCOUNT": student.account,
            "LAB_PROFILE": student.profile,
            "LAB_REGION": student.parameters.get("region", ""),
            "LAB_PREFIX": student.parameters.get("prefix", ""),
            "LAB_ROLE_ARN": student.role_arn,
            "LAB_EXTERNAL_ID": student.external_id,
        }
    )
