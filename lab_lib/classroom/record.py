"""Describe the record of a student, which is in the student's folder as grade.json; read it, and write it.

pydantic reads a record. A key that nobody has set is not in the file.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, PlainSerializer

from lab_lib.checks.reports import Check
from lab_lib.exercises.results import Result
from lab_lib.workspace.private_files import json_text, read_file, write_file


class Step(BaseModel):
    """Hold how a notebook ran. In a submission, it has no seconds, and is ok if it came to its end."""

    notebook: str
    ok: bool
    seconds: float = 0
    error: str | None
    errors: list[str] = []  # of cells in a submission, a line each


class Answer(BaseModel):
    """Hold the verdict on an exercise.

    Where something was to be made, `held` is the share of its checks that held after its cell. `note` is what the
    student should know about it, such as that it was not there, and that the grader made it.
    """

    question: str
    right: bool
    points: int = 1
    answer: str = ""  # in the student's own words
    held: float | None = None
    note: str = ""


class Override(BaseModel):
    """Hold a row of overrides.csv. A row without a column is about all columns."""

    student: str
    column: str
    points: float | None
    comment: str
    late: str
    excused: bool


class Submitted(BaseModel):
    """Hold when a submission was handed in."""

    when: str  # as the roster has it; else the time of the file, such as "2026-11-26 15:04"
    claim: str  # what the file says itself
    late: int  # days after --due, each one that has begun


class Record(BaseModel):
    """Hold the result of a run or a grading for one student."""

    name: str
    account: str  # masked
    folder: str
    id: str  # the school's own, may be empty
    prefix: str
    state: str  # done | failed | missing: nothing was handed in; without a file: unfinished | not run
    seconds: float
    error: str | None
    remarks: list[str]  # what the instructor should know, such as that there were two files
    graded: str  # the local date and time of the checks, such as "2026-11-26 15:04"
    steps: list[Step]  # the notebooks that were run
    checks: list[Annotated[Check, PlainSerializer(Check._asdict)]]  # of the steps 00 to 05, "further", and the probe
    probed: bool  # if not, step 05 counts for the probe too
    answers: list[Answer] | None  # None if nobody judged them
    trial: list[Annotated[Result, PlainSerializer(Result._asdict)]] | None  # None if nobody judged it
    seed: str  # that the cases of the function were drawn from
    fingerprint: str  # of the work that it is the record of
    submitted: Submitted | None = None
    overrides: list[Override] = []

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Return the record in a file. UsageError if it is damaged."""
        return read_file(path, cls.model_validate_json, "Delete it, and run the student again.")

    def write(self, path: Path) -> None:
        """Write the record. LabError if that fails."""
        write_file(path, json_text(self.as_dict()))

    def as_dict(self) -> dict[str, Any]:
        """Return the content of the file."""
        return self.model_dump(mode="json", exclude_unset=True)

    def has_judged(self, column: str) -> bool:
        """Return whether there is something about this column of the grade book."""
        if column == "exercises":
            return self.answers is not None
        if column == "function":
            return self.trial is not None
        return True

    def is_excused(self, column: str) -> bool:
        """Return whether the student need not have points in this column, or, if it is empty, in all."""
        return any(override.excused and override.column in ("", column) for override in self.overrides)
