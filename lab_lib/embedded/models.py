"""Read botocore's models of the services: what they demand of a parameter, beside what botocore checks itself.

botocore checks types, required parameters and minimums before it sends a request. It leaves the rest to AWS.
"""

import re
from collections.abc import Iterator
from typing import Any


def values(shape: Any, value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (names from the top, shape, value) of each parameter that the model knows, and of all parts of it."""
    if path:
        yield path, shape, value
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value:
                called = f"Attributes.{value['AttributeName']}" if name == "AttributeValue" else name
                yield from values(member, value[name], f"{path}.{called}".lstrip("."))
    elif shape.type_name == "list" and isinstance(value, list):
        for part in value:
            yield from values(shape.member, part, path)
    elif shape.type_name == "map" and isinstance(value, dict):
        for name, part in value.items():
            yield f"{path} key", shape.key, name
            yield from values(shape.value, part, f"{path}.{name}")


def broken(shape: Any, value: Any) -> Iterator[str]:
    """Yield what the model demands and the value is not: its maximum, its pattern, its enumeration."""
    longest, pattern, known = (shape.metadata.get(name) for name in ("max", "pattern", "enum"))
    is_number = shape.type_name in ("integer", "long")
    if longest is not None and (int(value) if is_number else len(value)) > longest:
        yield f"have {'value' if is_number else 'length'} less than or equal to {longest}"
    if pattern and isinstance(value, str) and not _matches(pattern, value):
        yield f"satisfy regular expression pattern: {pattern}"
    if known and value not in known:
        yield f"satisfy enum value set: [{', '.join(known)}]"


def _matches(pattern: str, text: str) -> bool:
    """Return True if the text is as the pattern says, or the pattern is one of Java's, which tags have."""
    try:
        return bool(re.fullmatch(pattern, text))
    except re.error:
        return True
