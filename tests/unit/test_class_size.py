"""How many accounts of a class are worked on at a time, and how a large class is shown."""

import re
from types import SimpleNamespace

import psutil
import pytest

from lab_lib.classroom import class_run
from lab_lib.classroom.roster import Student
from lab_lib.classroom.work import Work
from lab_lib.cli import class_work
from lab_lib.cli.terminal import Terminal
from lab_lib.errors import LabError


def students_of(number, **settings):
    return [Student(f"Student {place}", f"11112222{place:04}", **settings) for place in range(number)]


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

    assert class_run.jobs_for(students_of(students, profile=profile)) == jobs
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert class_run.jobs_for(students_of(30, profile="class")) == 4


def test_a_terminal_shows_who_is_at_work_below_a_line_for_each_who_has_ended(tmp_path, monkeypatch):
    screen = Terminal(width=80, height=24, record=True, force_terminal=True, _environ={"TERM": "xterm"})
    monkeypatch.setattr(class_work, "err", screen)
    ben, ana, _ = works = [Work(student, tmp_path) for student in students_of(3)]
    ana.note("getting ready")

    with class_work.live(works) as finished:
        finished(ben.failed(LabError("No such account.")))

    shown = screen.export_text()
    assert "1/3  failed  ********0000  Student 0  0 s  LabError: No such account." in shown
    assert re.search(r"Student 1 +│ getting ready │ \d+ ", shown)
    assert "Student 2" not in shown
