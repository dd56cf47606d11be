"""Draw the chain at the top of each notebook, with the part lit that it is about: thick, yellow, and with a word."""

from typing import NamedTuple

from lab_lib.language import N_, _
from lab_lib.pages.chain_picture import BOXES, PARTS, Look, Picture, in_words, part_of
from lab_lib.resources import RESOURCES

ALL, PICTURE = {*PARTS}, "picture"  # the tag of the cell that draws it


class Lit(NamedTuple):
    """The part of a notebook: its boxes and arrows, a word that stands on each, and all of it in a sentence."""

    word: str
    sentence: str
    parts: set[str]


def _made(number: str, sentence: str, *others: str) -> Lit:
    """Return the resources that the cells of a notebook make, and these other parts."""
    made = {part_of(resource) for resource in RESOURCES if resource.cell.notebook == number}
    return Lit(N_("made here"), sentence, {*others, *made} & ALL)


PEOPLE = ("TotalNotifier→HighBalanceAlert", "HighBalanceAlert→e-mail, SMS", "e-mail, SMS")
BROKEN_BOXES = ("transactions.txt", "Transactions", "TotalNotifier", "TransactionTotal", "HighBalanceAlert")
NOTEBOOKS = {
    "00": _made("00", N_("The bucket and the tables.")),
    "01": _made("01", N_("The functions.")),
    "02": _made(
        "02", N_("The arrow from the bucket to TransactionProcessor, and the arrow from the stream to TotalNotifier.")
    ),
    "03": _made("03", N_("The topic, and its e-mail and SMS."), *PEOPLE),
    "04": _made("04", N_("The queues, and the arrows to them from the topic.")),
    "05": Lit(N_("at work"), N_("All of it."), ALL),
    "06": Lit(
        N_("broken here"),
        N_("The file, Transactions and its stream, TotalNotifier, TransactionTotal and the topic."),
        {"Transactions→TotalNotifier", *BROKEN_BOXES},
    ),
    "99": Lit(N_("deleted here"), N_("All but the file."), ALL - {"transactions.txt", "transactions.txt→bucket"}),
}


def picture(number: str) -> Picture:
    """Return the picture of a notebook, such as "03"."""
    lit = NOTEBOOKS[number]
    looks = {name: Look("lit", _(lit.word) if name in BOXES else "") for name in lit.parts}
    return Picture(
        looks, _("{chain} {lit}: {parts}", chain=in_words(), lit=_(lit.word).capitalize(), parts=_(lit.sentence))
    )


def shown(number: str) -> dict[str, str]:
    """Return what a cell shows of it: HTML, and the picture in words."""
    drawn = picture(number)
    return {"text/html": drawn._repr_html_(), "text/plain": drawn.alt}
