"""How many accounts of a class are worked on at a time, and how a large class is shown."""

import threading
from types import SimpleNamespace

import psutil
import pytest
from rich.console import Console
from typer.testing import CliRunner

from lab_lib.classroom import executors, job, running, session
from lab_lib.classroom.roster import Student
from lab_lib.cli import class_table
from lab_lib.cli.main import app
from lab_lib.errors import LabError


def students_of(number, **settings):
    own = {"profile": "", "role_arn": "", "external_id": "", "parameters": {}, **settings}
    return [Student(line=2, account=f"11112222{each:04}", name=f"Student {each}", **own) for each in range(number)]


@pytest.mark.parametrize("command", ["run", "check", "clean"])
def test_four_accounts_on_aws_are_worked_on_at_once_by_a_computer_with_one_core(command, tmp_path, monkeypatch):
    together, met = threading.Barrier(4), []

    def meet(*_):
        together.wait()
        met.append(1)
        raise LabError("There is no such account.")

    for name in ("do", "grade", "opened"):
        monkeypatch.setattr(running, name, meet)
    monkeypatch.setattr(executors, "JOBS", 2)
    monkeypatch.setattr(executors, "THREADS", 2)
    rows = [f"{each.account},{each.name},class" for each in students_of(4)]
    (tmp_path / "roster.csv").write_text("\n".join(["account,name,profile", *rows, ""]))
    (tmp_path / "config").write_text("[profile class]\n")
    options = ["--yes"] + ["--out", str(tmp_path / "out")] * (command != "clean")

    ended = CliRunner().invoke(app, ["class", command, str(tmp_path / "roster.csv"), *options])

    assert len(met) == 4, ended.output


@pytest.mark.parametrize(("students", "on_aws", "gigabytes", "jobs"), [
    (30, True, 16, 30),
    (30, True, 3, 10),  # each needs 0.3 GB
    (1_000, True, 1_000, 32),
    (30, True, 0, 1),
    (30, False, 16, 4),
    (0, True, 16, 1),
])  # fmt: skip
def test_jobs_follow_accounts_and_memory_on_aws_and_cores_elsewhere(monkeypatch, students, on_aws, gigabytes, jobs):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=gigabytes * 10**9))
    monkeypatch.setattr(executors, "JOBS", 4)  # as with two cores
    monkeypatch.setattr(executors, "JOBS_ON_AWS", 32)

    assert executors.jobs_for(students, on_aws) == jobs


def test_a_class_is_on_aws_if_all_its_students_are(monkeypatch):
    real, embedded = students_of(2, profile="class"), students_of(1)

    assert [session.on_aws(each) for each in (real, [*real, *embedded], embedded)] == [True, False, False]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert not session.on_aws(real)


def test_a_class_with_more_students_than_lines_is_shown_by_step_with_failures_first(tmp_path, monkeypatch):
    screen = Console(width=80, height=24, record=True)
    monkeypatch.setattr(class_table, "err", screen)
    works = [job.Work(each, tmp_path) for each in students_of(32)]
    for number, work in enumerate(works[:30]):
        work.draft.mkdir()
        (work.draft / job.STEP).write_text("02-add-triggers" if number < 20 else "05-upload-and-verify")
    progress = class_table._Progress(works, works)
    progress.add(job.record(works[30], "failed") | {"steps": [{"notebook": "01-create-functions"}]})

    screen.print(progress.table())

    lines = [line.split("│")[1:5] for line in screen.export_text().splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in line[:3]] for line in lines] == [
        ["failed", "01-create-functions", "1"],
        ["running", "02-add-triggers", "20"],
        ["running", "05-upload-and-verify", "10"],
        ["waiting", "", "1"],
    ]
    assert (lines[0][3].strip(), lines[1][3].strip()[:22]) == ("Student 30", "Student 0, Student 1, ")
