"""The kinds of behaviours of what was just set: it is read late, or it counts late."""

import functools
import json
from typing import Any, NamedTuple

from tests.aws_delays.kinds import Line
from tests.aws_delays.layer import Call, answer, change, shape
from tests.aws_delays.replies import Refusal


class Setting(NamedTuple):
    """Where a setting is in the call that writes it, and in the answer that shows it, as keys separated by blanks."""

    written: str
    read: str
    nothing: Any  # what counts before the first one


def as_before(line: Line) -> None:
    """The calls answer what they would have answered before the change."""

    @shape(line.delay, *line.since.calls.split())
    def read(call: Call) -> None:
        for reader in map(call.about_the_same, line.calls.split()):
            call.kept[reader.operation] = shown = reader.make()
            if isinstance(shown, dict):
                call.layer.show(reader, shown)

    @change(line.delay, *line.since.calls.split())
    def keep(call: Call, parsed: dict[str, Any]) -> None:
        name = line.since.name(call.params)
        for read in line.calls.split():
            if not call.is_late(line.delay, f"before {read}", name):
                call.note(f"before {read}", name, call.kept[read])

    def before(call: Call) -> Any:
        kind, name = f"before {call.operation}", line.since.name(call.params)
        return call.value(kind, name) if call.is_late(line.delay, kind, name) else None

    @answer(line.delay, *line.calls.split())
    def refuse(call: Call) -> Refusal | None:
        kept = before(call)
        return Refusal(*kept) if isinstance(kept, list) else None  # JSON has no tuples

    @change(line.delay, *line.calls.split())
    def restore(call: Call, parsed: dict[str, Any]) -> None:
        if isinstance(kept := before(call), dict):
            _replace(parsed, kept)


def counted(line: Line) -> None:
    """A setting is shown at once, and counts at the end of the delay: the embedded AWS gets it then."""
    setting: Setting = line.answer
    kind = f"{line.delay} setting"

    @shape(line.delay, *line.since.calls.split())
    def send_what_counts(call: Call) -> None:
        wanted = _get(call.params, setting.written)
        if wanted is not None:
            call.kept[kind] = wanted
            now = call.about_the_same(line.calls).make()
            counts = setting.nothing if isinstance(now, Refusal) else _get(now, setting.read) or setting.nothing
            call.params.update(_with(call.params, setting.written, _as(type(wanted), counts)))

    @change(line.delay, *line.since.calls.split())
    def set_later(call: Call, parsed: dict[str, Any]) -> None:
        wanted, name = call.kept.get(kind), line.since.name(call.params)
        if wanted is not None and not (call.is_late(line.delay, kind, name) and call.value(kind, name) == wanted):
            call.note(kind, name, wanted)
            params = call.about_the_same(call.operation).params | _with({}, setting.written, wanted)
            call.later(line.delay, kind, name, call.operation, **params)

    @change(line.delay, line.calls)
    def show(call: Call, parsed: dict[str, Any]) -> None:
        name = line.since.name(call.params)
        if call.is_late(line.delay, kind, name):
            wanted = _as(type(_get(parsed, setting.read)), call.value(kind, name))
            _replace(parsed, _with(parsed, setting.read, wanted) if setting.read else wanted)

    @change(line.delay, "DeleteRolePolicy", "DeleteQueue", "DeleteBucket")
    def end(call: Call, parsed: dict[str, Any]) -> None:
        call.forget(kind, line.since.name(call.params))


def _as(kind: type, value: Any) -> Any:
    """Return a policy as a text or as a dict: botocore reads those of IAM in answers."""
    if kind is str and isinstance(value, dict):
        return json.dumps(value)
    return json.loads(value) if kind is dict and isinstance(value, str) else value


def _get(where: dict[str, Any], path: str) -> Any:
    """Return what is at the path, or None."""
    return functools.reduce(lambda part, key: (part or {}).get(key), path.split(), where)


def _with(where: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy that has the value at the path."""
    key, *rest = path.split()
    return {**where, key: _with(where.get(key, {}), " ".join(rest), value) if rest else value}


def _replace(parsed: dict[str, Any], answer: dict[str, Any]) -> None:
    """Replace an answer by another one. botocore has not read the policies in it yet."""
    answer = {key: _as(type(parsed.get(key)), value) for key, value in answer.items()}
    for key in parsed.keys() - {"ResponseMetadata"}:
        del parsed[key]
    parsed.update(answer)
