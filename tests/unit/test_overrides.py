"""What an instructor sets by hand in overrides.csv."""

import pytest
from bs4 import BeautifulSoup

from tests.classes import book_of, judged, lay, not_graded, record, text
from tests.lab.commands import assert_refused, in_process

HEADER = "student,column,points,comment,late,excused\n"
CLASS = [
    judged(record("Ana García", id="ana1")),
    judged(record("Bo", "111122229013", missing=["topic"])),
    not_graded("Cem", "111122229014"),
    record("Dee", "111122229015", id="dee1"),
    record("Dee", "111122229016", id="dee2"),
]
ROSTER = "name,account,id\n" + "".join(
    f"{student.name},11112222{student.account[-4:]},{student.id}\n" for student in CLASS
)


@pytest.fixture
def out(tmp_path):
    """Return the results of a class; its folder has no overrides yet."""
    (tmp_path / "roster.csv").write_text(ROSTER)
    return lay(tmp_path / "out", *(student for student in CLASS if student.state == "done"))


def report(out):
    return in_process("class", "report", out.with_name("roster.csv"), "--out", out)


def shown(path):
    return text(BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser"))


def test_overrides_are_in_the_grade_book_the_report_and_the_feedback(out):
    rows = "ana1;03;0;Copied.;2 days;\nBo;03;1,5;;;no\n;;;;;\nCem;;;Était malade.;;yes\nBo;function;;;;x\nCem;00;5;;;"
    (out / "overrides.csv").write_text(HEADER.replace(",", ";") + rows, encoding="utf-8-sig")  # as a spreadsheet does

    done = report(out)

    assert (done.exit_code, "No results" in done.stdout) == (1, False)  # Cem is excused
    ana, bo, cem = (book_of(out)[name] for name in ("Ana García", "Bo", "Cem"))
    assert (ana["points"]["03"], ana["total"], ana["percent"]) == (0, 93, 93)  # of 95.00 and 2
    assert (bo["points"]["03"], bo["points"]["function"], bo["possible"]) == (1.5, None, 90)
    assert (cem["total"], cem["percent"], cem["possible"]) == (None, None, 0)
    by_hand = "03 · Create the topic: 0 points by the instructor. Late: 2 days. Copied."
    assert by_hand in shown(out / "report.html")
    assert by_hand in shown(out / "feedback" / "ana-garcia-9012.html")
    assert "03 · Create the topic: 1.5 of 2 points, set by the instructor" in shown(out / "report.html")
    assert "function excused" in shown(out / "feedback" / "bo-9013.html")
    assert "All: Excused. Était malade." in shown(out / "feedback" / "cem-9014.html")  # who has no results


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
    (out / "overrides.csv").write_text(text, encoding="utf-8")

    done = report(out)

    assert_refused(done)
    assert not (out / "report.html").exists()
    assert f"overrides.csv, line {line}: {words}" in done.stderr
    assert done.stderr.endswith(" run the command again.\n")
