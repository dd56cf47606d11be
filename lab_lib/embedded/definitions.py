"""Say what Step Functions, or the embedded AWS, refuses in the definition of a state machine.

ministack ignores what it does not know. definitions.csv has the fields of each part of a definition, from the Amazon
States Language in the developer guide, and the values of some fields. "Here" are those that ministack honours, as
patterns. The words for what AWS refuses too are from answers of AWS that users have published.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Part = dict[str, Any]  # of a definition, such as a state or a retrier


class _Row(NamedTuple):
    required: list[str]
    here: str
    elsewhere: str

    def allows(self, *names: str) -> bool:
        return all(name in self.required or re.fullmatch(self.here, name) for name in names)


def _rows() -> Iterator[tuple[str, _Row]]:
    for line in Path(__file__).with_suffix(".csv").read_text("utf-8").splitlines()[1:]:
        name, required, here, elsewhere = line.split(";")
        yield name, _Row(required.split(), here, elsewhere or "(?!)")


_TABLE = dict(_rows())
_TABLE |= {"Or": _TABLE["And"], "Not": _TABLE["And"]}
_INVALID = "SCHEMA_VALIDATION_FAILED"
# Exactly one of these is wanted wherever all of them are allowed.
_ALTERNATIVES = (("Next", "End"), ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"))


def refusal(definition: str) -> str | None:
    """Return why this definition is refused; None if it is not."""
    found = problems(definition)
    return f"Invalid State Machine Definition: '{', '.join(found)}'" if found else None


def problems(definition: str) -> list[str]:
    """Return the faults of this definition. A field that only AWS has is named alone: the rest may follow from it."""
    try:
        machine = json.loads(definition)
    except ValueError as error:
        return [f"INVALID_JSON_DESCRIPTION: {error}"]
    found = [*_contents("Machine", machine, "")] or [*_transitions(machine, "")]
    return [problem for problem in found if problem.startswith("AWS has")] or found


def _contents(kind: str, part: Any, place: str) -> Iterator[str]:
    """Yield what is wrong in a part of the definition, and in the parts of it."""
    row, here = _TABLE[kind], place or "/"
    if not isinstance(part, dict):
        yield f"{_INVALID}: Expected value of type Object at {here}"
        return
    required = row.required + ["ExecutionType"] * (part.get("Mode") == "DISTRIBUTED")
    if missing := [name for name in required if name not in part]:
        yield f"{_INVALID}: These fields are required: [{', '.join(missing)}] at {here}"
    for names in _ALTERNATIVES:
        if row.allows(*names) and sum(name in part for name in names) != 1:
            yield f"{_INVALID}: There should be one of the following fields: [{', '.join(names)}] at {here}"
    for field, value in part.items():
        if re.fullmatch(row.elsewhere, field):
            yield f"AWS has this field; the embedded AWS has not: {field} at {here}"
        elif not row.allows(field):
            yield f"{_INVALID}: Field '{field}' is not supported at {here}"
        elif field == "States":
            yield from _states(value, f"{place}/States")
        elif row_of_value := _TABLE.get(f"{kind}.{field}") or _TABLE.get(field):
            yield from _value(field, row_of_value, value, f"{place}/{field}")


def _states(states: Any, place: str) -> Iterator[str]:
    for name, state in states.items() if isinstance(states, dict) else [("", None)]:
        kind = state.get("Type") if isinstance(state, dict) else ""
        if not _TABLE["Type"].allows(str(kind)):
            yield from _value("Type", _TABLE["Type"], str(kind), f"{place}/{name}/Type")
        else:
            yield from _contents(f"{_mode(state)}{kind}", state, f"{place}/{name}")


def _mode(state: Any) -> str:
    """Return the words that make a Map a Distributed Map in the table."""
    try:
        return {"DISTRIBUTED": "Distributed "}[state["ItemProcessor"]["ProcessorConfig"]["Mode"]]
    except (KeyError, TypeError):
        return ""


def _value(field: str, row: _Row, value: Any, place: str) -> Iterator[str]:
    """Yield what is wrong in the value of a field: a text, a part of the definition, or a list of parts."""
    if not isinstance(value, str):
        for where, part in _parts(value, place):
            yield from _contents(field, part, where)
    elif row.allows(value):
        return
    elif re.fullmatch(row.elsewhere, value):
        yield f"AWS has this value of {field}; the embedded AWS has not: {value} at {place}"
    elif field == "Resource":
        yield (
            f"{_INVALID}: The resource provided {value} is not recognized. The value is not a valid resource ARN, or "
            f"the resource is not available in this region. at {place}"
        )
    else:
        names = row.here.replace("|", ", ")
        yield f"{_INVALID}: The field '{field}' should have one of these values: [{names}] at {place}"


def _parts(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield place and content of one part, or of each part in a list."""
    if isinstance(value, list):
        yield from ((f"{place}[{number}]", part) for number, part in enumerate(value))
    else:
        yield place, value


def _transitions(machine: Part, place: str) -> Iterator[str]:
    """Yield each transition that leads nowhere, and each state that nothing leads to."""
    states = machine["States"]
    targets = [(f"{place}/StartAt", machine["StartAt"])]
    for name, state in states.items():
        targets += [(f"{place}/States/{name}/{where}", target) for where, target in _targets(state)]
        for inner, part in _parts(state.get("Branches", []), "Branches"):
            yield from _transitions(part, f"{place}/States/{name}/{inner}")
        if "ItemProcessor" in state:
            yield from _transitions(state["ItemProcessor"], f"{place}/States/{name}/ItemProcessor")
    for where, target in targets:
        if target not in states:
            yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {where}"
    if not any(state["Type"] in ("Succeed", "Fail") or state.get("End") for state in states.values()):
        yield "MISSING_END_STATE: Workflow has no terminal state at null"
        return
    for name in [name for name in states if name not in {target for _, target in targets}]:
        yield f'MISSING_TRANSITION_TARGET: State "{name}" is not reachable. at {place}/States/{name}'


def _targets(state: Part) -> Iterator[tuple[str, str]]:
    """Yield each state that this one may lead to, with the field that names it."""
    yield from ((field, state[field]) for field in ("Next", "Default") if field in state)
    for field in ("Choices", "Catch"):
        yield from ((f"{where}/Next", part["Next"]) for where, part in _parts(state.get(field, []), field))
