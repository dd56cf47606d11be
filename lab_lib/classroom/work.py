"""Do the work for one student of a class, and keep the student's draft and record.

The fingerprint of a record says which row of the roster and which file it is of.
"""

import json
import shutil
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab_lib import checks
from lab_lib.calls.refusals import in_one_line
from lab_lib.checks import bank
from lab_lib.classroom import feedback
from lab_lib.classroom.record import Record, Step
from lab_lib.classroom.roster import Student
from lab_lib.errors import UsageError
from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.wording import now
from lab_lib.run import headless
from lab_lib.workspace.masking import masked, without_accounts, without_names
from lab_lib.workspace.one_command import alone
from lab_lib.workspace.private_files import can_write_to, make_folder

_FOUND = ".found.json"  # the file in the draft with what was found so far: it counts even if this process dies


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
        return self.student.is_embedded

    @property
    def settings(self) -> list[Any]:
        """Return what decides what comes of the work, in the student's row and elsewhere."""
        return [{**vars(self.student), "id": ""}, self.until]

    @property
    def fingerprint(self) -> str:
        """Return a digest of the settings: equal for equal work."""
        text = json.dumps(self.settings, sort_keys=True, default=str)
        return sha256(text.encode()).hexdigest()

    def do(self) -> Record:
        """Do the work in the draft, and return its record. After Ctrl-C the draft stays as it is."""
        make_folder(self.draft)
        try:
            record = self.results()
            feedback.render(self.draft)
        except Exception as error:  # noqa: BLE001  # whatever failed, the instructor reads it in the report
            return self.failed(error)
        return record

    def results(self) -> Record:
        """Run the notebooks, grade the account, and return the record of both."""
        student = self.student
        parameters = {"account": student.account, "profile": student.profile, "yes": True}
        if student.id:
            data_file = self.draft / headless.DATA_FILE.name
            data_file.write_bytes(bank.plain_file(student.id))
            parameters["data_file"] = str(data_file)
        prepared = headless.prepare(parameters | student.parameters, self.until)
        steps, result = headless.run(
            prepared,
            self.draft,
            complete=lambda lab: self.keep(self._graded(lab)),
            command="lab class",
        )
        record = self.found()
        record.state = "done" if result["ok"] else "failed"
        record.steps = [Step(**step.as_dict()) for step in steps]
        for step in record.steps:
            if step.error:
                record.error = _(": ").join([step.notebook, step.error])
        return record

    def check_account(self) -> Record:
        """Grade the account as it is; no notebook is run. Its record is not that of a run."""
        lab = self.student.open_lab()
        with alone(lab, "lab class check") if self.probe else nullcontext():
            record = self._graded(lab)
        record.state = "done"
        record.fingerprint = ""
        return record

    def _graded(self, lab: Lab) -> Record:
        """Return a record of what the account has earned, with private values masked."""
        record = self.record()
        record.graded = now()
        for check in checks.run(lab, probe=self.probe).checks:
            found = masked(check.found, lab)
            wanted = masked(check.wanted, lab)
            hint = masked(check.hint, lab)
            record.checks.append(check._replace(found=found, wanted=wanted, hint=hint))
        return record

    def keep(self, record: Record) -> None:
        """Keep in the draft what was found so far, whole or not at all: this process may die at any time."""
        record.write(self.draft / _FOUND)

    def found(self) -> Record:
        """Return what was kept in the draft, else a record without results. It is that of a failure so far."""
        path = self.draft / _FOUND
        return Record.read(path) if path.exists() else self.record()

    def failed(self, error: BaseException) -> Record:
        """Return the record of work that ended in this error. Earlier findings count."""
        record = self.found()
        record.error = in_words(error, self.student.profile)
        return record

    def forget(self) -> None:
        """Delete the draft and the record of earlier work for this student."""
        shutil.rmtree(self.draft, ignore_errors=True)
        (self.folder / "grade.json").unlink(missing_ok=True)

    def read(self) -> Record | None:
        """Return the record of earlier work for this student, or None if that did not end, or the record is damaged."""
        with suppress(UsageError):
            record = Record.read(self.folder / "grade.json")
            record.id = self.student.id  # the roster's
            return record
        return None

    def is_done(self) -> bool:
        """Return True if the same work was done already: what has failed may succeed now."""
        record = self.read()
        return record is not None and record.state == "done" and record.fingerprint == self.fingerprint

    def record(self, state: str = "failed") -> Record:
        """Return a record without results."""
        student = self.student
        return Record(
            name=student.name,
            account=without_accounts(student.account),
            folder=student.folder,
            id=student.id,
            prefix=student.parameters.get("prefix", ""),
            state=state,
            seconds=0,
            error=None,
            remarks=[*self.remarks],
            graded="",
            steps=[],
            checks=[],
            probed=self.probe,
            answers=None,
            trial=None,
            seed=self.seed,
            fingerprint=self.fingerprint,
        )

    def write(self, record: Record) -> None:
        """Put the record into the draft, and the draft in the place of the student's folder."""
        make_folder(self.draft)
        (self.draft / _FOUND).unlink(missing_ok=True)
        record.write(self.draft / "grade.json")
        with can_write_to(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.draft.replace(self.folder)


def in_words(error: BaseException, profile: str = "") -> str:
    """Return the kind and the text of an error, without accounts and names."""
    text = f"{type(error).__name__}: {in_one_line(error)}"
    return without_names(without_accounts(text), profile)
