"""Write the pictures of the chain: chain.svg for the README, and one beside each notebook: `make docs`.

The part that a notebook is about is lit: thick, yellow, and with a word. Boxes, names and what a notebook makes come
from lab_lib/resources.py.
"""

import json
import re
import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lab_lib.resources import PEOPLE, RESOURCES, Cell, Resource, get, in_chain
from lab_lib.run.headless import notebooks

README, WIDEST = Path(__file__).parents[1] / "README.md", 120  # characters of a line there
WIDTH, TALL = 866, 46  # of the picture, and the height of a box, in pixels
INK, PLAIN, LIT, LIT_ARROW = "#1a1a1a", "#f1f3f5", "#ffd166", "#b45309"
QUEUES = in_chain("queue")
SERVICES = {"bucket": "S3", "table": "DynamoDB", "function": "Lambda", "topic": "SNS topic", "queue": "SQS"}
PLACES = {  # the left edge, the top and the width of each box
    "transactions.txt": (14, 24, 108),
    "bucket": (154, 24, 84),
    "TransactionProcessor": (112, 112, 150),
    "Customer": (290, 24, 96),
    "Transactions": (290, 112, 96),
    "TransactionTotal": (446, 24, 118),
    "TotalNotifier": (446, 112, 118),
    "HighBalanceAlert": (590, 112, 124),
    "e-mail, SMS": (740, 24, 112),
    **{queue: (740, 112 + 88 * number, 112) for number, queue in enumerate(QUEUES)},
}
HEIGHT = max(top for _, top, _ in PLACES.values()) + TALL + 18
CHAIN = (
    "The chain of the lab. transactions.txt goes to an S3 bucket. ObjectCreated starts the Lambda function "
    "TransactionProcessor, which writes the DynamoDB tables Customer and Transactions. The stream of Transactions "
    "starts the Lambda function TotalNotifier, which writes the table TransactionTotal and publishes to the SNS topic "
    "HighBalanceAlert. The topic sends to e-mail and SMS, and to the SQS queues "
    f"{' and '.join(filter(None, [', '.join(QUEUES[:-1]), QUEUES[-1]]))}."
)


@dataclass(frozen=True)
class Box:
    """A part of the chain, the cell that makes it, and where it stands: `x` is its left edge, `y` its top."""

    service: str
    name: str
    cell: Cell | None
    x: int
    y: int
    width: int

    @property
    def outline(self) -> str:
        """Return the path of its border: a cylinder keeps things, a hexagon hands them on, a page is a file."""
        x, y, right, bottom, middle = self.x, self.y, self.x + self.width, self.y + TALL, self.y + TALL // 2
        if self.service in ("S3", "DynamoDB"):
            front = f"a{self.width / 2:g} 6 0 0 1 {-self.width} 0"
            back = f"a{self.width / 2:g} 6 0 0 1 {self.width} 0"
            return f"M{x} {y + 4}{back}V{bottom - 4}{front}ZM{right} {y + 4}{front}"
        if self.service == "SNS topic":
            return f"M{x} {middle}L{x + 10} {y}H{right - 10}L{right} {middle}L{right - 10} {bottom}H{x + 10}Z"
        if self.service == "file":
            return f"M{x} {y}H{right - 12}L{right} {y + 12}V{bottom}H{x}ZM{right - 12} {y}V{y + 12}H{right}"
        return f"M{x} {y}H{right}V{bottom}H{x}Z"


@dataclass(frozen=True)
class Arrow:
    """A link between two boxes, the cell that makes it, and a label."""

    start: str
    end: str
    cell: Cell | None = None
    label: str = ""


@dataclass(frozen=True)
class Lit:
    """The part of a notebook: its boxes and arrows, a word that stands on each, and all of it in a sentence."""

    word: str
    sentence: str
    parts: set[Box | Arrow]


def _has_box(each: Resource) -> bool:
    return each.kind in SERVICES and each.link is not None


NAMED = [
    ("file", "transactions.txt", None),
    ("subscribers", "e-mail, SMS", PEOPLE),
    *((SERVICES[each.kind], each.name or each.kind, each.cell) for each in RESOURCES if _has_box(each)),
]
BOXES = {name: Box(service, name, cell, *PLACES[name]) for service, name, cell in NAMED}
UPLOAD = Arrow("transactions.txt", "bucket")
STREAM = Arrow("Transactions", "TotalNotifier", get("stream trigger").cell, "stream")
ARROWS = [
    UPLOAD,
    Arrow("bucket", "TransactionProcessor", get("bucket trigger").cell, "ObjectCreated"),
    Arrow("TransactionProcessor", "Customer"),
    Arrow("TransactionProcessor", "Transactions"),
    STREAM,
    Arrow("TotalNotifier", "TransactionTotal"),
    Arrow("TotalNotifier", "HighBalanceAlert", get("topic", "HighBalanceAlert").cell),
    Arrow("HighBalanceAlert", "e-mail, SMS", PEOPLE),
    *(Arrow("HighBalanceAlert", queue, get("subscription", queue).cell) for queue in in_chain("subscription")),
]
ALL = {*BOXES.values(), *ARROWS}


