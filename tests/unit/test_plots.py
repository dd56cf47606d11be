from decimal import Decimal
from itertools import combinations

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from lab_lib.views import plots

THRESHOLD = Decimal(1500)


@pytest.fixture
def frame():
    def frame(**balances):
        rows = [(customer, Decimal(balance)) for customer, balance in balances.items()]
        return pd.DataFrame(rows, columns=["CustomerId", "accountBalance"])

    return frame


@pytest.fixture
def drawn():
    """The picture as a notebook gets it: (data, metadata); drawing it is where a bad figure fails."""
    return lambda figure: figure._repr_mimebundle_(include=None, exclude=None)


@pytest.fixture
def colours():
    return lambda figure: [to_hex(bar.get_facecolor()) for bar in figure.axes[0].patches]


def test_a_bar_is_as_long_as_its_total_and_coloured_by_the_threshold(frame, colours):
    figure = plots.totals(frame(C1=598, C2=1750, C3="1500", C4="1499.99"), THRESHOLD)

    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == [598, 1499.99, 1500, 1750]
    assert colours(figure) == [plots.BELOW, plots.BELOW, plots.REACHED, plots.REACHED]


def test_what_reached_the_threshold_shows_without_colour_too(frame):
    figure = plots.totals(frame(C1=598, C2=1750), THRESHOLD)

    below, reached = figure.axes[0].patches
    assert (below.get_hatch(), reached.get_hatch()) == (None, "//")
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert "598" in labels
    assert "1750 – alert" in labels


def test_the_threshold_is_a_line_with_its_amount(frame):
    figure = plots.totals(frame(C1=598), Decimal("99.50"))

    (line,) = figure.axes[0].lines
    assert set(line.get_xdata()) == {99.5}
    assert "threshold 99.50" in [text.get_text() for text in figure.axes[0].texts]


def test_the_figure_says_in_words_what_it_shows(frame, drawn):
    figure = plots.totals(frame(C1=598, C2="1750.50"), THRESHOLD)

    said = "Totals against the threshold 1500: C2 1750.50 (at or above), C1 598 (below)."
    data, metadata = drawn(figure)
    assert figure.alt == said
    assert data["text/plain"] == said
    assert metadata["image/png"]["alt"] == said
    assert data["image/png"].startswith(b"\x89PNG")


def test_the_same_totals_give_the_same_picture(frame, drawn):
    assert drawn(plots.totals(frame(C1=598), THRESHOLD)) == drawn(plots.totals(frame(C1=598), THRESHOLD))


def test_without_any_total_the_figure_says_so(frame, drawn):
    figure = plots.totals(frame(), THRESHOLD)

    assert figure.alt == "No customer has a total yet."
    assert "no customer has a total yet" in [text.get_text() for text in figure.axes[0].texts]
    assert drawn(figure)[0]["image/png"].startswith(b"\x89PNG")


@pytest.mark.parametrize("threshold", [0, -5])
def test_without_any_total_a_threshold_of_nothing_can_be_drawn(frame, drawn, threshold):
    figure = plots.totals(frame(), Decimal(threshold))

    assert drawn(figure)[0]["image/png"].startswith(b"\x89PNG")


def test_of_more_than_20_customers_the_highest_20_are_drawn_and_it_says_so(frame, drawn):
    figure = plots.totals(frame(**{f"C{number}": number for number in range(1, 31)}), THRESHOLD)

    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == list(range(11, 31))
    assert "The highest 20 of 30 customers are shown." in figure.alt
    assert drawn(figure)[0]["image/png"].startswith(b"\x89PNG")


def test_exactly_20_customers_are_all_shown(frame):
    figure = plots.totals(frame(**{f"C{number}": number for number in range(20)}), THRESHOLD)

    assert len(figure.axes[0].patches) == 20
    assert "customers are shown" not in figure.alt


def test_totals_are_ordered_as_numbers_not_as_words(frame):
    figure = plots.totals(frame(C1=9, C2=100), THRESHOLD)

    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["C1", "C2"]


@pytest.mark.parametrize(
    "name", ["$x_1$", "a_b^c", "100%", "\\alpha", "_hidden", "two\nlines", "'quoted\"", "x" * 300, "Zoë", "{}", " "]
)
def test_any_name_is_drawn_as_it_stands(frame, drawn, name):
    figure = plots.totals(frame(**{name: 1750, "C1": 5}), THRESHOLD)

    assert drawn(figure)[0]["image/png"].startswith(b"\x89PNG")
    shown = figure.axes[0].get_yticklabels()[1].get_text()
    assert shown == " ".join(name.split()) or (shown.endswith("…") and name.startswith(shown[:-1]))
    assert "\n" not in figure.alt


@pytest.mark.parametrize("name", ["李小龍", "😀"])
def test_a_name_that_the_font_does_not_have_is_drawn_without_a_warning(frame, drawn, name):
    figure = plots.totals(frame(**{name: 1750}), THRESHOLD)

    assert drawn(figure)[0]["image/png"].startswith(b"\x89PNG")


