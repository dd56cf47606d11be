"""Read JSON, numbers and times in policies, logs and messages, which anybody may have written."""

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any


def json_object(text: Any) -> dict[str, Any]:
    """Return the JSON object in a text; an empty one for everything else."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def moment(text: Any) -> datetime | None:
    """Return the time that a text tells, None if it tells none, or one without its time zone."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None


def milliseconds(time: datetime) -> int:
    """Return a time as milliseconds since 1970."""
    return int(time.timestamp() * 1000)


def amount(text: Any) -> Decimal | None:
    """Return the finite number that a text tells, None if it tells none."""
    if not isinstance(text, str):
        return None
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def count(text: Any) -> int | None:
    """Return the whole number that a text tells, such as a count or a time of AWS; None if it tells none."""
    return int(text) if re.fullmatch("[0-9]{1,15}", str(text)) else None
