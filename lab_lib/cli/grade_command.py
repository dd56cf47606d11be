"""`lab class grade`: grade what students have handed in."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from lab_lib.cli.terminal import NOT_GRADED, Only, Out, Resume, handle_errors, out
from lab_lib.language import N_, _

_LESS_STRICT = N_(
    "Memory is held less strictly here, since no cgroup can be made: what a submission takes is measured twice a "
    "second. With systemd, `systemd-run --user --scope lab class grade …` changes that."
)


def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder of files that students made with `lab submit`.")],
    out_dir: Out,
    roster: Annotated[
        Path | None,
        typer.Option(help="Who is in the class. It needs the column name; id, prefix, threshold and handed_in count."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Submissions to grade at the same time; by default one a core.")
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=20, help="How long the cells may take to build the lab; each cell, a fifth.")
    ] = 120,
    due: Annotated[
        str, typer.Option(help="When it was due: '2026-12-01 18:00', or the end of a day, 2026-12-01.")
    ] = "",
    resume: Resume = False,
    only: Only = "",
    seed: Annotated[
        str,
        typer.Option(help="Try the functions with the cases of an earlier grading. By default they are drawn anew."),
    ] = "",
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the students' code without a sandbox: it can do all that you can.")
    ] = False,
) -> None:
    """Grade what students have handed in: their notebooks, their function, and their answers. No AWS account is used.

    Each submission runs in a sandbox, with an embedded AWS of its own.

    Its account is checked from outside, and the answers are judged again.

    The function is tried as by `lab try`, in a second sandbox. All have the same cases, by the seed in the record.

    What the student's notebooks print does not count. The steps and the probe count by how much the student has made.

    What hangs, crashes or cannot be read costs its own student only, and the record says why.

    The sandbox is bubblewrap, on Linux. Without it, --trust is needed: then grade only code that you trust.

    With --roster, the names of files and folders say whose a submission is; without it, `lab submit --name --id`.

    A file was handed in at its own time, or at that of the roster's column handed_in. Of two, the latest counts.

    With --due, the report, the feedback and gradebook.json say how many days late it was. No points are subtracted.

    A prefix and a threshold in the roster are the settings of that student's notebooks, and of the checks.

    --resume grades new and changed files, and again those that failed.

    The days late are counted anew each time, so give --due again with --resume.

    On several computers, give each a part of the files, and the same --seed.
    """
    from lab_lib.classroom import class_run, grading, sandbox, submitted_files
    from lab_lib.classroom import roster as rosters
    from lab_lib.cli import class_work
    from lab_lib.processes import limits

    with handle_errors(class_work.GO_ON, NOT_GRADED):
        sandbox.refuse_without(trust)
        if not trust and not limits.are_strict():
            out.say(_(_LESS_STRICT))
        due_at = rosters.moment(due, "--due") if due else None
        files = submitted_files.find(submissions)
        everybody = rosters.read(roster, accounts=False) if roster else []
        with class_run.lock(out_dir):
            works, nobodys = submitted_files.match(
                files,
                everybody,
                out_dir.resolve(),
                trust=trust,
                seconds=seconds,
                seed=seed or grading.seed_of(out_dir),
                due=due_at,
            )
            selected = class_run.select([work.student for work in works], only)
            unfinished = class_run.unfinished(works, resume)
            to_do = [work for work in unfinished if work.submitted and work.student in selected]
            _say(works, nobodys)
            grading.note_files(work for work in works if work.student in selected)
            jobs = jobs or os.cpu_count() or 1  # more would make the probe late
            raise typer.Exit(class_work.do(works, to_do, jobs, out_dir, selected))


def _say(works: list[Any], nobodys: list[Any]) -> None:
    """Say what the instructor should know about the files, whose file is nobody's, and who has handed in nothing."""
    from lab_lib.pages.lookalikes import visible

    for work in works:
        for remark in work.remarks:
            out.say(_(": ").join((work.student.name, remark)))
    for file in nobodys:
        left_out = _(
            "Left out, since the roster has nobody of its name: {path} (it claims to be from {claim})",
            path=file.path,
            claim=file.claim or "?",
        )
        out.say(visible(left_out))
    if nobodys:
        out.say(_("Name a file submission-NAME.zip or submission-ID.zip, then grade with --resume."))
    if missing := [work.student.name for work in works if not work.submitted]:
        out.say(_("Handed in nothing: {names}", names=_(", ").join(missing)))
