"""A language that nobody speaks: every letter has an accent. What is shown without was never marked for translation.

`make` writes it from the English, into a folder that `--lang` takes: a language needs no code.
"""

import hashlib
import re
from pathlib import Path

from babel.messages.pofile import write_po

from docs import catalogues

_PLAIN, _ACCENTED = "aceinosuyzACEINOSUYZ", "áçéíñóšúýžÁÇÉÍÑÓŠÚÝŽ"
_ACCENTS = str.maketrans(_PLAIN, _ACCENTED)
# What a translation keeps: code, HTML, the address of a link or a picture.
_KEPT = re.compile(r"(```.*?```|`[^`\n]+`|<[^>]+>|\]\([^)]*\))", re.DOTALL)
_PLACE = re.compile(r"(\{[^{}]*\})")


def make(folder: Path) -> Path:
    """Write the catalogues of the language into this folder."""
    messages = catalogues.messages()
    for message in messages:
        if message.id:
            message.string = tuple(map(_message, message.id)) if message.pluralizable else _message(message.id)
    po = folder / "LC_MESSAGES" / "lab.po"
    po.parent.mkdir(parents=True)
    with po.open("wb") as file:
        write_po(file, messages)
    for markdown, english in catalogues.in_language(folder).items():
        if markdown.is_relative_to(folder):
            markdown.parent.mkdir(exist_ok=True)
            entries = (f"<!-- {id} {digest(text)} -->\n{accented(text)}\n" for id, text in english.items())
            markdown.write_text("\n".join(entries), encoding="utf-8")
    return folder


def digest(text: str) -> str:
    """Return what tells whether a text has changed since it was translated."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def accented(text: str, kept: re.Pattern[str] = _KEPT) -> str:
    """Return a text with accents, but for what is `kept`."""
    return "".join(part if number % 2 else part.translate(_ACCENTS) for number, part in enumerate(kept.split(text)))


def _message(text: str) -> str:
    """Return a message in brackets. A full stop stays at its end, where hints look for it."""
    return f"⟦{accented(text.removesuffix('.'), _PLACE)}⟧{'.' * text.endswith('.')}"
