"""Do the work for one student of a class in a process of its own, and keep the student's draft and record.

gradebook.py describes a record (grade.json). Its fingerprint says which notebooks and which row of the roster it is of.
"""

import json
import math
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, ClassVar

from lab_lib import checks
from lab_lib.calls.refusals import in_one_line
from lab_lib.calls.waiting import PROGRESS_FILE
from lab_lib.classroom import feedback, gradebook
from lab_lib.classroom.points import Record as Record
from lab_lib.classroom.students import Student
from lab_lib.errors import LabError, UsageError
from lab_lib.lab import Lab
from lab_lib.pages.wording import now
from lab_lib.run import headless
from lab_lib.workspace.masking import masked, without_accounts
from lab_lib.workspace.one_command import alone
from lab_lib.workspace.private_files import can_write_to, make_folder, write_file

STEP = ".step"  # the file in the draft that names the notebook that runs now
GRADED = ".graded"  # the file in the draft that holds what was earned so far: it counts even if this process dies
_LONGEST_STOP = 10  # seconds
_DIED = "The process that did this has died. What it had not judged yet gives no points. Go on with --resume."
_OWN = ("bucket", "processor_role", "notifier_role", "boundary")  # their names may say whose they are


@dataclass(frozen=True)
class Work:
    """Run the notebooks of one student, or only grade the account, and write the results below `out`."""

    student: Student
    out: Path
    until: str | None = None
    probe: bool = True
    remarks: tuple[str, ...] = ()  # what the instructor should know about the student's files
    seed: str = ""  # of the cases for the student's function, the same for all students that are graded together
    seconds: float = math.inf  # in which a submission must build the lab

    baseline: ClassVar[dict[str, list[str]] | None] = {}  # of a new record: nothing was handed in

    @property
    def folder(self) -> Path:
        return self.out / self.student.folder

    @property
    def draft(self) -> Path:
        """Return the folder that holds the results until the work ends."""
        return self.out / f".{self.student.folder}.draft"

    @property
    def is_embedded(self) -> bool:
        """Return True if it needs this computer's embedded AWS."""
        return self.student.is_embedded

    @property
    def not_done(self) -> str:
        """Return the state of a student without results."""
        return "not run"

    @property
    def inputs(self) -> list[Path]:
        """Return the files that decide what comes of the work: the notebooks, and the file to upload."""
        return [*headless.notebooks(self.until), Path(self.student.parameters.get("data_file", headless.DATA_FILE))]

    @property
    def settings(self) -> dict[str, Any]:
        """Return what in the student's row decides what comes of the work."""
        return {**vars(self.student), "line": 0, "id": ""}

    @property
    def fingerprint(self) -> str:
        """Return a digest of the settings, the seed and the inputs: equal for equal work."""
        decisive = {**self.settings, "seed": self.seed}
        digest = sha256(json.dumps(decisive, sort_keys=True, default=str).encode())
        for path in self.inputs:
            with suppress(OSError), path.open("rb") as file:  # doing the work tells why not
                digest.update(file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def do(self) -> None:
        """Do the work, and write all results. After Ctrl-C the draft stays as it is."""
        begun = time.monotonic()
        self.begin()
        try:
            entries = self.results()
            feedback.render(self.draft)
        except Exception as error:  # noqa: BLE001  # whatever failed, the instructor reads it in the report
            self.failed(error)
        else:
            self.write(seconds=round(time.monotonic() - begun, 1), **entries)

    def results(self) -> Record:
        """Run the notebooks, grade the account, and return the entries of the record about it."""
        student = self.student
        parameters = {"account": student.account, "profile": student.profile, "data_file": str(headless.DATA_FILE)}
        steps, result = headless.run(
            headless.prepare(parameters | student.parameters | {"yes": True}, self.until),
            self.draft,
            started=lambda notebook: self.note(STEP, notebook),
            complete=lambda lab: self.note(GRADED, json.dumps(self._graded(lab))),
            command="lab class",
        )
        error = next((f"{step.notebook}: {step.error}" for step in steps if not step.ok), None)
        return {"state": "done" if result["ok"] else "failed", "error": error, "steps": result["steps"]}

    def check_account(self) -> Record:
        """Grade the account as it is; no notebook is run. Its record is not that of a run."""
        begun, lab = time.monotonic(), self.student.open_lab()
        with alone(lab, "lab class check") if self.probe else nullcontext():
            graded = self._graded(lab)
        return self.write(state="done", seconds=round(time.monotonic() - begun, 1), fingerprint="", **graded)

    def _graded(self, lab: Lab) -> dict[str, Any]:
        """Return what the account has earned, with private values masked."""
        report = checks.run(lab, probe=self.probe)
        graded = {"graded": now(), "checks": report.as_dicts()}
        return dict(json.loads(masked(json.dumps(graded, ensure_ascii=False), lab)))

    def begin(self) -> None:
        """Make an empty draft."""
        shutil.rmtree(self.draft, ignore_errors=True)
        make_folder(self.draft)
        self.note(STEP, "getting ready")

    def note(self, name: str, text: str) -> None:
        """Write a note into the draft, whole or not at all: this process may die at any time."""
        write_file(self.draft / name, text)

    @property
    def step(self) -> str | None:
        """Return the notebook that runs now, or ran when the work was stopped; None if the work has not begun."""
        try:
            return (self.draft / STEP).read_text("utf-8")
        except FileNotFoundError:
            return None

    def forget(self) -> None:
        """Delete the draft and the record of earlier work for this student."""
        shutil.rmtree(self.draft, ignore_errors=True)
        with suppress(FileNotFoundError, IsADirectoryError):  # a folder of that name is no record
            (self.folder / "grade.json").unlink()

    def read(self) -> Record | None:
        """Return the record of earlier work for this student, or None if that did not end, or the record is damaged."""
        with suppress(UsageError):
            return gradebook.read(self.folder / "grade.json")
        return None

    def is_done(self) -> bool:
        """Return True if a record of the same work is there, and doing it again could change nothing.

        An account may have changed since its run has failed. A submission fails again, unless it gets more seconds.
        """
        record = self.read()
        if record is None or record["baseline"] is None or record.get("fingerprint") != self.fingerprint:
            return False
        return record["state"] == "done" or bool(record.get("failed_within", 0) >= self.seconds)

    def record(self, state: str) -> Record:
        """Return a record without results."""
        student = self.student
        return {
            "name": student.name,
            "account": without_accounts(student.account),
            "folder": student.folder,
            "id": student.id,
            "prefix": student.parameters.get("prefix", ""),
            "own": [without_accounts(student.parameters[name]) for name in _OWN if name in student.parameters],
            "state": state,
            "seconds": 0.0,
            "error": None,
            "remarks": [*self.remarks],
            "graded": "",
            "steps": [],
            "checks": [],
            "probed": self.probe,
            "baseline": self.baseline,
            "answers": None,
            "trial": None,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
        }

    def write(self, **entries: Any) -> Record:
        """Put the draft, if there is one, in the place of the student's folder, and write the record there last."""
        noted = self.draft / GRADED
        graded = json.loads(noted.read_text("utf-8")) if noted.exists() else {}
        with can_write_to(self.folder):
            if self.draft.exists():
                for name in (STEP, GRADED):
                    (self.draft / name).unlink(missing_ok=True)
                shutil.rmtree(self.folder, ignore_errors=True)
                self.draft.replace(self.folder)
        written = self.record(entries["state"]) | graded | entries
        make_folder(self.folder)
        write_file(self.folder / "grade.json", json.dumps(written, indent=2, ensure_ascii=False) + "\n")
        return written

    def failed(self, error: BaseException) -> Record:
        """Write and return the record of work that ended in this error. Points that were earned before it count."""
        return self.write(state="failed", error=in_words(error))


def in_words(error: BaseException) -> str:
    """Return the kind and the text of an error, with accounts masked."""
    return without_accounts(f"{type(error).__name__}: {in_one_line(error)}")


def in_process(work: Work, watched: int) -> Record:
    """Do the work in a new process, and return its record. The process stops when the pipe `watched` closes.

    The other end of the pipe closes with the process that holds it, even if that is killed. LabError if the new process
    dies before it has written a record: after Ctrl-C, the work is unfinished.
    """
    command = [sys.executable, "-P", "-c", f"from {__name__} import main; main()", str(watched)]  # no module of a cwd
    with tempfile.TemporaryDirectory(prefix="lab-class-", ignore_cleanup_errors=True) as temporary_folder:
        # Many wait at once, so nobody could read the progress.
        variables = {**work.student.variables, "TMPDIR": temporary_folder, PROGRESS_FILE: os.devnull}
        subprocess.run(
            command,
            input=pickle.dumps(work),
            pass_fds=[watched],
            env={**os.environ, **variables},
            start_new_session=True,
            check=False,
        )
    if record := work.read():
        return record
    raise LabError(_DIED)


def main() -> None:
    """Do the work that stands in the standard input. Stop with the process that asked for it."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
        threading.Thread(target=_stop_with, args=[int(sys.argv[1])], daemon=True).start()
        pickle.load(sys.stdin.buffer).do()  # noqa: S301  # from the process that started this one
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the record is written: Ctrl-C would only print a traceback


def _stop_with(watched: int) -> None:
    """Interrupt the main thread once the pipe closes; end this process if the main thread takes too long."""
    os.read(watched, 1)
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(_LONGEST_STOP)
    os._exit(1)
