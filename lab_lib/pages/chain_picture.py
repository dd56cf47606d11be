"""Draw the chain as SVG. Each part, a box or an arrow, can have a look: as it is in an account, or at work.

Each part is a group with its name as `data-part`, so that a page can find it. The picture has no ids, so that several
can stand on one page.
"""

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from lab_lib.language import _
from lab_lib.pages.chain_parts import ARROWS, BOXES, FLOW, HEIGHT, PARTS, TALL, WIDTH, Arrow, Box, called
from lab_lib.pages.colours import INK, PLAIN, Style
from lab_lib.pages.svg import cut, text, width
from lab_lib.pages.tables import image
from lab_lib.pages.wording import clauses, shortened

LEFT, NOTES_TOP, NOTES_GAP, MOST_NOTES = 16, 190, 16, 5  # of the notes: pixels, and lines


class Look(NamedTuple):
    """How a part is drawn: a word on a label, a note below the picture, and what stands in the box with the service.

    The first character of a word may be a sign: a short arrow has room for no more.
    """

    style: Style = PLAIN
    word: str = ""
    note: str = ""
    inside: str = ""

    @property
    def said(self) -> str:
        """Return what it tells, in words."""
        said = clauses([self.word, self.inside])
        return _("{said} ({note})", said=said, note=self.note) if self.note else said


class Picture(NamedTuple):
    """The chain with a look of each part, by its name. `alt` is the picture in words."""

    looks: Mapping[str, Look]

    @property
    def alt(self) -> str:
        named: dict[str, list[str]] = {}  # by what is said of them
        for name in FLOW:
            named.setdefault(self.looks.get(name, Look()).said, []).append(called(name))
        usual = "" if "" in named else max(named, key=lambda said: len(named[said]))  # said of most parts
        told = {_(", ").join(names): said for said, names in named.items() if said not in ("", usual)}
        groups = [_("{parts} {said}", parts=parts, said=said) for parts, said in told.items()]
        groups += [_("all else {said}", said=usual) if groups else _("all {said}", said=usual)] if usual else []
        return _("The chain: {parts}.", parts=_("; ").join(groups))

    @property
    def image(self) -> str:
        """Return it as an HTML image."""
        return image(svg(self.looks).encode(), self.alt)

    def _repr_html_(self) -> str:
        return self.image

    def __repr__(self) -> str:
        return self.alt


def svg(looks: Mapping[str, Look], alt: str = "") -> str:
    """Return the picture as the text of an SVG file. A part without a look is plain. `alt` is the picture in words."""
    all_looks = {name: looks.get(name, Look()) for name in PARTS}
    arrows = sorted(ARROWS, key=lambda arrow: all_looks[arrow.name].style.width)  # thick ones on top
    title, language = _("The chain of the lab"), _("en")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            f' lang="{language}" role="img"'
            f' font-family="Arial, Helvetica, sans-serif" text-anchor="middle" fill="{INK}">',
            f"<title>{title}</title><desc>{escape(alt)}</desc>",
            f'<rect x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="8" fill="#ffffff" stroke="#b8bec4"/>',
            *(_group(arrow.name, _draw_arrow(arrow, all_looks[arrow.name])) for arrow in arrows),
            *(_group(name, _draw_box(box, all_looks[name])) for name, box in BOXES.items()),
            *_draw_notes(looks),
            "</svg>\n",
        ]
    )


def _group(name: str, drawn: str) -> str:
    return f'<g data-part="{name}">{drawn}</g>'


def _draw_box(box: Box, look: Look) -> str:
    style, middle = look.style, box.x + box.width // 2
    service = clauses([_(box.service), look.inside])
    return (
        _draw_path(box.outline, style.fill, style.outline, style)
        + text(middle, box.y + 21, service, 11, box.width - 8)
        + text(middle, box.y + 37, _(box.name), 12, box.width - 8, font_weight="bold")
        + _draw_word(look, box.x - 5, box.y - 8)
    )


def _draw_arrow(arrow: Arrow, look: Look) -> str:
    start, end, line = BOXES[arrow.start], BOXES[arrow.end], look.style.line
    x, y, to_x, to_y = start.x + start.width, start.y + TALL // 2, end.x, end.y + TALL // 2
    if 0 < to_x - x < _width(look.word):
        look = look._replace(word=look.word[:1])
    bend, half = (x + to_x) // 2, _width(look.word) // 2
    label, word, tip = (bend, y - 8), (bend - half, y + 7 if y == to_y else (y + to_y) // 2 - 7), "l-10 -5.5v11z"
    reach, drop = to_x - 8, to_y  # the line ends in the head, not at its tip
    if to_x <= x:  # one stands above the other
        down = 1 if start.y < end.y else -1
        x = bend = to_x = reach = max(start.x, end.x) + min(start.width, end.width) // 2
        y, to_y = (start.y + TALL, end.y) if down > 0 else (start.y, end.y + TALL)
        label, word, tip, drop = (x - 46, y + 24), (x + 8, y + 12), f"l-5.5 {-10 * down}h11z", to_y - 8 * down
    return (
        _draw_path(f"M{x} {y}C{bend} {y} {bend} {drop} {reach} {drop}", "none", line, look.style)
        + f'<path d="M{to_x} {to_y}{tip}" fill="{line}"/>'
        + (text(*label, _(arrow.label), 11) if arrow.label else "")
        + _draw_word(look, *word)
    )


def _draw_path(path: str, fill: str, stroke: str, style: Style) -> str:
    """Draw a line. A double one is a thick line with a thin white one on it."""
    dashes = f' stroke-dasharray="{style.dashes}"' if style.dashes else ""
    inner = f'<path d="{path}" fill="none" stroke="#ffffff" stroke-width="1.6"/>' if style.is_double else ""
    return f'<path d="{path}" fill="{fill}" stroke="{stroke}" stroke-width="{style.width:g}"{dashes}/>{inner}'


def _draw_word(look: Look, x: int, y: int) -> str:
    """Draw a word on a dark label."""
    wide = min(_width(look.word), WIDTH - x - 4)
    return look.word and (
        f'<rect x="{x}" y="{y}" width="{wide}" height="15" rx="3" fill="{look.style.outline}"/>'
        + text(x + wide / 2, y + 11, look.word, 10, wide - 8, fill="#ffffff")
    )


def _width(word: str) -> int:
    """Return how wide the label of a word is."""
    return 9 + round(width(word, 10))


def _draw_notes(looks: Mapping[str, Look]) -> list[str]:
    """Draw the notes as lines. A long note is cut, and of many the last are left out: `alt` has all."""
    noted = {called(name): looks[name].said for name in FLOW if name in looks and looks[name].note}
    notes = [_("{parts} {said}", parts=part, said=said) for part, said in noted.items()]
    lines = shortened(notes, MOST_NOTES - (len(notes) > MOST_NOTES))  # "and 3 more" is a line too
    return [
        text(LEFT, NOTES_TOP + NOTES_GAP * number, cut(line, 11, WIDTH - 2 * LEFT), 11, text_anchor="start")
        for number, line in enumerate(lines)
    ]
