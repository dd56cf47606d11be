"""A student's page of feedback: what it says, and that nothing in a student's notebook can do harm there."""

import base64
import json
from collections import Counter

import pytest
from bs4 import BeautifulSoup

from lab_lib.classroom import feedback, points
from lab_lib.exercises import copies
from lab_lib.exercises.made import EXERCISES
from lab_lib.exercises.results import Result
from lab_lib.language import VARIABLE
from tests.classes import english_in, override, record, silent, text

PIXEL = base64.b64encode(b"\x89PNG").decode()
ANSWERS = [{"question": "rejected", "right": True}, {"question": "create-table", "right": False}]
TRIAL = [
    Result("batch-twice", "It comes twice.", "passed"),
    Result("correction", "A row is corrected.", "not yet", "too much", "A 150", "A 300"),
    Result("crash", "", "not yet", "too much", "A 5", "A 6"),
    Result("deletion", "", "not yet", "not deleted", "A 7", "A 8"),
    Result("dip", "", "not tried", "stopped"),
]
EVIL = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '<img src="https://evil.example/pixel.png">',
    '<img src="data:text/html,<script>alert(1)</script>">',
    '<a href="javascript:alert(1)">here</a><a href="data:text/html,x">there</a>',
    '<iframe src="https://evil.example"></iframe><object data="x"></object><link rel="stylesheet" href="x">',
    '<style>body { display: none } @import "https://evil.example/x.css";</style>',
    '<div style="position:fixed;background:url(https://evil.example)" class="lead" id="points">100 of 100</div>',
    '<svg onload="alert(1)"><script>alert(1)</script></svg>',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<meta http-equiv="refresh" content="0; url=https://evil.example"><base href="https://evil.example">',
    "</div></section></main></body><h1>100 points</h1>",
    "<form action='https://evil.example'><input autofocus onfocus=alert(1)><button>send</button></form>",
]


def code(*outputs, source="x = 1"):
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def shows(**data):
    return {"output_type": "display_data", "data": {name.replace("_", "/"): value for name, value in data.items()}}


def page(student, *cells, folder=None, name="00-start-here.ipynb"):
    """Return the page of a student with one notebook of these cells."""
    if folder:
        (folder / name).write_text(json.dumps({"cells": list(cells)}))
        feedback.render(folder)
    book = points.book([student])
    notebooks = (folder / "notebooks.html").read_text() if folder else ""
    return BeautifulSoup(feedback.page(book, book.students[0], notebooks), "html.parser")


def test_the_page_is_in_the_users_language(monkeypatch):
    monkeypatch.setenv(VARIABLE, "zh_CN")
    trial = [Result(case.case, "", case.state, case.case, found="2") for case in TRIAL]

    made = page(silent("bucket-trigger", answers=ANSWERS, trial=trial))

    assert english_in(made, *(case.case for case in TRIAL)) == []
    assert made.html["lang"] == "zh-CN"
    assert text(made.select_one(".lead")) == "得 78.08 分，满分 92 分"


@pytest.mark.parametrize("evil", EVIL)
def test_what_a_student_writes_runs_nothing_loads_nothing_and_stays_in_its_place(tmp_path, evil):
    cells = [
        {"cell_type": "markdown", "source": evil},
        code(
            shows(text_html=evil),
            {"output_type": "stream", "text": evil},
            {"output_type": "error", "ename": "", "evalue": "", "traceback": [evil]},
            source=evil,
        ),
    ]
    student = record(evil, error=evil, missing=["bucket-trigger"], overrides=[override("03", comment=evil, late=evil)])

    made = page(student, *cells, folder=tmp_path)

    active = "script, iframe, form, link, base, object, svg, math, input, [style], [onerror], [onload], [onfocus]"
    claims = ".notebook [class=lead], .notebook [id], .notebook style, meta[http-equiv=refresh]"
    outside = 'img[src]:not([src^="data:image/"]), a[href]:not([href^="#"], [href^="https://"])'
    assert made.select(f"{active}, {claims}, {outside}") == []
    assert [len(made(tag)) for tag in ("style", "main", "body")] == [1, 1, 1]
    policy = made.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert ("default-src 'none'" in policy, "script" in policy) == (True, False)


