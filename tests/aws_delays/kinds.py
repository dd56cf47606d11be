"""The kinds of behaviours of what was just made or deleted; late_settings.py has those of what was just set."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.aws_delays.layer import Call, answer, change, last_name, shape
from tests.aws_delays.replies import Refusal


class Since(NamedTuple):
    """The calls that begin a behaviour, separated by blanks. Without one, the behaviour has no begin and no end."""

    calls: str
    names: str  # the parameters, or the keys of an answer, that name what a call is about

    def name(self, about: Any) -> str:
        """Return the name in these parameters, this answer or this entry of a list; "" if there is none."""
        if isinstance(about, str):
            return last_name(about)
        return " ".join(last_name(str(about[key])) for key in self.names.split() if key in about)

    def is_late(self, call: Call, delay: str, name: str) -> bool:
        """Return True while the behaviour lasts."""
        return bool(name) and (not self.calls or any(call.is_late(delay, begun, name) for begun in self.calls.split()))


class Line(NamedTuple):
    """What happens in a delay: its kind, when it begins, the calls that it changes, what they answer."""

    delay: str
    kind: Callable[["Line"], None]
    since: Since
    calls: str
    answer: Any = None
    times: int = 0  # in a row that a call is refused, then one succeeds; 0 means each time


@functools.cache
def _note(since: Since) -> None:
    """Let the calls that begin a behaviour be noted when they succeed."""

    @change("", *since.calls.split())
    def begin(call: Call, parsed: dict[str, Any]) -> None:
        call.note(call.operation, since.name(call.params) or since.name(parsed))


def refused(line: Line) -> None:
    """The calls are refused with this error."""
    _note(line.since)

    @answer(line.delay, *line.calls.split())
    def refuse(call: Call) -> Refusal | None:
        name, tries = line.since.name(call.params), f"{line.delay} {call.operation}"
        if not line.since.is_late(call, line.delay, name):
            return None
        if line.times:
            number = (call.value(tries, name) or 0) % (line.times + 1) + 1
            call.note(tries, name, number)
            if number > line.times:
                return None
        error: Refusal = line.answer
        return error._replace(message=error.message.format(name, **call.params))


def unlisted(line: Line) -> None:
    """The lists lack the new thing."""
    _note(line.since)

    @change(line.delay, *line.calls.split())
    def leave_out(call: Call, parsed: dict[str, Any]) -> None:
        for key, rows in parsed.items():
            if isinstance(rows, list):
                parsed[key] = [row for row in rows if not line.since.is_late(call, line.delay, line.since.name(row))]


def shown(line: Line) -> None:
    """The answers have these values, in the part of them that has one of the keys."""
    _note(line.since)

    @change(line.delay, *line.calls.split())
    def show(call: Call, parsed: dict[str, Any]) -> None:
        if line.since.is_late(call, line.delay, line.since.name(call.params)):
            for part in (parsed, *parsed.values()):
                if isinstance(part, dict) and line.answer.keys() & part.keys():
                    part.update(line.answer)


def deferred(line: Line) -> None:
    """The embedded AWS gets a deletion at the end of the delay, or before the call that creates the thing again."""
    _note(line.since)

    @answer(line.delay, *line.since.calls.split())
    def delete_later(call: Call) -> dict[str, Any]:
        name = line.since.name(call.params)
        if not line.since.is_late(call, line.delay, name):
            call.later(line.delay, call.operation, name, call.operation, **call.params)
        return {}

    @shape(line.delay, *line.calls.split())
    def delete_now(call: Call) -> None:
        name = line.since.name(call.params)
        for deletion in line.since.calls.split():
            call.layer.notes.hasten(deletion, name)
            call.layer.make_due_calls()
            call.forget(deletion, name)
