"""How a class is run: who at a time, what is shown, what is done again, what becomes of a grade."""

import json
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from lab_lib import checks
from lab_lib.checks.bank import plain_file
from lab_lib.checks.reports import Report
from lab_lib.classroom import class_run, points
from lab_lib.classroom.roster import Student
from lab_lib.classroom.work import Work
from lab_lib.cli import class_work
from lab_lib.cli.terminal import Terminal
from lab_lib.errors import EmulatorError, LabError, UsageError
from lab_lib.run import headless
from tests.classes import judged, made_by, record
from tests.lab.commands import in_process


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Return Ana's work. Every check of her account holds."""
    report = Report(judged(record()).checks)
    monkeypatch.setattr(checks, "run", lambda lab, **_: report)
    return Work(Student("Ana", "111122229012", parameters={"prefix": "ana-"}), tmp_path / "out")


@pytest.mark.parametrize("graded", [True, False])
def test_what_was_graded_counts_even_if_notebook_06_ends_the_run(work, lab, monkeypatch, graded):
    def run(*_, complete, **__):
        if graded:
            complete(lab)
        raise EmulatorError("The embedded AWS has stopped.")

    monkeypatch.setattr(headless, "prepare", lambda *_: None)
    monkeypatch.setattr(headless, "run", run)
    work.write(work.do())

    [ana] = points.book([work.read()]).students
    assert (ana.state, ana.error) == ("failed", "EmulatorError: The embedded AWS has stopped.")
    assert ana.percent == (100 if graded else None)
    assert [path.name for path in work.folder.iterdir()] == ["grade.json"]


def test_the_notebooks_of_a_student_with_an_id_upload_transactions_of_their_own(tmp_path, monkeypatch):
    uploaded = []
    monkeypatch.setattr(headless, "prepare", lambda parameters, _: uploaded.append(parameters.get("data_file")))
    for id, more in (("s12", {}), ("s12", {"data_file": "march.txt"}), ("", {})):
        Work(Student("Ana", "111122229012", id, parameters=more), tmp_path / "out").do()

    assert uploaded[1:] == ["march.txt", None]
    assert Path(uploaded[0]).read_bytes() == plain_file("s12")


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """graded(*missing): run `lab class check` for Ana, for whom these checks fail; the status and the output."""
    (tmp_path / "roster.csv").write_text("name,account\nAna,111122229012\n")
    monkeypatch.setattr("lab_lib.classroom.class_run.server.start", lambda: None)

    def graded(*missing, state="done", command="check"):
        checks = judged(record(missing=missing)).checks if state != "failed" else []
        monkeypatch.setattr(Work, "check_account", lambda work: made_by(work, state=state, checks=checks))
        ended = in_process("class", command, tmp_path / "roster.csv", "--out", tmp_path / "out")
        return ended.exit_code, ended.output

    return graded


@pytest.mark.parametrize(
    ("missing", "state", "status"), [((), "done", 0), (["bucket-trigger"], "done", 1), ((), "failed", 3)]
)
def test_the_exit_status_of_a_class_says_whether_all_have_full_marks_and_were_graded(graded, missing, state, status):
    assert graded(*missing, state=state)[0] == status
    assert graded(command="report")[0] == status


def test_a_check_keeps_the_earlier_results_beside_its_own(graded, tmp_path):
    out = tmp_path / "out"
    graded("bucket-trigger")
    (out / "notes.txt").write_text("mine")

    _, said = graded()

    [earlier] = (out / "earlier").iterdir()
    assert (f"earlier/{earlier.name}" in said, (out / "notes.txt").exists()) == (True, True)
    assert [json.loads((place / "gradebook.json").read_text())["full"] for place in (earlier, out)] == [0, 1]
    assert (earlier / "feedback" / "ana-9012.html").exists()
    assert "nobody" not in graded(command="report")[1]


def test_resume_repeats_changed_work_and_takes_the_ids_of_the_roster(tmp_path):
    work = Work(Student("Ana", "111122229012"), tmp_path)
    work.write(work.record("done"))

    changed = Work(Student("Ana", "111122229012", parameters={"threshold": "1750"}), tmp_path)
    renamed = Work(Student("Ana", "111122229012", id="anagarcia"), tmp_path)
    assert class_run.unfinished([work, renamed, changed], resume=True) == [changed]  # an id changes no account
    assert class_run.records([renamed])[0].id == "anagarcia"
    with pytest.raises(UsageError, match="--resume"):
        class_run.unfinished([work], resume=False)


@pytest.mark.parametrize(("students", "profile", "gigabytes", "jobs"), [
    (30, "class", 16, 30),
    (30, "class", 3, 10),  # each needs 0.3 GB
    (1_000, "class", 1_000, 32),
    (30, "", 16, 4),
])  # fmt: skip
def test_jobs_follow_accounts_and_memory_on_aws_and_cores_elsewhere(monkeypatch, students, profile, gigabytes, jobs):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=gigabytes * 10**9))
    monkeypatch.setattr(class_run, "JOBS", 4)  # as with two cores
    monkeypatch.setattr(class_run, "JOBS_ON_AWS", 32)

    assert class_run.jobs_for([Student("Ana", profile=profile)] * students) == jobs
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert class_run.jobs_for([Student("Ana", profile="class")] * 30) == 4


def test_a_terminal_shows_a_bar_below_a_line_for_each_who_has_ended(tmp_path, monkeypatch):
    screen = Terminal(width=80, height=24, record=True, force_terminal=True, _environ={"TERM": "xterm"})
    monkeypatch.setattr(class_work, "err", screen)
    ben = Work(Student("Ben", "111122220000"), tmp_path)

    with class_work.live([ben] * 3) as finished:
        finished(ben.failed(LabError("No such account.")))

    shown = screen.export_text()
    assert "1/3  failed  ********0000  Ben  0 s  LabError: No such account." in shown
    assert " 33% " in shown