def test_the_notebook_is_shown_with_its_text_images_tables_and_errors(tmp_path):
    made = page(
        record(),
        {"cell_type": "markdown", "source": ["# Title\n", "some *words*"]},
        code({"output_type": "stream", "text": ["a", "b"]}, source=["print(1)"]),
        code(shows(image_png=PIXEL, text_plain="a figure")),
        code(shows(text_html="<table><tr><td style='x'>1</td></tr></table>", text_plain="1")),
        code(shows(text_html=f'<img alt="drawn" src="data:image/svg+xml;base64,{PIXEL}">')),
        {"cell_type": "markdown", "source": '<img alt="beside the notebook" src="chain-03.svg">'},
        code({"output_type": "error", "ename": "", "evalue": "", "traceback": ["\x1b[31mNameError\x1b[39m: x"]}),
        code({"output_type": "stream", "text": "y" * 100_000}),
        folder=tmp_path,
    )

    shown = made.select_one(".notebook")
    assert [text(tag) for tag in shown.select(".prose em, td")] == ["words", "1"]
    assert [(image["alt"], image.get("src", "")[:15]) for image in shown("img")] == [
        ("a figure", "data:image/png;"),
        ("drawn", "data:image/svg+"),
        ("beside the notebook", ""),
    ]
    assert [text(output)[:40] for output in shown.select("pre.output")[:2]] == ["ab", "NameError: x"]
    assert "80,000 characters more" in text(shown)


def test_cells_as_in_the_lab_are_folded_with_their_count_and_the_students_own_stand_below_their_heading(tmp_path):
    cells = copies.learners_edition(copies.NOTEBOOKS / "03-create-topic.ipynb", "en")["cells"]
    for cell in cells:
        del cell["id"]  # as an editor does
    place = next(number for number, cell in enumerate(cells) if cell["metadata"].get("nbgrader", {}).get("solution"))
    setting = next(cell for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    setting["source"] = 'profile = ""'  # as the grading replaces it
    cells[place]["source"] = "mine = 1"

    made = page(record(), *cells, folder=tmp_path, name="03-create-topic.ipynb")

    shown = made.select_one(".notebook")
    folded = [text(tag.summary) for tag in shown.find_all("details", recursive=False)]
    assert folded == [f"{place} cells as in the lab", f"{len(cells) - place - 1} cells as in the lab"]
    assert [text(tag) for tag in shown.find_all(["h3", "pre"], recursive=False)] == ["Create the topic", "mine = 1"]


@pytest.mark.parametrize("broken", ["", '{"cells": [{"source": 1}]}', "[" * 100_000])
def test_a_notebook_that_cannot_be_shown_says_so(tmp_path, broken):
    (tmp_path / "00-start-here.ipynb").write_text(broken)
    feedback.render(tmp_path)

    assert "cannot be shown" in (tmp_path / "notebooks.html").read_text()


def test_the_page_says_what_gave_points_what_did_not_and_why():
    made = page(record(missing=["bucket-trigger"], answers=ANSWERS, trial=TRIAL, graded="2026-11-26 15:04"))

    words = text(made.main)
    assert "bucket trigger 02 · Add the triggers Found absent Wanted there To do Make the bucket trigger" in words
    answers = "Exercise: which rows are rejected? ✔ right · 1 of 1 Make the table TransactionTotal ✘ not yet · 0 of 1"
    assert answers in words
    assert "too much ✘ not yet correction, crash correction: A row is corrected. A 150 found: A 300" in words
    assert "not deleted ✘ not yet deletion deletion: A 7 found: A 8 stopped – not tried dip" in words
    assert "of 35, not probed: as in step 05 exercises 5 of 10 function 2.5 of 10" in words
    assert "Graded 2026-11-26 15:04." in text(made.header)


def test_one_cause_is_one_entry_with_its_consequences_folded():
    gone = {"question": "create-table", "right": False, "points": 2, "held": 0, "note": "It was not there."}
    step = {"notebook": "03-create-topic", "ok": False, "error": None, "errors": ["Create the topic: NameError: x"]}
    right = {"question": "create-topic", "right": True, "held": 1}  # it was deleted later
    student = record(missing=["table-TransactionTotal", "bucket", "topic"], answers=[gone, right], steps=[step])

    made = page(student)

    error, _bucket, topic = made.select(".faults > li")
    exercise, _ = made.select(".marks > li")
    assert text(error) == "Create the topic: NameError: x 03 · Create the topic"
    assert text(exercise).startswith("Make the table TransactionTotal ✘ not yet · 0 of 2 It was not there.")
    behind = Counter(check.cause for check in student.checks)
    assert len(topic.select("details li")) == behind["topic"]
    assert len(exercise.select("details li")) == 1 + behind["table-TransactionTotal"]


def test_the_page_says_which_share_of_the_steps_counts():
    answers = [{"question": name, "right": False, "held": 3.5 / len(EXERCISES)} for name in EXERCISES]

    assert "the probe count 88%" in text(page(record(answers=answers)).select_one("#points"))
    assert "the probe count" not in text(page(record()).select_one("#points"))
