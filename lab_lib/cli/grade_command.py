"""`lab class grade`: grade what students have handed in."""

import os
from pathlib import Path
from typing import Annotated

import typer

from lab_lib.cli.terminal import handle_errors, out


def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder of files that students made with `lab submit`.")],
    out_dir: Annotated[Path, typer.Option("--out", help="The folder of the results, as for a run.")],
    roster: Annotated[
        Path | None, typer.Option(help="A roster. It says who is in the class, and who has handed in nothing.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Submissions to grade at the same time; by default one a core.")
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=20, help="The time to build the lab in; a fifth of it for each cell.")
    ] = 120,
    resume: Annotated[bool, typer.Option("--resume", help="Go on: keep what is graded, and grade the others.")] = False,
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

    What the student's notebooks print does not count. What the untouched notebooks build gives no points.

    What hangs, crashes or cannot be read costs its own student only, and the record says why.

    The sandbox is bubblewrap, on Linux. Without it, --trust is needed: then grade only code that you trust.

    The roster and the names of files and folders say whose a submission is. Of two, the latest counts.
    """
    from lab_lib.checks.visible import visible
    from lab_lib.classroom import grading, handed_in, likeness, sandbox, session
    from lab_lib.classroom import roster as rosters
    from lab_lib.cli import class_work

    with handle_errors(f"Stopped. To go on: {class_work.resume_command(resume)}"):
        sandbox.refuse_without(trust)
        files, everybody = handed_in.find(submissions), rosters.read(roster) if roster else []
        session.plan(everybody, out_dir)
        seed = seed or grading.seed_of(out_dir)
        works, others = handed_in.match(files, everybody, out_dir.resolve(), trust, seconds, seed)
        works = likeness.remarked(works)
        to_do = [each for each in session.left_to_do(works, resume) if each.path]
        for work in works:
            for remark in work.remarks:
                out.print(f"{work.student.name}: {remark}", soft_wrap=True)
        for file in others:
            claim = f" (it claims to be from {file.claim})" if file.claim else ""
            out.print(visible(f"Left out, since the roster has nobody of its name: {file.path}{claim}"), soft_wrap=True)
        if others:
            out.print("Name a file submission-NAME.zip or submission-ID.zip, then grade with --resume.", soft_wrap=True)
        if missing := [each.student.name for each in works if not each.path]:
            out.print(f"Handed in nothing: {', '.join(missing)}", soft_wrap=True)
        jobs = jobs or os.cpu_count() or 1  # more would make the probe late
        class_work.do(works, to_do, out_dir, grading.processes(jobs, trust, seconds, seed))
