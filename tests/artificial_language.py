"""A language that nobody speaks: every letter has an accent. What is shown without was never marked for translation.

`make` writes it from the English, into a folder that `--lang` takes: a language needs no code.
"""

import re
from pathlib import Path

from babel.messages.pofile import write_po
from bs4 import BeautifulSoup

from docs import catalogues

_PLAIN, _ACCENTED = "aceinosuyzACEINOSUYZ", "áçéíñóšúýžÁÇÉÍÑÓŠÚÝŽ"
_ACCENTS = str.maketrans(_PLAIN, _ACCENTED)
_PLACE = re.compile(r"(\{[^{}]*\})")
# What a translation of a text keeps: code, HTML, the address of a link or a picture.
_KEPT = re.compile(r"(`[^`\n]+`|<[^>]+>|\]\([^)]*\))")
_WORD = re.compile(r"(?<![\w-])[A-Za-z][A-Za-z-]+(?![\w-])")
_READ_TOO = ("title", "aria-label", "alt", "data-shown")  # attributes


def make(folder: Path) -> Path:
    """Write the catalogue of the language into this folder."""
    messages = catalogues.messages()
    for message in messages:
        if message.id:
            in_python = any(name.startswith("lab_lib/") for name, _ in message.locations)
            accent = _message if in_python else accented
            message.string = tuple(map(accent, message.id)) if message.pluralizable else accent(message.id)
    po = folder / "LC_MESSAGES" / "lab.po"
    po.parent.mkdir(parents=True)
    with po.open("wb") as file:
        write_po(file, messages)
    return folder


def plain_words(page: BeautifulSoup) -> set[str]:
    """Return the words of a page that have no accents, but for code and names of places."""
    for code in page("code"):
        code.clear()
    attributes = (tag.get(name, "") for tag in page.find_all(True) for name in _READ_TOO)
    return {word for text in (page.get_text(" "), *attributes) for word in _WORD.findall(_PLACE.sub("", text))}


def accented(text: str, kept: re.Pattern[str] = _KEPT) -> str:
    """Return a text with accents, but for what is `kept`."""
    return "".join(part if number % 2 else part.translate(_ACCENTS) for number, part in enumerate(kept.split(text)))


def _message(text: str) -> str:
    """Return a message in brackets. A full stop stays at its end, where hints look for it."""
    return f"⟦{accented(text.removesuffix('.'), _PLACE)}⟧{'.' * text.endswith('.')}"
