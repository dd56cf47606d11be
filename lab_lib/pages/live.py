"""Show the chain at work: a picture and a line for each link, which fill in place while a cell waits."""

import os
from collections.abc import Iterable
from html import escape

from lab_lib.calls.waiting import PROGRESS_FILE
from lab_lib.language import _
from lab_lib.pages.chain_parts import ARROWS, Link
from lab_lib.pages.chain_picture import Look, Picture
from lab_lib.pages.colours import LOOKS, PLAIN, RIGHT
from lab_lib.pages.tables import table
from lab_lib.pages.wording import aligned
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, in_chain, messages

# The boxes that a link fills. Its amount stands on the last one. The arrows to a box fill with it.
_BOXES = {
    ROWS: ("TransactionProcessor", "Customer", "Transactions"),
    CHANGES: ("TotalNotifier",),
    TOTALS: ("TransactionTotal",),
    ALERTS: ("HighBalanceAlert",),
    **{messages(queue): (queue,) for queue in in_chain("queue")},
}


def chain(links: Iterable[Link], last: bool) -> None:
    """Show the links in place of the cell's output; in a headless run, only the `last` ones."""
    from IPython.display import clear_output, display

    if PROGRESS_FILE not in os.environ:
        clear_output(wait=True)  # type: ignore[no-untyped-call]
    elif not last:
        return
    shown = [*links]
    data = {"text/html": f"{_picture(shown).image}{_html(shown)}", "text/plain": _text(shown)}
    display(data, raw=True)  # type: ignore[no-untyped-call]


def _picture(links: list[Link]) -> Picture:
    looks = {"bucket": Look(RIGHT), "transactions.txt→bucket": Look(RIGHT)}
    for link in (link for link in links if link.name in _BOXES):
        style = LOOKS[_state(link)].box if link.want else PLAIN
        *others, last = _BOXES[link.name]
        inside = "" if link.held is None else _("holds {count:,}", count=link.held)
        looks |= {box: Look(style) for box in others} | {last: Look(style, link.amount, link.note, inside)}
    looks |= {arrow.name: Look(looks[arrow.end].style) for arrow in ARROWS if arrow.end in looks}
    return Picture(looks)


def _state(link: Link) -> str:
    return "arrived" if link.have >= link.want else "arriving" if link.have or link.note else "nothing yet"


def _words(link: Link) -> str:
    """Return how much there is, why nothing is due, and the note."""
    return _(": ").join(filter(None, (link.amount, "" if link.want else link.why, link.note)))


def _text(links: list[Link]) -> str:
    return "\n".join(aligned((f"{LOOKS[_state(link)].sign} {link.called}", _words(link)) for link in links))


def _html(links: list[Link]) -> str:
    bar = '<progress max="{}" value="{}" aria-label="{}"></progress>'
    return table(
        (
            LOOKS[_state(link)].sign,
            escape(link.called),
            bar.format(link.want or 1, link.have if link.want else 1, escape(link.called)),
            escape(_words(link)),
        )
        for link in links
    )
