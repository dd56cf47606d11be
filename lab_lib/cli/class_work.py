"""Do the work of a class: show its progress, write the grade book, and say who has less than full marks."""

import math
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import typer

from lab_lib.classroom import gradebook, job, junit, session
from lab_lib.classroom.executors import Submit
from lab_lib.classroom.job import Record, Work
from lab_lib.cli import class_table
from lab_lib.cli.terminal import NOT_GRADED, out, relative_to_cwd

_BOOK_EVERY = 10  # seconds between two grade books while a class runs


def resume_command(resume: bool) -> str:
    """Return the command that was typed after `lab class`, with --resume."""
    typed = sys.argv[sys.argv.index("class") + 1 :] if "class" in sys.argv else []
    return shlex.join(["lab", "class", *typed, *([] if resume else ["--resume"])])


def do(
    works: Sequence[Work],
    to_do: Sequence[Work],
    folder: Path,
    workers: AbstractContextManager[Submit],
    some: bool = False,
    junit_file: Path | None = None,
) -> None:
    """Do the work that is to do, and write the grade book meanwhile and at the end. Exit as `summarise` does.

    With `some`, the grade book leaves out students who have not run.
    """

    def write_book() -> list[Record]:
        records = [each for each in session.records(works) if not some or each["state"] != "not run"]
        gradebook.write(folder, records, job.now())
        return records

    with session.alone(folder):
        try:
            with class_table.live(works, to_do) as finished, workers as submit:
                written = -math.inf
                for record in session.run(to_do, submit):
                    finished(record)
                    if time.monotonic() > written + _BOOK_EVERY:
                        write_book()
                        written = time.monotonic()
        finally:
            records = write_book()
    summarise(folder, records, junit_file)


def summarise(folder: Path, records: list[Record], junit_file: Path | None = None) -> None:
    """Print who has less than full marks and why, and where the report is. Write the checks as JUnit XML if asked.

    Exits with 3 if somebody could not be graded, else with 1 if somebody has less than full marks or a run failed.
    """
    students = gradebook.book(records)["students"]
    short = [each for each in students if each["percent"] != 100 or each["state"] != "done"]
    out.print(f"Full marks: {sum(each['percent'] == 100 for each in students)} of {len(students)}", style="bold")
    if short:
        out.print(class_table.marked_down(short))
    if junit_file:
        junit.write(junit_file, students)
    here = relative_to_cwd(folder)
    out.print(f"Report: {here / 'report.html'}   Grade book: {here / 'gradebook.csv'}", soft_wrap=True)
    if any(each["percent"] is None for each in students):
        raise typer.Exit(NOT_GRADED)
    if short:
        raise typer.Exit(1)
