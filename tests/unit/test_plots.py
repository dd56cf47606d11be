import base64
import re
from decimal import Decimal
from html import unescape

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from lab_lib import language
from lab_lib.pages import figures, plots

TRANSLATED = "还没有客户有总额。"


def totals(**balances):
    rows = [(customer, Decimal(balance)) for customer, balance in balances.items()]
    return plots.totals(pd.DataFrame(rows, columns=["CustomerId", "accountBalance"]), Decimal(1500))


def comparison(*rows):
    """Draw rows of customer, total, alerts, other total, other alerts, stuck."""
    columns = ["CustomerId", "total", "alerts", "other total", "other alerts", "stuck"]
    rows = [(name, Decimal(total), alerts, Decimal(other), *more) for name, total, alerts, other, *more in rows]
    return plots.comparison(pd.DataFrame(rows, columns=columns), Decimal(1500))


def shown(figure):
    """Return the description of the image that a notebook shows. Its words have a colour for dark themes."""
    data = figure._repr_mimebundle_(include=None, exclude=None)
    image = re.search(r'<img .*alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)">', data["text/html"])
    drawn = base64.b64decode(image[2]).decode()
    assert unescape(image[1]) == data["text/plain"]
    assert {f"fill: {figures.INK}" in style for style in re.findall('<text style="([^"]*)"', drawn)} == {True}
    assert 'style="fill: #ffffff"' not in drawn
    return data["text/plain"]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_bar_is_as_long_as_its_total_and_shows_whether_it_reached_the_threshold():
    figure = totals(C1=9, C2="1750.50", C3="1500", C4="1E-9")

    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [1e-9, 9, 1500, 1750.5]
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == [figures.BELOW] * 2 + [figures.REACHED] * 2
    assert texts(axes) == ["0.000000001", "9", "1500 – alert", "1750.50 – alert", "threshold 1500"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["C4", "C1", "C3", "C2"]
    totals_in_words = "C2 1750.50 (at or above), C3 1500 (at or above), C1 9 (below), C4 0.000000001 (below)."
    assert shown(figure) == f"Totals against the threshold 1500: {totals_in_words}"


def test_of_more_than_20_totals_the_highest_are_drawn_with_the_share_above_the_threshold():
    figure = totals(**{f"C{number}": number for number in range(1490, 1511)})

    (axes,) = figure.axes
    assert axes.get_title("right") == "11 of 21 customers (52.4%) at or above 1500"
    assert [bar.get_width() for bar in axes.patches] == list(range(1491, 1511))
    assert "1500: 11 of 21 customers (52.4%) at or above 1500. The highest 20: C1510 1510 (at" in shown(figure)


def test_any_name_is_drawn_as_it_stands_in_one_line():
    figure = totals(**{"$x_1$": 1, "two\nlines": 2, "x" * 300: 3, "李小龙 😀": 4})

    assert "\n" not in shown(figure)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["$x_1$", "two lines", f"{'x' * 23}…", "李小龙 😀"]


def test_the_comparison_draws_two_bars_a_customer_with_total_alerts_and_what_is_stuck():
    figure = comparison(("C1", "1500.50", 1, "4501", 3, False), ("C2", "-50", 0, "0", 0, True))

    (axes,) = figure.axes
    account, other = (container.patches for container in axes.containers)
    assert [bar.get_width() for bar in (*account, *other)] == [1500.5, -50, 4501, 0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["C1", "C2"]
    assert texts(axes) == ["1500.50, 1 alert", "-50", "4501, 3 alerts", "0, stuck", "threshold 1500"]
    described = "C1 1500.50, 1 alert; your function 4501, 3 alerts. C2 -50; your function 0, stuck."
    assert shown(figure) == f"The lab's function and your function, threshold 1500: {described}"


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (totals(), "No customer has a total yet."),
        (comparison(), "The lab's function and your function, threshold 1500: no customer has a change."),
    ],
)
def test_a_figure_without_a_bar_says_so(figure, words):
    assert shown(figure) == words
    assert texts(figure.axes[0]) == [words]


def test_a_figure_names_the_fonts_of_the_language_also_if_this_computer_has_none(tmp_path, monkeypatch, caplog):
    (tmp_path / "LC_MESSAGES").mkdir()
    message = f'msgid "No customer has a total yet."\nmsgstr "{TRANSLATED}"\n'
    (tmp_path / "LC_MESSAGES" / "lab.po").write_text(message, encoding="utf-8")
    (tmp_path / "fonts.txt").write_text("No Such Font\nNor This One", encoding="utf-8")
    monkeypatch.setattr(language, "LOCALE", tmp_path.parent)
    monkeypatch.setenv(language.VARIABLE, tmp_path.name)

    figure = totals()

    assert shown(figure) == TRANSLATED
    assert figure.axes[0].texts[0].get_fontfamily() == ["sans-serif", "No Such Font", "Nor This One"]
    assert caplog.text == ""
