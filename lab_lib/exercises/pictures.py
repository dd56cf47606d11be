"""Draw the chain at the top of each notebook, with the part lit that it is about: thick, yellow, and with a word."""

from collections.abc import Collection
from typing import NamedTuple

from lab_lib.language import N_, _
from lab_lib.pages.chain_picture import BOXES, PARTS, Look, Picture, in_words, part_of
from lab_lib.resources import RESOURCES

PICTURE = "picture"  # the tag of the cell that draws it


class Lit(NamedTuple):
    """The lit parts of a notebook: a sentence that names them, those no cell makes, and the word on their boxes."""

    sentence: str
    others: Collection[str] = ()
    word: str = N_("made here")


PEOPLE = ("TotalNotifier→HighBalanceAlert", "HighBalanceAlert→e-mail, SMS", "e-mail, SMS")
BROKEN = (
    "transactions.txt",
    "Transactions",
    "Transactions→TotalNotifier",
    "TotalNotifier",
    "TransactionTotal",
    "HighBalanceAlert",
)
NOTEBOOKS = {
    "00": Lit(N_("The bucket and the tables.")),
    "01": Lit(N_("The functions.")),
    "02": Lit(N_("The arrow from the bucket to TransactionProcessor, and the arrow from the stream to TotalNotifier.")),
    "03": Lit(N_("The topic, and its e-mail and SMS."), PEOPLE),
    "04": Lit(N_("The queues, and the arrows to them from the topic.")),
    "05": Lit(N_("All of it."), PARTS, N_("at work")),
    "06": Lit(
        N_("The file, Transactions and its stream, TotalNotifier, TransactionTotal and the topic."),
        BROKEN,
        N_("broken here"),
    ),
    "99": Lit(N_("All but the file."), {*PARTS} - {"transactions.txt", "transactions.txt→bucket"}, N_("deleted here")),
}


def picture(number: str) -> Picture:
    """Return the picture of a notebook, such as "03"."""
    lit = NOTEBOOKS[number]
    made = [part_of(resource) for resource in RESOURCES if resource.cell.notebook == number]
    looks = {part: Look("lit", _(lit.word) if part in BOXES else "") for part in PARTS if part in (*lit.others, *made)}
    alt = _("{chain} {lit}: {parts}", chain=in_words(), lit=_(lit.word).capitalize(), parts=_(lit.sentence))
    return Picture(looks, alt)


def shown(number: str) -> dict[str, str]:
    """Return what a cell shows of it: HTML, and the picture in words."""
    drawn = picture(number)
    return {"text/html": drawn._repr_html_(), "text/plain": drawn.alt}
