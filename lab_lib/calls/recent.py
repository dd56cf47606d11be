"""Remember what this process has just made, changed or deleted on AWS, and tell whether an answer is late.

AWS's services are eventually consistent. What was just made may be missing where it is read, or may refuse the next
call; what was just deleted may still be found. recent.csv has, for each kind of thing, the calls that tell of it, and
`retries.Retry` repeats a call whose answer is late. An answer about what was just changed may be an old one, and
nothing in it says so: `checks.making.settled` makes a check again that has read such an answer and does not hold.
"""

import functools
import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lab_lib.errors import is_absent
from lab_lib.language import N_, _

PATIENCE = 60  # seconds on AWS: what was made, changed or deleted is recent for so long
_CHANGE = r"(Put|Set|Update|Add|Remove|Attach|Detach|Tag|Untag)\w+"
_OF_DATA = r"Scan|Query|Invoke|Publish|\w*(Items?|Objects?|Part|Messages?|Events|Records|MetricData)(V2)?"
_TAKEN = r"\w*AlreadyExists\w*|Resource(Conflict|InUse)Exception"  # the codes of a name that is taken
_FILTER = {"BucketRegion", "ExpectedBucketOwner"}  # parameters that name nothing
_NEXT_PAGE = r"\w*(Token|Marker)|LastEvaluated\w+"
_PART = re.compile("[:/]")


class Kind(NamedTuple):
    """A kind of thing, and the calls that tell of it: a line of recent.csv. Calls are patterns of operations."""

    what: str
    service: str
    made: str
    deleted: str
    named: str  # the parameters that name it, or entries of the answer that made it; a list shows those of the last one
    missed_by: str  # calls that name it, and codes of theirs if it is missing: others have them if a part is missing
    listed_by: str  # calls that answer with all of this kind
    still_found_by: str  # calls that find it only while it is there; others tell that it is being deleted


KINDS = [Kind(*line.split(";")) for line in Path(__file__).with_suffix(".csv").read_text("utf-8").splitlines()[1:]]


@dataclass(frozen=True)
class Call:
    """A call of AWS and its answer."""

    service: str
    operation: str
    params: dict[str, Any]
    answer: dict[str, Any]
    when: float = field(default_factory=lambda: time.monotonic())  # asked at the time of the call

    @property
    def code(self) -> str:
        """Return the code of the error, "" if the call has succeeded."""
        return str(self.answer.get("Error", {}).get("Code", ""))

    @property
    def message(self) -> str:
        """Return the message of the error, "" if it has none."""
        return str(self.answer.get("Error", {}).get("Message") or "")

    @functools.cached_property
    def subjects(self) -> set[str]:
        """Return the names of what it is about."""
        subjects = set()
        for name, value in self.params.items():
            if isinstance(value, str) and name not in _FILTER:
                subjects.add(_name(value))
        return subjects

    @functools.cached_property
    def shown(self) -> set[str]:
        """Return all names and texts in the answer."""
        return {_name(text) for text in _texts(self.answer)}

    @property
    def has_more(self) -> bool:
        """Return True if the answer has more pages."""
        return any(value and _fits(_NEXT_PAGE, name) for name, value in self.answer.items())


