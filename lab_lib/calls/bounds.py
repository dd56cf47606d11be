"""Bound what an answer of AWS can cost, and let one odd value in it hide no other.

When a submission is graded, the AWS that answers is the student's own.
"""

import base64
import re
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.utils import parse_timestamp

_MOST_NESTED = 100  # open brackets of an answer; the values of DynamoDB nest 32 times, with two brackets each
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # stands for a time that cannot be read, or that AWS cannot give
_STRING = r'"(?:[^"\\]++|\\.)*+"?'  # of JSON
_NO_BRACKETS = re.compile(rf"{_STRING}|[^][{{}}\"]++", re.DOTALL)
_PARTS = re.compile(rf"{_STRING}|[][{{}}]|[^][{{}}\"]++", re.DOTALL)


def nesting(text: str) -> int:
    """Return how many brackets of a JSON text are open at once, at most."""
    brackets = _NO_BRACKETS.sub("", text)
    return max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0)


def bound(session: botocore.session.Session) -> None:
    """Let all clients of the session read every answer, whatever one of its values is."""
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_time, blob_parser=_blob)
    session.register("before-parse", _cut)
    session.register("after-call.iam.GetRole", _drop_deep_policy)


def _time(value: Any) -> datetime:
    try:
        time: datetime = parse_timestamp(value if isinstance(value, int | float) else str(value)[:64])
    except (ValueError, TypeError, ArithmeticError, RuntimeError):
        return _NO_TIME
    return time if time.tzinfo and 1970 <= time.year < 9999 else _NO_TIME


def _blob(value: Any) -> bytes:
    try:
        return base64.b64decode(value)
    except (ValueError, TypeError):
        return b""


def _cut(response_dict: dict[str, Any], **_: Any) -> None:
    """Empty the lists and objects of a JSON answer that are nested too deep. botocore calls it before it reads one."""
    body = response_dict["body"]
    if isinstance(body, bytes) and body.startswith((b"{", b"[")):
        text = body.decode(errors="replace")
        if nesting(text) > _MOST_NESTED:
            response_dict["body"] = _shallow(text).encode()


def _shallow(text: str) -> str:
    kept, depth = list[str](), 0
    for part in _PARTS.finditer(text):
        depth -= part[0] in ("]", "}")
        if depth < _MOST_NESTED:
            kept.append(part[0])
        depth += part[0] in ("[", "{")
    return "".join(kept)


def _drop_deep_policy(parsed: dict[str, Any], **_: Any) -> None:
    """Drop a trust policy that is nested too deep. botocore decodes it afterwards."""
    role = parsed.get("Role", {})
    if nesting(unquote(role.get("AssumeRolePolicyDocument", ""))) > _MOST_NESTED:
        role["AssumeRolePolicyDocument"] = ""
