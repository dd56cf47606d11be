"""A student's page of feedback in Chromium: on a phone and a desk, light and dark.

Skipped where Chromium is not installed.
"""

import pytest

from lab_lib.classroom import feedback, gradebook
from lab_lib.exercises import copies
from tests.browser.test_report import DESK, PHONE, assert_fits
from tests.classes import record
from tests.unit.test_feedback import ANSWERS, TRIAL

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("colours", "size"), [("dark", PHONE), ("light", DESK)], ids=["phone", "desk"])
def test_the_page_fits_its_screen_can_be_read_and_loads_nothing(visit, tmp_path, colours, size):
    steps = [{"notebook": "03-create-topic", "ok": False, "error": None, "errors": ["NameError: x"]}]
    answers = [answer | {"note": "It was not there.", "held": 0} for answer in ANSWERS]
    missing = ["bucket-trigger", "totals", "table-TransactionTotal"]
    student = record("Ana García", missing=missing, answers=answers, trial=TRIAL, steps=steps)
    (folder := tmp_path / student.folder).mkdir()
    for path in copies.solved_notebooks():
        (folder / path.name).write_bytes(path.read_bytes())
    feedback.render(folder)
    gradebook.write(tmp_path, [student])

    page = visit(tmp_path / "feedback" / f"{student.folder}.html", size, colours)

    page.asked = [url for url in page.asked if not url.startswith("data:")]
    assert_fits(page)
