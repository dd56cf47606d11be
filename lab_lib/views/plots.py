"""Figures: a DataFrame in, a matplotlib Figure out. Nothing here calls AWS."""

import io
import warnings
from decimal import Decimal
from typing import Any

import pandas as pd
from matplotlib.figure import Figure  # without pyplot, whose import takes as long as all the rest

BELOW, REACHED, LINE = (
    "#4477aa",
    "#cc6677",
    "#222222",
)  # apart for colour-blind readers too (Paul Tol's "bright", "muted")


class Described(Figure):
    """A figure that says in words what it shows: for a screen reader, and for a test to compare."""

    alt: str = ""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        png = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # the words say the name; the figure draws a box
            self.savefig(png, format="png", dpi=100, facecolor="white", metadata={"Software": None})
        return {"image/png": png.getvalue(), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def totals(frame: pd.DataFrame, threshold: Decimal) -> Described:
    """Each customer's total as a bar, against the threshold as a line.

    `frame` has CustomerId and accountBalance, one row a customer; with more than 20, the highest 20 are drawn.
    """
    balances = frame.set_index("CustomerId")["accountBalance"].sort_values().tail(20)
    reached = [balance >= threshold for balance in balances]
    figure = Described(figsize=(7.5, 1.6 + 0.45 * max(len(balances), 1)), layout="constrained")
    axes = figure.add_subplot()
    names = [_short(customer) for customer in balances.index]
    bars = axes.barh(range(len(balances)), [float(each) for each in balances], height=0.6)
    for bar, high in zip(bars, reached, strict=True):
        bar.set(facecolor=REACHED if high else BELOW, hatch="//" if high else None, edgecolor="white")
    labels = [f"{each:f}" + (" – alert" if high else "") for each, high in zip(balances, reached, strict=True)]
    axes.bar_label(bars, labels, padding=4, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    if not names:
        axes.annotate("no customer has a total yet", (0.5, 0.5), xycoords="axes fraction", ha="right", va="center")
        axes.set_xlim(min(0, float(threshold) * 1.2), max(float(threshold) * 1.2, 1))
    axes.axvline(float(threshold), color=LINE, linestyle="--", linewidth=1.2)
    axes.annotate(
        f"threshold {threshold:f}",
        (float(threshold), 1),
        (0, 3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=LINE,
    )
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_xlabel("total of all transactions")
    axes.margins(x=0.18, y=0.02)
    axes.spines[["top", "right"]].set_visible(False)
    figure.alt = _in_words(balances, threshold, len(frame))
    return figure


def beside_classic(frame: pd.DataFrame) -> Described:
    """Each customer's total as a bar, and under it what the classic function would have made of the same changes.

    `frame` is as classic.compare returns it, one row a customer.
    """
    figure = Described(figsize=(7.5, 1.5 + 0.85 * max(len(frame), 1)), layout="constrained")
    axes, rows = figure.add_subplot(), frame.to_dict("records")
    for title, prefix, offset, hatch, colour in (
        ("this account", "", -0.19, None, BELOW),
        ("the classic function", "classic ", 0.19, "//", REACHED),
    ):
        places, lengths = [place + offset for place in range(len(rows))], [float(row[f"{prefix}total"]) for row in rows]
        axes.barh(places, lengths, height=0.36, facecolor=colour, hatch=hatch, edgecolor="white", label=title)
        for place, length, row in zip(places, lengths, rows, strict=True):
            # Right of 0 even where the bar goes left: on that side are the customers' names.
            axes.annotate(_told(row, prefix), (max(length, 0), place), (4, 0), textcoords="offset points", va="center")
    axes.margins(x=0.02)
    axes.set_yticks(range(len(rows)), [_short(row["CustomerId"]) for row in rows], parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("total of all transactions")
    axes.spines[["top", "right"]].set_visible(False)
    if rows:
        axes.axvline(0, color=LINE, linewidth=0.8)
        figure.legend(loc="outside upper left", ncols=2, frameon=False)
    else:
        axes.annotate("no customer has a change", (0.5, 0.5), xycoords="axes fraction", ha="center")
    figure.alt = _beside_in_words(rows)
    return figure


def _beside_in_words(rows: list[dict[str, Any]]) -> str:
    said = [f"{_short(row['CustomerId'])} {_told(row, '')}; classic {_told(row, 'classic ')}" for row in rows]
    return f"This account beside the classic function: {'. '.join(said) or 'no customer has a change'}."


def _told(row: dict[str, Any], prefix: str) -> str:
    """A total, the alerts that went out for it, and whether changes are stuck behind it."""
    alerts = row[f"{prefix}alerts"]
    told = [f"{row[f'{prefix}total']:f}", f"{alerts} alert{'s' if alerts > 1 else ''}" if alerts else ""]
    return ", ".join(filter(None, [*told, "stuck" if prefix and row["stuck"] else ""]))


def _in_words(balances: pd.Series, threshold: Decimal, customers: int) -> str:
    if not len(balances):
        return "No customer has a total yet."
    said = [
        f"{_short(name)} {each:f} ({'at or above' if each >= threshold else 'below'})"
        for name, each in balances[::-1].items()
    ]
    more = f" The highest {len(balances)} of {customers} customers are shown." if customers > len(balances) else ""
    return f"Totals against the threshold {threshold:f}: {', '.join(said)}.{more}"


def _short(name: Any) -> str:
    text = " ".join(str(name).split())
    return text if len(text) <= 24 else f"{text[:23]}…"
