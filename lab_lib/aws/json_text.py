"""Read JSON in logs and messages, which anybody may have written."""

import json
from typing import Any


def json_object(text: Any) -> dict[str, Any]:
    """Return the JSON object in a text; an empty one for everything else."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
