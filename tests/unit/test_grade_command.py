"""`lab class grade`: whom it grades, what it repeats, and how it ends. What a judge finds is made up here."""

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from unittest.mock import Mock

import pytest

from lab_lib.classroom import class_run, grading
from lab_lib.classroom.grading import Grading
from tests.classes import book_of, check, judged, made_by
from tests.lab.commands import in_process
from tests.learners import hand_in

ROSTER = "name,id,prefix,threshold\nAna,s1,ana-,99.50\nBo,s2,,\nCem,,,\n"


@pytest.fixture
def grade(tmp_path, monkeypatch):
    """grade(*options): grade Ana's and Bo's files by the roster; the status, the output, and whose files were judged.

    grade.judges names what becomes of a student's grading: a method of Grading in the place of `do`. grade.students()
    are those of the grade book, by their names.
    """
    (folder := tmp_path / "submissions").mkdir()
    for name in ("ana", "bo"):
        hand_in(folder / f"{name}.zip", "")
    (roster := tmp_path / "roster.csv").write_text(ROSTER)
    graded = []

    def judge(work):
        graded.append(work)
        return grade.judges.get(work.student.name, right)(work)

    def right(work):
        return judged(work.record("done"))

    def grade(*options):
        graded.clear()
        ended = in_process("class", "grade", folder, "--roster", roster, "--out", tmp_path / "out", "--trust", *options)
        return ended.exit_code, ended.output, {work.student.name: work for work in graded if work.student.id}

    grade.judges, grade.do, grade.students = {}, Grading.do, lambda: book_of(tmp_path / "out")
    # All is done in this process, which must not be limited.
    monkeypatch.setattr(class_run, "ProcessPoolExecutor", lambda *_: ThreadPoolExecutor(1))
    monkeypatch.setattr(grading.resource, "setrlimit", Mock())
    monkeypatch.setattr(Grading, "do", judge)
    return grade


@pytest.fixture
def report(tmp_path):
    """report(): run `lab class report`."""
    return lambda: in_process("class", "report", tmp_path / "roster.csv", "--out", tmp_path / "out")


def test_who_has_handed_in_nothing_is_no_failure_and_report_knows_it(grade, report, tmp_path):
    status, said, _ = grade()
    assert (status, "Handed in nothing: Cem" in said) == (1, True)
    assert re.search("^Less: .*Cem", said, re.MULTILINE)
    assert "No results" not in report().output
    (tmp_path / "submissions" / "ana.zip").rename(tmp_path / "submissions" / "cem.zip")
    assert set(grade("--resume")[2]) == set()
    assert grade.students()["Cem"]["state"] == "done"
    (tmp_path / "out" / "overrides.csv").write_text("student,column,points,comment,late,excused\nCem,,,Ill.,,yes\n")
    assert "Without overrides.csv" in grade("--resume")[1]


def test_only_the_named_students_are_graded(grade):
    assert [*grade("--only", "S2")[2]] == ["Bo"]
    assert [*grade("--resume")[2]] == ["Ana"]
    assert "nobody has the account, id or name eve" in grade("--only", "Eve", "--resume")[1]


def test_resume_grades_again_who_failed_and_whose_file_has_changed(grade, tmp_path):
    grade.judges = {"Bo": lambda work: work.failed(OSError("No space left on device"))}
    assert set(grade()[2]) == {"Ana", "Bo"}
    assert set(grade("--resume")[2]) == {"Bo"}

    (tmp_path / "submissions" / "ana.zip").write_text("no zip")
    grade.judges = {"Ana": grade.do}
    assert set(grade("--resume")[2]) == {"Ana", "Bo"}
    assert "ana.zip is not a file" in grade.students()["Ana"]["error"]


def test_a_judge_that_dies_leaves_what_it_has_found(grade):
    def dies(work):
        work.draft.mkdir(parents=True)
        work.keep(made_by(work, checks=[check("bucket"), check("stream", "not yet")], answers=[], trial=[]))
        raise BrokenProcessPool

    grade.judges = {"Bo": dies}
    grade()

    ana, bo, _ = grade.students().values()
    assert (ana["state"], bo["state"], "has died" in bo["error"]) == ("done", "failed", True)
    assert [bo["points"][column] for column in ("00", "probe", "exercises")] == [2.5, 0, 0]
    assert set(grade("--resume")[2]) == {"Bo"}


def test_the_graders_time_counts_also_if_it_is_told_later_and_nothing_is_judged_again(grade, report, tmp_path):
    def page(name):
        return (tmp_path / "out" / "feedback" / f"{grade.students()[name]['folder']}.html").read_text()

    hour = datetime(2026, 12, 3, 10).timestamp()
    os.utime(tmp_path / "submissions" / "ana.zip", (hour, hour))
    os.utime(tmp_path / "submissions" / "bo.zip", (1, 1))
    grade("--due", "2026-12-01")
    ana, bo = (grade.students()[name]["submitted"] for name in ("Ana", "Bo"))
    assert (ana["when"], ana["late"], bo["late"]) == ("2026-12-03 10:00", 2, 0)
    assert f"2 days late. The file says {ana['claim']}." in page("Ana")  # written by this test, now

    rows = "Ana,s1,ana-,99.50,2026-12-02\nBo,s2,,,2026-12-01 23:59\nCem,,,,\n"
    (tmp_path / "roster.csv").write_text(f"name,id,prefix,threshold,handed_in\n{rows}")
    assert grade("--due", "2026-12-01", "--resume")[2] == {}
    assert grade.students()["Bo"]["submitted"]["late"] == 0
    assert report().exit_code == 1
    assert "handed in 2026-12-02, 1 day late" in (tmp_path / "out" / "report.html").read_text()
    assert "Handed in 2026-12-02, 1 day late." in page("Ana")


@pytest.mark.parametrize("place", ["lab_lib.workspace.private_files.replace_file", "tempfile.mkdtemp"])
def test_a_full_disk_is_status_3_and_one_line(grade, monkeypatch, place):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(place, full)

    status, said, _ = grade()

    assert (status, "No space left on device" in said, "Traceback" in said) == (3, True, False), said
