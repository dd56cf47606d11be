"""Do the work of a class: show its progress, write the grade book, and say who has less than full marks."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from lab_lib.classroom import class_run, gradebook, overrides
from lab_lib.classroom.class_run import CleanUp
from lab_lib.classroom.points import Book
from lab_lib.classroom.record import Record
from lab_lib.classroom.roster import Student
from lab_lib.classroom.work import Work
from lab_lib.cli.terminal import NOT_GRADED, FoldingTable, err, out, relative_to_cwd
from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS

GO_ON = N_("Stopped. To go on, run the same command with --resume.")


def do(
    works: Sequence[Work],
    to_do: Sequence[Work],
    jobs: int,
    folder: Path,
    selected: Collection[Student],
    **how: Any,
) -> int:
    """Do what is to do, write the grade book at the end, and return the exit status of `summarise`.

    A student without results is in the grade book if `selected`. `how` goes to `class_run.do_all`.
    """
    try:
        with live(to_do) as finished:
            class_run.do_all(to_do, jobs, finished, **how)
    finally:
        in_book = []
        for work in works:
            if work.student in selected or work.draft.exists() or work.read():
                in_book.append(work)
        book = gradebook.write(folder, class_run.records(in_book))
    if (folder / overrides.FILE).exists():
        out.say(_("Without {file}: `lab class report` writes the grade book with it.", file=overrides.FILE))
    return summarise(folder, book)


def summarise(folder: Path, book: Book) -> int:
    """Print who has less than full marks, and where the report is, which says why.

    Return the exit status: 3 if an account or a submission could not be graded, else 1 if somebody has less than full
    marks or a run failed. Who has handed in nothing has less than full marks.
    """
    counted = [student for student in book.students if student.possible]  # the others are excused from all
    short = [student for student in counted if student.percent != 100 or student.state != "done"]
    out.say(_("Full marks: {full} of {count}", full=book.full, count=len(book.students)), style="bold")
    if short:
        out.say(_("Less: {names}", names=_(", ").join(student.name for student in short)))
    if blank := gradebook.not_for_canvas(book):
        names = _(", ").join(blank)
        out.say(_("Not in gradebook.csv, as Canvas would take a blank for a change: {names}", names=names))
    here = relative_to_cwd(folder)
    out.say(_("Report: {report}   Grade book: {book}", report=here / "report.html", book=here / "gradebook.csv"))
    if any(student.percent is None and student.state != "missing" for student in counted):
        return NOT_GRADED
    return 1 if short else 0


@contextmanager
def live(to_do: Sequence[Work]) -> Iterator[Callable[[Record], None]]:
    """Show the progress of a class; give the function to call with each student's record, which prints a line.

    Below the lines, a terminal shows a bar, and how long the others will take.
    """
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=len(to_do))
        number = count(1)

        def finished(record: Record) -> None:
            place = f"{next(number)}/{len(to_do)}"
            state = Text(_(record.state), LOOKS[record.state].style)
            parts = [Text(place), state]
            seconds = _("{seconds:.0f} s", seconds=record.seconds)
            for text in (record.account, record.name, seconds, record.error):
                if text:
                    parts.append(Text(text))
            err.say(Text("  ").join(parts))
            bar.advance(task)

        yield finished


def cleaned(students: list[Student], results: list[CleanUp]) -> Table:
    """Return a table of what the clean-up of each account has deleted, left and kept, and why."""
    table = FoldingTable(_("student"), _("deleted"), _("left: try again"), _("kept: not the lab's"))
    for student, result in zip(students, results, strict=True):
        style = "red" if result.left else ""
        left = Text(result.left or _("nothing"), style)
        kept = Text(result.kept or _("nothing"))
        table.add_row(Text(student.name), str(result.deleted), left, kept)
    return table
