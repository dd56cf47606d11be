"""Draw the chain as one SVG, for the notebooks, the live cell, the checkpoints and the traces.

Each part, a box or an arrow, is a group with its name as `data-part`; chain_picture.css draws it by its `data-state`.
Where a page may run scripts, chain_picture.js puts the SVG into the page, in its colours, and plays what happened.
Elsewhere, it is an image of how it ended.
"""

from collections import defaultdict
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from lab_lib.language import N_, _
from lab_lib.pages.html import image, templates
from lab_lib.resources import RESOURCES, Resource, in_chain

QUEUES = in_chain("queue")
TALL, STEP = 46, 78  # the height of a box, and from row to row where the screen is narrow, in pixels
_LEFT, _RIGHT = 67, 237  # the middles of the two columns there


class Box(NamedTuple):
    """A part of the chain. `x` and `y` are its left edge and its top; `middle` and `row` are for a narrow screen."""

    service: str
    name: str
    width: int
    x: int
    y: int
    middle: int
    row: int

    @property
    def on_narrow(self) -> "Box":
        """Return the box as it stands on a narrow screen."""
        return self._replace(x=self.middle - self.width // 2, y=24 + STEP * self.row)


class Arrow(NamedTuple):
    """A link between two boxes, and its label."""

    start: str
    end: str
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.start}→{self.end}"


