from decimal import Decimal
from itertools import combinations

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from lab_lib.views import plots


def totals(threshold=1500, **balances):
    rows = [(customer, Decimal(balance)) for customer, balance in balances.items()]
    return plots.totals(pd.DataFrame(rows, columns=["CustomerId", "accountBalance"]), Decimal(threshold))


def comparison(*rows):
    """Draw rows of customer, total, alerts, classic total, classic alerts, stuck."""
    columns = ["CustomerId", "total", "alerts", "classic total", "classic alerts", "stuck"]
    rows = [(name, Decimal(total), alerts, Decimal(other), *more) for name, total, alerts, other, *more in rows]
    return plots.comparison(pd.DataFrame(rows, columns=columns))


def drawn(figure):
    """Return what a notebook gets, as (data, metadata). A figure that cannot be drawn fails here."""
    data, metadata = figure._repr_mimebundle_(include=None, exclude=None)
    assert data["image/png"].startswith(b"\x89PNG")
    return data, metadata


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_bar_is_as_long_as_its_total_and_shows_whether_it_reached_the_threshold():
    figure = totals(C1=9, C2=1750, C3="1500", C4="1499.99")

    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == [9, 1499.99, 1500, 1750]
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [plots.BELOW] * 2 + [plots.REACHED] * 2
    assert [bar.get_hatch() for bar in bars] == [None, None, "//", "//"]
    assert {"9", "1750 – alert", "threshold 1500"} <= {*texts(figure)}
    assert set(figure.axes[0].lines[0].get_xdata()) == {1500}
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["C1", "C4", "C3", "C2"]


def test_a_figure_is_described_in_words():
    described = "Totals against the threshold 1500: C2 1750.50 (at or above), C1 598 (below)."

    data, metadata = drawn(totals(C1=598, C2="1750.50"))

    assert data["text/plain"] == metadata["image/png"]["alt"] == described
    assert (data, metadata) == drawn(totals(C1=598, C2="1750.50"))  # the notebooks' outputs stay the same


@pytest.mark.parametrize("threshold", [1500, 0, -5])
def test_without_any_total_the_figure_says_so(threshold):
    figure = totals(threshold)

    assert drawn(figure)[0]["text/plain"] == "No customer has a total yet."
    assert "no customer has a total yet" in texts(figure)


@pytest.mark.parametrize(("customers", "words"), [(30, "The highest 20 of 30 customers are shown."), (20, "(below).")])
def test_the_highest_20_totals_are_drawn(customers, words):
    figure = totals(**{f"C{number}": number for number in range(customers)})

    assert [bar.get_width() for bar in figure.axes[0].patches] == list(range(customers - 20, customers))
    assert drawn(figure)[0]["text/plain"].endswith(words)


@pytest.mark.parametrize("name", ["$x_1$", "\\alpha", "_hidden", "two\nlines", "x" * 300, "李小龍 😀", "{}", " "])
def test_any_name_is_drawn_as_it_stands(name):
    figure = totals(**{name: 1750, "C1": 5})

    assert "\n" not in drawn(figure)[0]["text/plain"]
    shown = figure.axes[0].get_yticklabels()[1].get_text()
    assert shown == " ".join(name.split()) or (shown.endswith("…") and name.startswith(shown[:-1]))


@pytest.mark.parametrize("balance", ["-20", "1E+4", "0.000000001", "9" * 38])
def test_any_total_is_drawn_and_written_out_in_digits(balance):
    assert f"C1 {Decimal(balance):f} " in drawn(totals(C1=balance))[0]["text/plain"]


def test_the_comparison_draws_two_bars_a_customer_with_total_alerts_and_what_is_stuck():
    figure = comparison(("C1", "1500.50", 1, "4501", 3, False), ("C2", "-50", 0, "0", 0, True))

    account, classic = (container.patches for container in figure.axes[0].containers)
    assert [bar.get_width() for bar in account] == [1500.5, -50]
    assert [(bar.get_width(), bar.get_hatch()) for bar in classic] == [(4501, "//"), (0, "//")]
    assert all(
        above.get_y() + above.get_height() <= below.get_y() for above, below in zip(account, classic, strict=True)
    )
    assert figure.axes[0].yaxis_inverted()  # the first customer is at the top
    assert texts(figure) == ["1500.50, 1 alert", "-50", "4501, 3 alerts", "0, stuck"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["this account", "the classic function"]
    described = "C1 1500.50, 1 alert; classic 4501, 3 alerts. C2 -50; classic 0, stuck."
    assert drawn(figure)[0]["text/plain"] == f"This account and the classic function: {described}"


@pytest.mark.parametrize("customers", [1, 8])
@pytest.mark.parametrize(("total", "other"), [("-98765432.10", "123456789.12"), ("0", "0")])
def test_no_words_of_the_comparison_overlap(customers, total, other):
    figure = comparison(*[(f"Break {n}", total, 10, other, 12, True) for n in range(customers)])
    axes, renderer = figure.axes[0], FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)

    words = [*axes.texts, *axes.get_yticklabels(), axes.xaxis.label, *figure.legends]
    boxes = {str(each): each.get_window_extent(renderer) for each in words}
    assert [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])] == []
    assert [name for name, box in boxes.items() if box.x0 < 0 or box.x1 > figure.bbox.x1] == []


def test_a_comparison_of_no_customer_says_so():
    figure = comparison()

    assert texts(figure) == ["no customer has a change"]
    assert drawn(figure)[0]["text/plain"].endswith("function: no customer has a change.")
