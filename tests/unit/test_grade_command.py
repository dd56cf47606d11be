"""`lab class grade`: whom it grades, what it repeats, and how it ends. What a judge finds is made up here."""

import errno
import pickle
import subprocess
from unittest.mock import Mock
from xml.etree import ElementTree

import pytest

from lab_lib.classroom import grading, submission
from lab_lib.classroom.grading import Grading
from tests.classes import judged, record
from tests.lab.commands import in_process

ROSTER = "name,id,prefix,threshold\nAna,s1,ana-,99.50\nBo,s2,,\nCem,,,\n"


@pytest.fixture
def grade(tmp_path, monkeypatch):
    """grade(*options): grade Ana's and Bo's files by the roster; the status, the output, and whose files were judged.

    grade.judges names what becomes of a student's grading: a method of Grading in the place of `do`.
    """
    (folder := tmp_path / "submissions").mkdir()
    for name in ("ana", "bo"):
        submission.write_untouched(folder / f"{name}.zip")
    (roster := tmp_path / "roster.csv").write_text(ROSTER)
    graded = []

    def judge(work):
        graded.append(work)
        grade.judges.get(work.student.name, right)(work)

    def right(work):
        work.write(state="done", **{name: judged(record())[name] for name in ("checks", "answers", "trial")})

    def grade(*options):
        graded.clear()
        ended = in_process("class", "grade", folder, "--roster", roster, "--out", tmp_path / "out", "--trust", *options)
        return ended.exit_code, ended.output, {work.student.name: work for work in graded if work.student.id}

    grade.judges, do = {}, Grading.do
    grade.do = do
    # All is done in this process, which must not be limited.
    monkeypatch.setattr(subprocess, "run", lambda command, input, **_: pickle.loads(input).do())
    monkeypatch.setattr(grading, "Timer", Mock())
    monkeypatch.setattr(grading.resource, "setrlimit", Mock())
    monkeypatch.setattr(Grading, "do", judge)
    return grade


def test_a_roster_without_accounts_gives_a_student_a_prefix_and_a_threshold(grade, tmp_path):
    status, said, graded = grade()

    settings = {"prefix": "ana-", "threshold": "99.50"}
    assert {name: work.student.parameters for name, work in graded.items()} == {"Ana": settings, "Bo": {}}
    assert (status, "Handed in nothing: Cem" in said) == (3, True)
    report = in_process("class", "report", tmp_path / "roster.csv", "--out", tmp_path / "out")
    assert "No results for Cem." in report.output


def test_only_the_named_students_are_graded_and_junit_has_a_suite_for_each(grade, tmp_path):
    _, _, graded = grade("--only", "S2", "--junit", str(tmp_path / "junit.xml"))

    assert [*graded] == ["Bo"]
    assert [suite.get("name") for suite in ElementTree.parse(tmp_path / "junit.xml").getroot()] == ["Bo"]
    _, _, graded = grade("--resume")
    assert [*graded] == ["Ana"]


def test_resume_repeats_what_this_computer_could_not_grade_and_no_fault_of_the_file(grade, tmp_path):
    def machine(work):
        work.failed(OSError("No space left on device"))

    (tmp_path / "submissions" / "ana.zip").write_text("no zip")
    grade.judges = {"Ana": grade.do, "Bo": machine}
    assert set(grade()[2]) == {"Ana", "Bo"}
    assert set(grade("--resume")[2]) == {"Bo"}

    assert set(grade("--resume", "--seconds", "300")[2]) == {"Ana", "Bo"}  # what took too long may end now
    (tmp_path / "submissions" / "ana.zip").write_text("no zip either")
    assert set(grade("--resume")[2]) == {"Ana", "Bo"}


@pytest.mark.parametrize("place", ["pathlib.Path.mkdir", "lab_lib.private_files.replace_file", "tempfile.mkdtemp"])
def test_a_full_disk_is_status_3_and_one_line(grade, monkeypatch, place):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(place, full)

    status, said, _ = grade()

    assert (status, "No space left on device" in said, "Traceback" in said) == (3, True, False), said
