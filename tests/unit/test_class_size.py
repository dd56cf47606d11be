"""How many accounts of a class are worked on at a time, and how a large class is shown."""

import subprocess
import threading
from types import SimpleNamespace

import psutil
import pytest
from rich.console import Console
from typer.testing import CliRunner

from lab_lib.classroom import class_run, gradebook
from lab_lib.classroom.students import Student
from lab_lib.classroom.work import STEP, Work
from lab_lib.cli import class_table
from lab_lib.cli.main import app
from lab_lib.errors import LabError
from tests.classes import judged, record, student_of


def students_of(number, **settings):
    return [student_of(f"11112222{place:04}", f"Student {place}", **settings) for place in range(number)]


@pytest.mark.parametrize("command", ["run", "check", "clean"])
def test_four_accounts_on_aws_are_worked_on_at_once_by_a_computer_with_one_core(command, tmp_path, monkeypatch):
    together, met = threading.Barrier(4), []

    def meet(*_, **__):
        together.wait()
        met.append(1)
        raise LabError("There is no such account.")

    monkeypatch.setattr(Student, "open_lab", meet)  # of a check and a clean-up
    monkeypatch.setattr(subprocess, "run", meet)
    monkeypatch.setattr(class_run, "JOBS", 2)
    rows = [f"{student.account},{student.name},class" for student in students_of(4)]
    (tmp_path / "roster.csv").write_text("\n".join(["account,name,profile", *rows, ""]))
    (tmp_path / "config").write_text("[profile class]\n")
    options = ["--yes"] + ["--out", str(tmp_path / "out")] * (command != "clean")

    ended = CliRunner().invoke(app, ["class", command, str(tmp_path / "roster.csv"), *options])

    assert len(met) == 4, ended.output


@pytest.mark.parametrize(("students", "profile", "gigabytes", "jobs"), [
    (30, "class", 16, 30),
    (30, "class", 3, 10),  # each needs 0.3 GB
    (1_000, "class", 1_000, 32),
    (30, "class", 0, 1),
    (30, "", 16, 4),
    (0, "class", 16, 1),
])  # fmt: skip
def test_jobs_follow_accounts_and_memory_on_aws_and_cores_elsewhere(monkeypatch, students, profile, gigabytes, jobs):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=gigabytes * 10**9))
    monkeypatch.setattr(class_run, "JOBS", 4)  # as with two cores
    monkeypatch.setattr(class_run, "JOBS_ON_AWS", 32)

    assert class_run.jobs_for(students_of(students, profile=profile)) == jobs


def test_a_class_is_on_aws_if_all_its_students_are(monkeypatch):
    real, embedded = students_of(2, profile="class"), students_of(1)

    assert [class_run.on_aws(students) for students in (real, [*real, *embedded], embedded)] == [True, False, False]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert not class_run.on_aws(real)


def test_a_class_with_more_students_than_lines_shows_failures_first_and_counts_all(tmp_path, monkeypatch):
    screen = Console(width=80, height=24, record=True)
    monkeypatch.setattr(class_table, "err", screen)
    works = [Work(student, tmp_path) for student in students_of(32)]
    for work in works[:20]:
        work.draft.mkdir()
        (work.draft / STEP).write_text("02-add-triggers")
    progress = class_table._Progress(works, works)
    progress.add(works[30].record("failed") | {"steps": [{"notebook": "01-create-functions"}]})

    screen.print(progress.table())

    lines = screen.export_text().splitlines()
    rows = [[cell.strip() for cell in line.split("│")[2:5]] for line in lines if line.startswith("│")]
    assert rows[:2] == [["Student 30", "01-create-functions", "failed"], ["Student 0", "02-add-triggers", "running"]]
    assert (len(lines) <= 24, lines[-1].strip()) == (True, "1 failed, 20 running, 11 waiting")


def test_a_student_whose_checks_hold_is_stuck_where_points_are_missing():
    console = Console(width=100)
    with console.capture() as shown:
        console.print(class_table.marked_down(gradebook.book([judged(record())])["students"]))

    assert all(words in shown.get() for words in ("95 %", "exercises", "7.5 of 10 points"))
