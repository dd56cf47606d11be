"""Grade one submission. It is judged from the file, where work.py runs the notebooks in an account."""

import resource
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab_lib.classroom import deadline, sandbox, submission
from lab_lib.classroom.judge import Judge
from lab_lib.classroom.own_work import OwnWork
from lab_lib.classroom.record import Record, Submitted
from lab_lib.classroom.submission import Submission
from lab_lib.classroom.work import Work, in_words
from lab_lib.errors import UsageError
from lab_lib.language import N_, sentences

_MOST_MEMORY = 1_500_000_000  # bytes of the judge and, since they inherit it, of each process in the sandbox
_MOST_TEXT = 1000  # characters of the reasons


@dataclass(frozen=True)
class Grading(Work):
    """Judge the submission of one student, and write the results below `out`."""

    submitted: Submission | None = None  # None if there is no submission
    due: datetime | None = None
    trust: bool = False
    seconds: int = 120  # that the cells may spend until the lab is built

    is_embedded = False  # each sandbox has an embedded AWS of its own

    @property
    def settings(self) -> list[Any]:
        content = self.submitted.content if self.submitted else b""
        return [self.student.name, self.student.settings_in_sandbox, self.seed, sha256(content).hexdigest()]

    def record(self, state: str = "failed") -> Record:
        record = super().record(state)
        if file := self.submitted:
            when = self.student.handed_in or f"{file.handed_in:%Y-%m-%d %H:%M}"
            late = deadline.days_late(when, self.due) if self.due else 0
            record.submitted = Submitted(when=when, claim=file.when, late=late)
        return record

    def results(self) -> Record:
        """Judge the submission in bounded memory and time, and return the record of it.

        Processor time bounds the judge: one that waits for a sandbox ends with it.
        """
        if not (submitted := self.submitted):
            return self.record(N_("missing"))
        longest = sandbox.longest(self.seconds)
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (longest, longest))
        record = self.record()
        record.answers, record.trial = [], []  # what is not judged gives no points
        self.keep(record)
        if submitted.fault:
            record.error = in_words(UsageError(submitted.fault))
            return record
        files, own = submission.unpack(submitted.content), OwnWork(submitted.data_id)
        judge = Judge(files, self.seconds, self.trust, self, record, own=own)
        judge.run()
        record.state = "failed" if judge.faults else "done"
        record.error = sentences(*judge.faults)[:_MOST_TEXT] or None
        return record


def note_files(works: Iterable[Grading]) -> None:
    """Write for `lab class report` who has handed in nothing, and when the others did whose record is there."""
    for work in works:
        record = work.read()
        if record and record.fingerprint == work.fingerprint:  # the time may have changed, in the roster or by --due
            record.submitted = work.record().submitted
            record.write(work.folder / "grade.json")
        elif not (record or work.submitted):
            work.write(work.record("missing"))


def seed_of(out: Path) -> str:
    """Return the seed of the records there; a new one if there are none."""
    for path in sorted(out.glob("*/grade.json")):
        with suppress(UsageError):  # whoever needs it is told
            if seed := Record.read(path).seed:
                return seed
    return secrets.token_hex(8)