_BOXES = [
    Box(N_("file"), "transactions.txt", 108, 14, 24, _LEFT, 0),
    Box("S3", N_("bucket"), 84, 154, 24, _RIGHT, 0),
    Box("Lambda", "TransactionProcessor", 150, 112, 112, _RIGHT, 1),
    Box("DynamoDB", "Customer", 96, 290, 24, _LEFT, 1),
    Box("DynamoDB", "Transactions", 96, 290, 112, _RIGHT, 2),
    Box("Lambda", "TotalNotifier", 118, 446, 112, _RIGHT, 3),
    Box("DynamoDB", "TransactionTotal", 118, 446, 24, _LEFT, 3),
    Box(N_("SNS topic"), "HighBalanceAlert", 124, 590, 112, _RIGHT, 4),
    Box(N_("subscribers"), N_("e-mail, SMS"), 112, 740, 24, _LEFT, 4),
]
for _place, _queue in enumerate(QUEUES):  # one below the other, or two in a row of a narrow screen
    _middle = _RIGHT if _place % 2 else _LEFT
    _BOXES.append(Box("SQS", _queue, 112, 740, 112 + 88 * _place, _middle, 5 + _place // 2))
BOXES = {box.name: box for box in _BOXES}
ARROWS = [
    Arrow("transactions.txt", "bucket"),
    Arrow("bucket", "TransactionProcessor", "ObjectCreated"),
    Arrow("TransactionProcessor", "Customer"),
    Arrow("TransactionProcessor", "Transactions"),
    Arrow("Transactions", "TotalNotifier", N_("stream")),
    Arrow("TotalNotifier", "TransactionTotal"),
    Arrow("TotalNotifier", "HighBalanceAlert"),
    Arrow("HighBalanceAlert", "e-mail, SMS"),
    *(Arrow("HighBalanceAlert", queue) for queue in QUEUES),
]
PARTS = list[str]()  # in the order in which a row comes to them: each box behind the arrows that lead to it
for _box in BOXES:
    PARTS += [arrow.name for arrow in ARROWS if arrow.end == _box]
    PARTS.append(_box)
KINDS = {  # the parts that stand for a resource without a name, by its kind
    "upload": "transactions.txt→bucket",
    "bucket": "bucket",
    "bucket trigger": "bucket→TransactionProcessor",
    "stream trigger": "Transactions→TotalNotifier",
}


def part_of(resource: Resource) -> str:
    """Return the name of the part that stands for this resource; "" if none does."""
    if resource.kind == "subscription":
        return f"HighBalanceAlert→{resource.name}"
    part = KINDS.get(resource.kind, resource.name)
    return part if part in PARTS else ""


# The resources that parts stand for, by these parts in their order.
_RESOURCES = {part_of(resource): resource for resource in RESOURCES}
FLOW = {part: _RESOURCES[part] for part in PARTS if part in _RESOURCES}


def called(part: str) -> str:
    """Return how a part of FLOW is called."""
    kind, name, *_rest = FLOW[part]
    if kind == "subscription":
        return _("subscription of {}").format(name)
    return name or _(kind)


def in_words() -> str:
    """Return the chain in words."""
    return _(
        "The chain of the lab. transactions.txt goes to an S3 bucket. ObjectCreated starts the Lambda function "
        "TransactionProcessor, which writes the DynamoDB tables Customer and Transactions. The stream of Transactions "
        "starts the Lambda function TotalNotifier, which writes the table TransactionTotal and publishes to the SNS "
        "topic HighBalanceAlert. The topic sends to e-mail and SMS, and to the SQS queues {queues}.",
        queues=_(" and ").join([_(", ").join(QUEUES[:-1]), QUEUES[-1]]),
    )


WIDTH, NARROW = 866, 320  # pixels
_PACE = 150  # milliseconds from part to part of what is played
_HERE = Path(__file__)
_STYLE = _HERE.with_suffix(".css").read_text("utf-8")
SCRIPT = _HERE.with_suffix(".js").read_text("utf-8")
_TEMPLATE = templates(_HERE.parent).get_template("chain_picture.svg.j2")


class Look(NamedTuple):
    """How a part is drawn: its state in chain_picture.css, a word on it, and when it came to that state.

    The moment is in milliseconds since 1970. An arrow has room for one character of the word.
    """

    state: str = ""
    word: str = ""
    when: int | None = None


class Line(NamedTuple):
    """Where an arrow begins and ends, in pixels, and whether it goes from side to side or up or down."""

    x: int
    y: int
    to_x: int
    to_y: int
    is_level: bool


class Picture(NamedTuple):
    """The chain with a look of each part, by its name. `alt` is the picture in words."""

    looks: Mapping[str, Look]
    words: str = ""

    @property
    def alt(self) -> str:
        if self.words:
            return self.words
        parts = defaultdict[str, list[str]](list)  # by the word on them
        for name in FLOW:
            look = self.looks.get(name, Look())
            parts[look.word].append(called(name))
        usual = "" if "" in parts else max(parts, key=lambda word: len(parts[word]))  # of most parts
        groups = [
            _("{parts} {said}", parts=_(", ").join(names), said=word)
            for word, names in parts.items()
            if word not in ("", usual)
        ]
        if usual:
            groups.append(_("all else {said}", said=usual) if groups else _("all {said}", said=usual))
        return _("The chain: {parts}.", parts=_("; ").join(groups))

    def _repr_html_(self) -> str:
        drawn = image(svg(self.looks).encode(), self.alt)
        button = escape(_("▶ Play it again"))
        return f'<figure style="margin:0" data-again="{button}">{drawn}<script>{SCRIPT}</script></figure>'

    def __repr__(self) -> str:
        return self.alt


def svg(looks: Mapping[str, Look], alt: str = "") -> str:
    """Return the picture as the text of an SVG file. A part without a look is plain. `alt` is the picture in words."""
    narrow = {name: box.on_narrow for name, box in BOXES.items()}
    return _TEMPLATE.render(
        wide=_screen(WIDTH, BOXES),
        narrow=_screen(NARROW, narrow),
        looks={**dict.fromkeys(PARTS, Look()), **looks},
        moments=_moments(looks),
        style=_STYLE,
        tall=TALL,
        lang=_("en"),
        alt=alt,
    )


def _moments(looks: Mapping[str, Look]) -> dict[str, int]:
    """Return when each part that has a time is shown, in milliseconds from the beginning: one after the other."""
    timed = [name for name in PARTS if name in looks and looks[name].when is not None]
    timed.sort(key=lambda name: looks[name].when or 0)  # of one moment, they stay in the order of PARTS
    return {name: _PACE * place for place, name in enumerate(timed, 1)}


def _screen(width: int, boxes: Mapping[str, Box]) -> dict[str, Any]:
    """Return what the template draws on a screen of this width, with these boxes."""
    lowest = max(box.y for box in boxes.values())
    arrows = [(arrow, _line(boxes[arrow.start], boxes[arrow.end])) for arrow in ARROWS]
    return {"width": width, "height": lowest + TALL + 18, "arrows": arrows, "boxes": boxes.values()}


def _line(start: Box, end: Box) -> Line:
    """Return the way of an arrow between the facing sides of two boxes."""
    x = start.x
    y = start.y
    to_x = end.x
    to_y = end.y
    is_level = y == to_y or to_x > x + start.width
    if is_level:
        y += TALL // 2
        to_y += TALL // 2
        if to_x > x:
            x += start.width
        else:
            to_x += end.width
    else:
        left = max(x, to_x)
        right = min(x + start.width, to_x + end.width)
        if left < right:  # one stands above the other
            x = to_x = (left + right) // 2
        else:
            x += start.width // 2
            to_x += end.width // 2
        if to_y > y:
            y += TALL
        else:
            to_y += TALL
    return Line(x, y, to_x, to_y, is_level)
