"""Checks as JUnit XML, read by junitparser, which is not the library that wrote them."""

import junitparser
import pytest

from lab_lib.classroom import gradebook, junit
from tests.classes import HOSTILE, check, checks, judged, not_graded, record


@pytest.fixture
def read(tmp_path):
    """read(records): the suites that junitparser finds in the file."""

    def read(*records):
        junit.write(tmp_path / "junit.xml", gradebook.book(records)["students"])
        return junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml"))

    return read


def kinds(suite):
    """Return the case, the kind and the texts of each result that is not a pass."""
    return [(case.name, type(each).__name__, each.message, each.text) for case in suite for each in case.result]


def test_each_student_is_a_suite_and_each_check_a_case(read):
    unseen = check("bucket", "cannot see", "HeadBucket is refused", hint="Ask for it.")
    made = read(record("Ana", missing=["topic"]), record("Bo", checks=[unseen, *checks()[1:]]))

    ana, bo = made
    assert ([suite.name for suite in made], {suite.tests for suite in made}) == (["Ana", "Bo"], {len(checks())})
    waiting = sum(each["state"] == "waits" for each in checks("topic"))
    assert (ana.failures, ana.errors, ana.skipped, bo.errors) == (1, 0, waiting, 1)
    assert (made.tests, made.failures, made.errors, made.skipped) == (2 * len(checks()), 1, 1, waiting)
    hint = "Make the topic HighBalanceAlert, as step 03 shows."
    assert ("topic", "Failure", "absent; wanted: there.", hint) in kinds(ana)
    assert ("email", "Skipped", "waits for topic HighBalanceAlert.") in [each[:3] for each in kinds(ana)]
    assert kinds(bo) == [("bucket", "Error", "HeadBucket is refused.", "Ask for it.")]
    assert next(iter(ana)).classname == "00"


def test_answers_cases_and_who_was_not_graded_are_there_too(read):
    handed_in, missing = read(judged(record("Ana")), not_graded("Bo", state="missing"))

    assert [each[:3] for each in kinds(handed_in)] == [
        ("question 3", "Failure", "not right yet"),
        ("case 3", "Failure", "not yet"),
    ]
    assert [each[:3] for each in kinds(missing)] == [("graded", "Error", "not graded: missing")]


def test_no_text_breaks_the_file(read):
    text = HOSTILE + "\x00\x1b[31m\ud800\uffff]]>"
    bad = check("bucket", "not yet", text, hint=text)

    (suite,) = read(record(text, checks=[bad]))

    [(_, _, _, hint)] = kinds(suite)
    assert suite.name.startswith("<script>alert(1)</script>\"'&")
    assert hint.endswith("\ufffd\ufffd[31m\ufffd\ufffd]]>")
