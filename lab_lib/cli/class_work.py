"""Do the work of a class: show its progress, write the grade book, and say who has less than full marks."""

import math
import shlex
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import typer

from lab_lib.classroom import class_run, exports, gradebook, junit
from lab_lib.classroom.work import Record, Work, now
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
    jobs: int,
    folder: Path,
    selected: Collection[str],
    junit_file: Path | None = None,
    **how: Any,
) -> None:
    """Do what is to do, and write the grade book meanwhile and at the end. Exit as `summarise` does.

    A student without results is in the grade book if the folder is `selected`. `how` goes to `class_run.run`.
    """
    written = -math.inf

    def write_book() -> list[Record]:
        pairs = zip(works, class_run.records(works), strict=True)
        records = [record for work, record in pairs if record["folder"] in selected or record["state"] != work.not_done]
        gradebook.write(folder, records, now())
        return records

    def finished(record: Record) -> None:
        nonlocal written
        show(record)
        if time.monotonic() > written + _BOOK_EVERY:
            write_book()
            written = time.monotonic()

    with class_run.lock(folder):
        try:
            with class_table.live(works, to_do) as show:
                class_run.run(to_do, jobs, finished, **how)
        finally:
            records = write_book()
    summarise(folder, records, junit_file)


def summarise(folder: Path, records: list[Record], junit_file: Path | None = None) -> None:
    """Print who has less than full marks and why, and where the report is. Write the checks as JUnit XML if asked.

    Exits with 3 if somebody could not be graded, else with 1 if somebody has less than full marks or a run failed.
    """
    book = gradebook.book(records)
    students = book["students"]
    counted = [student for student in students if student["possible"]]  # the others are excused from all
    short = [student for student in counted if student["percent"] != 100 or student["state"] != "done"]
    full = sum(student["percent"] == 100 for student in students)
    out.print(f"Full marks: {full} of {len(students)}", style="bold")
    if short:
        out.print(class_table.marked_down(short))
    if junit_file:
        junit.write(junit_file, students)
    if blank := exports.not_for_canvas(book):
        names = ", ".join(blank)
        out.print(f"Not in gradebook.csv, as Canvas would take a blank for a change: {names}", soft_wrap=True)
    here = relative_to_cwd(folder)
    out.print(f"Report: {here / 'report.html'}   Grade book: {here / 'gradebook.csv'}", soft_wrap=True)
    if any(student["percent"] is None for student in counted):
        raise typer.Exit(NOT_GRADED)
    if short:
        raise typer.Exit(1)
