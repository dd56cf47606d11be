"""Write the pictures of the chain: chain.svg for the README, and one beside each notebook: `make docs`.

The part that a notebook is about is lit: thick, yellow, and with a word. lab_lib/chain_picture.py draws it.
"""

import json
import re
import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lab_lib import chain_picture
from lab_lib.chain_parts import BOXES, CHAIN, PARTS, part_of
from lab_lib.chain_picture import Look
from lab_lib.exercises.copies import solved_notebooks
from lab_lib.looks import LIT
from lab_lib.resources import RESOURCES

README, WIDEST = Path(__file__).parents[1] / "README.md", 120  # characters of a line there
ALL = {*PARTS}


@dataclass(frozen=True)
class Lit:
    """The part of a notebook: its boxes and arrows, a word that stands on each, and all of it in a sentence."""

    word: str
    sentence: str
    parts: set[str]


def _made(number: str, sentence: str, *others: str) -> Lit:
    """Return the resources that the cells of a notebook make, and these other parts."""
    made = {part_of(resource) for resource in RESOURCES if resource.cell.notebook == number}
    return Lit("made here", sentence, {*others, *made} & ALL)


PEOPLE = ("TotalNotifier→HighBalanceAlert", "HighBalanceAlert→e-mail, SMS", "e-mail, SMS")
NOTHING = Lit("", "", set())
TRIGGERS = "The arrow from the bucket to TransactionProcessor, and the arrow from the stream to TotalNotifier."
BROKEN = "The file, Transactions and its stream, TotalNotifier, TransactionTotal and the topic."
BROKEN_BOXES = ("transactions.txt", "Transactions", "TotalNotifier", "TransactionTotal", "HighBalanceAlert")
OUTGROWN = "The file, the bucket, TransactionProcessor, Customer and Transactions."
COPIES = ("TransactionProcessor→Customer", "TransactionProcessor→Transactions")
OUTGROWN_BOXES = ("transactions.txt", "bucket", "TransactionProcessor", "Customer", "Transactions")
NOTEBOOKS = {
    "00": _made("00", "The bucket and the tables."),
    "01": _made("01", "The functions."),
    "02": _made("02", TRIGGERS),
    "03": _made("03", "The topic, and its e-mail and SMS.", *PEOPLE),
    "04": _made("04", "The queues, and the arrows to them from the topic."),
    "05": Lit("at work", "All of it.", ALL),
    "06": Lit("broken here", BROKEN, {"Transactions→TotalNotifier", *BROKEN_BOXES}),
    "07": Lit(
        "in parts here",
        OUTGROWN,
        {"TransactionProcessor→Customer", "TransactionProcessor→Transactions", *OUTGROWN_BOXES},
    ),
    "99": Lit("deleted here", "All but the file.", ALL - {"transactions.txt", "transactions.txt→bucket"}),
}


def image(number: str) -> str:
    """Return the HTML image for a Markdown cell of the notebook with this number: a file beside the notebook."""
    return f'<img alt="{escape(describe(NOTEBOOKS[number]))}" src="chain-{number}.svg">'


def describe(lit: Lit = NOTHING) -> str:
    """Return the picture in words."""
    return f"{CHAIN} {lit.word.capitalize()}: {lit.sentence}" if lit.word else CHAIN


def svg(lit: Lit = NOTHING) -> str:
    """Return the picture as the text of an SVG file. The word stands on boxes or, if no box is lit, on arrows."""
    labelled = BOXES.keys() & lit.parts or lit.parts
    looks = {name: Look(LIT, lit.word if name in labelled else "") for name in lit.parts}
    return chain_picture.svg(looks, alt=describe(lit))


def place(path: Path) -> None:
    """Write the notebook's picture beside it, and name it where its first cell has one."""
    number = path.stem[:2]
    path.with_name(f"chain-{number}.svg").write_text(svg(NOTEBOOKS[number]), encoding="utf-8")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = notebook["cells"][0]
    cell["source"] = [f"{image(number)}\n" if "<img " in line else line for line in cell["source"]]
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def with_image(readme: str) -> str:
    """Return the README with the picture in words as it is now."""
    words = textwrap.fill(f"![{CHAIN}](docs/chain.svg)", WIDEST, break_long_words=False, break_on_hyphens=False)
    return re.sub(r"!\[[^]]*\]\(docs/chain\.svg\)", words, readme)


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(svg(), encoding="utf-8")
    README.write_text(with_image(README.read_text(encoding="utf-8")), encoding="utf-8")
    for path in solved_notebooks():
        place(path)
