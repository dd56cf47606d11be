"""Read when something was handed in or is due, and count the days between them."""

from datetime import datetime, timedelta

from lab_lib.errors import UsageError


def moment(text: str, name: str) -> datetime:
    """Return the local time; of a date alone, the end of that day. UsageError, with the name, if it is neither."""
    try:
        return datetime.fromisoformat(text if ":" in text else f"{text} 23:59").astimezone().replace(tzinfo=None)
    except ValueError:
        raise UsageError(
            "{name} is {text!r}; wanted 2026-12-01 18:00, for example, or the date alone.", name=name, text=text
        ) from None


def days_late(handed_in: str, due: datetime) -> int:
    """Return how many days after the due date have begun."""
    return max(-((due - moment(handed_in, "handed_in")) // timedelta(days=1)), 0)
