"""Draw a DataFrame as a matplotlib Figure. Nothing here calls AWS."""

import io
import warnings
from decimal import Decimal
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure  # without pyplot, whose import takes as long as all the rest

BELOW, REACHED = "#4477aa", "#cc6677"  # from Paul Tol's palettes: distinct for colour-blind readers too
LINE = "#222222"
MOST_BARS = 20


class DescribedFigure(Figure):
    """A figure with a description in words, `alt`, for screen readers and for tests."""

    alt: str = ""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the PNG and the description, as Jupyter asks for them."""
        png = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # drawn as a box; the description has the name
            self.savefig(png, format="png", dpi=100, facecolor="white", metadata={"Software": None})
        return {"image/png": png.getvalue(), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def totals(frame: pd.DataFrame, threshold: Decimal) -> DescribedFigure:
    """Draw each customer's total as a bar, and the threshold as a line.

    `frame` has CustomerId and accountBalance, one row a customer. Only the highest 20 totals are drawn.
    """
    balances = frame.set_index("CustomerId")["accountBalance"].sort_values().tail(MOST_BARS)
    figure, axes = _new_figure(1.6 + 0.45 * max(len(balances), 1))
    _draw_totals(axes, list(balances), threshold)
    if balances.empty:
        axes.annotate("no customer has a total yet", (0.5, 0.5), xycoords="axes fraction", ha="right", va="center")
        axes.set_xlim(min(0, float(threshold) * 1.2), max(float(threshold) * 1.2, 1))
    _draw_threshold(axes, threshold)
    axes.set_yticks(range(len(balances)), [_shorten(name) for name in balances.index], parse_math=False)
    axes.margins(x=0.18, y=0.02)
    figure.alt = _describe_totals(balances, threshold, len(frame))
    return figure


def comparison(frame: pd.DataFrame) -> DescribedFigure:
    """Draw two bars a customer: the total in the account, and below it the total of the classic function.

    `frame` is as classic.compare returns it, one row a customer.
    """
    rows = frame.to_dict("records")
    figure, axes = _new_figure(1.5 + 0.85 * max(len(rows), 1))
    _draw_bars(axes, rows, "", -0.19, label="this account", facecolor=BELOW)
    _draw_bars(axes, rows, "classic ", 0.19, label="the classic function", facecolor=REACHED, hatch="//")
    axes.margins(x=0.02)
    axes.set_yticks(range(len(rows)), [_shorten(row["CustomerId"]) for row in rows], parse_math=False)
    axes.invert_yaxis()
    if rows:
        axes.axvline(0, color=LINE, linewidth=0.8)
        figure.legend(loc="outside upper left", ncols=2, frameon=False)
    else:
        axes.annotate("no customer has a change", (0.5, 0.5), xycoords="axes fraction", ha="center")
    figure.alt = _describe_comparison(rows)
    return figure


def _new_figure(height: float) -> tuple[DescribedFigure, Axes]:
    figure = DescribedFigure(figsize=(7.5, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel("total of all transactions")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _draw_totals(axes: Axes, balances: list[Decimal], threshold: Decimal) -> None:
    bars = axes.barh(range(len(balances)), [float(balance) for balance in balances], height=0.6)
    reached = [balance >= threshold for balance in balances]
    for bar, high in zip(bars, reached, strict=True):
        bar.set(facecolor=REACHED if high else BELOW, hatch="//" if high else None, edgecolor="white")
    labels = [f"{each:f}" + (" – alert" if high else "") for each, high in zip(balances, reached, strict=True)]
    axes.bar_label(bars, labels, padding=4, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})


def _draw_threshold(axes: Axes, threshold: Decimal) -> None:
    axes.axvline(float(threshold), color=LINE, linestyle="--", linewidth=1.2)
    above: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "va": "bottom"}
    axes.annotate(f"threshold {threshold:f}", (float(threshold), 1), (0, 3), color=LINE, ha="center", **above)


def _draw_bars(axes: Axes, rows: list[dict[str, Any]], prefix: str, offset: float, **style: Any) -> None:
    """Draw one bar a customer from the columns with this prefix, and write its label beside it."""
    places, lengths = [place + offset for place in range(len(rows))], [float(row[f"{prefix}total"]) for row in rows]
    axes.barh(places, lengths, height=0.36, edgecolor="white", **style)
    for place, length, row in zip(places, lengths, rows, strict=True):
        # The label of a negative total stands right of 0 too: the customers' names are on the left.
        end = (max(length, 0), place)
        axes.annotate(_label(row, prefix), end, (4, 0), textcoords="offset points", va="center")


def _label(row: dict[str, Any], prefix: str) -> str:
    """Return the total, the number of its alerts, and "stuck" if changes remain uncounted."""
    alerts = row[f"{prefix}alerts"]
    parts = [f"{row[f'{prefix}total']:f}", f"{alerts} alert{'s' if alerts > 1 else ''}" if alerts else ""]
    return ", ".join(filter(None, [*parts, "stuck" if prefix and row["stuck"] else ""]))


def _describe_comparison(rows: list[dict[str, Any]]) -> str:
    parts = [f"{_shorten(row['CustomerId'])} {_label(row, '')}; classic {_label(row, 'classic ')}" for row in rows]
    return f"This account and the classic function: {'. '.join(parts) or 'no customer has a change'}."


def _describe_totals(balances: pd.Series, threshold: Decimal, customers: int) -> str:
    if balances.empty:
        return "No customer has a total yet."
    parts = [
        f"{_shorten(name)} {balance:f} ({'at or above' if balance >= threshold else 'below'})"
        for name, balance in balances[::-1].items()
    ]
    more = f" The highest {len(balances)} of {customers} customers are shown." if customers > len(balances) else ""
    return f"Totals against the threshold {threshold:f}: {', '.join(parts)}.{more}"


def _shorten(name: Any) -> str:
    text = " ".join(str(name).split())
    return text if len(text) <= 24 else f"{text[:23]}…"
