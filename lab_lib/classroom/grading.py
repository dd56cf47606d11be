"""Grade one submission. It is judged from its file, where work.py runs the notebooks in an account.

What is right in the untouched edition gives no points. So that edition is graded once, beside the submissions.
"""

import json
import os
import resource
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

from lab_lib.classroom import feedback, gradebook, points, submission
from lab_lib.classroom.judge import Judge
from lab_lib.classroom.sandbox import Limits
from lab_lib.classroom.students import Student
from lab_lib.classroom.work import Record, Work
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import copies
from lab_lib.waiting import busy, load_of_computer

_MOST_MEMORY = 1_500_000_000  # bytes of the judge and, since they inherit it, of each process in the sandbox
_MOST_TEXT = 1000  # characters of the reasons
_LONGER = 60  # seconds after which a judge whose sandboxes have ended gives up


@dataclass(frozen=True)
class Grading(Work):
    """Judge the submission of one student, and write the results below `out`."""

    path: Path | None = None  # None if there is no submission
    trust: bool = False
    seconds: float = Limits.whole

    @property
    def is_embedded(self) -> bool:
        return False

    @property
    def baseline(self) -> None:
        """Return None: the submission is not compared with the untouched edition yet."""

    @property
    def fingerprint(self) -> str:
        """Return a digest of the student's row and the submission."""
        row = json.dumps({**vars(self.student), "line": 0, "id": "", "seed": self.seed}, sort_keys=True, default=str)
        digest = sha256(row.encode())
        with suppress(OSError):  # its grading tells why
            if self.path and self.path.stat().st_size <= submission.MOST_BYTES:
                digest.update(self.path.read_bytes())
        return digest.hexdigest()

    @property
    def not_done(self) -> str:
        return "not run" if self.path else "missing"

    def do(self) -> None:
        """Judge the submission, and write all results."""
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
        limits = Limits(self.seconds * load_of_computer())
        timer = Timer(3 * limits.last + _LONGER, os._exit, [1])
        timer.daemon = True
        timer.start()
        begun = time.monotonic()
        self.begin()
        try:
            judge = Judge(submission.read(Path(str(self.path))), limits, self.trust, self)
        except UsageError as error:  # nothing in it can be judged, so nothing gives points
            self.failed(error, failed_within=self.seconds, answers=[], trial=[])
            return
        try:
            judge.run()
            copies.give_pictures(self.draft)  # ours, whatever the student has handed in
            feedback.render(self.draft)
        except Exception as error:  # noqa: BLE001  # whatever failed, the instructor reads it in the report
            self.failed(error)
            return
        self.write(
            state="failed" if judge.faults else "done",
            failed_within=0 if busy(load_of_computer()) else self.seconds,  # a fault may be this computer's
            seconds=round(time.monotonic() - begun, 1),
            error=" ".join(judge.faults)[:_MOST_TEXT] or None,
            steps=judge.steps,
            answers=judge.answers(),
            trial=judge.trial,
            submitted={"when": judge.submitted.when},
        )

    def fails_again(self, record: Record) -> bool:
        """Return True if the submission itself was at fault, and gets no more seconds than before."""
        return bool(record.get("failed_within", 0) >= self.seconds)

    def compared(self, record: Record, untouched: Future[Record] | None) -> Record:
        """Write and return the record with what is right in the untouched edition.

        LabError if that could not be graded.
        """
        if not untouched or record["answers"] is None:  # its judging failed
            return record
        if error := untouched.exception() or untouched.result()["error"]:
            why = f"The untouched edition cannot be graded, to compare this one with it: {error}"
            raise LabError(f"{why} Grade again with --resume, or with more --seconds.")
        return self.write(**record | {"baseline": points.right(untouched.result())})


@contextmanager
def untouched(trust: bool, seconds: float, seed: str) -> Iterator[Grading]:
    """Yield the work for the untouched edition, in a temporary folder."""
    with TemporaryDirectory(prefix="lab-untouched-", ignore_cleanup_errors=True) as folder:
        submission.write_untouched(path := Path(folder) / "untouched.zip")
        student = Student(0, "", path.stem, "", "", "", {})
        yield Grading(student, Path(folder), path=path, trust=trust, seconds=seconds, seed=seed)


def seed_of(out: Path) -> str:
    """Return the seed of the records there; a new one if there are none."""
    for path in sorted(out.glob("*/grade.json")):
        with suppress(UsageError):  # whoever needs it is told
            if seed := str(gradebook.read(path).get("seed", "")):
                return seed
    return secrets.token_hex(8)
