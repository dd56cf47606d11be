"""Show the AWS calls that a helper makes, so that a learner can write the next one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any

from IPython.display import display

from lab_lib.lab import Lab
from lab_lib.language import _
from lab_lib.pages.html import table
from lab_lib.pages.wording import clauses, cut, how_often

Parameters = dict[str, Any]
_LONGEST_VALUE, _LONGEST_LINE = 60, 100  # characters of a parameter, and of all of them


@dataclass
class Call:
    """One call of an AWS service: its parameters, and how long all its repetitions took, which are the same call."""

    service: str
    operation: str
    parameters: Parameters
    seconds: float = field(compare=False)
    times: int = field(default=1, compare=False)

    @property
    def main(self) -> str:
        """Return the parameters in one short line."""
        values = {name: _text(value) for name, value in self.parameters.items()}
        if "QueueUrl" in values:
            queue = values["QueueUrl"].split("/")[-1]
            values["QueueUrl"] = f"…/{queue}"
        parts = [f"{name}={cut(text, _LONGEST_VALUE)}" for name, text in values.items()]
        return cut(", ".join(parts), _LONGEST_LINE)

    @property
    def took(self) -> str:
        times = how_often(self.times) if self.times > 1 else ""
        return clauses([times, f"{self.seconds * 1000:.0f} ms"])


class Calls(list[Call]):
    """The calls of a helper, shown as a table."""

    def add(self, call: Call) -> None:
        """Add a call. One that is repeated, as while waiting, stays one line."""
        if self and self[-1] == call:
            self[-1].seconds += call.seconds
            self[-1].times += 1
        else:
            self.append(call)

    def __repr__(self) -> str:
        rows = [f"{call.service:9} {call.operation:32} {call.main} … {call.took}" for call in self]
        return "\n".join(rows) or _("no AWS calls")

    def _repr_html_(self) -> str:
        if not self:
            return "<p>" + _("no AWS calls") + "</p>"
        rows = []
        for call in self:
            took = f'<span style="white-space:nowrap">{call.took}</span>'
            rows.append((call.service, f"<b>{call.operation}</b>", escape(call.main), took))
        return table(rows, (_("service"), _("call"), _("main parameters"), _("took")))


@contextmanager
def show_calls(lab: Lab) -> Iterator[None]:
    """List the calls of the lab's clients inside of the `with` block, also if one of them fails.

    A call of a paginator or a waiter is a call too.
    """
    calls = Calls()

    def begin(params: Parameters, model: Any, context: Parameters, **_: Any) -> None:
        context["lab"] = dict(params), time.monotonic()

    def end(model: Any, context: Parameters, **_: Any) -> None:
        parameters, begun = context["lab"]
        calls.add(Call(model.service_model.service_name, model.name, parameters, time.monotonic() - begun))

    try:
        with lab.listening({"provide-client-params": begin, "after-call": end}):
            yield
    finally:
        display(calls)  # type: ignore[no-untyped-call]


def _text(value: Any) -> str:
    """Return a parameter as text or compact JSON, bytes by their number."""

    def shortened(other: Any) -> str:
        return f"<{len(other):,} bytes>" if isinstance(other, bytes) else str(other)

    if isinstance(value, str):
        return value
    return json.dumps(value, default=shortened)
