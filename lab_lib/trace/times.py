"""Say when something happened, as exactly as the evidence tells, and how long it took from one thing to the next.

Times are whole milliseconds since 1970. Nothing here calls AWS.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from lab_lib.language import _

_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000


class Span(NamedTuple):
    """A moment that lies somewhere between two known ones, both included."""

    earliest: int
    latest: int

    @property
    def is_exact(self) -> bool:
        return self.earliest == self.latest

    @property
    def words(self) -> str:
        """Return the time of the day in UTC: "18:26:52.123", or "18:26:52.000 to .999"."""
        begin, end = clock(self.earliest), clock(self.latest)
        if self.is_exact:
            return begin
        return _("{begin} to {end}", begin=begin, end=end[8:] if end[:8] == begin[:8] else end)

    def within(self, other: "Span") -> "Span":
        """Return what is left of this span inside of the other one; this span, if the two exclude each other."""
        inside = Span(max(self.earliest, other.earliest), min(self.latest, other.latest))
        return inside if inside.earliest <= inside.latest else self


class Gap(NamedTuple):
    """The time from one moment to the next, and what it was spent on."""

    name: str
    shortest: int
    longest: int

    @property
    def words(self) -> str:
        if self.shortest == self.longest:
            return f"{self.name} {length(self.longest)}"
        return _("{gap.name} {gap.shortest} to {longest}", gap=self, longest=length(self.longest))


def at(moment: int) -> Span:
    """Return the span of a moment that is known to the millisecond."""
    return Span(moment, moment)


def second(seconds: float) -> Span:
    """Return the span of a moment that is known to the second."""
    begin = int(seconds) * _SECOND
    return Span(begin, begin + _SECOND - 1)


def gap(name: str, before: Span, after: Span) -> Gap:
    """Return the gap between two moments, the earlier one first.

    If the two spans overlap, it may be 0. If even the longest is negative, the clocks that told the two times differ.
    """
    return Gap(name, max(after.earliest - before.latest, 0), after.latest - before.earliest)


def length(milliseconds: int) -> str:
    """Return a length of time: "176 ms", "12.3 s", "3 min 5 s", "2 h 10 min", "3 d 4 h"."""
    if milliseconds < 10 * _SECOND:
        return f"{milliseconds} ms"
    if milliseconds < 2 * _MINUTE:
        return f"{milliseconds / _SECOND:.1f} s"
    if milliseconds < 2 * _HOUR:
        return f"{milliseconds // _MINUTE} min {milliseconds % _MINUTE // _SECOND} s"
    hours = milliseconds // _HOUR
    return f"{hours // 24} d {hours % 24} h" if hours >= 48 else f"{hours} h {milliseconds % _HOUR // _MINUTE} min"


def clock(milliseconds: int) -> str:
    """Return the time of the day in UTC, to the millisecond."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]


def day(milliseconds: int) -> str:
    """Return the day in UTC, as 2026-11-27."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
