"""`lab class`: the work of a whole class. Thin, like the other commands; what it shows is in class_table.py."""

import math
import os
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lab_lib.classroom.executors import JOBS
from lab_lib.cli.terminal import Yes, out, said_in_one_line, shown

_BOOK_EVERY = 10  # seconds; while a class is at work, its grade book can be looked at
_SETTINGS = {f"LAB_{name}" for name in ("ACCOUNT", "PROFILE", "REGION", "PREFIX", "ROLE_ARN", "EXTERNAL_ID")}


class _RunUnlessSaid(TyperGroup):
    """`lab class ROSTER …` is `lab class run ROSTER …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunUnlessSaid,
    no_args_is_help=True,
    help="""Run the lab for a whole class, each in an account of their own, and write a grade book.

\b
  lab class data/roster.csv --out runs/class            run it
  lab class data/roster.csv --out runs/class --resume   go on after Ctrl-C
  lab class run --help                                  all that it can do
""",
)

Roster = Annotated[Path, typer.Argument(help="Who is in the class: CSV or YAML, with account and name at least.")]
Out = Annotated[Path, typer.Option("--out", help="Where the results go: a folder a student, and the grade book.")]
Only = Annotated[str, typer.Option(help="Only these accounts of the roster, with commas between them.")]


@app.command()
def run(
    roster: Roster,
    out_dir: Out,
    jobs: Annotated[int, typer.Option(min=1, help="So many accounts at a time; twice the cores by default.")] = JOBS,
    resume: Annotated[bool, typer.Option("--resume", help="Go on: what is done stays, all else is run.")] = False,
    shard: Annotated[str, typer.Option(help="Only this part of the class, such as 2/5.")] = "",
    only: Only = "",
    keep: Annotated[bool, typer.Option("--keep", help="Skip 99: leave everything in the accounts.")] = False,
    scheduler: Annotated[str, typer.Option(help="Give the work to a Dask cluster, such as tcp://10.0.0.5:8786.")] = "",
    yes: Yes = False,
) -> None:
    """Run the notebooks for each account of the roster, grade it, and write the grade book to --out.

    Each account is graded before its last notebook deletes what the lab made.

    Where a notebook fails, all is left as it is. On AWS you are asked first. The grade book grows while it runs.

    The exit status is 0 if everybody has full marks, 1 if not, 130 after Ctrl-C.
    """
    from lab_lib.classroom import executors, gradebook, session
    from lab_lib.cli import class_table
    from lab_lib.run import headless

    again = shlex.join(["lab", "class", *_arguments(), *([] if resume else ["--resume"])])
    begun = "What was begun goes on to its end on the cluster; wait for that. " if scheduler else ""
    with said_in_one_line(f"Stopped. {begun}To go on: {again}"):
        everybody = _read(roster)
        until = headless.last_kept() if keep else None
        works = session.plan(session.chosen(everybody, shard), out_dir, until)
        wanted = {each.account for each in session.chosen(everybody, shard, only)}
        to_do = [each for each in session.left_to_do(works, resume) if each.student.account in wanted]
        if not keep:
            session.confirm([each.student for each in to_do], yes)
        given = executors.cluster(scheduler) if scheduler else executors.processes(min(jobs, len(to_do)) or 1)

        def write_book() -> list[dict[str, Any]]:
            records = [each for each in session.records(works) if each["state"] != "not run" or not only]
            gradebook.write(out_dir, records, date.today().isoformat())
            return records

        with session.alone(out_dir), given as executor, class_table.live(works, to_do) as finished:
            try:
                written = -math.inf
                for record in session.run(to_do, executor):
                    finished(record)
                    if time.monotonic() > written + _BOOK_EVERY:
                        write_book()
                        written = time.monotonic()
            finally:
                records = write_book()
        _summarise(out_dir, records)


@app.command()
def check(roster: Roster, out_dir: Out, only: Only = "") -> None:
    """Grade each account of the roster as it is, whoever built it, and write the grade book. Nothing is run or changed.

    \b
        lab class check data/roster.csv --out runs/checked
    """
    from lab_lib.classroom import executors, gradebook, job, session
    from lab_lib.cli import class_table

    with said_in_one_line("Stopped. No account was changed. To grade all of them, name another --out."):
        works = session.plan(session.chosen(_read(roster), only=only), out_dir)
        session.refuse_results(works, "Name another --out.")
        with session.alone(out_dir):
            try:
                with class_table.live(works, works) as finished, executors.threads() as executor:
                    for record in session.run(works, executor, job.grade):
                        finished(record)
            finally:
                records = session.records(works)
                gradebook.write(out_dir, records, date.today().isoformat())
        _summarise(out_dir, records)


@app.command()
def clean(roster: Roster, only: Only = "", yes: Yes = False) -> None:
    """Delete what the lab made in all accounts of the roster, and say what is left. On AWS it asks first."""
    from lab_lib.classroom import session
    from lab_lib.cli import class_table

    with said_in_one_line():
        students = session.chosen(_read(roster), only=only)
        session.confirm(students, yes, "This deletes")
        leaks = session.clean(students)
        out.print(class_table.leaks(students, leaks))
        if any(leak.left or leak.error for leak in leaks):
            raise typer.Exit(1)


@app.command()
def merge(
    folders: Annotated[list[Path], typer.Argument(help="What the shards of a class were written to.")],
    out_dir: Out,
) -> None:
    """Join the results of the shards of a class, and write one grade book.

    \b
        lab class merge runs/part-1 runs/part-2 --out runs/class
    """
    from lab_lib.classroom import gradebook

    with said_in_one_line():
        records = gradebook.merge(folders, out_dir, date.today().isoformat())
        _summarise(out_dir, records)


def _read(roster: Path) -> list[Any]:
    """The students. The roster alone says what each lab is like: the instructor's own settings play no part."""
    from lab_lib.classroom import roster as rosters

    for name in [name for name in os.environ if name in _SETTINGS]:
        del os.environ[name]
    return rosters.read(roster)


def _summarise(folder: Path, records: Sequence[dict[str, Any]]) -> None:
    """Say who has full marks, who has not and why, and where the report lies; exit status 1 unless all have."""
    from lab_lib.classroom import gradebook
    from lab_lib.cli import class_table

    students = gradebook.book(records)["students"]
    short = [each for each in students if each["percent"] != 100 or each["state"] != "done"]
    out.print(f"Full marks: {len(students) - len(short)} of {len(students)}", style="bold", highlight=False)
    if short:
        out.print(class_table.marked_down(short))
    where = f"Report: {shown(folder / 'report.html')}   Grade book: {shown(folder / 'gradebook.csv')}"
    out.print(where, soft_wrap=True, highlight=False)
    if short:
        raise typer.Exit(1)


def _arguments() -> list[str]:
    """What was typed after `lab class`."""
    return sys.argv[sys.argv.index("class") + 1 :] if "class" in sys.argv else []
