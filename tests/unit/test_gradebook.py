"""The grade book of a class: from the students' folders, with what an instructor sets by hand, in other programs."""

import csv
import io
import json
import shutil

import pytest
from bs4 import BeautifulSoup

from lab_lib.classroom import class_run, gradebook, points, roster
from lab_lib.classroom.work import Work
from tests.classes import book_of, judged, made_by, not_graded, override, record, text
from tests.lab.commands import assert_refused, in_process

ROSTER = "name,account,id\nAna,111122229012,ana1\nBo,111122229013,\nCem,111122229014,\n"
HEADER = "student,column,points,comment,late,excused\n"


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


def report(out):
    ended = in_process("class", "report", out.with_name("roster.csv"), "--out", out)
    return ended.exit_code, ended.output


def test_report_names_who_is_missing_and_takes_the_rosters_ids_but_no_draft_and_no_account(out):
    out.with_name("roster.csv").write_text(ROSTER.replace("9013,", "9013,bo1"))
    for place in ("dee-1", ".ana-9012.draft"):
        shutil.copytree(out / "ana-9012", out / place)

    status, said = report(out)

    assert status == 3  # Bo and Cem were not graded
    assert "No results for Cem." in said
    assert "Full marks: 1 of 3" in said
    assert sorted(path.name for path in (out / "feedback").iterdir()) == ["ana-9012.html", "bo-9013.html"]
    assert [(name, student["id"], student["state"], student["total"]) for name, student in book_of(out).items()] == [
        ("Ana", "ana1", "done", 80),
        ("Bo", "bo1", "failed", None),
        ("Cem", "", "not run", None),
    ]
    texts = [said, *(path.read_text(encoding="utf-8") for path in out.rglob("*.*") if path.is_file())]
    assert not [text for text in texts if "11112222" in text]
    assert any("account ********9013 is full" in text for text in texts)


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

    said = in_process("class", "report", "--out", out).output

    assert (f"Cannot read {path}: " in said, said.count("\n")) == (True, 1)
    assert said.endswith("Delete it, and run the student again.\n")
    assert "No results for Ana, Cem." in report(out)[1]
    assert class_run.unfinished([work], resume=True) == [work]
    assert class_run.records([work])[0].state == "not run"


def test_overrides_are_in_the_grade_book_the_report_and_the_feedback(out):
    rows = "ana1;03;0;Copied.;2 days;\nBo;03;1,5;;;no\n;;;;;\nCem;;;Était malade.;;yes\nBo;function;;;;x\nCem;00;5;;;"
    (out / "overrides.csv").write_text(HEADER.replace(",", ";") + rows, encoding="utf-8-sig")  # as a spreadsheet does

    status, said = report(out)

    assert (status, "No results" in said) == (1, False)  # Cem is excused
    ana, bo, cem = book_of(out).values()
    assert (ana["points"]["03"], ana["total"]) == (0, 78)
    assert (bo["points"]["03"], bo["points"]["function"], bo["total"], bo["possible"]) == (1.5, None, 1.5, 80)
    assert (cem["total"], cem["percent"], cem["possible"]) == (None, None, 0)
    by_hand = "03 · Create the topic: 0 points by the instructor. Late: 2 days. Copied."
    assert by_hand in shown(out / "report.html")
    assert by_hand in shown(out / "feedback" / "ana-9012.html")
    assert "03 · Create the topic: 1.5 of 2 points, set by the instructor" in shown(out / "report.html")
    assert "function excused" in shown(out / "feedback" / "bo-9013.html")
    assert "All: Excused. Était malade." in shown(out / "feedback" / "cem-9014.html")  # who has no results


