"""A student's page of feedback in Chromium: on a phone and a desk, light and dark, printed, and with hostile content.

Screenshots go to runs/browser. Skipped where Chromium is not installed.
"""

import json

import pytest

from lab_lib.classroom import feedback, gradebook
from lab_lib.exercises import copies
from tests.browser.test_report import DESK, FAINT, PHONE, TOO_WIDE, assert_fits
from tests.classes import HOSTILE, record
from tests.unit.test_feedback import ANSWERS, EVIL, TRIAL, code, shows

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(visit, tmp_path):
    """Open the page of a student who has run the lab's notebooks; page.asked lists its requests and dialogs."""

    def opened(size=DESK, colours="light", name="Ana García", *cells):
        steps = [{"notebook": "03-create-topic", "ok": False, "error": None, "errors": [name]}]
        answers = [answer | {"note": name, "held": 0} for answer in ANSWERS]
        missing = ["bucket-trigger", "totals", "table-TransactionTotal"]
        student = record(name, error=name, missing=missing, answers=answers, trial=TRIAL, steps=steps)
        (folder := tmp_path / student.folder).mkdir()
        for path in copies.solved_notebooks():
            (folder / path.name).write_bytes(path.read_bytes())
        if cells:
            (folder / path.name).write_text(json.dumps({"cells": cells}))
        feedback.render(folder)
        gradebook.write(tmp_path, [student])
        page = visit(tmp_path / "feedback" / f"{student.folder}.html", size, colours)
        page.asked = [url for url in page.asked if not url.startswith("data:")]
        return page

    return opened


@pytest.mark.parametrize(("colours", "size"), [("dark", PHONE), ("light", DESK)], ids=["phone", "desk"])
def test_the_page_fits_its_screen_can_be_read_and_loads_nothing(opened, shots, colours, size):
    page = opened(size, colours)

    page.screenshot(path=shots / f"feedback-{colours}.png")
    assert_fits(page)


def test_what_a_hostile_student_writes_does_nothing(opened):
    cells = [cell for evil in EVIL for cell in (code(shows(text_html=evil)), {"cell_type": "markdown", "source": evil})]

    page = opened(PHONE, "light", HOSTILE, *cells)

    assert page.asked == [page.url]
    assert page.evaluate("() => document.elementFromPoint(180, 60).closest('header') !== null")
    assert not page.evaluate(TOO_WIDE)


def test_print_is_black_on_white_and_has_all_notebooks(opened, shots):
    page = opened(colours="dark")

    page.pdf(path=shots / "feedback.pdf", format="A4", margin=dict.fromkeys(("top", "bottom"), "12mm"))
    page.emulate_media(media="print")

    assert page.evaluate("() => getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.locator(".notebook:visible").count() == len(copies.solved_notebooks())
    assert page.evaluate(FAINT) == []
