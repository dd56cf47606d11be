"""Checks as JUnit XML, read by Python's own XML parser."""

from xml.etree import ElementTree

import pytest

from lab_lib.classroom import gradebook, junit
from tests.classes import HOSTILE, check, checks, judged, not_graded, record


@pytest.fixture
def read(tmp_path):
    """read(records): the root of the file, whose children are suites."""

    def read(*records):
        junit.write(tmp_path / "junit.xml", gradebook.book(records)["students"])
        return ElementTree.parse(tmp_path / "junit.xml").getroot()

    return read


def kinds(suite):
    """Return the case, the kind and the texts of each result that is not a pass."""
    return [
        (case.get("name"), result.tag, result.get("message"), result.text or "") for case in suite for result in case
    ]


def counts(element):
    return [int(element.get(name)) for name in ("tests", "failures", "errors", "skipped")]


def test_each_student_is_a_suite_and_each_check_a_case(read):
    unseen = check("bucket", "cannot see", "HeadBucket is refused", hint="Ask for it.")
    root = read(record("Ana", missing=["topic"]), record("Ana", checks=[unseen], folder="z-2"))

    ana, namesake = root
    waiting = sum(entry["state"] == "waits" for entry in checks("topic"))
    assert [suite.get("name") for suite in root] == ["Ana", "Ana"]
    assert [counts(suite) for suite in root] == [[len(checks()), 1, 0, waiting], [1, 0, 1, 0]]
    hint = "Make the topic HighBalanceAlert, as step 03 shows."
    assert ("topic", "failure", "absent; wanted: there.", hint) in kinds(ana)
    assert ("email", "skipped", "waits for topic HighBalanceAlert.") in [result[:3] for result in kinds(ana)]
    assert kinds(namesake) == [("bucket", "error", "HeadBucket is refused.", "Ask for it.")]


def test_answers_cases_and_who_was_not_graded_are_there_too(read):
    submitted, missing = read(judged(record("Ana")), not_graded("Bo", state="missing"))

    assert [result[:3] for result in kinds(submitted)] == [
        ("question 3", "failure", "not right yet"),
        ("case 3", "failure", "not yet"),
    ]
    assert [result[:3] for result in kinds(missing)] == [("graded", "error", "not graded: missing")]


def test_no_text_breaks_the_file(read):
    text = HOSTILE + "\x00\x1b[31m\ud800\uffff]]>"
    bad = check("bucket", "not yet", text, hint=text)

    (suite,) = read(record(text, checks=[bad]))

    [(_, _, _, hint)] = kinds(suite)
    assert suite.get("name").startswith("<script>alert(1)</script>\"'&")
    assert hint.endswith("\ufffd\ufffd[31m\ufffd\ufffd]]>")
