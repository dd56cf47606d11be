"""Show the chain at work: a picture and a line for each link, which fill in place while a cell waits."""

import os
from html import escape
from typing import NamedTuple

from lab_lib.calls.waiting import QUIET
from lab_lib.language import _
from lab_lib.pages.chain_picture import ARROWS, Look, Picture
from lab_lib.pages.colours import LOOKS, marked
from lab_lib.pages.wording import aligned
from lab_lib.resources import ALERTS, CHANGES, ROWS, TOTALS, in_chain, messages


class Link(NamedTuple):
    """A link of the chain: how much has come through it, how much is due, and why nothing is, if nothing is.

    `note` tells of what was tried again. `when` is the moment of the last that came, in milliseconds since 1970.
    """

    name: str
    have: int
    want: int
    why: str = ""
    note: str = ""
    when: int | None = None

    @property
    def called(self) -> str:
        """Return its name in the user's language."""
        queue = self.name.removeprefix(messages(""))
        if queue == self.name:  # no link of a queue
            return _(self.name)
        return _("messages in {}").format(queue)

    @property
    def amount(self) -> str:
        return _("{link.have:,} of {link.want:,}", link=self) if self.want else _("none is due")

    def __str__(self) -> str:
        return _(": ").join([self.called, self.amount])


class Progress(NamedTuple):
    """A look at an upload on its way: the links, and what is known at the end.

    That is whether the look `is_last`, when the file was `uploaded`, in milliseconds since 1970, and the `broken` part.
    """

    links: list[Link]
    is_last: bool = False
    uploaded: int | None = None
    broken: str = ""


# The boxes that a link fills. Its amount stands on the last one. The arrows to a box fill with it.
_BOXES = {
    ROWS: ("TransactionProcessor", "Customer", "Transactions"),
    CHANGES: ("TotalNotifier",),
    TOTALS: ("TransactionTotal",),
    ALERTS: ("HighBalanceAlert",),
    **{messages(queue): (queue,) for queue in in_chain("queue")},
}


def chain(progress: Progress) -> None:
    """Show the links in place of the cell's output; in a headless run, only the last ones."""
    from IPython.display import clear_output, display

    if QUIET not in os.environ:
        clear_output(wait=True)  # type: ignore[no-untyped-call]
    elif not progress.is_last:
        return
    rows = [(f"{LOOKS[_state(link)].sign} {link.called}", _words(link)) for link in progress.links]
    text = "\n".join(aligned(rows))
    data = {"text/html": f"{picture(progress)._repr_html_()}<pre>{escape(text)}</pre>", "text/plain": text}
    display(data, raw=True)  # type: ignore[no-untyped-call]


def picture(progress: Progress) -> Picture:
    """Return the chain with these links in it. It plays those whose moment is known, from the upload on."""
    right = Look("right", when=progress.uploaded)
    looks = dict.fromkeys(("transactions.txt", "transactions.txt→bucket", "bucket"), right)
    for link in progress.links:
        if link.name not in _BOXES:  # that of the rejected lines
            continue
        state = LOOKS[_state(link)].drawn if link.want else ""
        look = Look(state, link.amount, link.when)
        *others, last = _BOXES[link.name]
        looks |= dict.fromkeys(others, look._replace(word=""))
        looks[last] = look
    for arrow in ARROWS:
        if arrow.end in looks:
            looks[arrow.name] = looks[arrow.end]._replace(word="")
    if progress.broken:
        looks[progress.broken] = Look("wrong", marked("wrong"))
    return Picture(looks)


def _state(link: Link) -> str:
    if link.have >= link.want:
        return "arrived"
    return "arriving" if link.have or link.note else "nothing yet"


def _words(link: Link) -> str:
    """Return how much there is, why nothing is due, and the note."""
    why = "" if link.want else link.why
    return _(": ").join(filter(None, (link.amount, why, link.note)))
