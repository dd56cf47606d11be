import base64
import re
from decimal import Decimal
from html import unescape

import pandas as pd

from lab_lib import language
from lab_lib.pages.plots import INK, plot_comparison, plot_totals

TRANSLATED = "还没有客户有总额。"


def totals(**balances):
    rows = [(customer, Decimal(balance)) for customer, balance in balances.items()]
    return plot_totals(pd.DataFrame(rows, columns=["CustomerId", "accountBalance"]), Decimal(1500))


def drawn(drawing):
    """Return the SVG that a notebook shows, and its words. They have a colour for dark themes."""
    image = re.search(r'<img .*alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)">', drawing._repr_html_())
    svg = base64.b64decode(image[2]).decode()
    assert unescape(image[1]) == repr(drawing)
    assert {f"fill: {INK}" in style for style in re.findall('<text style="([^"]*)"', svg)} == {True}
    assert 'style="fill: #ffffff"' not in svg
    return svg, [unescape(text) for text in re.findall("<text[^>]*>([^<]*)</text>", svg)]


def widths(svg):
    """Return the widths of the bars in the order of the rows, each column after the other."""
    corners = re.findall(r'<path d="M ([\d.]+) [\d.]+ \nL ([\d.]+) [^"]*" clip-path="[^"]*" style="fill: #', svg)
    return [float(right) - float(left) for left, right in corners]


def test_a_bar_is_as_long_as_its_total_and_any_name_and_number_are_told_as_they_stand():
    drawing = totals(**{"C1": 9, "$x_1$": "1750.50", "two\nlines": "3501", "x" * 300: "1E-9", "李小龙 😀": 4})

    svg, words = drawn(drawing)
    assert [round(width / widths(svg)[0], 3) for width in widths(svg)] == [1, 0.5, 0.003, 0.001, 0]
    names = ["two lines", "$x_1$", "C1", "李小龙 😀", f"{'x' * 23}…"]
    numbers = ["3501", "1750.50", "9", "4", "0.000000001"]
    assert {*names, *numbers, "threshold 1500"} <= {*words}
    title, _total, *lines = repr(drawing).splitlines()
    assert title == "Totals against the threshold 1500"
    assert [" ".join(line.split()) for line in lines] == [*map(" ".join, zip(names, numbers, strict=True))]


def test_of_more_than_20_totals_the_highest_are_drawn():
    drawing = totals(**{f"C{number}": number for number in range(1490, 1511)})

    assert len(widths(drawn(drawing)[0])) == 20
    assert repr(drawing).startswith("The 20 highest of 21 totals\n")


def test_the_comparison_draws_two_bars_a_customer_with_total_alerts_and_what_is_stuck():
    rows = [
        ("C1", Decimal("1500.50"), 1, Decimal("4501"), 3, False),
        ("C2", Decimal("-50"), 0, Decimal("NaN"), 0, True),
    ]
    columns = ["CustomerId", "lab total", "lab alerts", "your total", "your alerts", "stuck"]
    drawing = plot_comparison(pd.DataFrame(rows, columns=columns), Decimal(1500))

    svg, words = drawn(drawing)
    assert round(widths(svg)[2] / widths(svg)[0], 2) == 3
    assert {"1500.50, 1 alert", "-50", "4501, 3 alerts", "NaN, stuck", "the lab's function", "your function"} <= {
        *words
    }
    assert [re.split(" {2,}", line) for line in repr(drawing).splitlines()[1:]] == [
        ["", "the lab's function", "your function"],
        ["C1", "1500.50, 1 alert", "4501, 3 alerts"],
        ["C2", "-50", "NaN, stuck"],
    ]


def test_without_a_total_it_says_so_in_the_fonts_of_the_language_also_if_this_computer_has_none(
    tmp_path, monkeypatch, caplog
):
    (tmp_path / "LC_MESSAGES").mkdir()
    message = f'msgid "No customer has a total yet."\nmsgstr "{TRANSLATED}"\n'
    (tmp_path / "LC_MESSAGES" / "lab.po").write_text(message, encoding="utf-8")
    (tmp_path / "fonts.txt").write_text("No Such Font\nNor This One", encoding="utf-8")
    monkeypatch.setattr(language, "LOCALE", tmp_path.parent)
    monkeypatch.setenv(language.VARIABLE, tmp_path.name)

    svg, words = drawn(totals())

    assert (TRANSLATED in words, repr(totals())) == (True, TRANSLATED)
    assert "No Such Font" in svg
    assert caplog.text == ""
