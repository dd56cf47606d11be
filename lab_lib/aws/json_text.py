"""Read JSON in logs and messages, which anybody may have written."""

import json
from datetime import datetime
from typing import Any


def json_object(text: Any) -> dict[str, Any]:
    """Return the JSON object in a text; an empty one for everything else."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):  # the last one of JSON that is nested very deep
        return {}
    return value if isinstance(value, dict) else {}


def moment(text: Any) -> datetime | None:
    """Return the time that a text tells, None if it tells none, or one without its time zone."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
