"""Write lists, numbers and the time in words."""

from collections.abc import Iterable
from datetime import datetime


def shortened(names: Iterable[str], most: int = 5) -> list[str]:
    """Return all names, or the first ones and, in the place of the others, "and 3 more"."""
    listed = list(names)
    return listed if len(listed) <= most else [*listed[:most], f"and {len(listed) - most:,} more"]


def listing(names: Iterable[str], most: int = 5) -> str:
    """Return the names in one line: all of them, or the first ones and the number of the others."""
    return ", ".join(shortened(names, most)) or "none"


def number(count: int, noun: str) -> str:
    """Return a number with its noun: "1 row", "2,000 rows"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def cut(text: str, longest: int) -> str:
    """Return the text, or its beginning with "…" in at most so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def now() -> str:
    """Return the local date and time."""
    return datetime.now().strftime("%Y-%m-%d %H:%M")