def test_two_customers_whose_shortened_names_are_the_same_have_a_bar_each(frame):
    figure = plots.totals(frame(**{"x" * 40 + "1": 1, "x" * 40 + "2": 2}), THRESHOLD)

    assert [bar.get_width() for bar in figure.axes[0].patches] == [1, 2]


@pytest.mark.parametrize("balance", ["-20", "0", "1E+4", "0.000000001", "9" * 38])
def test_any_total_is_drawn_and_written_out_in_digits(frame, drawn, balance):
    figure = plots.totals(frame(C1=balance), THRESHOLD)

    assert f"C1 {Decimal(balance):f} " in figure.alt
    assert drawn(figure)[0]["image/png"].startswith(b"\x89PNG")


def test_the_frame_that_was_drawn_stays_as_it_was(frame):
    given = frame(C2=5, C1=9)
    before = given.copy()

    plots.totals(given, THRESHOLD)

    pd.testing.assert_frame_equal(given, before)


@pytest.fixture
def beside():
    """beside(("C1", "598", 0, "1196", 2, False) …): customer, total, alerts, classic total, classic alerts, stuck."""

    def beside(*rows):
        rows = [(name, Decimal(total), alerts, Decimal(other), *more) for name, total, alerts, other, *more in rows]
        columns = ["CustomerId", "total", "alerts", "classic total", "classic alerts", "stuck"]
        return pd.DataFrame(rows, columns=columns)

    return beside


@pytest.fixture
def labels():
    """The words beside the bars, from top to bottom."""
    return lambda figure: [text.get_text() for text in sorted(figure.axes[0].texts, key=lambda text: text.xy[1])]


def test_each_customer_has_two_bars_beside_each_other(beside):
    figure = plots.beside_classic(beside(("C1", "598", 0, "1196", 0, False), ("C2", "-50", 0, "0", 0, True)))

    account, classic = (container.patches for container in figure.axes[0].containers)
    assert [bar.get_width() for bar in account] == [598, -50]
    assert [bar.get_width() for bar in classic] == [1196, 0]
    for above, below in zip(account, classic, strict=True):
        assert above.get_y() + above.get_height() <= below.get_y()
    assert figure.axes[0].yaxis_inverted()  # the first customer is at the top
    ends = sorted(text.xy[0] for text in figure.axes[0].texts)
    assert ends == [0, 0, 598, 1196]  # the words of a bar that goes left stand right of 0 too


def test_the_bars_beside_each_other_differ_without_colour_too(beside):
    figure = plots.beside_classic(beside(("C1", "598", 0, "1196", 0, False)))

    assert [bar.get_hatch() for bar in figure.axes[0].patches] == [None, "//"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["this account", "the classic function"]


def test_the_words_beside_the_bars_tell_amounts_alerts_and_what_is_stuck(beside, labels):
    figure = plots.beside_classic(beside(("C1", "1500.50", 1, "4501.50", 3, False), ("C2", "75", 0, "0", 0, True)))

    assert labels(figure) == ["1500.50, 1 alert", "4501.50, 3 alerts", "75", "0, stuck"]


def test_what_stands_beside_the_classic_function_is_told_in_words(beside, drawn):
    figure = plots.beside_classic(beside(("C1", "1500", 1, "4500", 1, False), ("C2", "-50", 0, "250", 0, True)))

    said = (
        "This account beside the classic function: C1 1500, 1 alert; classic 4500, 1 alert. C2 -50; classic 250, stuck."
    )
    data, metadata = drawn(figure)
    assert data["text/plain"] == said
    assert metadata["image/png"]["alt"] == said


@pytest.mark.parametrize("customers", [1, 2, 8])
@pytest.mark.parametrize(("total", "other"), [("1400", "2800"), ("-98765432.10", "123456789.12"), ("0", "0")])
def test_no_words_overlap_beside_the_classic_function(beside, customers, total, other):
    figure = plots.beside_classic(beside(*[(f"Break {n}", total, 10, other, 12, True) for n in range(customers)]))
    axes, renderer = figure.axes[0], FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)

    words = [*axes.texts, *axes.get_yticklabels(), axes.xaxis.label, *figure.legends]
    boxes = {str(each): each.get_window_extent(renderer) for each in words}
    assert [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])] == []
    assert [name for name, box in boxes.items() if box.x0 < 0 or box.x1 > figure.bbox.x1] == []


def test_without_any_customer_there_is_nothing_beside_the_classic_function(beside, drawn):
    figure = plots.beside_classic(beside())

    assert figure.alt == "This account beside the classic function: no customer has a change."
    assert [text.get_text() for text in figure.axes[0].texts] == ["no customer has a change"]
    assert drawn(figure)[0]["image/png"].startswith(b"\x89PNG")
