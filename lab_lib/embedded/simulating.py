"""ministack's policy simulator knows no condition keys of the request; goes when it takes ContextEntries."""

from contextvars import ContextVar
from itertools import count
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from lab_lib.embedded import replace

_told: ContextVar[dict[str, str]] = ContextVar("told")  # the keys that are told with this request, in lower case


def install() -> None:
    """Let a simulation use the values that its request gives to condition keys, such as another time."""
    read, find = iam._extract_simulate_params, iam_evaluator._resolve_condition_key

    def note(request: Any) -> Any:
        _told.set(_entries(request))
        return read(request)

    def value(key: str, context: Any) -> Any:
        return _told.get({}).get(key.lower()) or find(key, context)

    replace(iam, "_extract_simulate_params", note)
    replace(iam_evaluator, "_resolve_condition_key", value)


def _entries(request: Any) -> dict[str, str]:
    entries = dict[str, str]()
    for number in count(1):
        entry = f"ContextEntries.member.{number}"
        name = iam._p(request, f"{entry}.ContextKeyName")
        if not name:
            break
        entries[name.lower()] = iam._p(request, f"{entry}.ContextKeyValues.member.1")
    return entries
