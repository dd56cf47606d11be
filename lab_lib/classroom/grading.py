"""Grade one submission. It is judged from its file, where work.py runs the notebooks in an account.

What is right in the untouched edition gives no points. So that edition is graded once, beside the submissions.
"""

import json
import os
import resource
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any, ClassVar

from lab_lib.calls.waiting import busy, load_of_computer
from lab_lib.classroom import gradebook, sandbox, submission
from lab_lib.classroom.judge import Judge
from lab_lib.classroom.students import Student
from lab_lib.classroom.work import GRADED, Record, Work, in_words
from lab_lib.errors import UsageError
from lab_lib.exercises import copies

_MOST_MEMORY = 1_500_000_000  # bytes of the judge and, since they inherit it, of each process in the sandbox
_MOST_TEXT = 1000  # characters of the reasons
_LONGER = 60  # seconds after which a judge whose sandboxes have ended gives up


@dataclass(frozen=True)
class Grading(Work):
    """Judge the submission of one student, and write the results below `out`."""

    path: Path | None = None  # None if there is no submission
    trust: bool = False
    seconds: float = 120  # in which the notebooks must build the lab

    is_embedded = False  # each sandbox has an embedded AWS of its own
    baseline: ClassVar[None] = None  # it is not compared with the untouched edition yet

    @property
    def inputs(self) -> list[Path]:
        return [self.path] if self.path else []

    @property
    def not_done(self) -> str:
        return "not run" if self.path else "missing"

    @property
    def settings(self) -> dict[str, Any]:
        return {"name": self.student.name, **self.student.settings_in_sandbox}

    def results(self) -> Record:
        """Judge the submission in bounded memory and time, and return the entries of the record about it."""
        seconds = self.seconds * load_of_computer()
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
        timer = Timer(3 * sandbox.longest(seconds) + _LONGER, os._exit, [1])
        timer.daemon = True
        timer.start()
        self.note(GRADED, json.dumps({"answers": [], "trial": []}))  # what is not judged gives no points
        try:
            submitted = submission.read(Path(str(self.path)))
        except UsageError as error:
            return {"state": "failed", "error": in_words(error), "failed_within": self.seconds}
        judge = Judge(submitted, seconds, self.trust, self)
        judge.run()
        copies.give_pictures(self.draft)  # ours, whatever the student has handed in
        return {
            "state": "failed" if judge.faults else "done",
            "failed_within": 0 if busy(load_of_computer()) else self.seconds,  # a fault may be this computer's
            "error": " ".join(judge.faults)[:_MOST_TEXT] or None,
            "submitted": {"when": submitted.when},
        }


def note_missing(works: Iterable[Grading]) -> None:
    """Write a record for whoever has handed in nothing. `lab class report` misses a student who has none."""
    for work in works:
        if not work.path and not work.read():
            work.write(state="missing")


@contextmanager
def untouched_edition(trust: bool, seconds: float, seed: str) -> Iterator[Grading]:
    """Yield the work of grading the untouched edition, in a temporary folder."""
    with TemporaryDirectory(prefix="lab-untouched-", ignore_cleanup_errors=True) as folder:
        submission.write_untouched(path := Path(folder) / "untouched.zip")
        yield Grading(Student(path.stem), Path(folder), path=path, trust=trust, seconds=seconds, seed=seed)


def seed_of(out: Path) -> str:
    """Return the seed of the records there; a new one if there are none."""
    for path in sorted(out.glob("*/grade.json")):
        with suppress(UsageError):  # whoever needs it is told
            if seed := str(gradebook.read(path).get("seed", "")):
                return seed
    return secrets.token_hex(8)
