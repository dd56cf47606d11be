import base64
import hashlib

import pytest
from bs4 import BeautifulSoup

from lab_lib.classroom import gradebook, report
from tests.classes import HOSTILE, checks, not_graded, record, whole_class


def page(*records):
    return BeautifulSoup(report.page(gradebook.book(records), "24 November 2026"), "html.parser")


def text(element):
    return " ".join(element.get_text().split())


CLASSES = {
    "a whole class": whole_class(),
    "nobody": [],
    "missing": [not_graded()],
    "hostile": [record(HOSTILE, error=HOSTILE, totals={HOSTILE: HOSTILE}, notebooks=[HOSTILE], state=HOSTILE)],
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


def test_every_link_and_every_label_leads_somewhere(any_page):
    ids = [element["id"] for element in any_page.select("[id]")]
    labels = [element["aria-labelledby"] for element in any_page.select("[aria-labelledby]")]
    links = [link["href"] for link in any_page("a")]

    assert len(ids) == len({*ids})
    assert {*labels, *(link[1:] for link in links if link.startswith("#"))} <= {*ids}
    assert all(link.startswith(("#", "./student-")) for link in links)


def test_a_screen_reader_finds_landmarks_captions_and_words_for_pictures(any_page):
    assert [len(any_page(tag)) for tag in ("main", "header", "footer", "h1")] == [1, 1, 1, 1]
    assert len(any_page("caption")) == len(any_page("table"))
    assert any_page("th", scope=None) == []
    assert any_page.select("svg:not([aria-hidden], [aria-labelledby])") == []


def test_the_summary_counts_all_students_and_names_who_was_not_graded():
    made = page(*whole_class())

    assert [text(each) for each in made("dd")] == ["12", "8 of 12", "60 of 60 points", "8 done, 3 failed, 1 missing"]
    assert "Not graded: Ida Ray" in text(made.main)
    assert "24 November 2026" in text(made.header)


def test_a_cell_says_in_words_how_far_a_student_came():
    cells = page(record(missing=["bucket trigger"])).select("td[title]")

    assert cells[0]["title"] == "00 start here: 10 of 10 points, 17 of 17 checks hold"
    assert text(cells[2]) == "◐6.6702 add triggers: 6.67 of 10 points, 8 of 12 checks hold"


def test_the_most_frequent_problem_comes_first_with_its_hint_and_its_students():
    stuck = [text(each) for each in page(*whole_class()).select("ol.stuck > li")]

    assert [each.split(" Step")[0] for each in stuck] == [
        "bucket trigger 2 of 12",
        "topic HighBalanceAlert 1 of 12",
        "queue CreditCollection 1 of 12",
    ]
    assert all(words in stuck[0] for words in ("Make the bucket trigger, as step 02 shows.", "Priya", "Олена"))


def test_the_totals_are_bars_from_0_against_the_threshold():
    bars = report._bars({"C1": "750", "C2": "1500", "C3": "-3", "C4": "1499.99"}, "1500")

    assert [(bar["customer"], bar["width"], bar["alert"]) for bar in bars["bars"]] == [
        ("C2", 90.91, True),
        ("C4", 90.91, False),
        ("C1", 45.45, False),
        ("C3", 0.0, False),
    ]
    assert bars["line"] == 90.91


@pytest.mark.parametrize("threshold", ["0", "-5", "1E+126", "nonsense"])
@pytest.mark.parametrize("total", ["-7", "1E+126", "1E-130", "nonsense", "NaN"])
def test_a_bar_stays_within_its_picture(threshold, total):
    bars = report._bars({"C1": total, "C2": "12"}, threshold)

    assert all(0 <= part <= 100 for part in [bars["line"], *(bar["width"] for bar in bars["bars"])])


def test_links_lead_to_the_notebooks_in_a_folder_of_any_script():
    made = page(record(folder="王小明-9012", notebooks=["00-start-here.ipynb"]))

    [link] = made.select("a[href^='.']")
    assert link["href"] == "./%E7%8E%8B%E5%B0%8F%E6%98%8E-9012/00-start-here.ipynb"


FURTHER = {**checks()[-1], "step": "further", "ok": False, "found": "absent"}
UNSEEN = {**checks()[0], "ok": False, "found": "cannot see: GetRole is refused"}
RUNS = [record(seconds=12.0), record("Bo", "111122229013", seconds=44.0), record("C", "1" * 12, seconds=18.0)]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "No students yet"),
        ([not_graded()], "Nobody was graded yet."),
        ([record(checks=[*checks(), FURTHER])], "Nobody is stuck: every check holds for everyone."),
        ([record(checks=[UNSEEN])], "(1 cannot be seen)"),
        ([record(missing=["topic HighBalanceAlert"])], "1 check does not hold, 12 wait for it"),
        ([record(steps=[])], "No times: no notebook was run."),
        (RUNS[:1], "The run of one student took 12.0 seconds."),
        (RUNS, "The runs of 3 students took 12.0 to 44.0 seconds, the median is 18.0."),
        ([record(totals={f"C{number}": str(number) for number in range(100)})], "the highest 6 of 100 customers"),
        (CLASSES["hostile"], "<script>alert(1)</script>\"'& \u202eabc"),
    ],
)
def test_the_page_says_what_there_is(records, words):
    assert words in text(page(*records).main)
