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
    """Return the number of bars that a notebook shows, and its words from the top, in a colour for dark themes."""
    image = re.search(r'<img .*alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)">', drawing._repr_html_())
    svg = base64.b64decode(image[2]).decode()
    assert unescape(image[1]) == repr(drawing)
    assert {f"fill: {INK}" in style for style in re.findall('<text style="([^"]*)"', svg)} == {True}
    texts = re.findall(r'<text [^>]*y="([\d.]+)"[^>]*>([^<]*)</text>', svg)
    words = [unescape(text) for _, text in sorted(texts, key=lambda found: float(found[0]))]
    return len(re.findall('style="fill: #(4477aa|cc6677)"', svg)), words


def test_the_20_highest_are_drawn_and_any_name_and_number_is_told_as_it_stands():
    drawing = totals(**{"$x_1$": "1750.50", "two\nlines": "3501", "x" * 300: "1E-9", "李小龙 😀": 4})
    many = totals(**{f"C{number}": number for number in range(1490, 1511)})

    names, numbers = ["two lines", "$x_1$", "李小龙 😀", f"{'x' * 23}…"], ["3501", "1750.50", "4", "0.000000001"]
    assert {*names, *numbers, "threshold 1500"} <= {*drawn(drawing)[1]}
    title, _total, *lines = repr(drawing).splitlines()
    assert title == "Totals against the threshold 1500"
    assert [" ".join(line.split()) for line in lines] == [*map(" ".join, zip(names, numbers, strict=True))]
    assert drawn(many)[0] == 20 + 1  # the other one is the legend's
    assert repr(many).startswith("The 20 highest of 21 totals\n")


def test_the_comparison_draws_two_bars_a_customer_with_total_alerts_and_what_is_stuck():
    rows = [
        ("C1", Decimal("1500.50"), 1, Decimal("4501"), 3, False),
        ("C2", Decimal("-50"), 0, Decimal("NaN"), 0, True),
    ]
    columns = ["CustomerId", "lab total", "lab alerts", "your total", "your alerts", "stuck"]
    drawing = plot_comparison(pd.DataFrame(rows, columns=columns), Decimal(1500))

    bars, words = drawn(drawing)
    assert bars == 4 + 2
    labels = ["1500.50, 1 alert", "4501, 3 alerts", "-50", "NaN, stuck"]
    assert [word for word in words if word in labels] == labels
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
    monkeypatch.setenv(language.VARIABLE, str(tmp_path))

    assert (repr(totals()), TRANSLATED in drawn(totals())[1]) == (TRANSLATED, True)
    assert b"No Such Font" in totals().svg
    assert caplog.text == ""
