"""What a notebook shows to its reader, and the English in it."""

import base64
import html
import re
from collections.abc import Iterator
from typing import Any

# What stays English where the rest is translated: names, data, code, and what AWS and Python say.
ALLOWED = (
    "^aws [a-z]",  # commands
    "River Road, Lima|Smith Street, London",  # addresses in files
    # what the handout's functions publish, and how they are described
    "Account balance is very high|send notification for balance exceeding|data and send to",
    # what the functions write in AWS: the reasons for rejected rows
    "to be rejected|in the digits|is no number|wanted a (day|number)|it is not",
    # AWS's own words
    "An error occurred|Topic does not exist|when calling the|tolerated failure threshold|process died",
    "made by the lab|deleted (bucket|stream) trigger|deleted log of|deleted (table|role)",  # what notebook 99 lists
    # what is written in cells
    "Written by hand|Lambda has delivered the change|The error of your function",
    "for keys with the suffix|lets in|no link was given",
    "a call has|amounts are (wrong|right)|totals are right|rows in all",
)
# Three words or more that are plain English: fewer may be names.
_ENGLISH = re.compile(r"(?<![\w/.`'\"=-])[A-Z]?[a-z]+(?:,? (?:[a-z]+|[A-Z][a-z]+)){2,}(?![\w/(=])")
_TAGS, _ALT = re.compile(r"<[^>]*>"), re.compile(r' alt="([^"]*)"')
_WITHOUT_FONT = re.compile(r'class="lab-figure".*<p>')  # a figure, and below it the font to install
_DRAWN = re.compile(r'src="data:image/svg\+xml;base64,([^"]*)"')


def shown(notebook: dict[str, Any]) -> Iterator[str]:
    """Yield what is read in the outputs, also in pictures.

    Source code, which has LaTeX too, is left out, and a figure that is in English since the computer lacks a font.
    """
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {"text/plain": output.get("text", output.get("traceback", []))})
            page = "".join(data.get("text/html", data.get("text/plain", [])))
            if "text/latex" not in data and not _WITHOUT_FONT.search(page):
                yield from read(page)


def read(page: str) -> Iterator[str]:
    """Yield the words of HTML, the words for its pictures, and the words in them. Other text is yielded as it is."""
    yield html.unescape(_TAGS.sub("\n", re.sub("<(style|script).*?</\\1>", "", page, flags=re.DOTALL)))
    yield from map(html.unescape, _ALT.findall(page))
    for drawn in _DRAWN.findall(page):
        svg = re.sub(
            "<(style|metadata|defs).*?</\\1>|<!--.*?-->", "", base64.b64decode(drawn).decode(), flags=re.DOTALL
        )
        yield html.unescape(_TAGS.sub("\n", svg))


def english(text: str) -> list[str]:
    """Return the English in a text, without what is allowed."""
    found = (match[0] for line in text.splitlines() for match in _ENGLISH.finditer(line))
    return [words for words in found if not re.search("|".join(ALLOWED), words)]
