"""Decide whether a filter of Lambda or SNS lets an event through. Nothing here calls AWS.

As in evaluator.py, an answer is True, False, or a text that says what was not understood.
"""

import json
from collections.abc import Mapping
from typing import Any

from lab_lib.aws.evaluator import Answer, all_of, any_of, as_list
from lab_lib.aws.json_text import json_value

ANY = object()  # a value that differs from event to event


def passes(pattern: str, event: Mapping[str, Any]) -> Answer:
    """Return whether a pattern in JSON lets the event through. AWS takes no text that is not JSON: it drops all."""
    try:
        return _matches(json_value(pattern), event)
    except ValueError:
        return False


def _matches(wanted: Any, found: Any) -> Answer:
    """Return whether each key of the pattern matches. A list holds the values of which one is enough."""
    if isinstance(wanted, list):
        return any_of(_is(each, found) for each in wanted)
    if not isinstance(wanted, dict) or "$or" in wanted:
        return f"the filter {json.dumps(wanted)}"
    there = found if isinstance(found, Mapping) else {}
    return all_of(_matches(each, there.get(key)) for key, each in wanted.items())


def _is(wanted: Any, found: Any) -> Answer:
    if not isinstance(wanted, dict):
        return bool(wanted == found)
    if [*wanted] == ["exists"]:
        return bool(wanted["exists"] == (found is not None))
    if found is None:
        return False
    if [*wanted] == ["anything-but"] and found is not ANY:
        return found not in as_list(wanted["anything-but"])
    return f"the filter {json.dumps(wanted)}"
