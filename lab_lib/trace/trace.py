"""Show the whole way of one transaction, as text and as HTML."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html import escape
from itertools import islice

from lab_lib.language import N_, _
from lab_lib.pages.colours import LOOKS
from lab_lib.pages.tables import badge, image, table
from lab_lib.pages.wording import aligned
from lab_lib.trace import timeline
from lab_lib.trace.events import SOURCES, Change, Event
from lab_lib.trace.times import day

_LATE = 600  # seconds
_TITLES = (N_("where"), N_("what"), N_("when (UTC)"), N_("before it"), N_("evidence"))


@dataclass(frozen=True)
class Trace:
    """The changes of a transaction, oldest first, and what is over or cannot be told."""

    title: str
    changes: list[Change]
    notes: list[str] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        return [event for change in self.changes for event in change.events]

    @property
    def is_settled(self) -> bool:
        """Return whether nothing more can be told later: AWS writes a log up to ten minutes late."""
        last = max((event.when.latest for event in self.events if event.when), default=0)
        return time.time() - last / 1000 > _LATE or not any(event.is_late for event in self.events)

    @property
    def day(self) -> str:
        """Return the day of the first event in UTC, "" if no time is known."""
        times = [event.when.earliest for event in self.events if event.when]
        return day(min(times)) if times else ""

    def mapped(self, change: Callable[[str], str]) -> "Trace":
        """Return the trace with each of its texts changed."""

        def changed(event: Event) -> Event:
            source = _(event.source or SOURCES.get(event.lane, event.lane))
            return replace(event, what=change(event.what), source=change(source))

        changes = [Change(change(way.title), [*map(changed, way.events)]) for way in self.changes]
        return Trace(change(self.title), changes, [*map(change, self.notes)])

    def __repr__(self) -> str:
        """Return a line for each event, without times, which differ from run to run."""
        lines, rows = [self.title], iter(aligned((f"{event.sign} {event.where}", event.what) for event in self.events))
        for change in self.changes:
            lines += [change.title] if len(self.changes) > 1 else []
            lines += islice(rows, len(change.events))
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        drawn, words = timeline.svg(self.title, self.changes), timeline.describe(self.title, self.events)
        parts = [f"<p><b>{escape(self.title)}</b> {_timed(self.day)}</p>", image(drawn.encode(), words)]
        for change in self.changes:
            parts += [f"<p>{escape(change.title)}</p>"] if len(self.changes) > 1 else []
            rows = [_row(change, event) for event in change.events]
            parts.append(table(rows, ("", *map(_, _TITLES))))
        return "".join([*parts, *(f"<p>{escape(note)}</p>" for note in self.notes)])


def _row(change: Change, event: Event) -> tuple[str, ...]:
    mark = badge(event.sign, LOOKS[event.state].colour)
    when = event.when.words.replace(" ", "&nbsp;") if event.when else ""
    gaps = _timed("<br>".join(gap.words for gap in change.gaps(event)))
    wide = f'<div style="min-width:8em">{gaps}</div>' if change.gaps(event) else gaps  # Chinese breaks at any character
    return mark, escape(event.where), escape(event.what), _timed(when), wide, escape(event.source)


def _timed(html: str) -> str:
    """Mark what differs from run to run, so that nothing compares it."""
    return f'<span class="lab-time">{html}</span>'
