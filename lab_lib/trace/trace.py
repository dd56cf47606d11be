"""Show a trace: as lines, in a notebook as the chain's picture and a table, and as a page. Nothing here calls AWS."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from markupsafe import Markup

from lab_lib.checks.rules import State
from lab_lib.language import N_, _
from lab_lib.pages import html
from lab_lib.pages.chain_picture import ARROWS, SCRIPT, Look, Picture
from lab_lib.pages.colours import LOOKS
from lab_lib.pages.wording import aligned

_BOXES = {N_("file"): "transactions.txt", N_("rejected lines"): "bucket", N_("stream"): ""}  # by what is no box
_WRAPPED = '<div style="overflow-wrap:anywhere">{}</div>'  # a hint may hold a long call
TITLES = (N_("where"), N_("what happened"), N_("when (UTC)"))


@dataclass(frozen=True)
class TraceEvent:
    """One thing that happened to a transaction, or should have; `where` is a box of the chain, or in _BOXES.

    `when` is its moment, in milliseconds since 1970. `hint` says what to do.
    """

    where: str
    what: str
    state: State = State.OK
    when: int | None = None
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
        return datetime.fromtimestamp(self.when / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]

    @property
    def parts(self) -> list[str]:
        """Return the parts of the chain's picture that it is about: a box, and the arrows that lead to it."""
        box = _BOXES.get(self.where, self.where)
        arrows = [arrow.name for arrow in ARROWS if arrow.end == box]
        return [box, *arrows] if box else []


Change = list[TraceEvent]  # what happened to one version of a transaction: a new one, a correction or a deletion


@dataclass(frozen=True)
class Trace:
    """The changes of a transaction, oldest first."""

    title: str
    changes: list[Change]

    @property
    def heading(self) -> str:
        """Return the title, and where and why the last change stopped."""
        for event in self.changes[-1]:
            if event.state in (State.NOT_YET, State.WAITS):
                return _("{title} stops at {where}: {what}", title=self.title, where=_(event.where), what=event.what)
        return self.title

    @property
    def picture(self) -> Picture:
        """Return the chain with the way of the last change in it."""
        looks = dict[str, Look]()
        for event in self.changes[-1]:
            look = LOOKS[event.state]
            looks |= dict.fromkeys(event.parts, Look(look.drawn, look.sign, event.when))
        return Picture(looks)

    @property
    def page(self) -> str:
        """Return a page that opens from a folder and loads nothing."""
        page = html.templates(Path(__file__).parent).get_template("trace.html.j2")
        shown = Markup(self._body())  # noqa: S704  # ours, escaped
        return page.render(heading=self.heading, shown=shown, style=html.style(), **html.script(SCRIPT))

    def mapped(self, edit: Callable[[str], str]) -> "Trace":
        """Return the trace with each of its texts edited."""
        changes = []
        for change in self.changes:
            changes.append([replace(event, what=edit(event.what), hint=edit(event.hint)) for event in change])
        return Trace(edit(self.title), changes)

    def __repr__(self) -> str:
        """Return a line for each event, without times, which differ from run to run."""
        lines = [self.heading]
        for number, change in enumerate(self.changes, 1):
            if len(self.changes) > 1:
                lines.append(_("change {number}", number=number))
            lines += aligned((event.mark, event.words(" → ")) for event in change)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(self.heading)}</b></p>{self._body()}"

    def _body(self) -> str:
        """Return the picture, and a table of each change."""
        parts = [self.picture._repr_html_()]
        for change in self.changes:
            rows = []
            for event in change:
                mark = html.badge(event.mark, LOOKS[event.state].colour)
                words = escape(event.words("\n→ ")).replace("\n", "<br>")
                time = f'<span class="lab-time">{event.clock}</span>'  # nothing compares what is marked so
                rows.append((mark, _WRAPPED.format(words), time))
            parts.append(html.table(rows, map(_, TITLES)))
        return "".join(parts)