class Event:
    """A call has made or deleted a thing."""

    def __init__(self, kind: Kind, call: Call, is_there: bool) -> None:
        self.kind = kind
        self.is_there = is_there
        self.when = call.when
        known = {**call.answer, **call.params}
        parameters = kind.named.split()
        self.names = set[str]()
        for parameter in parameters:
            text = known.get(parameter)
            if isinstance(text, str) and " " not in text:  # an ARN may be "pending confirmation" yet
                self.names.add(_name(text))
        self.shown = self.names
        if is_there:
            self.shown = {_name(text) for text in _texts(known, under=parameters[-1])}
        self.about = set[str]()
        for text in _texts(known):
            self.about.update(_PART.split(text))

    def is_late_in(self, call: Call) -> bool:
        """Return True if the answer does not show the event yet."""
        if call.service != self.kind.service:
            return False
        is_list = _fits(self.kind.listed_by, call.operation) and self._would_be_in(call)
        if self.is_there:
            return self._is_missing_in(call, is_list)
        return self._is_still_in(call, is_list)

    def _is_missing_in(self, call: Call, is_list: bool) -> bool:
        """Return True if the thing was made, and the answer does not have it."""
        if not call.code:
            if not is_list or call.has_more:
                return False
            return bool(self.shown) and self.shown.isdisjoint(call.shown)
        is_denied = call.code == "403"  # S3 may deny the HEAD of a new bucket
        if not (is_absent(call.code) or is_denied):
            return False
        is_named = self.names <= call.subjects and _fits(self.kind.missed_by, f"{call.operation} {call.code}")
        return is_list or is_named

    def _is_still_in(self, call: Call, is_list: bool) -> bool:
        """Return True if the thing was deleted, and the answer still has it, or its name is taken."""
        is_named = self.names <= call.subjects
        if call.code:
            return is_named and _fits(_TAKEN, call.code) and _fits(self.kind.made, call.operation)
        is_found = is_named
        if is_list:
            is_found = not self.shown.isdisjoint(call.shown)
        return is_found and _fits(self.kind.still_found_by, call.operation)

    def _would_be_in(self, call: Call) -> bool:
        """Return True if a list has the thing once AWS shows it: the call that made it names what limits the list."""
        for limit in call.subjects:
            is_known = any(text.startswith(limit) for text in self.about)
            if not is_known:
                return False
        return True

    def replaces(self, old: "Event") -> bool:
        """Return True if an earlier event counts no more: of the same thing, or of a part of what is deleted now."""
        if self.is_there:
            return (old.kind, old.names) == (self.kind, self.names)
        return old.kind.service == self.kind.service and old.is_there and self.names <= old.about

    def __str__(self) -> str:
        text = N_("AWS to show the {kind} {name}") if self.is_there else N_("AWS to forget the {kind} {name}")
        return _(text, kind=_(self.kind.what), name=" ".join(sorted(self.names)))


class Journal:
    """Keeps what was made, changed or deleted in an account in the last `patience` seconds.

    `changes_read` counts the answers about what was changed.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.changes_read = 0
        self._events = list[Event]()
        self._changes = list[Call]()

    @property
    def is_empty(self) -> bool:
        """Return True if nothing was made, changed or deleted of late."""
        since = time.monotonic() - self._patience
        self._events = [event for event in self._events if event.when > since]
        self._changes = [change for change in self._changes if change.when > since]
        return not (self._events or self._changes)

    def read(self, call: Call) -> Event | None:
        """Note what a call has made, changed or deleted. Return the event that its answer does not show yet."""
        if self.is_empty and call.code:
            return None
        if not call.code:
            if _fits(_OF_DATA, call.operation):
                return None
            self._note(call)
        changes = [change for change in self._changes if change.service == call.service]
        if any(change.subjects & (call.subjects | call.shown) for change in changes):
            self.changes_read += 1
        return next((event for event in self._events if event.is_late_in(call)), None)

    def _note(self, call: Call) -> None:
        for kind in KINDS:
            is_there = _fits(kind.made, call.operation)
            if kind.service == call.service and (is_there or _fits(kind.deleted, call.operation)):
                new = Event(kind, call, is_there)
                self._events = [old for old in self._events if not new.replaces(old)]
                if new.names:
                    self._events.append(new)
        if _fits(_CHANGE, call.operation):
            self._changes.append(call)


@functools.cache
def journal(account: str, region: str, patience: float) -> Journal:
    """Return the journal of an account. All labs that are opened there in this process share it."""
    return Journal(patience)


def _texts(value: Any, under: str = "") -> Iterator[str]:
    """Yield the texts in a value: all, or those of the parameters of this name, wherever they are."""
    if isinstance(value, str) and value.startswith("{"):  # a policy
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, str) and not under:
        yield value
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, "" if name == under else under)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, under)


def _name(text: str) -> str:
    """Return the end of an ARN, path or address."""
    return _PART.split(text)[-1]


def _fits(pattern: str, text: str) -> bool:
    return bool(re.fullmatch(pattern, text))
