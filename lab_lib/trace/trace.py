"""Show a trace: as lines, in a notebook as the chain's picture and a table, and as a page. Nothing here calls AWS."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from itertools import islice
from pathlib import Path

from markupsafe import Markup

from lab_lib.checks.rules import State
from lab_lib.language import N_, _
from lab_lib.pages import html
from lab_lib.pages.chain_picture import ARROWS, SCRIPT, Look, Picture
from lab_lib.pages.colours import LOOKS
from lab_lib.pages.wording import aligned

_CELLS = 12  # characters of a line of time
_BOXES = {N_("file"): "transactions.txt", N_("rejected lines"): "bucket", N_("stream"): ""}  # by what is no box
_WRAPPED = '<div style="overflow-wrap:anywhere">{}</div>'  # a hint may hold a long call
STOPPED = (State.NOT_YET, State.WAITS)
TITLES = (N_("where"), N_("what happened"), N_("timeline"), N_("when (UTC)"))


@dataclass(frozen=True)
class TraceEvent:
    """One thing that happened to a transaction, or should have; `where` is a box of the chain, or in _BOXES.

    `when` is its moment, and `end` that of a run's end, in milliseconds since 1970. A moment `to_the_second` is known
    no better. `hint` says what to do.
    """

    where: str
    what: str
    state: State = State.OK
    when: int | None = None
    end: int | None = None
    to_the_second: bool = False
    hint: str = ""

    @property
    def mark(self) -> str:
        """Return its sign, and where it happened."""
        return f"{LOOKS[self.state].sign} {_(self.where)}"

    def words(self, arrow: str) -> str:
        """Return what happened and, behind the arrow, the hint."""
        return arrow.join(filter(None, (self.what, self.hint)))

    @property
    def clock(self) -> str:
        """Return the time of the day in UTC, "" if it is not known."""
        if self.when is None:
            return ""
        written = datetime.fromtimestamp(self.when / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
        return written[:8] if self.to_the_second else written

    @property
    def parts(self) -> list[str]:
        """Return the parts of the chain's picture that it is about: a box, and the arrows that lead to it."""
        box = _BOXES.get(self.where, self.where)
        return [*([box] if box else []), *(arrow.name for arrow in ARROWS if arrow.end == box)]


Change = list[TraceEvent]  # what happened to one version of a transaction: a new one, a correction or a deletion


@dataclass(frozen=True)
class Trace:
    """The changes of a transaction, oldest first, and what has broken its way since then, with a hint."""

    title: str
    changes: list[Change]
    broken: str = ""
    hint: str = ""

    @property
    def heading(self) -> str:
        """Return the title, and where and why the last change stopped, or the next one would."""
        if self.broken:
            return _("{title} came, but nothing more can: {broken}", title=self.title, broken=self.broken)
        stopped = next((event for event in self.changes[-1] if event.state in STOPPED), None)
        if stopped is None:
            return self.title
        return _("{title} stops at {where}: {what}", title=self.title, where=_(stopped.where), what=stopped.what)

    @property
    def picture(self) -> Picture:
        """Return the chain with the way of the last change in it."""
        return Picture(
            {
                part: Look(LOOKS[event.state].drawn, LOOKS[event.state].sign, event.when)
                for event in self.changes[-1]
                for part in event.parts
            }
        )

    @property
    def page(self) -> str:
        """Return a page that opens from a folder and loads nothing."""
        page = html.templates(Path(__file__).parent).get_template("trace.html.j2")
        shown = Markup(self._body())  # noqa: S704  # ours, escaped
        return page.render(heading=self.heading, shown=shown, style=html.style(), **html.script(SCRIPT))

    def mapped(self, change: Callable[[str], str]) -> "Trace":
        """Return the trace with each of its texts changed."""
        changes = [
            [replace(event, what=change(event.what), hint=change(event.hint)) for event in events]
            for events in self.changes
        ]
        return Trace(change(self.title), changes, change(self.broken), change(self.hint))

    def __repr__(self) -> str:
        """Return a line for each event, without times, which differ from run to run."""
        events = [event for change in self.changes for event in change]
        rows = iter(aligned((event.mark, event.words(" → ")) for event in events))
        lines = [self.heading]
        for number, change in enumerate(self.changes, 1):
            lines += [_("change {number}", number=number)] if len(self.changes) > 1 else []
            lines += islice(rows, len(change))
        lines += [self.hint] if self.hint else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(self.heading)}</b></p>{self._body()}"

    def _body(self) -> str:
        """Return the picture, a table of each change, and the hint."""
        parts = [self.picture._repr_html_()]
        for events in self.changes:
            rows = [
                (
                    html.badge(event.mark, LOOKS[event.state].colour),
                    _WRAPPED.format(escape(event.words("\n→ ")).replace("\n", "<br>")),
                    _timed(_bar(place(events, event))),
                    _timed(event.clock),
                )
                for event in events
            ]
            parts.append(html.table(rows, map(_, TITLES)))
        parts += [f"<p>→ {escape(self.hint)}</p>"] if self.hint else []
        return "".join(parts)


def place(events: Change, event: TraceEvent) -> tuple[float, float] | None:
    """Return where an event begins and ends on the line of time of its change, from 0 to 1; None without a time."""
    if event.when is None:
        return None
    known = [moment for each in events for moment in (each.when, each.end) if moment is not None]
    first, length = min(known), (max(known) - min(known)) or 1
    return (event.when - first) / length, ((event.end or event.when) - first) / length


def _bar(place: tuple[float, float] | None) -> str:
    """Return a bar in a cell of a table."""
    if place is None:
        return ""
    begin, end = (95 * share for share in place)  # percent; a moment has the other five
    style = f"margin-left:{begin:.1f}%;width:{max(end - begin, 5):.1f}%;height:.7em;background:currentColor"
    return f'<div style="width:9em"><div style="{style}"></div></div>'


def line(place: tuple[float, float] | None) -> str:
    """Return a bar as characters."""
    if place is None:
        return ""
    begin, end = (round(share * (_CELLS - 1)) for share in place)
    return f"{' ' * begin}{'█' * (end - begin + 1)}".ljust(_CELLS)


def _timed(html: str) -> str:
    """Mark what differs from run to run, so that nothing compares it."""
    return f'<span class="lab-time">{html}</span>'
