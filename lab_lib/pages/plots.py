"""Draw totals as bars, sharp and legible in light and dark themes, and described in words. Nothing here calls AWS."""

import io
import logging
import warnings
from decimal import Decimal
from typing import Any, NamedTuple

from pandas import DataFrame

from lab_lib import language
from lab_lib.language import _, ngettext
from lab_lib.pages.html import image
from lab_lib.pages.wording import clauses, cut

MOST_BARS = 20
INK = "#6b6b6b"  # 5.3:1 on white; no colour has 4.5:1 on white and on JupyterLab's dark background
_COLOURS = ["#4477aa", "#cc6677"]  # from Paul Tol's palettes: distinct for colour-blind readers too
# JupyterLab keeps a style in the output of a notebook that it trusts. Without it, the ink has 3.5:1 in the dark.
_LIGHTEN = '<style>[data-jp-theme-light="false"] .lab-figure {filter: invert(1) hue-rotate(180deg)}</style>'
_STYLE: Any = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon", "text.parse_math"), False),
    "svg.fonttype": "none",  # the reader's fonts have every script
    "svg.hashsalt": "lab",  # so ids stay the same
}
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # or it names each font that it cannot measure


class Drawing(NamedTuple):
    """A drawn figure, with a description in words, `alt`, for screen readers and for tests."""

    svg: bytes
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return f"{_LIGHTEN}\n{image(self.svg, self.alt, 'lab-figure')}"


def plot_totals(frame: DataFrame, threshold: Decimal) -> Drawing:
    """Draw each customer's total as a bar, and the threshold as a line.

    `frame` has CustomerId and accountBalance, one row a customer. Of more than 20 customers, the highest are drawn.
    """
    ordered = frame.sort_values("accountBalance", ascending=False)
    highest = ordered.head(MOST_BARS)
    title = _("Totals against the threshold {threshold:f}", threshold=threshold)
    if len(highest) < len(ordered):
        title = _("The {count} highest of {all} totals", count=len(highest), all=len(ordered))
    bars = highest.set_index("CustomerId")["accountBalance"].to_frame(_("total"))
    return _draw(title, bars, bars.map(_label), threshold)


def plot_comparison(frame: DataFrame, threshold: Decimal) -> Drawing:
    """Draw two bars a customer: the total of the lab's function, and below it that of the learner's.

    `frame` has CustomerId, lab total, lab alerts, your total, your alerts and stuck, one row a customer.
    """
    title = _("The lab's function and your function, threshold {threshold:f}", threshold=threshold)
    functions = [_("the lab's function"), _("your function")]
    bars = frame.set_index("CustomerId")[["lab total", "your total"]].set_axis(functions, axis="columns")
    ours = map(_label, frame["lab total"], frame["lab alerts"])
    yours = map(_label, frame["your total"], frame["your alerts"], frame["stuck"])
    labels = DataFrame(zip(ours, yours, strict=True), columns=functions)
    return _draw(title, bars, labels, threshold)


def _label(total: Decimal, alerts: int = 0, is_stuck: bool = False) -> str:
    parts = [f"{total:f}"]
    if alerts:
        parts.append(ngettext("{count:,} alert", "{count:,} alerts", alerts))
    if is_stuck:
        parts.append(_("stuck"))
    return clauses(parts)


def _draw(title: str, bars: DataFrame, labels: DataFrame, threshold: Decimal) -> Drawing:
    """Draw a bar for each number, with its label, and the threshold as a dashed line."""
    import matplotlib  # here: it takes a third of a second to load, and most notebooks draw nothing
    from matplotlib.figure import Figure  # without pyplot, which would show a figure a second time

    names = [cut(" ".join(name.split()), 24) for name in bars.index]
    alt = f"{title}\n{labels.set_axis(names).to_string()}"
    if not names:
        title = alt = _("No customer has a total yet.")
    fonts = [*matplotlib.rcParams["font.family"], *_fonts()]
    with matplotlib.rc_context(_STYLE | {"font.family": fonts}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # from the font that measures, not from the reader's
        figure = Figure(figsize=(7.5, 1.7 + 0.42 * bars.size), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title, loc="left")
        line = _("threshold {threshold:f}", threshold=threshold)
        axes.axvline(float(threshold), color=INK, linestyle="--", label=line)
        if names:
            numbers = bars.set_axis(names).astype(float)
            numbers.plot.barh(
                ax=axes, color=_COLOURS, width=0.7, legend=False, xlabel=_("total of all transactions, US dollars ($)")
            )
        axes.invert_yaxis()
        drawn: Any = axes.patches  # column after column
        right = axes.get_yaxis_transform()  # of the axes, where no bar and no line crosses a label
        for bar, label in zip(drawn, labels.to_numpy().T.flat, strict=True):
            middle = bar.get_y() + bar.get_height() / 2
            axes.text(1.01, middle, label, va="center", transform=right)
        figure.legend(loc="outside lower left", ncols=3)
        svg = io.BytesIO()
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Drawing(svg.getvalue(), alt)


def _fonts() -> list[str]:
    """Return the fonts of the user's language, which come after matplotlib's: a computer takes the first it has."""
    folder = language.folder(language.used())
    if not folder:
        return []
    file = folder / "fonts.txt"
    return file.read_text("utf-8").splitlines() if file.is_file() else []
