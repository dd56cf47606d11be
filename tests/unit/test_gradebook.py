import json
import shutil

import pytest

from lab_lib.classroom import class_run, points, roster
from lab_lib.classroom.work import Work
from tests.classes import book_of, judged, made_by, not_graded, record
from tests.lab.commands import in_process

ROSTER = "name,account,id\nAna,111122229012,ana1\nBo,111122229013,\nCem,111122229014,\n"


def test_the_points_of_a_class_add_up_to_what_was_possible_for_it():
    students = points.book([not_graded("Cem"), judged(record("ana"), 4), record("Bo")]).students
    students += points.book([record("Bo")]).students  # nobody's answers were judged

    figures = [(student.name, student.total, student.percent) for student in students]
    assert figures == [("ana", 100, 100), ("Bo", 80, 80), ("Cem", None, None), ("Bo", 80, 100)]


@pytest.fixture
def out(tmp_path):
    """Return the folders of Ana, who has full marks, and of Bo, whose run failed; Cem of the roster has none."""
    (tmp_path / "roster.csv").write_text(ROSTER)
    out = tmp_path / "out"
    ana, bo, _ = (Work(student, out) for student in roster.read(tmp_path / "roster.csv"))
    like = record()
    ana.write(made_by(ana, state="done", checks=like.checks, probed=False, steps=like.steps))
    bo.write(bo.failed(RuntimeError("account 111122229013 is full")))
    return out


def lab_class(command, out):
    ended = in_process("class", command, out.with_name("roster.csv"), "--out", out)
    return ended.exit_code, ended.output


def test_report_names_who_of_the_roster_is_missing_and_no_account(out):
    status, said = lab_class("report", out)

    assert status == 3  # Bo and Cem were not graded
    assert "No results for Cem." in said
    assert "Full marks: 1 of 3" in said
    assert [(name, student["state"], student["total"]) for name, student in book_of(out).items()] == [
        ("Ana", "done", 80),
        ("Bo", "failed", None),
        ("Cem", "not run", None),
    ]
    texts = [said, *(path.read_text(encoding="utf-8") for path in out.rglob("*.*"))]
    assert not [text for text in texts if "11112222" in text]
    assert any("account ********9013 is full" in text for text in texts)


def test_report_takes_the_ids_of_the_roster_and_succeeds_with_full_marks(out):
    out.with_name("roster.csv").write_text("name,account,id\nAna,111122229012,ana2\n")

    assert lab_class("report", out)[0] == 0
    assert [student["id"] for student in book_of(out).values()] == ["ana2"]


def test_report_leaves_out_drafts_and_the_folders_of_nobody_in_the_class(out):
    for place in ("dee-1", ".ana-9012.draft"):
        shutil.copytree(out / "ana-9012", out / place)

    status, said = lab_class("report", out)

    assert (status, "No results for Cem." in said) == (3, True)
    assert "nobody in the class: dee-1\n" in said
    assert [*book_of(out)] == ["Ana", "Bo", "Cem"]
    assert sorted(path.name for path in (out / "feedback").iterdir()) == ["ana-9012.html", "bo-9013.html"]


def test_report_without_a_roster_takes_the_students_and_their_ids_from_the_results(out, tmp_path):
    out.with_name("roster.csv").unlink()

    ended = in_process("class", "report", "--out", out)

    assert (ended.exit_code, "No results" in ended.output) == (3, False)  # Bo was not graded
    assert {name: student["id"] for name, student in book_of(out).items()} == {"Ana": "ana1", "Bo": ""}
    (empty := tmp_path / "empty").mkdir()
    ended = in_process("class", "report", "--out", empty)
    assert (ended.exit_code, f"{empty} holds no results" in ended.output) == (2, True)


# A text is the whole content, a dict replaces parts of the record.
@pytest.mark.parametrize("damage", ["", {"checks": [None]}, "{}"])
def test_a_damaged_record_is_one_line_of_report_and_is_made_again_by_resume(out, damage):
    work = Work(roster.read(out.with_name("roster.csv"))[0], out)
    path = out / "ana-9012" / "grade.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(whole | damage) if isinstance(damage, dict) else damage)

    status, said = lab_class("report", out)

    assert (status, f"Cannot read {path}: " in said, said.count("\n")) == (2, True, 1)
    assert said.endswith("Delete it, and run the student again.\n")
    assert class_run.unfinished([work], resume=True) == [work]
    assert class_run.records([work])[0].state == "not run"


def test_report_of_a_folder_that_is_not_there_makes_none(out):
    status, said = lab_class("report", out.with_name("typo"))

    assert (status, "typo is not a folder" in said, out.with_name("typo").exists()) == (2, True, False)
