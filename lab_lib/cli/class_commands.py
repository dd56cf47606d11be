"""Define `lab class`, which runs, grades, reports and cleans up the lab for a whole class."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lab_lib.cli.terminal import NOT_GRADED, Yes, confirm, handle_errors, out, relative_to_cwd
from lab_lib.language import N_, _, sentences


class _RunByDefault(TyperGroup):
    """Read `lab class ROSTER …` as `lab class run ROSTER …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    help="""Run the lab for a whole class, each student in an account of their own, and write a grade book.

For example:

    lab class roster.csv --out runs/class            run and grade
    lab class roster.csv --out runs/class --resume   go on after Ctrl-C
    lab class check roster.csv --out runs/checked    grade as it is
    lab class grade submissions --out runs/graded    grade students' own work
    lab class report --out runs/class                write the grade book
    lab class clean roster.csv                       delete the resources

The roster is a CSV file with a header, and a line for each student.
- Needed: account, name; only name for submissions (grade, report).
- Optional: id (of the school, or the login), region, prefix, threshold,
  email, phone, data_file, profile or role_arn (and external_id), processor_role,
  notifier_role, bucket, boundary; handed_in, when a submission came, if its
  file has another time.

Without a profile or role_arn, the student's lab runs on the embedded AWS.

--out holds a folder for each student, and the grade book:

    report.html      for you
    gradebook.csv    for Canvas: the students who have all their points
    moodle.csv       for Moodle: the students who have an id of their own
    gradebook.json   for programs

Who handed in nothing, and an account that was not graded, is left blank,
not zero. What could not be judged in a submission is zero.

On several computers, give each a part of the roster or of the files. Copy the
students' folders into one; `lab class report` makes one grade book of them.

The exit status is 0 if every student has full marks, 1 if not or if a run
failed, 2 if the request is wrong, 3 if a student's account or file could not
be graded or report finds no results of a student, and 130 after Ctrl-C.
Who handed in nothing, and is not excused, has less than full marks.
""",
)

Out = Annotated[
    Path, typer.Option("--out", help="The folder of the results: a folder per student, and the grade book.")
]
Only = Annotated[str, typer.Option(help="Only these accounts, ids or names of the class, separated by commas.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on: keep what is done, and do the others.")]
Roster = Annotated[Path, typer.Argument(help="A CSV file with the columns account and name, and a line per student.")]
_JOBS = "Accounts to run at the same time; by default all on AWS, and two a core if one is on the embedded AWS."
_PROBE = "Send files through each account too. Without it, the accounts are only read, and step 05 counts for it."
_PROBES = N_(
    "In each, a probe uploads files of made-up customers, and subscribers get the alerts about them. "
    "What comes of them stays until `lab class clean ROSTER` deletes it with the lab."
)
_MAKES = N_("In each, a run makes the whole lab. `lab class clean ROSTER` deletes it.")
_DELETES = N_("In each, a run makes the whole lab, and at its end deletes all that the lab has there.")


@app.command()
def run(
    roster: Roster,
    out_dir: Out,
    jobs: Annotated[int | None, typer.Option(min=1, help=_JOBS)] = None,
    resume: Resume = False,
    only: Only = "",
    keep: Annotated[bool, typer.Option("--keep", help="Skip notebook 99: delete nothing in the accounts.")] = False,
    yes: Yes = False,
) -> None:
    """Run the notebooks for each account of the roster, grade it, and at the end write the grade book to --out.

    Each account is graded after notebook 05. 06 breaks the lab on purpose, and 99 deletes it: they cost no points.

    Where a notebook fails, the account stays as it is. On AWS, you are asked before the run.
    """
    from lab_lib.classroom import class_run
    from lab_lib.classroom.work import Work
    from lab_lib.cli import class_work
    from lab_lib.run import headless

    with handle_errors(class_work.GO_ON, NOT_GRADED):
        everybody = _read(roster)
        selected = class_run.select(everybody, only)
        with class_run.lock(out_dir):
            until = headless.BREAK_IT if keep else None
            works = [Work(student, out_dir.resolve(), until) for student in everybody]
            to_do = [work for work in class_run.unfinished(works, resume) if work.student in selected]
            students = [work.student for work in to_do]
            numbers = [path.stem[:2] for path in headless.notebooks(until)]
            _confirm(students, _(_MAKES if keep else _DELETES), numbers, yes)
            jobs = jobs or class_run.jobs_for(students)
            raise typer.Exit(class_work.do(works, to_do, jobs, out_dir, selected))


@app.command()
def check(
    roster: Roster,
    out_dir: Out,
    only: Only = "",
    probe: Annotated[bool, typer.Option("--probe/--no-probe", help=_PROBE)] = True,
    yes: Yes = False,
) -> None:
    """Grade each account of the roster as it is, and write the grade book. No notebook is run.

    The probe sends files of made-up customers through each account, and compares all that comes of them.

    On AWS, you are asked first.

    Earlier results in --out are kept: they move to --out/earlier/<their time>.
    """
    from lab_lib.classroom import class_run
    from lab_lib.classroom.work import Work
    from lab_lib.cli import class_work

    with handle_errors(N_("Stopped. To grade all accounts, run the command again."), NOT_GRADED):
        students = class_run.select(_read(roster), only)
        works = [Work(student, out_dir.resolve(), probe=probe) for student in students]
        if probe:
            _confirm(students, _(_PROBES), ["probe"], yes)
        with class_run.lock(out_dir):
            if earlier := class_run.archive_results(out_dir):
                out.say(_("Earlier results: {path}", path=relative_to_cwd(earlier)))
            jobs = class_run.jobs_for(students)
            status = class_work.do(works, works, jobs, out_dir, students, do=lambda work, _pipe: work.check_account())
            raise typer.Exit(status)


@app.command()
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
        int, typer.Option(min=20, help="A cell may take a fifth of it, a sandbox twice as long and a minute.")
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
    from lab_lib.classroom import class_run, grading, sandbox, submission
    from lab_lib.classroom import roster as rosters
    from lab_lib.cli import class_work
    from lab_lib.processes import limits

    with handle_errors(class_work.GO_ON, NOT_GRADED):
        sandbox.refuse_without(trust)
        if not trust and not limits.are_strict():
            out.say(
                _(
                    "Memory is held less strictly here, since no cgroup can be made: what a submission takes is "
                    "measured twice a second. With systemd, `systemd-run --user --scope lab class grade …` changes "
                    "that."
                )
            )
        due_at = rosters.moment(due, "--due") if due else None
        files = submission.find(submissions)
        everybody = rosters.read(roster, accounts=False) if roster else []
        matched, nobodys = submission.match(files, everybody)
        with class_run.lock(out_dir):
            seed = seed or grading.seed_of(out_dir)
            works = []
            for student, file, remarks in matched:
                work = grading.Grading(
                    student,
                    out_dir.resolve(),
                    remarks=remarks,
                    seed=seed,
                    submitted=file,
                    due=due_at,
                    trust=trust,
                    seconds=seconds,
                )
                works.append(work)
            selected = class_run.select([work.student for work in works], only)
            submitted = [work for work in works if work.submitted and work.student in selected]
            to_do = class_run.unfinished(submitted, resume)
            _say(works, nobodys)
            grading.note_files(works)
            jobs = jobs or os.cpu_count() or 1  # more would make the probe late
            raise typer.Exit(class_work.do(works, to_do, jobs, out_dir, selected))


@app.command()
def report(
    out_dir: Out,
    roster: Annotated[
        Path | None, typer.Argument(help="A roster: who is in the class, and the ids. It needs the column name.")
    ] = None,
) -> None:
    """Write the grade book from the students' folders in --out. Nothing is run.

    Students of the roster who have no results there are named, and left blank in the grade book.
    Without a roster, the students are those who have results there.

    What you set by hand in --out/overrides.csv is merged: points, comments, who was late and who is excused.
    """
    from lab_lib.classroom import class_run, gradebook, overrides
    from lab_lib.classroom.work import Work
    from lab_lib.cli import class_work
    from lab_lib.errors import UsageError

    with handle_errors(N_("Stopped. To write the grade book, run the command again."), NOT_GRADED):
        students = _read(roster, accounts=False) if roster else []
        if not out_dir.is_dir():
            raise UsageError("{path} is not a folder. Name the folder that holds the students' folders.", path=out_dir)
        works = [Work(student, out_dir) for student in students]
        with class_run.lock(out_dir):
            records = class_run.records(works) if works else gradebook.gather(out_dir)
            overrides.merge(out_dir, records)
            no_result = [record for record in records if record.state in ("not run", "unfinished")]
            missing = [record.name for record in no_result if not record.is_excused("")]
            book = gradebook.write(out_dir, records)
        if missing:
            names = _(", ").join(missing)
            out.say(
                _("No results for {names}. Run them, or copy their folders to --out, then run this again.", names=names)
            )
        raise typer.Exit(class_work.summarise(out_dir, book))


@app.command()
def clean(roster: Roster, only: Only = "", yes: Yes = False) -> None:
    """Delete what the lab made in every account of the roster. On AWS, you are asked first.

    It lists what it could not delete, and what it kept because the lab did not make it.

    That is what the roster names as given, what lacks the tag lab=serverless-lab, and buckets of another name.
    """
    from lab_lib.classroom import class_run
    from lab_lib.cli import class_work

    with handle_errors():
        students = class_run.select(_read(roster), only)
        _confirm(students, _("In each, all that the lab made is deleted."), ["99"], yes)
        results = class_run.clean(students)
        out.print(class_work.cleaned(students, results))
        if any(result.left for result in results):
            raise typer.Exit(1)


def _confirm(students: list[Any], does: str, numbers: list[str], yes: bool) -> None:
    """Say what is done in the accounts on AWS, if there are any, and ask once, unless `yes`."""
    from lab_lib.classroom import class_run

    if real := class_run.on_aws(students):
        told = sentences(_("Accounts on AWS, which the roster names: {count}.", count=len(real)), does)
        region = str(real[0].parameters.get("region", ""))  # whose prices are shown
        confirm(told, region, numbers, 0, yes)


def _read(roster: Path, accounts: bool = True) -> list[Any]:
    """Return the students. Only the roster configures their labs, so the instructor's own settings are unset."""
    from lab_lib.classroom import roster as rosters
    from lab_lib.settings import VARIABLES

    for name in VARIABLES:
        os.environ.pop(f"LAB_{name.upper()}", None)
    return rosters.read(roster, accounts)


def _say(works: list[Any], nobodys: list[Any]) -> None:
    """Say what the instructor should know about the files, whose file is nobody's, and who has handed in nothing."""
    from lab_lib.pages.wording import visible

    for work in works:
        for remark in work.remarks:
            out.say(_(": ").join((work.student.name, remark)))
    for file in nobodys:
        left_out = _(
            "Left out, since the roster has nobody of its name: {path} (it claims to be from {claim})",
            path=file.place,
            claim=file.claim or "?",
        )
        out.say(visible(left_out))
    if nobodys:
        out.say(_("Name a file submission-NAME.zip or submission-ID.zip, then grade with --resume."))
    missing = [work.student.name for work in works if not work.submitted]
    if missing:
        out.say(_("Handed in nothing: {names}", names=_(", ").join(missing)))
