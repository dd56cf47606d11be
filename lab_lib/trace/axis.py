"""Place moments on a line of time from 0 to 1. Stretches that are long beside all others are left out, with a mark."""

from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import NamedTuple

from lab_lib.trace.events import Event

_SHORT = 1_000  # milliseconds; a stretch of no more is always shown
_MUCH = 3  # a longer one is left out if it is so many times as long as all shorter ones together
_BREAK = 0.05  # of the line, for a stretch that is left out


class Break(NamedTuple):
    """A stretch of time that is left out: its middle on the line, and its length in milliseconds."""

    place: float
    length: int


class Axis:
    """The line of time of some events. `moments` are all that the events name, in order."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.moments = sorted({moment for event in events for moment in _moments(event)}) or [0]
        stretches = [end - begin for begin, end in pairwise(self.moments)]
        longest = _longest_shown(stretches)
        broken = [stretch > longest for stretch in stretches]
        shown = sum(stretch for stretch, is_broken in zip(stretches, broken, strict=True) if not is_broken)
        scale = (1 - _BREAK * sum(broken)) / (shown or 1)
        widths = [
            _BREAK if is_broken else stretch * scale for stretch, is_broken in zip(stretches, broken, strict=True)
        ]
        self._places = dict(zip(self.moments, accumulate(widths, initial=0.0), strict=True))
        self.breaks = [
            Break(self._places[begin] + _BREAK / 2, end - begin)
            for (begin, end), is_broken in zip(pairwise(self.moments), broken, strict=True)
            if is_broken
        ]

    def place(self, moment: int) -> float:
        """Return where one of the moments stands."""
        return min(self._places[moment], 1.0)


def _moments(event: Event) -> list[int]:
    times = [event.started, event.end, *(event.when or ())]
    return [time for time in times if time is not None]


def _longest_shown(stretches: list[int]) -> int:
    """Return the longest stretch that is not left out."""
    total, longest = 0, 0
    for stretch in sorted(stretches):
        if total and stretch > max(_SHORT, _MUCH * total):
            break
        total, longest = total + stretch, stretch
    return longest
