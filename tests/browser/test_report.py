"""The report of a class in Chromium: on a phone and on a desk, light and dark, printed, and without a mouse.

Screenshots go to runs/browser. Skipped where Chromium is not installed.
"""

import pytest

from lab_lib.aws.tables import KEYS
from lab_lib.classroom import gradebook
from tests.classes import lay, record, whole_class

pytestmark = pytest.mark.slow

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
HARD = "<script>alert(1)</script>\"'&\n\u202eabc" + "W" * 170
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
OUTLINE = """() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
}"""
# The contrast of each text with what lies behind it, by WCAG's formula; the lowest ones first.
CONTRASTS = """() => {
    const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (node) => {
        for (; node; node = node.parentElement) {
            const colour = rgba(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    const found = [];
    const walker = document.createTreeWalker(document.querySelector('body'), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || ['SCRIPT', 'STYLE'].includes(node.tagName)) continue;
        const [a, b] = [light(rgba(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
        found.push([(a + 0.05) / (b + 0.05), walker.currentNode.textContent.trim().slice(0, 30)]);
    }
    return found.sort((x, y) => x[0] - y[0]);
}"""


@pytest.fixture
def opened(browser, tmp_path):
    """Open the report of these records; what it asked the network for, and what went wrong, is in page.asked."""
    contexts = []

    def opened(records, size=DESK, colours="light", script=True):
        gradebook.write(lay(tmp_path, *records), records, when="24 November 2026")
        context = browser.new_context(viewport=size, color_scheme=colours, java_script_enabled=script)
        contexts.append(context)
        page = context.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.asked.append(message.text))
        page.on("pageerror", lambda error: page.asked.append(str(error)))
        page.on("dialog", lambda dialog: page.asked.append(dialog.message))
        page.goto((tmp_path / "report.html").as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desk", DESK)])
def test_the_report_fits_its_screen_and_asks_the_network_for_nothing(opened, shots, name, size, colours):
    page = opened(whole_class(), size, colours)

    page.screenshot(path=shots / f"report-{name}-{colours}.png", full_page=True)
    assert not page.evaluate(TOO_WIDE)
    assert page.asked == [page.url]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(opened, colours):
    page = opened(whole_class(), colours=colours)

    faint = [pair for pair in page.evaluate(CONTRASTS) if pair[0] < 4.5]
    assert faint == []


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_hostile_name_is_shown_as_it_is_and_breaks_nothing(opened, shots, size):
    hostile = record(HARD, error=HARD, totals={HARD: "1e300", "C2": "-5"}, notebooks=[])

    page = opened([hostile, *whole_class()], size)

    assert page.asked == [page.url]
    assert not page.evaluate(TOO_WIDE)
    assert "<script>alert(1)</script>" in page.locator("article h3").first.text_content()
    page.screenshot(path=shots / f"report-hostile-{size['width']}.png", full_page=True)


def test_the_keyboard_reaches_everything_and_shows_where_it_is(opened):
    page = opened(whole_class())
    reachable = page.locator("a:visible, button:visible, input:visible, summary:visible, [role=region]").count()

    reached, outlined = set(), []
    for _ in range(reachable + 5):
        page.keyboard.press("Tab")
        place = page.evaluate("() => [...document.querySelectorAll('*')].indexOf(document.activeElement)")
        if place in reached:
            break
        if page.evaluate("() => document.activeElement !== document.body"):
            reached.add(place)
            outlined.append(page.evaluate(OUTLINE))

    assert len(reached) == reachable
    assert all(outlined)


def test_the_first_tab_offers_to_skip_to_the_results(opened):
    page = opened(whole_class())

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("() => document.activeElement.id") == "main"


def test_the_table_can_be_sorted_and_searched(opened):
    page = opened(whole_class())
    names = page.locator(".grades tbody th:visible a")

    page.get_by_role("button", name="Total").click()
    assert names.first.text_content() == "Ida Ray"  # not graded
    page.get_by_role("button", name="Total").click()
    assert names.last.text_content() == "Ida Ray"
    page.get_by_role("searchbox").fill("ray")

    assert sorted(names.all_text_contents()) == ["Ida Ray", "Tom Ray"]
    assert page.get_by_text("2 of 12 shown").is_visible()
    assert page.locator("article:visible").count() == 2


def test_without_javascript_all_is_there(opened):
    page = opened(whole_class(), PHONE, script=False)

    assert page.locator(".grades tbody tr:visible").count() == 12
    assert page.locator("article:visible").count() == 12
    assert not page.locator("#find").is_visible()


def test_printed_it_is_a_few_pages_and_nothing_is_folded(opened, shots):
    stuck = record(account="111122229099", missing=[f"table {name}" for name in KEYS] + ["bucket"], state="failed")
    page = opened([*whole_class(), stuck], colours="dark")
    assert page.locator("details:not([open])").count() == 1

    content = page.pdf(path=shots / "report.pdf", format="A4", margin=dict.fromkeys(("top", "bottom"), "12mm"))
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")

    assert content.startswith(b"%PDF")
    assert 2 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") <= 6
    assert page.locator("details:not([open])").count() == 0
    assert page.evaluate("() => getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


@pytest.mark.parametrize(
    ("name", "records", "said"),
    [
        ("nobody", [], "No students yet"),
        ("nobody-stuck", [record()], "Nobody is stuck: every check holds for everyone."),
        ("only-checked", [record(steps=[], seconds=0.0, notebooks=[])], "No times: the accounts were checked"),
    ],
)
def test_what_is_not_there_yet_is_said(opened, shots, name, records, said):
    page = opened(records, PHONE)

    assert page.get_by_text(said).is_visible()
    page.screenshot(path=shots / f"report-{name}.png", full_page=True)
