"""The kinds of AWS's behaviours in its first minutes. A line of behaviours.py is one of these."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.model import OperationModel

from tests.aws_delays.shared import Shared


def last_name(arn):
    """Return the name at the end of an ARN or an address, or the name itself."""
    return arn.split(":")[-1].split("/")[-1]


class Refusal(NamedTuple):
    """An error that AWS answers with."""

    code: str
    message: str = "Not yet."


@dataclass
class Call:
    """A call on its way."""

    shared: Shared
    model: OperationModel
    params: dict[str, Any]
    wait: float = 0  # seconds, for messages

    @property
    def operation(self):
        return self.model.name

    @property
    def service(self):
        return self.model.service_model.service_name

    def fits(self, calls):
        """Return True if the pattern is one of this call, such as s3.PutObject."""
        return bool(re.fullmatch(calls, f"{self.service}.{self.operation}"))


class Since(NamedTuple):
    """The calls that begin a behaviour, as a pattern. Without one, it lasts for ever."""

    calls: str
    names: str  # the parameters, or the keys of an answer, that name what a call is about

    def name(self, about):
        """Return the name in these parameters, this answer or this entry of a list; "" if there is none."""
        if isinstance(about, str):
            return last_name(about)
        return " ".join(last_name(about[key]) for key in self.names.split() if key in about)

    def is_late(self, call, seconds, name):
        """Return True while the behaviour lasts."""
        return bool(name) and (not self.calls or call.shared.age(self.calls, name) < seconds)


@dataclass(frozen=True)
class Line:
    """A behaviour: when it begins, and the calls that it changes, as a pattern."""

    since: Since
    calls: str

    def concerns(self, call):
        return call.fits(self.calls)

    def begin(self, call):
        """Change its parameters."""

    def answer(self, call, seconds):
        """Return a Refusal, or {} in the place of the embedded AWS's answer; None lets it answer."""

    def change(self, call, parsed, seconds):
        """Change its answer."""


@dataclass(frozen=True)
class Refused(Line):
    """The calls are refused with this error."""

    code: str
    message: str = "Not yet."

    def answer(self, call, seconds):
        is_late = self.since.is_late(call, seconds, self.since.name(call.params))
        return Refusal(self.code, self.message) if is_late else None


class Unlisted(Line):
    """The lists lack the new thing."""

    def change(self, call, parsed, seconds):
        for key, rows in parsed.items():
            if isinstance(rows, list):
                parsed[key] = [row for row in rows if not self.since.is_late(call, seconds, self.since.name(row))]


@dataclass(frozen=True)
class Shown(Line):
    """The answers have these values, in those parts of them that have one of the keys."""

    values: dict[str, Any]

    def change(self, call, parsed, seconds):
        parts = [parsed, *parsed.values()]
        for part in [*parts, *(row for rows in parts if isinstance(rows, list) for row in rows)]:
            if isinstance(part, dict) and self.values.keys() & part.keys():
                name = self.since.name(call.params) or self.since.name(part)
                if self.since.is_late(call, seconds, name):
                    part.update(self.values)


@dataclass(frozen=True)
class Deferred(Line):
    """The embedded AWS gets the calls of `since` at the end of the delay, or before these calls."""

    calls: str = ""

    def concerns(self, call):
        return call.fits(self.calls) or call.fits(self.since.calls)

    def answer(self, call, seconds):
        name = self.since.name(call.params)
        if call.fits(self.since.calls):
            call.shared.later(seconds, self.since.calls, name, call.service, call.operation, call.params)
            return {}
        call.shared.hasten(self.since.calls, name)
        return None
