"""Grade one submission in a process of its own, and write the record of it, as job.py does for an account.

What the untouched edition has right, by its helpers, gives no points: it is graded once, beside the submissions.
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
from typing import Any

from lab_lib.classroom import executors, feedback, gradebook, job, points, submission
from lab_lib.classroom.executors import Submit
from lab_lib.classroom.job import Record, Work
from lab_lib.classroom.judge import Judge
from lab_lib.classroom.sandbox import Limits
from lab_lib.classroom.students import Student
from lab_lib.errors import LabError, UsageError
from lab_lib.exercises import copies
from lab_lib.waiting import load_of_computer

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
        """Return None: the submission was not compared with the untouched edition yet."""

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


@contextmanager
def processes(jobs: int, trust: bool, seconds: float, seed: str) -> Iterator[Submit]:
    """Grade this many submissions at a time, in processes. Their records get what the untouched edition has right."""
    with TemporaryDirectory(prefix="lab-untouched-", ignore_cleanup_errors=True) as folder:
        submission.write_untouched(path := Path(folder) / "untouched.zip")
        student = Student(0, "0" * 12, path.stem, "", "", "", {})
        untouched = Grading(student, Path(folder), path=path, trust=trust, seconds=seconds, seed=seed)

        def do(work: Work, watched: int) -> Record:
            record = job.do_in_process(work, watched, __name__)
            if work is untouched or not record["checks"]:
                return record
            return job.write(work, **record | {"baseline": _right(first)})

        with executors.processes(jobs, do) as submit:
            first = submit(untouched)
            yield submit


def seed_of(out: Path) -> str:
    """Return the seed of the records there; a new one if there are none."""
    for path in sorted(out.glob("*/grade.json")):
        with suppress(UsageError):  # whoever needs it is told
            if seed := str(gradebook.read(path).get("seed", "")):
                return seed
    return secrets.token_hex(8)


def _right(untouched: Future[Record]) -> dict[str, list[str]]:
    """Wait until the untouched edition is graded, and return what is right in it."""
    if error := untouched.exception() or untouched.result()["error"]:
        why = f"The untouched edition cannot be graded, to compare this one with it: {error}"
        raise LabError(f"{why} Grade again with --resume, or with more --seconds.")
    return points.right(untouched.result())


def main() -> None:
    """Judge the submission that the environment describes, in this process."""
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    job.do_given_work(_grade)


def _grade(given: dict[str, Any]) -> None:
    work = Grading(**{**given, "path": Path(given["path"])})
    limits = Limits(work.seconds * load_of_computer())
    timer = Timer(2 * limits.last + _LONGER, os._exit, [1])
    timer.daemon = True
    timer.start()
    begun = time.monotonic()
    job.begin(work)
    try:
        submitted = submission.read(Path(given["path"]))
        judge = Judge(submitted, limits, work.trust, work)
        judge.run()
        copies.give_pictures(work.draft)  # ours, whatever the student has handed in
    except Exception as error:  # noqa: BLE001  # whatever failed, the instructor reads it in the report
        job.failed(work, error)
        return
    job.write(
        work,
        state="failed" if judge.faults else "done",
        seconds=round(time.monotonic() - begun, 1),
        error=" ".join(judge.faults)[:_MOST_TEXT] or None,
        steps=judge.steps,
        answers=judge.answers(),
        trial=judge.trial,
        submitted={"when": submitted.when},
    )
    job.ignore_stop()
    feedback.render(work.folder)


if __name__ == "__main__":
    main()
