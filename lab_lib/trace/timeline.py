"""Draw a trace as a timeline: a lane for each part of the chain, and in it a row for each change. As SVG and as text.

Shapes tell apart what is known: a bar is a run, a diamond a moment, a line with two ends some moment in between.
"""

from html import escape

from lab_lib.checks.rules import State
from lab_lib.html_tables import image
from lab_lib.trace import times
from lab_lib.trace.axis import Axis
from lab_lib.trace.events import PARTS, Change, Event

WIDTH, LEFT, RIGHT = 866, 150, 120  # of the picture; before the line of time, and behind it for the last label
TOP, ROW, BELOW = 34, 22, 58
INK, PALE, RUN, SURE = "#1a1a1a", "#d0d4d8", "#4477aa", "#1a1a1a"
_CELLS = 20  # characters of a line of time in a table of text
_APART, _LINE = 84, 13  # pixels between two labels of the axis, and between two lines of them
_LEGEND = "bar: a run · pale: start of the function · diamond: a moment · line: some moment in between · //: left out"


def picture(title: str, changes: list[Change]) -> str:
    """Return the timeline as an HTML image, with its description in words."""
    return image(svg(title, changes).encode(), describe(title, changes))


def describe(title: str, changes: list[Change]) -> str:
    """Return the timeline in words."""
    events = [event for change in changes for event in change.events]
    parts = [f"{event.lane} {event.when.words if event.when else event.state}" for event in events]
    return f"Timeline of {title}: {'; '.join(parts)}."


def svg(title: str, changes: list[Change]) -> str:
    """Return the timeline as the text of an SVG file."""
    events = [event for change in changes for event in change.events]
    axis, rows, there = Axis(events), len(changes), dict.fromkeys(event.lane for event in events)
    lanes = [lane for lane in dict.fromkeys([*PARTS, *there]) if lane in there]  # the chain's, then the queues
    height = TOP + ROW * rows * len(lanes) + BELOW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" font-family="Arial, Helvetica, sans-serif" font-size="12" fill="{INK}">',
        f"<title>{escape(f'Timeline of {title}')}</title><desc>{escape(describe(title, changes))}</desc>",
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="8" fill="#ffffff" stroke="#b8bec4"/>',
        *_scale(axis, height - BELOW),
    ]
    for number, lane in enumerate(lanes):
        y = TOP + ROW * rows * number
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - 14}" stroke="{PALE}"/>')
        parts.append(f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end" font-weight="bold">{escape(lane)}</text>')
        for row, change in enumerate(changes):
            for event in change.events:
                parts += _draw(event, axis, y + ROW * row + ROW // 2) if event.lane == lane else []
    parts.append(f'<text x="{LEFT}" y="{height - 12}" font-size="11">{_LEGEND}</text></svg>\n')
    return "\n".join(parts)


def bar(event: Event, axis: Axis) -> str:
    """Return the event on a line of characters: █ a run, ░ the start of the function, ◆ a moment, ╌ in between."""
    cells = [" "] * _CELLS

    def put(sign: str, begin: int, end: int) -> None:
        first, last = (round(axis.place(moment) * (_CELLS - 1)) for moment in (begin, end))
        cells[first : last + 1] = sign * (last + 1 - first)

    if event.when is None:
        return ""
    if event.started:
        put("░", event.started, event.when.earliest)
    if event.end:
        put("█", event.when.earliest, event.end)
    else:
        put("◆" if event.when.is_exact else "╌", *event.when)
    return "".join(cells)


def _x(axis: Axis, moment: int) -> float:
    return round(LEFT + axis.place(moment) * (WIDTH - LEFT - RIGHT), 1)


def _scale(axis: Axis, bottom: int) -> list[str]:
    """Return the lines of the axis: how long after the first moment others are, and what is left out."""
    parts, free = list[str](), -1.0
    for moment in axis.moments:
        if (x := _x(axis, moment)) >= free:
            label = times.length(moment - axis.moments[0]) if parts else times.clock(moment)
            parts.append(f'<path d="M{x} {TOP - 8}V{bottom}" stroke="{PALE}" stroke-dasharray="2 3"/>')
            parts.append(f'<text x="{x}" y="{TOP - 14}" font-size="11" text-anchor="middle">{label}</text>')
            free = x + _APART
    ends = [-1.0, -1.0]  # of the last label in each of two lines
    for gap in axis.breaks:
        x = round(LEFT + gap.place * (WIDTH - LEFT - RIGHT), 1)
        zigzag = f"M{x - 4} {bottom + 4}l4 -8M{x + 2} {bottom + 4}l4 -8"
        parts.append(f'<path d="{zigzag}M{x} {TOP - 8}V{bottom}" stroke="{INK}" fill="none"/>')
        line = next((line for line, end in enumerate(ends) if x >= end), None)
        if line is not None:  # else the mark alone is shown
            ends[line], y = x + _APART, bottom + 16 + _LINE * line
            words = times.length(gap.length)
            parts.append(f'<text x="{x}" y="{y}" font-size="11" text-anchor="middle">{words}</text>')
    return parts


def _draw(event: Event, axis: Axis, y: int) -> list[str]:
    """Return the mark of an event and its label, in a row whose middle is `y`."""
    if event.when is None:
        sign = "" if event.state is State.OK else f"{event.sign} "
        return [f'<text x="{LEFT + 6}" y="{y + 4}" font-style="italic">{sign}{escape(_short(event.what))}</text>']
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
        parts.append(f'<path d="M{begin} {y - 6}l6 6l-6 6l-6 -6Z" fill="{SURE}"/>')
    else:
        parts.append(f'<path d="M{begin} {y - 5}v10M{begin} {y}H{end}M{end} {y - 5}v10" stroke="{INK}" fill="none"/>')
    since = event.when.earliest - axis.moments[0]
    label = _label(event, since)
    halo = 'paint-order="stroke" stroke="#ffffff" stroke-width="4"'  # for a line that crosses it
    parts.append(f'<text x="{last + 10}" y="{y + 4}" font-size="11" {halo}>{escape(label)}</text>')
    return parts


def _label(event: Event, since: int) -> str:
    if event.end is not None and event.when:
        return f"{times.length(since)}, for {times.length(event.end - event.when.earliest)}"
    span = event.when.latest - event.when.earliest if event.when else 0
    return f"{since} to {times.length(since + span)}" if span else times.length(since)


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"
