"""Do the work of a class: show its progress, write the grade book, and say who has less than full marks."""

import math
import time
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path

import typer

from lab_lib.classroom import gradebook, session
from lab_lib.classroom.executors import Submit
from lab_lib.classroom.job import Record, Work
from lab_lib.cli import class_table
from lab_lib.cli.terminal import out, relative_to_cwd

_BOOK_EVERY = 10  # seconds between two grade books while a class runs


def do(
    works: list[Work], to_do: list[Work], folder: Path, workers: AbstractContextManager[Submit], some: bool = False
) -> None:
    """Do the work that is to do, and write the grade book meanwhile and at the end. Exit with 1 as `summarise` does.

    With `some`, the grade book leaves out students who have not run.
    """

    def write_book() -> list[Record]:
        records = [each for each in session.records(works) if not some or each["state"] != "not run"]
        gradebook.write(folder, records, date.today().isoformat())
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
    summarise(folder, records)


def summarise(folder: Path, records: list[Record]) -> None:
    """Print who has less than full marks and why, and where the report is; exit with 1 if there is anybody."""
    students = gradebook.book(records)["students"]
    short = [each for each in students if each["percent"] != 100 or each["state"] != "done"]
    out.print(f"Full marks: {len(students) - len(short)} of {len(students)}", style="bold")
    if short:
        out.print(class_table.marked_down(short))
    here = relative_to_cwd(folder)
    out.print(f"Report: {here / 'report.html'}   Grade book: {here / 'gradebook.csv'}", soft_wrap=True)
    if short:
        raise typer.Exit(1)
