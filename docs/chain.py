"""Write the picture of the chain: chain.svg for the README, and one in the first cell of each notebook: `make docs`.

The part that a notebook is about is lit: thick, yellow, and with a word.
"""

import base64
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lab_lib.run.headless import notebooks

WIDTH, HEIGHT, TALL = 866, 264, 46  # of the picture, and of a box, in pixels
INK, PLAIN, LIT, LIT_ARROW = "#1a1a1a", "#f1f3f5", "#ffd166", "#b45309"
CHAIN = (
    "The chain of the lab. transactions.txt goes to an S3 bucket. ObjectCreated starts the Lambda function "
    "TransactionProcessor, which writes the DynamoDB tables Customer and Transactions. The stream of Transactions "
    "starts the Lambda function TotalNotifier, which writes the table TransactionTotal and publishes to the SNS topic "
    "HighBalanceAlert. The topic sends to e-mail and SMS, and to the SQS queues CustomerNotify and CreditCollection."
)


@dataclass(frozen=True)
class Box:
    """One part of the chain, and where it stands: `x` is its left edge, `y` its top."""

    service: str
    name: str
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


BOXES = {
    "file": Box("file", "transactions.txt", 14, 24, 108),
    "bucket": Box("S3", "bucket", 154, 24, 84),
    "processor": Box("Lambda", "TransactionProcessor", 112, 112, 150),
    "customer": Box("DynamoDB", "Customer", 290, 24, 96),
    "transactions": Box("DynamoDB", "Transactions", 290, 112, 96),
    "total": Box("DynamoDB", "TransactionTotal", 446, 24, 118),
    "notifier": Box("Lambda", "TotalNotifier", 446, 112, 118),
    "topic": Box("SNS topic", "HighBalanceAlert", 590, 112, 124),
    "mail": Box("subscribers", "e-mail, SMS", 740, 24, 112),
    "notify": Box("SQS", "CustomerNotify", 740, 112, 112),
    "collection": Box("SQS", "CreditCollection", 740, 200, 112),
}
ARROWS = {
    "file bucket": "",
    "bucket processor": "ObjectCreated",
    "processor customer": "",
    "processor transactions": "",
    "transactions notifier": "stream",
    "notifier total": "",
    "notifier topic": "",
    "topic mail": "",
    "topic notify": "",
    "topic collection": "",
}


@dataclass(frozen=True)
class Lit:
    """The part of a notebook: its boxes and arrows, a word that stands on each, and all of it in a sentence."""

    word: str
    sentence: str
    parts: set[str]


NOTHING = Lit("", "", set())
ALL = BOXES.keys() | ARROWS.keys()
NOTEBOOKS = {
    "00": Lit("made here", "The bucket and the three tables.", {"bucket", "customer", "transactions", "total"}),
    "01": Lit("made here", "The two functions.", {"processor", "notifier"}),
    "02": Lit(
        "made here",
        "The arrow from the bucket to TransactionProcessor, and the arrow from the stream to TotalNotifier.",
        {"bucket processor", "transactions notifier"},
    ),
    "03": Lit("made here", "The topic, and its e-mail and SMS.", {"topic", "mail", "notifier topic", "topic mail"}),
    "04": Lit(
        "made here",
        "The two queues, and the arrows to them from the topic.",
        {"notify", "collection", "topic notify", "topic collection"},
    ),
    "05": Lit("at work", "All of it.", ALL),
    "06": Lit(
        "broken here",
        "The file, Transactions and its stream, TotalNotifier, TransactionTotal and the topic.",
        {"file", "transactions", "transactions notifier", "notifier", "total", "topic"},
    ),
    "99": Lit("deleted here", "All but the file.", ALL - {"file", "file bucket"}),
}


def image(number: str) -> str:
    """Return the picture as an HTML image that holds it, for a Markdown cell of the notebook with this number.

    JupyterLab drops an SVG in Markdown and cannot show an attached one. A file would be missing in copies and exports.
    """
    lit = NOTEBOOKS[number]
    data = base64.b64encode(svg(lit).encode()).decode()
    return f'<img alt="{escape(describe(lit))}" src="data:image/svg+xml;base64,{data}">'


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
            *(_draw_box(part, lit) for part in BOXES),
            *(_draw_arrow(arrow, lit) for arrow in arrows),
            "</svg>\n",
        ]
    )


def _draw_box(part: str, lit: Lit) -> str:
    box, is_lit = BOXES[part], part in lit.parts
    middle = box.x + box.width // 2
    return (
        f'<path d="{box.outline}" fill="{LIT if is_lit else PLAIN}" {_stroke(is_lit)}/>'
        f'<text x="{middle}" y="{box.y + 21}" font-size="11">{box.service}</text>'
        f'<text x="{middle}" y="{box.y + 37}" font-size="12" font-weight="bold">{box.name}</text>'
        + (_draw_word(lit.word, box.x - 5, box.y - 8) if is_lit else "")
    )


def _draw_arrow(arrow: str, lit: Lit) -> str:
    start, end = (BOXES[part] for part in arrow.split())
    x, y, to_x, to_y = start.x + start.width, start.y + TALL // 2, end.x, end.y + TALL // 2
    bend = (x + to_x) // 2
    label, word = (bend, y - 8), (bend - 27, y + 7)
    if to_x <= x:  # one stands above the other
        x = bend = to_x = max(start.x, end.x) + min(start.width, end.width) // 2
        y, to_y = (start.y + TALL, end.y) if start.y < end.y else (start.y, end.y + TALL)
        label, word = (x - 46, y + 24), (x + 8, y + 12)
    is_lit = arrow in lit.parts
    has_word = is_lit and not lit.parts & BOXES.keys()
    return (
        f'<path d="M{x} {y}C{bend} {y} {bend} {to_y} {to_x} {to_y}" fill="none" {_stroke(is_lit, LIT_ARROW)}'
        f' marker-end="url(#head)"/>'
        + (f'<text x="{label[0]}" y="{label[1]}" font-size="11">{ARROWS[arrow]}</text>' if ARROWS[arrow] else "")
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
    """Put the notebook's picture where its first cell has one."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = notebook["cells"][0]
    cell["source"] = [f"{image(path.stem[:2])}\n" if "<img " in line else line for line in cell["source"]]
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(svg(), encoding="utf-8")
    for each in notebooks():
        place(each)
