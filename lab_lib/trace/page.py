"""Write a trace as one page that opens from a folder: the chain that steps through it, the timeline, and the table."""

from pathlib import Path

from markupsafe import Markup

from lab_lib.pages import chain_picture, html
from lab_lib.pages.chain_parts import in_words
from lab_lib.pages.chain_picture import Look
from lab_lib.pages.colours import LOOKS
from lab_lib.trace import timeline
from lab_lib.trace.trace import Trace

_TEMPLATES = Path(__file__).parent / "templates"


def page(trace: Trace) -> str:
    """Return the page, which loads nothing. A part of its chain is drawn by what is known of the last event there."""
    looks = {part: Look(LOOKS[event.state].box, event.sign) for event in trace.events for part in event.parts}
    return (
        html.templates(_TEMPLATES)
        .get_template("trace.html.j2")
        .render(
            trace=trace,
            chain=Markup(chain_picture.svg(looks, in_words())),  # noqa: S704  # ours
            timeline=Markup(timeline.svg(trace.title, trace.changes)),  # noqa: S704  # ours, escaped
            style=html.style(_TEMPLATES / "trace.css"),
            **html.script(_TEMPLATES / "trace.js"),
        )
    )
