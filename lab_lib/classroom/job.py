"""Do the work for one student of a class in a process of its own, and write the record of it.

gradebook.py describes a record (grade.json). Its fingerprint says which notebooks and which row of the roster it is of.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab_lib import checks
from lab_lib.checks.reports import Report
from lab_lib.classroom.roster import Student
from lab_lib.errors import LabError
from lab_lib.lab import Lab, open_lab
from lab_lib.masking import masked, without_accounts
from lab_lib.private_files import make_folder, write_file
from lab_lib.run import headless
from lab_lib.settings import SETTINGS

Record = dict[str, Any]
STEP = ".step"  # the file in the draft that names the notebook that runs now
_WORK = "LAB_WORK"  # the environment variable that hands the work to its process; other users cannot read it
_LONGEST_STOP = 10  # seconds


@dataclass(frozen=True)
class Work:
    """Run the notebooks of one student, and write the results below `out`."""

    student: Student
    out: Path
    until: str | None = None

    @property
    def folder(self) -> Path:
        return self.out / self.student.folder

    @property
    def draft(self) -> Path:
        """Return the folder that holds the results until the work ends."""
        return self.out / f".{self.student.folder}.draft"

    @property
    def fingerprint(self) -> str:
        """Return a digest of the student's row, the notebooks and the file to upload: equal for equal work."""
        row = {**vars(self.student), "line": 0, "id": ""}
        digest = sha256(json.dumps(row, sort_keys=True, default=str).encode())
        for path in [*headless.notebooks(self.until), Path(_parameters(self.student)["data_file"])]:
            digest.update(path.read_bytes())
        return digest.hexdigest()


def do(work: Work, watched: int) -> Record:
    """Run the notebooks of one student, and grade the account, in a new process; return the record.

    The process stops when the pipe `watched` closes, as it does when the process that holds its other end dies.
    LabError if the process dies before it has written a record.
    """
    with tempfile.TemporaryDirectory(prefix="lab-class-", ignore_cleanup_errors=True) as temporary_folder:
        given = json.dumps({"student": vars(work.student), "out": str(work.out), "until": work.until})
        environment = {**os.environ, **_settings(work.student), _WORK: given, "TMPDIR": temporary_folder}
        command = [sys.executable, "-P", "-m", "lab_lib.classroom.job"]  # -P: a file six.py here is not the module six
        with subprocess.Popen(command, stdin=watched, env=environment, start_new_session=True) as process:
            process.wait()
    if not (record := read(work)):
        raise LabError("The process that ran the notebooks has died. Run this account once more.")
    return record


def main() -> None:
    """Do the work that the environment describes, in this process."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
        threading.Thread(target=_stop_with_parent, daemon=True).start()
        given = json.loads(os.environ.pop(_WORK))
        _run(Work(Student(**given["student"]), Path(given["out"]), given["until"]))
    except KeyboardInterrupt:
        sys.exit(130)


def _stop_with_parent() -> None:
    """Interrupt the main thread once stdin closes; end this process if the main thread takes too long."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(_LONGEST_STOP)
    os._exit(1)


def _run(work: Work) -> None:
    """Run the notebooks, grade the account, and write all results. After Ctrl-C the draft stays as it is."""
    begun, graded, steps = time.monotonic(), list[tuple[Lab, Report]](), list[headless.Step]()
    shutil.rmtree(work.draft, ignore_errors=True)
    make_folder(work.draft)
    _note(work, "getting ready")
    try:
        result = headless.run(
            _parameters(work.student) | {"yes": True},
            work.draft,
            work.until,
            started=lambda notebook: _note(work, notebook),
            finished=steps.append,
            complete=lambda lab: graded.append((lab, checks.run(lab))),
        )
    except Exception as error:  # noqa: BLE001  # whatever failed, the instructor reads it in the report
        failed(work, error)
        return
    (lab, report), *_ = graded
    _write(
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
    """Grade the account as it is; nothing is run or changed. Its record counts as other work than a run's."""
    begun, lab = time.monotonic(), opened(work.student)
    checked = checks.run(lab).as_dicts()
    totals, seconds = headless.totals(lab), round(time.monotonic() - begun, 1)
    return _write(work, lab, state="done", seconds=seconds, checks=checked, totals=totals, fingerprint="")


def failed(work: Work, error: BaseException) -> Record:
    """Write and return the record of work that ended in this error."""
    return _write(work, state="failed", error=without_accounts(f"{type(error).__name__}: {error}"))


def forget(work: Work) -> None:
    """Delete the draft and the record of earlier work for this student."""
    shutil.rmtree(work.draft, ignore_errors=True)
    (work.folder / "grade.json").unlink(missing_ok=True)


def step(work: Work) -> str | None:
    """Return the notebook that runs now, or ran when the work was stopped; None if the work has not begun."""
    try:
        return (work.draft / STEP).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def read(work: Work) -> Record | None:
    """Return the record of earlier work for this student, or None if that did not end."""
    try:
        record: Record = json.loads((work.folder / "grade.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record


def record(work: Work, state: str) -> Record:
    """Return a record without results."""
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
    """Open the lab in a student's account."""
    known = {name: student.parameters[name] for name in SETTINGS if name in student.parameters}
    where = {"account": student.account, "profile": student.profile}
    return open_lab(**known, **where, role_arn=student.role_arn, external_id=student.external_id)


def _parameters(student: Student) -> dict[str, Any]:
    where = {"account": student.account, "profile": student.profile, "data_file": str(headless.DATA_FILE)}
    return where | student.parameters


def _settings(student: Student) -> dict[str, str]:
    """Return the environment that opens the student's lab; it holds no credentials, as each kernel assumes the role."""
    names = ("region", "prefix", "processor_role", "notifier_role", "bucket", "boundary")
    settings = {name: student.parameters.get(name, "") for name in names}
    settings |= {name: getattr(student, name) for name in ("account", "profile", "role_arn", "external_id")}
    return {f"LAB_{name.upper()}": value for name, value in settings.items()}


def _note(work: Work, notebook: str) -> None:
    (work.draft / STEP).write_text(notebook, encoding="utf-8")


def _write(work: Work, lab: Lab | None = None, **entries: Any) -> Record:
    """Put the draft, if there is one, in the place of the student's folder, and write the record there last.

    Private values are masked, except in the roster's own columns: an id may be an e-mail address.
    """
    if work.draft.exists():
        (work.draft / STEP).unlink(missing_ok=True)
        shutil.rmtree(work.folder, ignore_errors=True)
        work.draft.replace(work.folder)
    notebooks = sorted(path.name for path in work.folder.glob("*.ipynb"))
    found = json.dumps(entries | {"notebooks": notebooks}, ensure_ascii=False)
    written: Record = record(work, entries["state"]) | json.loads(masked(found, lab) if lab else found)
    make_folder(work.folder)
    write_file(work.folder / "grade.json", json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    return written


if __name__ == "__main__":
    main()
