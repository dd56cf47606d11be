"""Read JSON, numbers and times in policies, logs and messages, which anybody may have written."""

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

_LONGEST = 6_300_000  # characters, of Lambda's longest answer


def json_value(text: str | bytes) -> Any:
    """Return the value of a JSON text. ValueError if it is none, or longer than AWS's own, or nested too deep."""
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    if len(text) > _LONGEST:
        raise ValueError("it is too long")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def json_object(text: Any) -> dict[str, Any]:
    """Return the JSON object in a text; an empty one for everything else."""
    try:
        value = json_value(text)
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def moment(text: Any) -> datetime | None:
    """Return the time that a text tells, None if it tells none, or one without its time zone."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None


def amount(text: Any) -> Decimal | None:
    """Return the finite number that a text tells, None if it tells none."""
    try:
        number = Decimal(text) if isinstance(text, str) else None
    except ArithmeticError:
        return None
    return number if number is not None and number.is_finite() else None


def count(text: Any) -> int | None:
    """Return the whole number that a text tells, such as a count or a time of AWS; None if it tells none."""
    return int(text) if re.fullmatch("[0-9]{1,15}", str(text)) else None


def having(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Return the rows that have a text under each of these names. AWS gives no others."""
    return [row for row in rows if all(isinstance(row.get(name), str) for name in names)]
