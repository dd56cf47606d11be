"""Draw the chain as one SVG, for the notebooks, the live cell, the checkpoints and the traces.

Each part, a box or an arrow, is a group with its name as `data-part`; chain_picture.css draws it by its `data-state`.
Where a page may run scripts, chain_picture.js puts the SVG into the page, in its colours, and plays what happened.
Elsewhere, it is an image of how it ended.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from lab_lib.language import _
from lab_lib.pages.chain_parts import ARROWS, BOXES, FLOW, PARTS, TALL, Arrow, called
from lab_lib.pages.html import templates
from lab_lib.pages.tables import image

Place = tuple[int, int]  # of a box: its left edge and its top, in pixels
WIDTH, NARROW = 866, 320  # pixels
_SIGNS = "✔", "✘", "?", "○", "–", "…"
_SHORTEST, _LONGEST, _TIMES = 500, 3_000, 40  # milliseconds that are played, and how much slower than it was
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
    """How an arrow is drawn: its line, which ends in the head, and the places of its label and its sign."""

    path: str
    head: str
    label: str
    sign: Place


class Picture(NamedTuple):
    """The chain with a look of each part, by its name. `alt` is the picture in words."""

    looks: Mapping[str, Look]
    words: str = ""

    @property
    def alt(self) -> str:
        if self.words:
            return self.words
        parts = dict[str, list[str]]()  # by the word on them
        for name in FLOW:
            parts.setdefault(self.looks.get(name, Look()).word, []).append(called(name))
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
        again = escape(_("▶ Play it again"))
        return f'<figure style="margin:0" data-again="{again}">{drawn}<script>{SCRIPT}</script></figure>'

    def __repr__(self) -> str:
        return self.alt


def svg(looks: Mapping[str, Look], alt: str = "") -> str:
    """Return the picture as the text of an SVG file. A part without a look is plain. `alt` is the picture in words."""
    drawn = _TEMPLATE.render(
        wide=_screen(WIDTH, {name: (box.x, box.y) for name, box in BOXES.items()}),
        narrow=_screen(NARROW, {name: box.narrow for name, box in BOXES.items()}),
        looks={**dict.fromkeys(PARTS, Look()), **looks},
        moments=_moments(looks),
        signs=_SIGNS,
        style=_STYLE,
        lang=_("en"),
        alt=alt,
    )
    return f"{drawn}\n"


def _moments(looks: Mapping[str, Look]) -> dict[str, int]:
    """Return when each part is shown that has a time, in milliseconds from the beginning.

    Half of the time is shared by the clock, half by the order, so that what came at once is seen one after the other.
    """
    timed = sorted((look.when, PARTS.index(name)) for name, look in looks.items() if look.when is not None)
    if not timed:
        return {}
    first = timed[0][0]
    lasted = timed[-1][0] - first
    length = min(max(lasted * _TIMES, _SHORTEST), _LONGEST)
    moments = dict[str, int]()
    for place, (when, part) in enumerate(timed, 1):
        by_clock = (when - first) / (lasted or 1)
        by_order = place / len(timed)
        moments[PARTS[part]] = round(length * (by_clock + by_order) / 2)
    return moments


def _screen(width: int, places: Mapping[str, Place]) -> dict[str, Any]:
    """Return what the template draws on a screen of this width: arrows and boxes with their places."""
    return {
        "width": width,
        "height": max(y for _x, y in places.values()) + TALL + 18,
        "arrows": [(arrow, _line(arrow, places)) for arrow in ARROWS],
        "boxes": [(box, *places[name]) for name, box in BOXES.items()],
    }


def _line(arrow: Arrow, places: Mapping[str, Place]) -> Line:
    """Return how an arrow is drawn between the facing sides of its boxes."""
    start, end = BOXES[arrow.start], BOXES[arrow.end]
    x, y = places[arrow.start]
    to_x, to_y = places[arrow.end]
    if y == to_y or to_x > x + start.width:  # from side to side
        forward = 1 if to_x > x else -1
        if forward > 0:
            x += start.width
        else:
            to_x += end.width
        y += TALL // 2
        to_y += TALL // 2
        middle = (x + to_x) // 2
        return Line(
            path=f"M{x} {y}C{middle} {y} {middle} {to_y} {to_x - 8 * forward} {to_y}",
            head=f"M{to_x} {to_y}l{-10 * forward} -5.5v11z",
            label=f'x="{middle}" y="{y - 8}"',
            sign=(middle, (y + to_y) // 2 + 4),
        )
    left = max(x, to_x)
    right = min(x + start.width, to_x + end.width)
    if left < right:  # one stands above the other
        x = to_x = (left + right) // 2
    else:
        x += start.width // 2
        to_x += end.width // 2
    down = 1 if to_y > y else -1
    if down > 0:
        y += TALL
    else:
        to_y += TALL
    middle = (y + to_y) // 2
    return Line(
        path=f"M{x} {y}C{x} {middle} {to_x} {middle} {to_x} {to_y - 8 * down}",
        head=f"M{to_x} {to_y}l-5.5 {-10 * down}h11z",
        label=f'class="beside" x="{x - 10}" y="{middle + 4}"',
        sign=((x + to_x) // 2, middle + 2),
    )