def shown(path):
    return text(BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser"))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (HEADER + "Eve,03,1,,,", 2, "student is 'Eve'; wanted an id of the class, or a name that only one has"),
        (HEADER + "Dee,03,1,,,", 2, "student is 'Dee'; wanted an id"),
        (HEADER + "Bo,03,2.01,,,", 2, "points is '2.01'; wanted a number from 0 to 2, as column 03 gives"),
        (HEADER + "Bo,,5,,,", 2, "column is ''; wanted one of 00, 01,"),
        (HEADER + "Bo,03,1,,,maybe", 2, "excused is 'maybe'; wanted yes or no"),
        (HEADER + 'Bo,03,1,"a\nb",,\nBo,7,2,,,', 4, "column is '7'; wanted one of 00, 01,"),
        ("name,points\nBo,2", 1, "the header is 'name,points'; wanted 'student,column,points,comment,late,excused'"),
    ],
)
def test_a_wrong_row_is_one_line_that_says_where_what_and_what_to_do_and_nothing_is_written(out, text, line, words):
    out.with_name("roster.csv").write_text(f"{ROSTER}Dee,111122229015,d1\nDee,111122229016,d2\n")
    (out / "overrides.csv").write_text(text, encoding="utf-8")

    done = in_process("class", "report", out.with_name("roster.csv"), "--out", out)

    assert_refused(done)
    assert not (out / "report.html").exists()
    assert f"overrides.csv, line {line}: {words}" in done.stderr
    assert done.stderr.endswith(" run the command again.\n")


STUDENTS = [
    judged(record("Ana García", id="agarcia")),
    record("Bo", "111122229013", id="bo@example.com"),
    not_graded("Cem", "111122229014"),
    not_graded("Dee", "111122229015", id="dee"),
]


def rows_of(text):
    return list(csv.reader(io.StringIO(text, newline="")))


# Canvas's guide for instructors, "How do I import grades in the Gradebook?", and its lib/gradebook_importer.rb: every
# column after Section is an assignment, a first cell with "Points Possible" marks the row of the points, an empty cell
# over a score is a change, and EX excuses.
def test_canvas_makes_an_assignment_of_each_column_and_nothing_else():
    text = gradebook.canvas(points.book(STUDENTS))

    header, possible, *students = rows_of(text.removeprefix("\ufeff"))
    assert text.startswith("\ufeff")  # Excel reads UTF-8 only with the byte order mark
    assert header[:6] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Serverless lab 00 start here"]
    assert ("Points Possible" in possible[0], possible[1:6]) == (True, ["", "", "", "", "5"])
    assert [[*row[:6], row[-1]] for row in students] == [["Ana García", "", "agarcia", "agarcia", "", "5.00", "7.50"]]


def test_what_is_excused_has_no_grade_and_who_would_have_a_blank_cell_is_not_in_the_file_for_canvas():
    book = points.book([record(overrides=[override("probe", excused=True)]), *STUDENTS[2:]])

    assert [row[-1] for row in rows_of(gradebook.canvas(book))[1:]] == ["35", "EX"]
    assert gradebook.not_for_canvas(book) == ["Cem", "Dee"]


# Moodle's page "Grade import" and its grade/import/csv/classes/load_data.php: one column identifies the user, by e-mail
# address, ID number or username, a row without it gets the user of the row before, and "-" is no grade.
def test_moodle_takes_the_students_who_have_an_id_or_an_address():
    header, *users = rows_of(gradebook.moodle(points.book(STUDENTS)))

    assert header[:2] == ["ID number", "Serverless lab 00 start here"]
    assert [[*row[:2], row[-1]] for row in users] == [
        ["agarcia", "5.00", "7.50"],
        ["bo@example.com", "5.00", "-"],
        ["dee", "-", "-"],
    ]
    assert rows_of(gradebook.moodle(points.book(STUDENTS[1:2])))[0][0] == "Email address"


def test_an_id_that_two_students_have_is_in_no_file():
    book = points.book([record("Ana", id="s1"), record("Bo", id="S1")])

    assert [row[:4] for row in rows_of(gradebook.canvas(book))[2:]] == [["Ana", "", "", ""], ["Bo", "", "", ""]]
    assert len(rows_of(gradebook.moodle(book))) == 1


@pytest.mark.parametrize("bad", ["=1+1", "@SUM(A1)", "\r\n=1\n+1"])
def test_no_text_becomes_a_formula_or_a_second_line(bad):
    book = points.book([record(bad, id=bad)])

    student, user = rows_of(gradebook.canvas(book))[2], rows_of(gradebook.moodle(book))[1]
    assert {student[0], student[2], student[3], user[0]} == {f"'{' '.join(bad.split())}"}
