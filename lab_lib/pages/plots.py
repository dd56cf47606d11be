"""Draw a DataFrame as a matplotlib Figure. Nothing here calls AWS."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from matplotlib.axes import Axes
from pandas import DataFrame, Series

from lab_lib.language import N_, _, ngettext
from lab_lib.pages.figures import (
    BELOW,
    INK,
    REACHED,
    DescribedFigure,
    in_legible_words,
    new_figure,
    one_line,
)
from lab_lib.pages.wording import clauses

MOST_BARS = 20
TOTAL = N_("total of all transactions, US dollars ($)")


@in_legible_words()
def totals(frame: DataFrame, threshold: Decimal) -> DescribedFigure:
    """Draw each customer's total as a bar, and the threshold as a line.

    `frame` has CustomerId and accountBalance, one row a customer. Of more than 20 customers, the highest are drawn.
    """
    if frame.empty:
        return _empty(_("No customer has a total yet."))
    balances = frame.set_index("CustomerId")["accountBalance"].sort_values()
    highest = balances.tail(MOST_BARS)
    figure, axes = new_figure(1.3 + 0.4 * len(highest))
    labels = [_("{total:f} – alert", total=total) if total >= threshold else f"{total:f}" for total in highest]
    colours = [REACHED if total >= threshold else BELOW for total in highest]
    _draw_bars(axes, highest, labels, height=0.6, color=colours)
    _name_bars(axes, highest.index, threshold)
    if len(highest) < len(balances):
        axes.set_title(_share(balances, threshold), color=INK, fontsize=11, loc="right", pad=20)
    figure.alt = _describe_totals(balances, highest, threshold)
    return figure


@in_legible_words()
def comparison(frame: DataFrame, threshold: Decimal) -> DescribedFigure:
    """Draw two bars a customer: the total of the lab's function, and below it that of the learner's.

    `frame` has CustomerId, total, alerts, other total, other alerts and stuck, one row a customer.
    """
    title = _("The lab's function and your function, threshold {threshold:f}", threshold=threshold)
    if frame.empty:
        return _empty(_("{title}: no customer has a change.", title=title))
    rows, names = frame.to_dict("records"), frame["CustomerId"]
    labels, others = ([_label(row, prefix) for row in rows] for prefix in ("", "other "))
    figure, axes = new_figure(1.7 + 0.85 * len(rows))
    _draw_bars(axes, frame["total"], labels, -0.19, height=0.36, color=BELOW, label=_("the lab's function"))
    _draw_bars(axes, frame["other total"], others, 0.19, height=0.36, color=REACHED, label=_("your function"))
    _name_bars(axes, names, threshold)
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.8)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, labelcolor=INK)
    parts = [
        _("{customer} {label}; your function {other}", customer=one_line(name), label=label, other=other)
        for name, label, other in zip(names, labels, others, strict=True)
    ]
    figure.alt = _("{title}: {parts}.", title=title, parts=_(". ").join(parts))
    return figure


def _empty(words: str) -> DescribedFigure:
    """Return a figure that says in words why it shows no bar."""
    figure, axes = new_figure(1.7)
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", color=INK, transform=axes.transAxes)
    figure.alt = words
    return figure


def _draw_bars(axes: Axes, totals: Series, labels: list[str], offset: float = 0, **style: Any) -> None:
    """Draw a bar for each total, and its label at the right of the axes, where no bar and no line crosses it."""
    places = [place + offset for place in range(len(labels))]
    axes.barh(places, totals.astype(float), **style)
    for place, label in zip(places, labels, strict=True):
        axes.text(1.01, place, label, transform=axes.get_yaxis_transform(), va="center", color=INK)


def _name_bars(axes: Axes, names: Iterable[str], threshold: Decimal) -> None:
    """Write the names of the customers at the left, and draw the threshold as a dashed line with its name."""
    texts = [one_line(name) for name in names]
    axes.set_yticks(range(len(texts)), texts, parse_math=False)
    axes.set_xlabel(_(TOTAL))
    axes.margins(x=0.02, y=0.02)
    axes.axvline(float(threshold), color=INK, linestyle="--", linewidth=1.4)
    name, upright = _("threshold {threshold:f}", threshold=threshold), axes.get_xaxis_transform()
    axes.text(float(threshold), 1.01, name, color=INK, va="bottom", ha="center", transform=upright)


def _label(row: dict[str, Any], prefix: str) -> str:
    """Return the total, the number of its alerts, and "stuck" if changes remain uncounted."""
    alerts = row[f"{prefix}alerts"]
    parts = [f"{row[f'{prefix}total']:f}", ngettext("{count:,} alert", "{count:,} alerts", alerts) if alerts else ""]
    return clauses([*parts, _("stuck") if prefix and row["stuck"] else ""])


def _describe_totals(balances: Series, highest: Series, threshold: Decimal) -> str:
    above, below = N_("{customer} {total:f} (at or above)"), N_("{customer} {total:f} (below)")
    parts = _(", ").join(
        _(above if balance >= threshold else below, customer=one_line(name), total=balance)
        for name, balance in highest[::-1].items()
    )
    if len(highest) == len(balances):
        return _("Totals against the threshold {threshold:f}: {parts}.", threshold=threshold, parts=parts)
    return _(
        "Totals against the threshold {threshold:f}: {share}. The highest {count}: {parts}.",
        threshold=threshold,
        share=_share(balances, threshold),
        count=MOST_BARS,
        parts=parts,
    )


def _share(balances: Series, threshold: Decimal) -> str:
    reached, count = sum(balance >= threshold for balance in balances), len(balances)
    return _(
        "{reached} of {count} customers ({share:.1%}) at or above {threshold:f}",
        reached=reached,
        count=count,
        share=reached / count,
        threshold=threshold,
    )
