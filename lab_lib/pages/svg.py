"""Write text into SVG pictures, as wide as it was measured, whatever font the reader's computer has.

It is measured as Arial and Helvetica draw it, whose widths matplotlib brings along. Other characters count by their
cells on a terminal, of which two are one em.
"""

import functools
import re
import unicodedata
from bisect import bisect
from html import escape
from importlib.metadata import distribution
from itertools import accumulate
from math import inf
from pathlib import Path

from rich.cells import cell_len

_WIDTH = re.compile(r"^C (\d+) ; WX (\d+)", re.MULTILINE)  # of a character, in thousandths of an em


def text(x: float, y: float, words: str, size: int, room: float = inf, **style: str) -> str:
    """Return a text of an SVG file, squeezed if it needs more than this room."""
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    length = f'textLength="{min(width(words, size, "font_weight" in style), room):.0f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}"{attributes} {length}>{escape(words)}</text>'


def width(words: str, size: int, is_bold: bool = False) -> float:
    """Return how wide a text is, in pixels."""
    return sum(_widths(words, size, is_bold))


def cut(words: str, size: int, room: float) -> str:
    """Return the text, or its beginning with "…", no wider than this room."""
    if width(words, size) <= room:
        return words
    ends = [*accumulate(_widths(words, size))]
    return f"{words[: bisect(ends, room - width('…', size))]}…"


def _widths(words: str, size: int, is_bold: bool = False) -> list[float]:
    """Return the width of each character. An accent adds nothing to its letter."""
    known = _of_latin("Helvetica-Bold" if is_bold else "Helvetica")
    letters = [unicodedata.normalize("NFD", character)[0] for character in words]
    return [known.get(letter, 500 * cell_len(letter)) * size / 1000 for letter in letters]


@functools.cache
def _of_latin(font: str) -> dict[str, int]:
    """Return the widths of the characters of ASCII, from a file of matplotlib, which is not imported: it is slow."""
    file = Path(str(distribution("matplotlib").locate_file(f"matplotlib/mpl-data/fonts/pdfcorefonts/{font}.afm")))
    widths = _WIDTH.findall(file.read_text("ascii"))
    return {chr(int(code)): int(width) for code, width in widths if int(code) < 127}
