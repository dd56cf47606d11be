"""Draw the chain as one SVG, for the notebooks, the live cell, the checkpoints and the traces.

Each part, a box or an arrow, is a group with its name as `data-part`; chain_picture.css draws it by its `data-state`.
Where a page may run scripts, chain_picture.js puts the SVG into the page, in its colours, and plays what happened.
Elsewhere, it is an image of how it ended.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

from lab_lib.language import _
from lab_lib.pages.chain_parts import ARROWS, BOXES, FLOW, PARTS, TALL, Arrow, Box, called
from lab_lib.pages.tables import image

Place = tuple[int, int]  # of a box: its left edge and its top, in pixels
WIDTH, NARROW = 866, 320  # pixels
_SIGNS = "✔", "✘", "?", "○", "–", "…"
_SHORTEST, _LONGEST, _TIMES = 500, 3_000, 40  # milliseconds that are played, and how much slower than it was
_STYLE, SCRIPT = (Path(__file__).with_suffix(end).read_text("utf-8") for end in (".css", ".js"))


class Look(NamedTuple):
    """How a part is drawn: its state in chain_picture.css, a word on it, and when it came to that state.

    The moment is in milliseconds since 1970. An arrow has room for one character of the word.
    """

    state: str = ""
    word: str = ""
    when: int | None = None


class Picture(NamedTuple):
    """The chain with a look of each part, by its name. `alt` is the picture in words."""

    looks: Mapping[str, Look]
    words: str = ""

    @property
    def alt(self) -> str:
        if self.words:
            return self.words
        named: dict[str, list[str]] = {}  # by the word on them
        for name in FLOW:
            named.setdefault(self.looks.get(name, Look()).word, []).append(called(name))
        usual = "" if "" in named else max(named, key=lambda word: len(named[word]))  # of most parts
        told = {_(", ").join(names): word for word, names in named.items() if word not in ("", usual)}
        groups = [_("{parts} {said}", parts=parts, said=word) for parts, word in told.items()]
        groups += [_("all else {said}", said=usual) if groups else _("all {said}", said=usual)] if usual else []
        return _("The chain: {parts}.", parts=_("; ").join(groups))

    def _repr_html_(self) -> str:
        drawn, again = image(svg(self.looks).encode(), self.alt), escape(_("▶ Play it again"))
        return f'<figure style="margin:0" data-again="{again}">{drawn}<script>{SCRIPT}</script></figure>'

    def __repr__(self) -> str:
        return self.alt


def svg(looks: Mapping[str, Look], alt: str = "") -> str:
    """Return the picture as the text of an SVG file. A part without a look is plain. `alt` is the picture in words."""
    height = max(box.y for box in BOXES.values()) + TALL + 18
    high = max(box.narrow[1] for box in BOXES.values()) + TALL + 18
    moments = _moments(looks)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="lab-chain" width="{WIDTH}" height="{height}" role="img"'
            f' lang="{_("en")}" aria-label="{escape(alt)}" style="--wide:{WIDTH}/{height};--narrow:{NARROW}/{high}">',
            f"<style>{_STYLE}</style>",
            f'<svg class="lab-wide" viewBox="0 0 {WIDTH} {height}">',
            *_drawn(looks, moments, {name: (box.x, box.y) for name, box in BOXES.items()}),
            f'</svg><svg class="lab-narrow" viewBox="0 0 {NARROW} {high}">',
            *_drawn(looks, moments, {name: box.narrow for name, box in BOXES.items()}),
            "</svg></svg>\n",
        ]
    )


def _moments(looks: Mapping[str, Look]) -> dict[str, int]:
    """Return when each part is shown that has a time, in milliseconds from the beginning.

    Half of the time is shared by the clock, half by the order, so that what came at once is seen one after the other.
    """
    timed = sorted((look.when, PARTS.index(name)) for name, look in looks.items() if look.when is not None)
    if not timed:
        return {}
    first, last = timed[0][0], timed[-1][0]
    length = min(max((last - first) * _TIMES, _SHORTEST), _LONGEST)
    moments = dict[str, int]()
    for place, (when, part) in enumerate(timed, 1):
        by_clock, by_order = (when - first) / ((last - first) or 1), place / len(timed)
        moments[PARTS[part]] = round(length * (by_clock + by_order) / 2)
    return moments


def _drawn(looks: Mapping[str, Look], moments: Mapping[str, int], places: Mapping[str, Place]) -> list[str]:
    """Return the arrows and the boxes at these places, as groups."""
    groups = list[str]()
    for name, part in ({arrow.name: arrow for arrow in ARROWS} | BOXES).items():
        look = looks.get(name, Look())
        at = f' data-at="{moments[name]}"' if name in moments else ""
        drawn = _arrow(part, places, look.word) if isinstance(part, Arrow) else _box(part, places[name], look.word)
        groups.append(f'<g data-part="{escape(name)}" data-state="{look.state}"{at}>{drawn}</g>')
    return groups


def _box(box: Box, place: Place, word: str) -> str:
    x, y = place
    middle = x + box.width // 2
    return (
        f'<path class="box" transform="translate({x},{y})" d="{box.outline}"/>'
        f'<text x="{middle}" y="{y + 21}">{escape(_(box.service))}</text>'
        f'<text class="name" x="{middle}" y="{y + 37}">{escape(_(box.name))}</text>'
        f'<text class="word" x="{x}" y="{y + 2}">{escape(word)}</text>'
    )


def _arrow(arrow: Arrow, places: Mapping[str, Place], word: str) -> str:
    """Return an arrow between the facing sides of its boxes, with its label beside it, and the word's sign on it."""
    start, end = BOXES[arrow.start], BOXES[arrow.end]
    (x, y), (to_x, to_y) = places[arrow.start], places[arrow.end]
    shared = max(x, to_x), min(x + start.width, to_x + end.width)  # by both, if the one stands above the other
    if y == to_y or to_x > x + start.width:  # from side to side
        forward = 1 if to_x > x else -1
        x, to_x = (x + start.width, to_x) if forward > 0 else (x, to_x + end.width)
        y, to_y = y + TALL // 2, to_y + TALL // 2
        middle = (x + to_x) // 2
        line = f"M{x} {y}C{middle} {y} {middle} {to_y} {to_x - 8 * forward} {to_y}"  # it ends in the head
        head, label = f"M{to_x} {to_y}l{-10 * forward} -5.5v11z", f'x="{middle}" y="{y - 8}"'
        sign = middle, (y + to_y) // 2 + 4
    else:
        down = 1 if to_y > y else -1
        y, to_y = (y + TALL, to_y) if down > 0 else (y, to_y + TALL)
        x, to_x = x + start.width // 2, to_x + end.width // 2
        if shared[0] < shared[1]:
            x = to_x = sum(shared) // 2
        middle = (y + to_y) // 2
        line = f"M{x} {y}C{x} {middle} {to_x} {middle} {to_x} {to_y - 8 * down}"
        head, label = f"M{to_x} {to_y}l-5.5 {-10 * down}h11z", f'class="beside" x="{x - 10}" y="{middle + 4}"'
        sign = (x + to_x) // 2, middle + 2
    parts = [f'<path d="{line}"/><path class="head" d="{head}"/>']
    parts += [f"<text {label}>{escape(_(arrow.label))}</text>"] if arrow.label else []
    parts += ['<text class="sign" x="{}" y="{}">{}</text>'.format(*sign, word[0])] if word.startswith(_SIGNS) else []
    return "".join(parts)
