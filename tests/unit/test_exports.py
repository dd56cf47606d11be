"""The grade book in other programs: each file is read as the program's documentation says that it reads it."""

import csv
import io

import pytest

from lab_lib.classroom import gradebook, points
from tests.classes import judged, not_graded, override, record

CLASS = [
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
    text = gradebook.canvas(points.book(CLASS))

    header, possible, *students = rows_of(text.removeprefix("\ufeff"))
    assert text.startswith("\ufeff")  # Excel reads UTF-8 only with the byte order mark
    assert header[:6] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Serverless lab 00 start here"]
    assert ("Points Possible" in possible[0], possible[1:6]) == (True, ["", "", "", "", "5"])
    assert [[*row[:6], row[-1]] for row in students] == [["Ana García", "", "agarcia", "agarcia", "", "5.00", "7.50"]]


def test_what_is_excused_has_no_grade_and_who_would_have_a_blank_cell_is_not_in_the_file_for_canvas():
    book = points.book([record(overrides=[override("probe", excused=True)]), *CLASS[2:]])

    assert [row[-1] for row in rows_of(gradebook.canvas(book))[1:]] == ["35", "EX"]
    assert gradebook.not_for_canvas(book) == ["Cem", "Dee"]


# Moodle's page "Grade import" and its grade/import/csv/classes/load_data.php: one column identifies the user, by e-mail
# address, ID number or username, a row without it gets the user of the row before, and "-" is no grade.
def test_moodle_takes_the_students_who_have_an_id_or_an_address():
    header, *users = rows_of(gradebook.moodle(points.book(CLASS)))

    assert header[:2] == ["ID number", "Serverless lab 00 start here"]
    assert [[*row[:2], row[-1]] for row in users] == [
        ["agarcia", "5.00", "7.50"],
        ["bo@example.com", "5.00", "-"],
        ["dee", "-", "-"],
    ]
    assert rows_of(gradebook.moodle(points.book(CLASS[1:2])))[0][0] == "Email address"


def test_an_id_that_two_students_have_is_in_no_file():
    book = points.book([record("Ana", id="s1"), record("Bo", id="S1")])

    assert [row[:4] for row in rows_of(gradebook.canvas(book))[2:]] == [["Ana", "", "", ""], ["Bo", "", "", ""]]
    assert len(rows_of(gradebook.moodle(book))) == 1


@pytest.mark.parametrize("bad", ["=1+1", "@SUM(A1)", "\r\n=1\n+1"])
def test_no_text_becomes_a_formula_or_a_second_line(bad):
    book = points.book([record(bad, id=bad)])

    student, user = rows_of(gradebook.canvas(book))[2], rows_of(gradebook.moodle(book))[1]
    assert {student[0], student[2], student[3], user[0]} == {f"'{' '.join(bad.split())}"}
