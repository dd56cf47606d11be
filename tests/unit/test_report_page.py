import base64
import hashlib

import pytest
from bs4 import BeautifulSoup

from lab_lib.classroom import points, report
from lab_lib.classroom.record import Answer
from lab_lib.exercises.results import Result
from lab_lib.language import VARIABLE
from tests.classes import HOSTILE, check, checks, english_in, judged, not_graded, record, silent, text, whole_class


def page(*records):
    return BeautifulSoup(report.page(points.book(records), "2026-11-24 15:04"), "html.parser")


CLASSES = {
    "submissions": [judged(student) for student in whole_class()],
    "nobody": [],
    "hostile": [record(HOSTILE, error=HOSTILE, state=HOSTILE)],
}


@pytest.fixture(params=CLASSES.values(), ids=CLASSES)
def any_page(request):
    return page(*request.param)


def test_the_page_loads_nothing_and_runs_no_script_but_its_own(any_page):
    [script] = any_page("script")
    policy = any_page.find("meta", {"http-equiv": True})["content"]

    assert policy.startswith("default-src 'none'")
    assert base64.b64encode(hashlib.sha256(script.string.encode()).digest()).decode() in policy
    assert not any_page.select("[src], link, object, iframe")


def test_links_and_labels_lead_somewhere_and_a_screen_reader_finds_landmarks_and_captions(any_page):
    ids = [element["id"] for element in any_page.select("[id]")]
    led_to = [element["aria-labelledby"] for element in any_page.select("[aria-labelledby]")]
    led_to += [link["href"].removeprefix("#") for link in any_page("a") if "./feedback/" not in link["href"]]

    assert len(ids) == len({*ids})
    assert {*led_to} <= {*ids}
    assert [len(any_page(tag)) for tag in ("main", "header", "footer", "h1")] == [1, 1, 1, 1]
    assert len(any_page("caption")) == len(any_page("table"))
    assert any_page("th", scope=None) == []


def test_no_english_is_left_but_what_a_record_says(monkeypatch):
    monkeypatch.setenv(VARIABLE, "zh_CN")
    wrong = [{"question": name, "right": False, "answer": "7", "held": 0} for name in ("keys", "create-topic")]
    bo = silent(state="unfinished", answers=wrong, trial=[Result("dip", "", "passed")], probed=True)

    for records in ([], [record("4")], [silent("topic"), bo, not_graded("3")]):
        assert english_in(page(*records), "dip", "keys") == []


def test_the_summary_counts_all_students_and_names_who_was_not_graded():
    made = page(*whole_class())

    assert [text(tag) for tag in made("dd")] == ["12", "8 of 12", "80 of 80 points", "8 done, 3 failed, 1 missing"]
    assert "Not graded: Ida Ray" in text(made.main)
    assert "2026-11-24 15:04" in text(made.header)


def test_a_cell_says_what_was_not_probed_what_the_probe_has_shown():
    unseen = check("state-TransactionProcessor", "cannot see")
    ana = judged(record(checks=[unseen, check("bucket"), check("stream", "not yet")]))
    ana.answers = [*ana.answers, *(Answer(question=str(part), right=False, points=0, held=part) for part in (1, 1.0))]
    made = page(ana, record("Bo"))

    titles = [cell["title"] for cell in made.select("td[title]")]
    assert "00 to 05 and probe count 50%: the student made that much" in text(made.select_one("article"))
    assert titles[:2] == [
        "00 · Start here: 1.25 of 5 points, 1 of 2 checks hold",
        "01 · Create the functions: 4 of 8 points, 1 of 1 checks hold, 1 of them shown by the probe",
    ]
    assert "function: 7.5 of 10 points, 3 of 4 cases are passed" in titles
    assert "exercises: 7.5 of 10 points, 3 of 6 answers are right" in titles
    assert titles[-3] == "probe: 35 of 35 points, not probed, so step 05 counts here"
    assert "1 check does not hold" in text(made.select_one("article"))  # and the runtime is not named


def test_the_most_frequent_problem_comes_first_with_its_hint_and_its_students():
    students = whole_class()
    for student in students[:3]:
        student.answers = [Answer(question="create-topic", right=False, note="Made by the grader.", held=0)]
    stuck = [text(item) for item in page(*students).select("ol.stuck > li")]

    assert "Create the topic 3 of 12 03 · Create the topic. Found: Made by the grader." in stuck.pop(0)
    assert [item.split(" 0")[0] for item in stuck] == [
        "bucket trigger 2 of 12",
        "topic HighBalanceAlert 1 of 12",
        "queue CreditCollection 1 of 12",
    ]
    assert all(words in stuck[0] for words in ("Make the bucket trigger, as step 02 shows.", "Priya", "Олена"))


def test_each_question_and_case_has_its_count_and_the_most_frequent_wrong_answer():
    given = ["2 and\u202e 3", "W" * 900, "b\n or c", "b or c ", *[""] * 3]
    answers = [[{"question": "rejected", "right": False, "answer": answer}] for answer in given]
    answers += [[{"question": "rejected", "right": True, "answer": "c"}]] * 3
    trial = [Result("crash", "", "passed")]
    records = [record("ANA", answers=each, trial=trial) for each in answers]

    made = page(*records, not_graded(), record(answers=[], trial=[Result("crash", "", "not yet")]))

    [question, case] = (text(row) for row in made.select(".tallies tbody tr"))
    assert question == "Exercise: which rows are rejected? rejected 3 of 10 “ b or c ” 2 of 10"
    assert (case[:5], case[-8:]) == ("crash", "10 of 11")
    for first, shown in enumerate(["2 and[U+202E] 3", "W" * 79]):
        assert f"“ {shown}" in text(page(records[first]).select_one(".tallies"))


def test_the_report_links_the_feedback_that_is_there_in_a_folder_of_any_script():
    made = page(record(folder="王小明-9012"), not_graded("Bo"))

    assert [link["href"] for link in made.select("a[href^='.']")] == [
        "./feedback/%E7%8E%8B%E5%B0%8F%E6%98%8E-9012.html"
    ]


FURTHER = check("tls-topic", "could be", "absent")
UNSEEN = check("bucket", "cannot see", "cannot see: GetRole is refused")
WAITING = sum(check.state == "waits" for check in checks("topic"))


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "No students yet"),
        ([not_graded()], "Nobody was graded yet."),
        ([record(checks=[*checks(), FURTHER])], "Nobody is stuck: every check holds for everyone."),
        ([record(checks=[UNSEEN])], "1 check does not hold, 1 of them cannot be seen"),
        ([record(missing=["topic"])], f"1 check does not hold, {WAITING} others wait for that"),
        ([record(remarks=["2 files: a.zip, b.zip."])], "2 files: a.zip, b.zip."),
        (CLASSES["hostile"], "<script>alert(1)</script>\"'& \u202eabc"),
    ],
)
def test_the_page_says_what_there_is(records, words):
    assert words in text(page(*records).main)
