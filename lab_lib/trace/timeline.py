"""Draw a trace as a timeline: a lane for each part of the chain, and in it a row for each change. As SVG and as text.

Shapes tell apart what is known: a bar is a run, a diamond a moment, a line with two ends some moment in between.
"""

from collections.abc import Iterable
from html import escape
from itertools import accumulate, pairwise

from lab_lib.checks.rules import State
from lab_lib.language import N_, _
from lab_lib.pages.svg import cut, text, width
from lab_lib.trace import times
from lab_lib.trace.events import PARTS, Change, Event

WIDTH, LEFT, RIGHT = 866, 150, 120  # of the picture; before the line of time, and behind it for the last label
TOP, ROW, BELOW = 34, 22, 42
INK, PALE, RUN = "#1a1a1a", "#d0d4d8", "#4477aa"
_SHORT = 1_000  # milliseconds; a stretch of no more is always shown
_MUCH = 3  # a longer one is left out if it is so many times as long as all shorter ones together
_BREAK = 0.05  # of the line, for a stretch that is left out
_CELLS = 20  # characters of a line of time in a table of text
_APART = 10  # pixels between two labels of the axis
_LEGEND = N_(
    "bar: a run · pale: start of the function · diamond: a moment · line: some moment in between · //: left out"
)


class Axis:
    """The line of time of some events, from 0 to 1.

    `moments` are all that the events name. `places` tells where each stands, and `breaks` where long stretches are
    left out.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        named = (time for event in events for time in (event.started, event.end, *(event.when or ())))
        self.moments = sorted({time for time in named if time is not None}) or [0]
        stretches = [end - begin for begin, end in pairwise(self.moments)]
        shown = _shown(stretches)
        longest = max(shown, default=0)
        scale = (1 - _BREAK * (len(stretches) - len(shown))) / (sum(shown) or 1)
        widths = [stretch * scale if stretch <= longest else _BREAK for stretch in stretches]
        self.places: dict[int, float] = dict(zip(self.moments, accumulate(widths, initial=0.0), strict=True))
        self.breaks = [
            self.places[begin] + _BREAK / 2 for begin, end in pairwise(self.moments) if end - begin > longest
        ]


def _shown(stretches: list[int]) -> list[int]:
    """Return the stretches that are not left out."""
    shown = list[int]()
    for stretch in sorted(stretches):
        if shown and stretch > max(_SHORT, _MUCH * sum(shown)):
            break
        shown.append(stretch)
    return shown


def describe(title: str, events: list[Event]) -> str:
    """Return the timeline in words."""
    parts = list[str]()
    for event in events:
        said = event.when.words if event.when else _(event.state)
        parts.append(_("{parts} {said}", parts=event.where, said=said))
    return _("Timeline of {title}: {parts}.", title=title, parts=_("; ").join(parts))


def svg(title: str, changes: list[Change]) -> str:
    """Return the timeline as the text of an SVG file."""
    events = [event for change in changes for event in change.events]
    axis, rows, there = Axis(events), len(changes), dict.fromkeys(event.lane for event in events)
    lanes = [lane for lane in dict.fromkeys([*PARTS, *there]) if lane in there]  # the chain's, then the queues
    height = TOP + ROW * rows * len(lanes) + BELOW
    name, language = _("Timeline of {title}", title=title), _("en")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' lang="{language}" role="img" font-family="Arial, Helvetica, sans-serif" font-size="12" fill="{INK}">',
        f"<title>{escape(name)}</title><desc>{escape(describe(title, events))}</desc>",
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="8" fill="#ffffff" stroke="#b8bec4"/>',
        *_scale(axis, height - BELOW),
    ]
    for number, lane in enumerate(lanes):
        y = TOP + ROW * rows * number
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - 14}" stroke="{PALE}"/>')
        parts.append(text(LEFT - 10, y + 15, _(lane), 12, LEFT - 20, font_weight="bold", text_anchor="end"))
        for row, change in enumerate(changes):
            for event in change.events:
                parts += _draw(event, axis, y + ROW * row + ROW // 2) if event.lane == lane else []
    return "\n".join([*parts, text(LEFT, height - 12, _(_LEGEND), 11, WIDTH - LEFT - 10), "</svg>\n"])


def bar(event: Event, axis: Axis) -> str:
    """Return the event on a line of characters: █ a run, ░ the start of the function, ◆ a moment, ╌ in between."""
    if event.when is None:
        return ""
    cells, begin = [" "] * _CELLS, event.when.earliest
    marks = [("░", event.started, begin)] if event.started else []
    marks += [("█", begin, event.end)] if event.end else [("◆" if event.when.is_exact else "╌", *event.when)]
    for sign, start, end in marks:
        first, last = (round(axis.places[moment] * (_CELLS - 1)) for moment in (start, end))
        cells[first : last + 1] = sign * (last + 1 - first)
    return "".join(cells)


def _x(axis: Axis, moment: int) -> float:
    return round(LEFT + axis.places[moment] * (WIDTH - LEFT - RIGHT), 1)


def _scale(axis: Axis, bottom: int) -> list[str]:
    """Return the lines of the axis: how long after the first moment others are, and what is left out."""
    parts, free = list[str](), -1.0
    for moment in axis.moments:
        label = times.length(moment - axis.moments[0]) if parts else times.clock(moment)
        half = width(label, 11) / 2
        if (x := _x(axis, moment)) - half >= free:
            parts.append(f'<path d="M{x} {TOP - 8}V{bottom}" stroke="{PALE}" stroke-dasharray="2 3"/>')
            parts.append(text(x, TOP - 14, label, 11, text_anchor="middle"))
            free = x + half + _APART
    for place in axis.breaks:
        x = round(LEFT + place * (WIDTH - LEFT - RIGHT), 1)
        zigzag = f"M{x - 4} {bottom + 4}l4 -8M{x + 2} {bottom + 4}l4 -8"
        parts.append(f'<path d="{zigzag}M{x} {TOP - 8}V{bottom}" stroke="{INK}" fill="none"/>')
    return parts


def _draw(event: Event, axis: Axis, y: int) -> list[str]:
    """Return the mark of an event and its label, in a row whose middle is `y`."""
    if event.when is None:
        sign = "" if event.state is State.OK else f"{event.sign} "
        words = cut(f"{sign}{event.what}", 12, WIDTH - LEFT - 20)
        return [text(LEFT + 6, y + 4, words, 12, font_style="italic")]
    begin, end = (_x(axis, moment) for moment in event.when)
    parts, last = list[str](), end
    if event.started is not None:
        start = _x(axis, event.started)
        parts.append(
            f'<rect x="{start}" y="{y - 6}" width="{max(begin - start, 1)}" height="12" fill="#dbe6f1"'
            f' stroke="{RUN}" stroke-dasharray="3 2"/>'
        )
    if event.end is not None:
        last = _x(axis, event.end)
        parts.append(f'<rect x="{begin}" y="{y - 6}" width="{max(last - begin, 2)}" height="12" fill="{RUN}"/>')
    elif event.when.is_exact:
        parts.append(f'<path d="M{begin} {y - 6}l6 6l-6 6l-6 -6Z" fill="{INK}"/>')
    else:
        parts.append(f'<path d="M{begin} {y - 5}v10M{begin} {y}H{end}M{end} {y - 5}v10" stroke="{INK}" fill="none"/>')
    label = times.length(event.when.earliest - axis.moments[0])
    if event.end is not None:
        label = _("{begin}, for {length}", begin=label, length=times.length(event.end - event.when.earliest))
    halo = {"paint_order": "stroke", "stroke": "#ffffff", "stroke_width": "4"}  # for a line that crosses it
    return [*parts, text(last + 10, y + 4, label, 11, WIDTH - last - 20, **halo)]
