import csv
import io
import json
import os

import pytest

from lab_lib.checks import CLEAN_UP, FURTHER, STEPS
from lab_lib.classroom import gradebook
from lab_lib.errors import UsageError
from tests.classes import checks, lay, not_run, record, whole_class

FILES = ["gradebook.csv", "gradebook.json", "nbgrader.csv", "report.html"]


@pytest.fixture
def points():
    """The points of a student with these checks: of each step, and in all."""

    def points(made):
        [student] = gradebook.book([record(checks=made)])["students"]
        return student["points"], student["total"], student["percent"]

    return points


@pytest.fixture
def umask():
    """umask(0o077): files that are made from now on, in this test, are for their owner only."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def rows(tmp_path):
    """The rows of gradebook.csv for these records, each as a dict."""

    def rows(*records):
        gradebook.write(tmp_path, records)
        text = (tmp_path / "gradebook.csv").read_bytes().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    return rows


def check(step, ok, found="absent"):
    return {
        "step": step,
        "name": f"{step} {ok} {found}",
        "ok": ok,
        "found": found,
        "wanted": "there",
        "hint": "Make it.",
    }


def test_the_steps_that_give_points_are_those_of_the_checks():
    assert list(gradebook.TITLES) == [step for step in STEPS if step not in (CLEAN_UP, FURTHER)]


def test_all_checks_together_are_full_marks(points):
    by_step, total, percent = points(checks())

    assert by_step == dict.fromkeys(gradebook.TITLES, 10.0)
    assert (total, percent) == (60.0, 100.0)


def test_a_step_gives_the_share_of_its_checks_that_hold(points):
    by_step, total, percent = points([check("02", True), check("02", True), check("02", False), check("03", False)])

    assert by_step == {"00": None, "01": None, "02": 6.67, "03": 0.0, "04": None, "05": None}
    assert (total, percent) == (6.67, 11.12)


@pytest.mark.parametrize(
    ("found", "state"), [("waits for bucket", "waits"), ("cannot see: GetRole is refused", "cannot see")]
)
def test_a_check_that_waits_or_cannot_be_seen_gives_none_and_says_so(found, state):
    [student] = gradebook.book([record(checks=[check("02", True), check("02", False, found)])])["students"]

    assert student["points"]["02"] == 5.0
    assert student["checks"][1]["state"] == state


def test_what_goes_further_gives_no_points(points):
    assert points([*checks(), check("further", False)]) == points(checks())


def test_a_student_without_checks_has_no_points_rather_than_0(points, rows):
    assert points([]) == (dict.fromkeys(gradebook.TITLES), None, None)

    row = rows(not_run())[1]
    assert [row["Serverless lab 00 start here"], row["Final Points"], row["Final Grade: state"]] == ["", "", "not run"]


def test_the_files_are_written_whole_and_no_draft_is_left(tmp_path):
    gradebook.write(tmp_path / "new" / "class", whole_class())

    assert sorted(path.name for path in (tmp_path / "new" / "class").iterdir()) == FILES


def test_a_write_that_fails_leaves_the_old_files_as_they_were(tmp_path, monkeypatch):
    gradebook.write(tmp_path, [record()])
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    monkeypatch.setattr(gradebook.report, "page", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        gradebook.write(tmp_path, whole_class())

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_same_records_give_the_same_files_in_whatever_order_they_come(tmp_path):
    gradebook.write(tmp_path / "a", whole_class())
    gradebook.write(tmp_path / "b", whole_class()[::-1])

    assert [(tmp_path / "a" / name).read_bytes() for name in FILES] == [
        (tmp_path / "b" / name).read_bytes() for name in FILES
    ]


def test_gradebook_json_holds_the_records_and_their_points(tmp_path):
    gradebook.write(tmp_path, [record()])

    [student] = json.loads((tmp_path / "gradebook.json").read_text(encoding="utf-8"))["students"]
    assert {**record(), "checks": None}.items() <= {**student, "checks": None}.items()
    assert (student["total"], len(student["checks"])) == (60.0, len(checks()))


def test_gradebook_csv_begins_as_canvas_wants_it(tmp_path):
    gradebook.write(tmp_path, [record("Ana García", id="agarcia")])

    content = (tmp_path / "gradebook.csv").read_bytes()
    header, points, student = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert content.startswith(b"\xef\xbb\xbf")  # for Excel; Canvas looks for "Student" anywhere in the first cell
    assert header[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert (points[0].strip(), set(points[5:11]), set(points[11:])) == ("Points Possible", {"10"}, {"(read only)"})
    assert student == [
        "Ana García",
        "",
        "agarcia",
        "agarcia",
        "",
        *["10.00"] * 6,
        "60.00",
        "100.00",
        "done",
        "",
        "agarcia",
    ]


def test_every_column_that_is_no_score_is_one_that_canvas_leaves_out(rows):
    _, row = rows(record())
    others = [name for name in row if not name.startswith("Serverless lab") and name not in gradebook._INFORMATION]

    known = ("Final Points", "Final Score", "Final Grade")  # the importer drops a column with one of them in its name
    assert [name for name in others if not any(each in name for each in known)] == ["id"]


def test_no_title_ends_in_a_number_in_brackets_which_canvas_takes_for_its_own(rows):
    _, row = rows(record())

    assert not [name for name in row if name.endswith(")")]


def test_nbgrader_csv_has_an_id_for_each_student_and_no_mark_before_it(tmp_path):
    gradebook.write(tmp_path, [record("Ana García", id="agarcia"), not_run("Bo")])

    lines = (tmp_path / "nbgrader.csv").read_bytes().decode().split("\r\n")
    assert lines == [
        "id,last_name,total,points_possible",
        "agarcia,Ana García,60.00,60",
        "student-9013,Bo,,60",
        "",
    ]


@pytest.mark.parametrize("bad", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1+1", "\r\n=1+1", "＝1+1"])
def test_no_name_and_no_error_becomes_a_formula(rows, bad):
    row = rows(record(bad, error=bad, id=bad))[1]

    cells = [row["Student"], row["Final Grade: last error"], row["SIS User ID"], row["id"]]
    assert set(cells) == {f"'{bad.strip()}"}


def test_a_name_and_an_error_stay_on_one_line_since_canvas_counts_the_first_lines(rows, tmp_path):
    rows(record("Ana\nMaria", error='one\r\ntwo "three", four'))

    assert (tmp_path / "gradebook.csv").read_text(encoding="utf-8").count("\n") == 3


def test_read_collects_what_lies_in_the_folders_and_takes_their_names_for_the_folders(tmp_path):
    lay(tmp_path, record(), not_run())
    (tmp_path / ".student-9012-77").mkdir()
    (tmp_path / ".student-9012-77" / "grade.json").write_text("{")
    (tmp_path / "student-9012").rename(tmp_path / "elsewhere")

    assert [each["folder"] for each in gradebook.read(tmp_path)] == ["elsewhere", "student-9013"]


def test_read_of_an_empty_folder_is_nobody(tmp_path):
    assert gradebook.read(tmp_path) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "Ana"}', '{"checks": [{"step": "00"}]}'])
def test_a_record_that_cannot_be_read_is_named(tmp_path, text):
    lay(tmp_path, record())
    (tmp_path / "student-9012" / "grade.json").write_text(text)

    with pytest.raises(UsageError, match=r"student-9012/grade\.json is no record of a student"):
        gradebook.read(tmp_path)


def test_merge_joins_the_shards_with_their_notebooks(tmp_path):
    one, two = lay(tmp_path / "1", record("Ana")), lay(tmp_path / "2", not_run("Bo"))

    gradebook.merge([one, two], tmp_path / "all")

    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [*FILES, "student-9012", "student-9013"]
    assert (tmp_path / "all" / "student-9012" / "00-start-here.ipynb").is_file()
    assert gradebook.read(tmp_path / "all") == [*gradebook.read(one), *gradebook.read(two)]


def test_a_grade_book_is_for_its_owner_only_whatever_the_umask(tmp_path, umask):
    umask(0)

    gradebook.write(tmp_path / "out", [record()])

    paths = [tmp_path / "out", *(tmp_path / "out").iterdir()]
    assert {path.name: path.stat().st_mode & 0o777 for path in paths} == {"out": 0o700, **dict.fromkeys(FILES, 0o600)}


def test_merge_copies_no_modes_of_the_shards(tmp_path, umask):
    one = lay(tmp_path / "1", record("Ana"))
    for path in one.rglob("*"):
        path.chmod(0o755)
    umask(0o077)

    gradebook.merge([one], tmp_path / "all")

    assert [path for path in (tmp_path / "all").rglob("*") if path.stat().st_mode & 0o077] == []


def test_merge_counts_those_whose_turn_did_not_come_and_who_have_no_folder(tmp_path):
    ungraded = [not_run("Bo"), record("Chen", "111122229014", state="unfinished", checks=[])]
    one, two = lay(tmp_path / "1", record("Ana")), lay(tmp_path / "2", record("Bo", "111122229013"))
    gradebook.write(one, [*gradebook.read(one), *ungraded])

    merged = gradebook.merge([one, two], tmp_path / "all")

    assert [(each["name"], each["state"]) for each in merged] == [
        ("Ana", "done"),
        ("Bo", "done"),
        ("Chen", "unfinished"),
    ]
    assert sorted(path.name for path in (tmp_path / "all").glob("student-*")) == ["student-9012", "student-9013"]
    assert [each["name"] for each in gradebook.read(tmp_path / "all")] == ["Ana", "Bo", "Chen"]


@pytest.mark.parametrize("text", ["{", "[]", '{"students": [{}]}'])
def test_a_grade_book_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "gradebook.json").write_text(text)

    with pytest.raises(UsageError, match=r"gradebook\.json is no grade book"):
        gradebook.read(tmp_path)


def test_merge_into_one_of_the_shards_adds_the_others_to_it(tmp_path):
    one, two = lay(tmp_path / "1", record("Ana")), lay(tmp_path / "2", not_run("Bo"))
    before = (one / "student-9012").stat().st_ino

    gradebook.merge([one, two], one)

    assert (one / "student-9012").stat().st_ino == before  # not copied over itself
    assert [each["name"] for each in gradebook.read(one)] == ["Ana", "Bo"]


@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        ("done", "not run", "done"),
        ("not run", "failed", "failed"),
        ("unfinished", "done", "done"),
        ("not run", "unfinished", "unfinished"),
        ("not run", "not run", "not run"),
    ],
)
def test_a_student_of_two_shards_counts_where_most_was_done(tmp_path, first, second, wins):
    shards = [lay(tmp_path / str(n), record(state=state)) for n, state in enumerate((first, second))]

    [merged] = gradebook.merge(shards, tmp_path / "all")

    assert merged["state"] == wins
    assert [each["state"] for each in gradebook.read(tmp_path / "all")] == [wins]


def test_students_who_were_graded_in_two_shards_are_listed_and_nothing_is_merged(tmp_path):
    one = lay(tmp_path / "1", record("Ana"), record("Bo", "111122229013"))
    two = lay(tmp_path / "2", record("Ana"), record("Bo", "111122229013", state="failed"))

    with pytest.raises(UsageError) as refused:
        gradebook.merge([one, two], tmp_path / "all")

    assert f"Ana: {one}/student-9012 and {two}/student-9012" in str(refused.value)
    assert f"Bo: {one}/student-9013 and {two}/student-9013" in str(refused.value)
    assert not (tmp_path / "all").exists()


def test_the_same_shard_named_twice_is_one(tmp_path):
    one = lay(tmp_path / "1", record())

    assert len(gradebook.merge([one, tmp_path / "1" / ".." / "1"], tmp_path / "all")) == 1


@pytest.mark.parametrize("name", [".", "file"])
def test_what_no_class_has_written_is_no_shard(tmp_path, name):
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="holds no student"):
        gradebook.merge([tmp_path / name], tmp_path / "all")


def test_a_shard_that_had_no_student_adds_none(tmp_path):
    one = lay(tmp_path / "1", record("Ana"))
    gradebook.write(tmp_path / "2", [])

    assert [each["name"] for each in gradebook.merge([one, tmp_path / "2"], tmp_path / "all")] == ["Ana"]


def test_merge_to_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "all").touch()

    with pytest.raises(UsageError, match="File exists"):
        gradebook.merge([lay(tmp_path / "1", record())], tmp_path / "all")
