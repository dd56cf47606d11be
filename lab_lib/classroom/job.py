"""Describe the work for one student of a class, start a process for it, and keep its draft and its record.

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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab_lib.classroom.students import Student
from lab_lib.errors import LabError, UsageError
from lab_lib.lab import is_embedded
from lab_lib.masking import without_accounts
from lab_lib.private_files import make_folder, write_file
from lab_lib.run import headless
from lab_lib.waiting import UNSEEN

Record = dict[str, Any]
STEP = ".step"  # the file in the draft that names the notebook that runs now
GRADED = ".graded"  # the file in the draft that holds what the account had earned before notebook 06
_WORK = "LAB_WORK"  # the environment variable that hands the work to its process; other users cannot read it
_LONGEST_STOP = 10  # seconds
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
        return is_embedded(self.student.profile, self.student.role_arn)

    @property
    def not_done(self) -> str:
        """Return the state of a student without results."""
        return "not run"

    @property
    def baseline(self) -> dict[str, list[str]] | None:
        """Return the baseline of a record at first: nothing was handed in."""
        return {}

    @property
    def fingerprint(self) -> str:
        """Return a digest of the student's row, the notebooks and the file to upload: equal for equal work."""
        row = {**vars(self.student), "line": 0, "id": ""}
        digest = sha256(json.dumps(row, sort_keys=True, default=str).encode())
        for path in [
            *headless.notebooks(self.until),
            Path(self.student.parameters.get("data_file", headless.DATA_FILE)),
        ]:
            digest.update(path.read_bytes())
        return digest.hexdigest()


def do_in_process(work: Work, watched: int, program: str, variables: dict[str, str] | None = None) -> Record:
    """Do the work in a process of this program, which calls `do_given_work`. `variables` are of its environment."""
    with tempfile.TemporaryDirectory(prefix="lab-class-", ignore_cleanup_errors=True) as temporary_folder:
        given = json.dumps({**vars(work), "student": vars(work.student)}, default=str)
        own = {_WORK: given, "TMPDIR": temporary_folder, UNSEEN: os.devnull}  # many wait at once: nobody could read it
        environment = {**os.environ, **(variables or {}), **own}
        command = [sys.executable, "-P", "-m", program]  # -P: a file six.py here is not the module six
        with subprocess.Popen(command, stdin=watched, env=environment, start_new_session=True) as process:
            process.wait()
    if not (record := read(work)):
        raise LabError("The process that ran the notebooks has died. Run this account once more.")
    return record


def do_given_work(run: Callable[[dict[str, Any]], None]) -> None:
    """Do the work that the environment describes. Stop with the process that asked for it."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
        threading.Thread(target=_stop_with_parent, daemon=True).start()
        given = json.loads(os.environ.pop(_WORK))
        run({**given, "student": Student(**given["student"]), "out": Path(given["out"])})
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        ignore_stop()


def ignore_stop() -> None:
    """Ignore the end of the class: the record is written, and an interrupt would only print a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop_with_parent() -> None:
    """Interrupt the main thread once stdin closes; end this process if the main thread takes too long."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(_LONGEST_STOP)
    os._exit(1)


def now() -> str:
    """Return the local date and time."""
    return datetime.now().strftime("%Y-%m-%d %H:%M")


def failed(work: Work, error: BaseException) -> Record:
    """Write and return the record of work that ended in this error. Points that were earned before it count."""
    return write(work, state="failed", error=without_accounts(f"{type(error).__name__}: {error}"))


def begin(work: Work) -> None:
    """Make an empty draft."""
    shutil.rmtree(work.draft, ignore_errors=True)
    make_folder(work.draft)
    note(work, STEP, "getting ready")


def forget(work: Work) -> None:
    """Delete the draft and the record of earlier work for this student."""
    shutil.rmtree(work.draft, ignore_errors=True)
    with suppress(FileNotFoundError, IsADirectoryError):  # a folder of that name is no record
        (work.folder / "grade.json").unlink()


def step(work: Work) -> str | None:
    """Return the notebook that runs now, or ran when the work was stopped; None if the work has not begun."""
    try:
        return (work.draft / STEP).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def read(work: Work) -> Record | None:
    """Return the record of earlier work for this student, or None if that did not end, or the record is damaged."""
    from lab_lib.classroom import gradebook  # which loads what only a report needs

    with suppress(UsageError):
        record = gradebook.read(work.folder / "grade.json")
        return record if "fingerprint" in record else None
    return None


def record(work: Work, state: str) -> Record:
    """Return a record without results."""
    student = work.student
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
        "remarks": [*work.remarks],
        "graded": "",
        "steps": [],
        "checks": [],
        "probed": work.probe,
        "baseline": work.baseline,
        "answers": None,
        "trial": None,
        "seed": work.seed,
        "totals": {},
        "threshold": str(student.parameters.get("threshold", 1500)),
        "notebooks": [],
        "fingerprint": work.fingerprint,
    }


def note(work: Work, name: str, text: str) -> None:
    """Write a note into the draft."""
    (work.draft / name).write_text(text, encoding="utf-8")


def write(work: Work, **entries: Any) -> Record:
    """Put the draft, if there is one, in the place of the student's folder, and write the record there last."""
    noted = work.draft / GRADED
    graded = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {}
    if work.draft.exists():
        for name in (STEP, GRADED):
            (work.draft / name).unlink(missing_ok=True)
        shutil.rmtree(work.folder, ignore_errors=True)
        work.draft.replace(work.folder)
    notebooks = sorted(path.name for path in work.folder.glob("*.ipynb"))
    written = record(work, entries["state"]) | graded | entries | {"notebooks": notebooks}
    make_folder(work.folder)
    write_file(work.folder / "grade.json", json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    return written
