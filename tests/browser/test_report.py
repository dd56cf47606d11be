"""The report of a class in Chromium: on a phone and on a desk, light and dark, printed, and without a mouse.

Skipped where Chromium is not installed.
"""

import pytest

from lab_lib.aws.tables import KEYS
from lab_lib.classroom import gradebook
from tests.classes import HOSTILE, judged, record, whole_class

pytestmark = pytest.mark.slow

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
EVERYBODY = [judged(student, number % 5) for number, student in enumerate(whole_class()[:-1])]
EVERYBODY += [whole_class()[-1], record(HOSTILE, error=HOSTILE)]
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
# The texts whose contrast with their background is under 4.5, by WCAG's formula.
FAINT = """() => {
    const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (node) => {
        const colour = rgba(getComputedStyle(node).backgroundColor);
        return colour.length === 3 || colour[3] > 0 ? colour : ground(node.parentElement);
    };
    const contrast = (node) => {
        const [a, b] = [light(rgba(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    };
    const leaves = [...document.querySelectorAll('body *:not(script)')]
        .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()));
    return leaves.filter((node) => contrast(node) < 4.5).map((node) => node.textContent);
}"""


def assert_fits(page):
    """Assert that the page fits its screen, can be read, and loads nothing."""
    assert not page.evaluate(TOO_WIDE)
    assert page.evaluate(FAINT) == []
    assert page.asked == [page.url]


@pytest.fixture
def opened(visit, tmp_path):
    """Open the report of these records; page.asked lists its requests, its messages and its dialogs."""

    def opened(records, size=DESK, colours="light"):
        gradebook.write(tmp_path, records)
        return visit(tmp_path / "report.html", size, colours, also=("console", "pageerror"))

    return opened


@pytest.mark.parametrize(("colours", "size"), [("dark", PHONE), ("light", DESK)], ids=["phone", "desk"])
def test_the_report_fits_its_screen_can_be_read_and_loads_nothing(opened, colours, size):
    assert_fits(opened(EVERYBODY, size, colours))


def test_the_table_is_sorted_and_searched_with_the_keyboard(opened):
    page = opened(whole_class())
    names = page.locator(".grades tbody th:visible a")

    page.get_by_text("Skip to the results").press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.get_by_role("button", name="Total").press("Enter")
    assert names.first.text_content() == "Ida Ray"  # not graded
    page.get_by_role("button", name="Total").press("Enter")
    assert names.last.text_content() == "Ida Ray"
    page.get_by_role("searchbox").fill("ray")

    assert sorted(names.all_text_contents()) == ["Ida Ray", "Tom Ray"]
    assert page.get_by_text("2 of 12 shown").is_visible()
    assert page.locator("article:visible").count() == 2


def test_print_unfolds_everything(opened):
    stuck = record(account="111122229099", missing=[f"table-{name}" for name in KEYS] + ["bucket"], state="failed")
    page = opened([*whole_class(), stuck], colours="dark")
    assert page.locator("details:not([open])").count() == 1

    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")

    assert page.locator("details:not([open])").count() == 0
