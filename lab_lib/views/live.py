"""Show the chain at work: a line for each link, which fills in place while a cell waits."""

import os
from collections.abc import Iterable
from html import escape

from lab_lib.html_tables import table
from lab_lib.waiting import UNSEEN

Link = tuple[str, int, int, str]  # its name, how much has come through it, how much is due, and why nothing is


def chain(links: Iterable[Link], last: bool) -> None:
    """Show the links in the place of what the cell showed before; where nobody looks, only the `last` ones."""
    from IPython.display import clear_output, display

    if UNSEEN not in os.environ:
        clear_output(wait=True)  # type: ignore[no-untyped-call]
    elif not last:
        return
    shown = [(name, have, want, *_state(have, want, why)) for name, have, want, why in links]
    data = {"text/html": _html(shown), "text/plain": _text(shown)}
    display(data, raw=True)  # type: ignore[no-untyped-call]


def _state(have: int, want: int, why: str) -> tuple[str, str]:
    """Return a mark, and how much there is."""
    mark = "✔" if have >= want else "…" if have else "·"
    return mark, f"{have:,} of {want:,}" if want else f"none is due{': ' if why else ''}{why}"


def _text(shown: list[tuple[str, int, int, str, str]]) -> str:
    width = max((len(name) for name, *_ in shown), default=0)
    return "\n".join(f"{mark} {name:{width}}  {amount}" for name, _, _, mark, amount in shown)


def _html(shown: list[tuple[str, int, int, str, str]]) -> str:
    bar = '<progress max="{}" value="{}" aria-label="{}"></progress>'
    return table(
        (mark, escape(name), bar.format(want or 1, have if want else 1, escape(name)), amount)
        for name, have, want, mark, amount in shown
    )
