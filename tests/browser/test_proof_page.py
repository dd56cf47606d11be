"""The page of `lab prove` in Chromium: on a phone and a desk, light and dark.

Screenshots go to runs/browser. Skipped where Chromium is not installed.
"""

import pytest

from lab_lib.run import proof
from tests.browser.test_report import DESK, PHONE, assert_fits
from tests.classes import HOSTILE

pytestmark = pytest.mark.slow

STEPS = [("run: 02-add-triggers", True, "Checks that hold: 9 of 9", 901.4, 513), ("clean", False, HOSTILE, 3.0, None)]
CALL = {"step": "clean", "operation": "UpdateEventSourceMapping", "code": "ResourceInUseException", "seconds": 70}
WAITS_FOR = {"what": "Lambda to end the last change of the mapping", "on_aws": "60 to 90 s"}
SEEN = {
    "what": proof.REHEARSAL,
    "ok": False,
    "when": "2026-11-28 04:20 UTC",
    "version": "1.0.0",
    "region": "eu-west-1",
    "seconds": 5204,
    "estimate": 5448,
    "steps": [dict(zip(("step", "ok", "seen", "seconds", "estimate"), step, strict=True)) for step in STEPS],
    "left": ["queue CustomerNotify"],
    "requests": {"sqs.GetQueueUrl": 10_871},
    "waits": [{"step": "clean", "what": HOSTILE, "on_aws": "60 to 90 s", "seconds": seconds} for seconds in (75.2, 61)],
    "retries": [CALL | WAITS_FOR, CALL | {"code": "ThrottlingException", "what": "", "on_aws": ""}],
}


@pytest.mark.parametrize(("colours", "size"), [("dark", PHONE), ("light", DESK)], ids=["phone", "desk"])
def test_the_page_fits_its_screen_can_be_read_and_loads_nothing(visit, shots, tmp_path, colours, size):
    proof.write(SEEN, tmp_path)

    page = visit(tmp_path / "proof.html", size, colours)

    page.screenshot(path=shots / f"proof-{colours}.png", full_page=True)
    assert_fits(page)


def test_the_page_shows_what_differs_from_the_estimates_and_what_is_left(visit, tmp_path):
    proof.write(SEEN, tmp_path)

    rows = visit(tmp_path / "proof.html", DESK, "light").locator("tbody tr").all_inner_texts()

    assert rows[0].split("\t") == ["✔ run: 02-add-triggers", "15.0", "8.6", "1.8", "Checks that hold: 9 of 9"]
    assert rows[2].split("\t")[1:] == ["2", "75.2", "60 to 90 s", "clean"]
    assert WAITS_FOR["on_aws"] in rows[3]
