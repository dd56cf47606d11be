import base64
import hashlib
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from lab_lib.classroom import gradebook, report
from tests.classes import checks, not_run, record, whole_class

VOID = {"meta", "input", "br", "link", "img", "hr"}
HARD = "<script>alert(1)</script>\"'&\n\u202eabc" + "W" * 170


class Page(HTMLParser):
    """The elements of a page, each with its attributes, its text and what it lies in."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.unmatched = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, **dict(attributes), "text": "", "in": [each["tag"] for each in self.open]}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        if self.open.pop()["tag"] != tag:
            self.unmatched.append(tag)

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag):
        return [element for element in self.elements if element["tag"] == tag]

    def __getitem__(self, identity):
        [element] = [element for element in self.elements if element.get("id") == identity]
        return element


def page(*records):
    return Page(report.page(gradebook.book(records)))


def said(element):
    return " ".join(element["text"].split())


CLASSES = {
    "a whole class": whole_class(),
    "one": [record()],
    "nobody": [],
    "not run": [not_run()],
    "hostile": [record(HARD, error=HARD, totals={HARD: HARD}, notebooks=[HARD], state=HARD)],
}


@pytest.fixture(params=CLASSES.values(), ids=CLASSES)
def any_page(request):
    return page(*request.param)


def test_every_element_is_closed_and_no_id_is_there_twice(any_page):
    ids = [element["id"] for element in any_page.elements if "id" in element]

    assert (any_page.open, any_page.unmatched) == ([], [])
    assert len(ids) == len(set(ids))


def test_nothing_of_it_lies_elsewhere(any_page):
    text = report.page(gradebook.book(whole_class()))

    assert "://" not in text
    assert not [element for element in any_page.elements if element["tag"] in ("link", "img", "iframe", "object")]
    assert not [element for element in any_page.elements if "src" in element or "style" in element]
    assert all(each["href"].startswith(("#", "./student-")) for each in any_page.all("a"))


def test_its_policy_lets_no_other_script_run_than_its_own(any_page):
    [script] = any_page.all("script")
    [policy] = [each["content"] for each in any_page.all("meta") if "http-equiv" in each]

    assert base64.b64encode(hashlib.sha256(script["text"].encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'")


def test_it_has_landmarks_headings_in_order_and_a_way_past_the_navigation(any_page):
    levels = [int(each["tag"][1]) for each in any_page.elements if each["tag"] in ("h1", "h2", "h3")]

    assert [len(any_page.all(tag)) for tag in ("main", "header", "footer", "h1")] == [1, 1, 1, 1]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert any_page.all("a")[0]["href"] == "#main"
    assert any_page.all("html")[0]["lang"] == "en"


def test_every_link_within_the_page_leads_somewhere(any_page):
    ids = {element.get("id") for element in any_page.elements}
    named = [each["aria-labelledby"] for each in any_page.elements if "aria-labelledby" in each]

    assert {each["href"][1:] for each in any_page.all("a") if each["href"].startswith("#")} | set(named) <= ids


def test_every_table_has_a_caption_and_every_head_a_scope(any_page):
    assert len(any_page.all("caption")) == len(any_page.all("table"))
    assert all(said(each) for each in any_page.all("caption"))
    assert {each.get("scope") for each in any_page.all("th")} <= {"col", "row"}


def test_what_may_be_wider_than_a_phone_scrolls_by_itself_and_the_keyboard_can_scroll_it(any_page):
    for part in [each for each in any_page.elements if "wide" in each.get("class", "").split()]:
        assert (part["role"], part["tabindex"]) == ("region", "0")
        assert part["aria-label"]


def test_every_picture_has_words_or_is_passed_over_for_the_words_beside_it(any_page):
    for picture in any_page.all("svg"):
        assert picture.get("aria-hidden") == "true" or said(any_page[picture["aria-labelledby"]])


def test_the_same_book_gives_the_same_page_and_the_time_is_the_one_handed_in():
    book = gradebook.book(whole_class())

    assert report.page(book) == report.page(book)
    assert "24 November 2026" in report.page(book, "24 November 2026")


def test_the_summary_counts_students_full_marks_and_states():
    figures = [said(each) for each in page(*whole_class()).all("dd")]

    assert figures == ["12", "8 of 11 graded", "60 of 60 points", "8 done, 3 failed, 1 not run"]


def test_a_cell_says_in_words_how_far_a_student_came():
    made = page(record(missing=["bucket trigger"]))
    words = [each["title"] for each in made.all("td") if "title" in each]

    assert words[0] == "00 start here: 10 of 10 points, 17 of 17 checks hold"
    assert words[2] == "02 add triggers: 6.67 of 10 points, 8 of 12 checks hold"
    assert [said(each) for each in made.all("td") if "title" in each][2] == f"◐6.67{words[2]}"


def test_where_most_are_stuck_comes_first_with_the_hint_and_who():
    stuck = [each for each in page(*whole_class()).all("li") if each["in"][-1] == "ol"]

    assert [said(each).split(" Step")[0] for each in stuck] == [
        "bucket trigger 2 of 12",
        "topic HighBalanceAlert 1 of 12",
        "queue CreditCollection 1 of 12",
    ]
    assert "Make the bucket trigger, as step 02 shows." in said(stuck[0])
    assert "Priya" in said(stuck[0])
    assert "Олена" in said(stuck[0])


def test_what_only_waits_is_counted_and_not_listed():
    made = page(record(missing=["topic HighBalanceAlert"]))

    assert "1 check does not hold, 12 wait for it" in said(made["student-1"])
    assert "subscription of CustomerNotify" not in said(made["student-1"])


def test_what_goes_further_is_nobodys_fault():
    further = {**checks()[-1], "step": "further", "ok": False, "found": "absent"}

    assert "Nobody is stuck" in said(page(record(checks=[*checks(), further])).all("main")[0])


def test_what_cannot_be_seen_is_said_to_be_so():
    unseen = [{**each, "ok": False, "found": "cannot see: GetRole is refused"} for each in checks()[:1]]

    assert "(1 cannot be seen)" in said(page(record(checks=unseen))["stuck"])


def test_the_totals_are_bars_from_0_against_the_threshold():
    bars = report._bars({"C1": "750", "C2": "1500", "C3": "-3", "C4": "1499.99"}, "1500")

    assert [(bar["customer"], bar["width"], bar["alert"]) for bar in bars["bars"]] == [
        ("C2", 90.91, True),
        ("C4", 90.91, False),
        ("C1", 45.45, False),
        ("C3", 0.0, False),
    ]
    assert (bars["line"], bars["more"]) == (90.91, 0)


def test_of_many_customers_the_highest_few_are_drawn_and_the_others_counted():
    made = page(record(totals={f"C{number}": str(number) for number in range(100)}))

    assert "the highest 6 of 100 customers" in said(made["student-1"])
    assert "C99" in said(made["student-1"])
    assert "C93" not in said(made["student-1"])


@pytest.mark.parametrize("threshold", ["0", "-5", "1E+126", "0.0001", "nonsense"])
@pytest.mark.parametrize("total", ["0", "-7", "1E+126", "1E-130", "nonsense", "NaN"])
def test_a_bar_stays_within_its_picture_whatever_the_amounts(threshold, total):
    bars = report._bars({"C1": total, "C2": "12"}, threshold)

    assert all(0 <= part <= 100 for part in [bars["line"], *(bar["width"] for bar in bars["bars"])])


def test_links_lead_to_the_notebooks_beside_the_page_in_any_script():
    made = page(record(folder="王小明-9012", notebooks=["00-start-here.ipynb"]))

    links = [each["href"] for each in made.all("a") if each["href"].startswith(".")]
    assert links == ["./%E7%8E%8B%E5%B0%8F%E6%98%8E-9012/00-start-here.ipynb"]


def test_times_are_said_in_words():
    made = page(record(seconds=12.0), record("Bo", "111122229013", seconds=44.0), record("C", "1" * 12, seconds=18.0))

    assert said(made["histogram-words"]) == "The runs of 3 students took 12.0 to 44.0 seconds, the median is 18.0."


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "No students yet"),
        ([not_run()], "Nobody was graded yet."),
        ([record()], "Nobody is stuck: every check holds for everyone."),
        ([record(), not_run()], "Every check holds for those who were graded."),
        ([record(steps=[])], "No times: the accounts were checked, and no notebook was run."),
        ([record(seconds=34.0)], "The run of one student took 34.0 seconds."),
        ([record(totals={})], "No totals."),
    ],
)
def test_what_is_not_there_is_said(records, words):
    assert words in said(page(*records).all("main")[0])


def test_a_hostile_name_is_text_and_no_element():
    made = page(*CLASSES["hostile"])

    assert len(made.all("script")) == 1
    assert "<script>alert(1)</script>" in said(made["student-1-name"])


def test_the_page_its_style_and_its_script_lie_in_the_package():
    assert {path.name for path in Path(report.__file__).parent.glob("templates/*")} == {
        "report.html.j2",
        "report.css",
        "report.js",
    }
