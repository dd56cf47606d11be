import json
import shutil

import pytest
from typer.testing import CliRunner

from lab_lib.classroom import class_run, gradebook, roster
from lab_lib.classroom.work import Work
from lab_lib.cli.main import app
from tests.classes import judged, lay, not_graded, record, whole_class

FILES = ["gradebook.csv", "gradebook.json", "moodle.csv", "report.html", "summary.md"]
ROSTER = "name,account,id\nAna,111122229012,ana1\nBo,111122229013,\nCem,111122229014,\n"


def test_the_points_of_a_class_add_up_to_what_was_possible_for_it():
    ana, bo, cem = gradebook.book([judged(record("Ana"), 4), record("Bo"), not_graded("Cem")])["students"]
    [alone] = gradebook.book([record("Bo")])["students"]

    assert (ana["total"], ana["percent"]) == (100, 100)
    assert (bo["total"], bo["percent"]) == (80, 80)  # without the exercises and the function
    assert (alone["total"], alone["percent"]) == (80, 100)
    assert (ana["probed"], bo["probed"], bo["points"]["probe"]) == (True, False, 35)
    assert ({*cem["points"].values()}, cem["total"], cem["percent"]) == ({None}, None, None)


def test_the_same_records_give_the_same_files_in_any_order(tmp_path):
    gradebook.write(tmp_path / "a", whole_class())
    gradebook.write(tmp_path / "b", whole_class()[::-1])

    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted([*FILES, "feedback"])
    assert [(tmp_path / "a" / name).read_bytes() for name in FILES] == [
        (tmp_path / "b" / name).read_bytes() for name in FILES
    ]


@pytest.fixture
def out(tmp_path):
    """Return the folders of Ana, who has full marks, and of Bo, whose run failed; Cem of the roster has none."""
    (tmp_path / "roster.csv").write_text(ROSTER)
    out = tmp_path / "out"
    ana, bo, _ = (Work(student, out) for student in roster.read(tmp_path / "roster.csv"))
    lay(out, ana.record("done") | {name: record()[name] for name in ("checks", "probed", "steps", "notebooks")})
    bo.failed(RuntimeError("account 111122229013 is full"))
    return out


def lab_class(command, out):
    roster = out.with_name("roster.csv")
    ended = CliRunner().invoke(app, ["class", command, str(roster), "--out", str(out)], env={"COLUMNS": "200"})
    return ended.exit_code, ended.output


def students(out):
    return json.loads((out / "gradebook.json").read_text(encoding="utf-8"))["students"]


def test_report_names_who_of_the_roster_is_missing_and_counts_them(out):
    status, said = lab_class("report", out)

    assert status == 3  # Bo and Cem were not graded
    assert "No results for Cem." in said
    assert "Full marks: 1 of 3" in said
    assert [(student["name"], student["state"], student["total"]) for student in students(out)] == [
        ("Ana", "done", 80),
        ("Bo", "failed", None),
        ("Cem", "missing", None),
    ]
    assert "Cem" in (out / "report.html").read_text(encoding="utf-8")


def test_report_takes_the_ids_of_the_roster_and_succeeds_with_full_marks(out):
    out.with_name("roster.csv").write_text("name,account,id\nAna,111122229012,ana2\n")

    assert lab_class("report", out)[0] == 0
    assert [student["id"] for student in students(out)] == ["ana2"]


def test_no_account_is_shown_whole(out):
    _, said = lab_class("report", out)

    texts = [said, *(path.read_text(encoding="utf-8") for path in out.rglob("*.*"))]
    assert not [text for text in texts if "11112222" in text]
    assert "account ********9013 is full" in said


def test_report_refuses_two_folders_of_a_student_that_disagree(out):
    shutil.copytree(out / "ana-9012", out / "copy of Ana")
    copied = out / "copy of Ana" / "grade.json"
    copied.write_text(copied.read_text().replace('"done"', '"failed"'))

    status, said = lab_class("report", out)

    assert status == 2
    assert "Ana: ana-9012, copy of Ana" in said
    assert "delete or move the others" in said
    assert not (out / "report.html").exists()


