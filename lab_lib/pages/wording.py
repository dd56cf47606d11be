"""Write lists, numbers, the time and odd characters in words.

A character that cannot be seen, or looks like another one, is shown by its code: found and wanted must never look the
same.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from rich.cells import cell_len, set_cell_size

from lab_lib.language import _, ngettext

_CONFUSING = re.compile(
    r"[\uff0d\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"  # wide forms of -, digits and Latin letters
    r"|[\u2010-\u2015\u2212]"  # other dashes, and the minus sign
    r"|(?<=[A-Za-z])[\u0300-\u052f]+|[\u0300-\u052f]+(?=[A-Za-z])"  # marks, Greek and Cyrillic beside Latin letters
)


def shortened(names: Iterable[str], most: int = 5) -> list[str]:
    """Return all names, or the first ones and, in the place of the others, "and 3 more"."""
    listed = list(names)
    others = len(listed) - most
    if others <= 0:
        return listed
    return [*listed[:most], _("and {count:,} more", count=others)]


def listing(names: Iterable[str], most: int = 5) -> str:
    """Return the names in one line: all of them, or the first ones and the number of the others."""
    return _(", ").join(shortened(names, most)) or _("none")


def clauses(parts: Iterable[str]) -> str:
    """Return the parts that are not empty, with the comma that stands between clauses: Chinese has another in lists."""
    return _("{clause}, {clause_after}", clause="", clause_after="").join(filter(None, parts))


def how_often(count: int) -> str:
    """Return a number of times: "1 time", "3 times"."""
    return ngettext("{count:,} time", "{count:,} times", count)


def cut(text: str, longest: int) -> str:
    """Return the text, or its beginning with "…" in at most so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return a line for each row, with its cells in columns: a Chinese character is as wide as two letters."""
    columns = [*zip(*rows, strict=True)]
    for place, column in enumerate(columns[:-1]):
        width = max(map(cell_len, column))
        columns[place] = tuple(set_cell_size(cell, width) for cell in column)
    return [*map("  ".join, zip(*columns, strict=True))]


def now() -> str:
    """Return the local date and time."""
    return datetime.now().strftime("%Y-%m-%d %H:%M")


def visible(text: str, longest: int = 1_000) -> str:
    """Return the text, or its beginning, with the code of each odd character in its place, such as [U+0430].

    Odd are characters that cannot be seen, wide forms and other dashes of ASCII, and, beside Latin letters, those of
    Greek and Cyrillic. A word purely in another script stays as it is.
    """
    text = _CONFUSING.sub(lambda found: "".join(map(_code, found[0])), cut(text, longest))
    shown = ""
    for character in text:
        shown += character if character.isprintable() else _code(character)
    return shown


def _code(character: str) -> str:
    return f"[U+{ord(character):04X}]"