def _made(number: str, sentence: str) -> Lit:
    """Return what the cells of a notebook make."""
    return Lit("made here", sentence, {each for each in ALL if each.cell and each.cell.notebook == number})


NOTHING = Lit("", "", set())
TRIGGERS = "The arrow from the bucket to TransactionProcessor, and the arrow from the stream to TotalNotifier."
BROKEN = "The file, Transactions and its stream, TotalNotifier, TransactionTotal and the topic."
BROKEN_BOXES = ("transactions.txt", "Transactions", "TotalNotifier", "TransactionTotal", "HighBalanceAlert")
NOTEBOOKS = {
    "00": _made("00", "The bucket and the tables."),
    "01": _made("01", "The functions."),
    "02": _made("02", TRIGGERS),
    "03": _made("03", "The topic, and its e-mail and SMS."),
    "04": _made("04", "The queues, and the arrows to them from the topic."),
    "05": Lit("at work", "All of it.", ALL),
    "06": Lit("broken here", BROKEN, {STREAM, *(BOXES[name] for name in BROKEN_BOXES)}),
    "99": Lit("deleted here", "All but the file.", ALL - {BOXES["transactions.txt"], UPLOAD}),
}


def image(number: str) -> str:
    """Return the HTML image for a Markdown cell of the notebook with this number: a file beside the notebook."""
    return f'<img alt="{escape(describe(NOTEBOOKS[number]))}" src="chain-{number}.svg">'


def describe(lit: Lit = NOTHING) -> str:
    """Return the picture in words."""
    return f"{CHAIN} {lit.word.capitalize()}: {lit.sentence}" if lit.word else CHAIN


def svg(lit: Lit = NOTHING) -> str:
    """Return the picture as the text of an SVG file."""
    arrows = sorted(ARROWS, key=lambda arrow: arrow in lit.parts)  # the lit ones on top
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            f' role="img" font-family="Arial, Helvetica, sans-serif" text-anchor="middle" fill="{INK}">',
            f"<title>The chain of the lab</title><desc>{escape(describe(lit))}</desc>",
            '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" markerHeight="11"'
            ' markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10Z" fill="context-stroke"/></marker>',
            f'<rect x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="8" fill="#ffffff" stroke="#b8bec4"/>',
            *(_draw_box(box, lit) for box in BOXES.values()),
            *(_draw_arrow(arrow, lit) for arrow in arrows),
            "</svg>\n",
        ]
    )


def _draw_box(box: Box, lit: Lit) -> str:
    is_lit, middle = box in lit.parts, box.x + box.width // 2
    return (
        f'<path d="{box.outline}" fill="{LIT if is_lit else PLAIN}" {_stroke(is_lit)}/>'
        f'<text x="{middle}" y="{box.y + 21}" font-size="11">{box.service}</text>'
        f'<text x="{middle}" y="{box.y + 37}" font-size="12" font-weight="bold">{box.name}</text>'
        + (_draw_word(lit.word, box.x - 5, box.y - 8) if is_lit else "")
    )


def _draw_arrow(arrow: Arrow, lit: Lit) -> str:
    start, end = BOXES[arrow.start], BOXES[arrow.end]
    x, y, to_x, to_y = start.x + start.width, start.y + TALL // 2, end.x, end.y + TALL // 2
    bend = (x + to_x) // 2
    label, word = (bend, y - 8), (bend - 27, y + 7)
    if to_x <= x:  # one stands above the other
        x = bend = to_x = max(start.x, end.x) + min(start.width, end.width) // 2
        y, to_y = (start.y + TALL, end.y) if start.y < end.y else (start.y, end.y + TALL)
        label, word = (x - 46, y + 24), (x + 8, y + 12)
    is_lit = arrow in lit.parts
    has_word = is_lit and lit.parts.isdisjoint(BOXES.values())
    return (
        f'<path d="M{x} {y}C{bend} {y} {bend} {to_y} {to_x} {to_y}" fill="none" {_stroke(is_lit, LIT_ARROW)}'
        f' marker-end="url(#head)"/>'
        + (f'<text x="{label[0]}" y="{label[1]}" font-size="11">{arrow.label}</text>' if arrow.label else "")
        + (_draw_word(lit.word, *word) if has_word else "")
    )


def _stroke(is_lit: bool, lit_colour: str = INK) -> str:
    return f'stroke="{lit_colour if is_lit else INK}" stroke-width="{3 if is_lit else 1.2}"'


def _draw_word(word: str, x: int, y: int) -> str:
    """Draw a word on a dark label."""
    width = 9 + 5 * len(word)
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="15" rx="3"/>'
        f'<text x="{x + width / 2}" y="{y + 11}" font-size="10" fill="#ffffff">{word}</text>'
    )


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
    for each in notebooks():
        place(each)