def test_report_takes_a_renamed_folder_and_one_of_two_that_agree(out):
    shutil.copytree(out / "ana-9012", out / "ana-9012 (2)")
    (out / "bo-9013").rename(out / "old bo")

    _, said = lab_class("report", out)

    assert "No results for Cem." in said
    assert "Left out" not in said
    assert [student["folder"] for student in students(out)] == ["ana-9012", "old bo", "cem-9014"]


def test_report_leaves_out_folders_of_nobody_in_the_roster_and_says_so(out):
    out.with_name("roster.csv").write_text("name,account\nAna,111122229012\n")
    (out / "part-1" / "bo-9013").mkdir(parents=True)
    (out / ".ana-9012.draft").mkdir()

    _, said = lab_class("report", out)

    assert "nobody in the roster: bo-9013, part-1\n" in said
    assert [student["name"] for student in students(out)] == ["Ana"]


OLD = {"step": "00", "name": "bucket", "ok": True, "found": "mine", "wanted": "mine", "hint": ""}  # before ids
VERSIONS = [
    ({"checks": [OLD]}, "a check in it has no id, so an earlier version"),
    ({"baseline": "absent"}, "it has no baseline, so an earlier version"),
    ({"probed": "absent"}, "it has no probed, so an earlier version"),
]


@pytest.mark.parametrize(("entries", "reason"), VERSIONS, ids=["no ids", "no baseline", "no probed"])
def test_a_record_of_another_version_is_refused_with_the_reason_and_what_to_do(out, entries, reason):
    path = out / "ana-9012" / "grade.json"
    written = json.loads(path.read_text(encoding="utf-8")) | entries
    path.write_text(json.dumps({name: value for name, value in written.items() if value != "absent"}))

    status, said = lab_class("report", out)

    assert (status, reason in said, said.count("\n")) == (2, True, 1)
    assert said.endswith("Delete it, and run the student again.\n")


# A text is the whole content, a dict replaces parts of the record, and None is a folder of that name.
DAMAGED = ["", "{}", '"text"', "[" * 100_000, None, {"checks": [None]}, {"steps": "x"}, {"seconds": "x"}]
DAMAGED += [{"trial": [5]}, {"answers": {"a": 1}}, {"baseline": 5}]


@pytest.mark.parametrize("damage", DAMAGED, ids=lambda damage: str(damage)[:20])
def test_a_damaged_record_is_one_line_of_report_and_is_made_again_by_resume(out, damage):
    works = [Work(student, out) for student in roster.read(out.with_name("roster.csv"))]
    path = out / "ana-9012" / "grade.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    if damage is None:
        path.mkdir()
    else:
        path.write_text(json.dumps(whole | damage) if isinstance(damage, dict) else damage)

    status, said = lab_class("report", out)

    assert (status, f"Cannot read {path}: " in said, said.count("\n")) == (2, True, 1)
    assert class_run.records(works)[0]["state"] == "not run"
    assert works[0] in class_run.unfinished(works, resume=True)
    works[0].forget()
    works[0].begin()
    assert works[0].write(state="done") == works[0].read()


def test_report_of_a_folder_that_is_not_there_makes_none(out):
    status, said = lab_class("report", out.with_name("typo"))

    assert (status, "typo is not a folder" in said, out.with_name("typo").exists()) == (2, True, False)


@pytest.mark.parametrize("command", ["run", "check", "report"])
def test_a_roster_with_a_fault_starts_nothing(tmp_path, command):
    (tmp_path / "roster.csv").write_text("name,account\nAna,111122229012\nBo,22\n")

    status, said = lab_class(command, tmp_path / "out")

    assert (status, "line 3: account is '22'" in said) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["roster.csv"]
