"""Draw a DataFrame as a matplotlib Figure. Nothing here calls AWS."""

from decimal import Decimal
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame, Series

from lab_lib.language import N_, _, ngettext
from lab_lib.pages.figures import (
    BELOW,
    INK,
    REACHED,
    DescribedFigure,
    draw_threshold,
    in_legible_words,
    new_figure,
    one_line,
)
from lab_lib.pages.wording import clauses

MOST_BARS, HIGHEST = 20, 10
TOTAL = N_("total of all transactions, US dollars ($)")
_COLOURS, _HATCHES = (BELOW, REACHED), ("", "//")  # of totals below the threshold, and of the others


@in_legible_words()
def totals(frame: DataFrame, threshold: Decimal) -> DescribedFigure:
    """Draw each customer's total as a bar, and the threshold as a line.

    `frame` has CustomerId and accountBalance, one row a customer. Of more than 20 customers, the distribution is drawn
    and, below it, the highest ten totals.
    """
    if frame.empty:
        return _empty(_("No customer has a total yet."))
    balances = highest = frame.set_index("CustomerId")["accountBalance"].sort_values()
    heights = []
    if len(balances) > MOST_BARS:
        highest, heights = balances.tail(HIGHEST), [2.8]
    figure, axes = new_figure(*heights, 1.3 + 0.4 * len(highest))
    if heights:
        _draw_distribution(axes[0], balances, threshold)
    _draw_totals(axes[-1], highest, threshold)
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
    rows = frame.to_dict("records")
    figure, (axes,) = new_figure(1.7 + 0.85 * len(rows))
    axes.set_xlabel(_(TOTAL))
    _draw_bars(axes, rows, "", -0.19, label=_("the lab's function"), facecolor=BELOW)
    _draw_bars(axes, rows, "other ", 0.19, label=_("your function"), facecolor=REACHED, hatch="//", hatchcolor="white")
    axes.margins(x=0.02)
    axes.set_yticks(range(len(rows)), [one_line(row["CustomerId"]) for row in rows], parse_math=False)
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.8)
    draw_threshold(axes, threshold)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, labelcolor=INK)
    parts = [
        _(
            "{customer} {label}; your function {other}",
            customer=one_line(row["CustomerId"]),
            label=_label(row, ""),
            other=_label(row, "other "),
        )
        for row in rows
    ]
    figure.alt = _("{title}: {parts}.", title=title, parts=_(". ").join(parts))
    return figure


@in_legible_words()
def running_balance(frame: DataFrame, threshold: Decimal) -> DescribedFigure:
    """Draw a customer's balance after each transaction as steps, and name the first that reaches the threshold.

    `frame` is as frames.running_balance returns it, one row a transaction.
    """
    figure, (axes,) = new_figure(3.2)
    balances = [0.0, *map(float, frame["balance"])]
    axes.step(range(len(balances)), balances, where="post", color=BELOW, linewidth=2)
    draw_threshold(axes, threshold, across=True)
    customer = one_line(frame["CustomerId"].iloc[0]) if len(frame) else _("no customer")
    told = {"customer": customer, "count": len(frame), "threshold": threshold}
    figure.alt = _("The balance of {customer} over {count} transactions stays below {threshold:f}.", **told)
    for place, row in frame[frame["balance"] >= threshold].head(1).iterrows():
        id, date = one_line(row["TransactionId"]), one_line(row["TransactionDate"])
        crossing = _("{transaction} of {date}: {balance:f}", transaction=id, date=date, balance=row["balance"])
        figure.alt = _(
            "The balance of {customer} over {count} transactions reaches the threshold {threshold:f} with {crossing}.",
            **told,
            crossing=crossing,
        )
        point = int(place) + 1, float(row["balance"])
        axes.plot(*point, "o", color=REACHED, markersize=9)
        # Below the steps, at the right, a rising balance leaves room.
        axes.annotate(
            crossing,
            point,
            (0.98, 0.08),
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "->", "color": INK},
            ha="right",
            color=INK,
            parse_math=False,
        )
    axes.set_xlim(0, len(balances))
    axes.margins(y=0.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(_("transactions of {customer}, by date", customer=customer), parse_math=False)
    axes.set_ylabel(_("balance, US dollars ($)"))
    return figure


def _empty(words: str) -> DescribedFigure:
    """Return a figure that says in words why it shows no bar."""
    figure, (axes,) = new_figure(1.7)
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", color=INK, transform=axes.transAxes)
    figure.alt = words
    return figure


def _draw_distribution(axes: Axes, balances: Series, threshold: Decimal) -> None:
    """Draw how many customers have a total of each size, those at or above the threshold apart."""
    sides = [[float(balance) for balance in balances if (balance >= threshold) is reached] for reached in (False, True)]
    axes.hist(sides, bins=24, stacked=True, rwidth=0.9, color=_COLOURS, hatch=_HATCHES, hatchcolor="white")
    draw_threshold(axes, threshold)
    axes.set_title(_share(balances, threshold), color=INK, fontsize=11, loc="right", pad=20)
    axes.set_xlabel(_(TOTAL))
    axes.set_ylabel(_("customers"))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_totals(axes: Axes, balances: Series, threshold: Decimal) -> None:
    sides = [balance >= threshold for balance in balances]
    colours, hatches = ([marks[reached] for reached in sides] for marks in (_COLOURS, _HATCHES))
    places, lengths = range(len(sides)), [*map(float, balances)]
    axes.barh(places, lengths, height=0.6, color=colours, hatch=hatches, hatchcolor="white")
    for place, (balance, reached) in enumerate(zip(balances, sides, strict=True)):
        _write_beside(axes, place, _("{total:f} – alert", total=balance) if reached else f"{balance:f}")
    draw_threshold(axes, threshold)
    axes.set_yticks(places, [one_line(name) for name in balances.index], parse_math=False)
    axes.margins(x=0.02, y=0.02)
    axes.set_xlabel(_(TOTAL))


def _write_beside(axes: Axes, place: float, label: str) -> None:
    """Write a bar's label at the right of the axes, where no bar and no line crosses it."""
    axes.text(1.01, place, label, transform=axes.get_yaxis_transform(), va="center", color=INK)


def _draw_bars(axes: Axes, rows: list[dict[str, Any]], prefix: str, offset: float, **style: Any) -> None:
    """Draw one bar a customer from the columns with this prefix, and write its label beside it."""
    places, lengths = [place + offset for place in range(len(rows))], [float(row[f"{prefix}total"]) for row in rows]
    axes.barh(places, lengths, height=0.36, **style)
    for place, row in zip(places, rows, strict=True):
        _write_beside(axes, place, _label(row, prefix))


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
        count=HIGHEST,
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
