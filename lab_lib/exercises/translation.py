"""Translate the lab's own notebooks and documents: a message is a paragraph, heading, list item, table row or comment.

Code is no message, so it cannot differ between languages. What is not translated yet stays English.
"""

import io
import json
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from lab_lib import language
from lab_lib.exercises.notebook_files import Cell, Notebook

T = TypeVar("T")
Replace = Callable[[str], str]  # a message by its translation
_FENCE = re.compile(r"```.*")
_NO_TEXT = re.compile(r"\s*|\|[-:| ]+\||<!--.*-->")
_ROW = re.compile(r"(\| )(.*)( \|)")
_LINE = re.compile(r"(#+ |(?=<))(.*)()")  # a heading, or HTML
_ITEM = re.compile(r"( *(?:-|\d+\.) )(.*)")
_IN_CODE = re.compile(r"( {4}\S.*? {2,}|:caption: )(.*)()")  # what a command does, or a title for the site
_REMARK = re.compile(r"( {4}[\w,.]+,\"?)([A-Z][^\"]*?\.)(\"?,.*)")  # in a row of a file
_COMMENT = re.compile(r"# *(?!#)(?=\S)")  # nbgrader's marks begin with ###


def notebook(path: Path, name: str = "") -> Notebook:
    """Return one of the lab's own notebooks, solved, in the language of this name, or in the one that is used."""
    english = json.loads(path.read_text("utf-8"))
    if (name := name or language.used()) == language.ENGLISH:
        return dict(english)
    translate = language.translations(name).gettext
    cells = [cell | {"source": _replaced(cell, translate).splitlines(keepends=True)} for cell in english["cells"]]
    return {**english, "cells": cells}


def document(text: str, name: str) -> str:
    """Return a document in the language of this name."""
    return text if name == language.ENGLISH else _in_markdown(text, language.translations(name).gettext)


def messages_of_notebook(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the id of each cell of a notebook with each of its messages."""
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        yield from ((cell["id"], message) for message in _messages(_replaced, cell))


def messages_of_document(text: str) -> list[str]:
    """Return the messages of a document."""
    return _messages(_in_markdown, text)


def _messages(replaced: Callable[[T, Replace], str], source: T) -> list[str]:
    found = list[str]()

    def note(message: str) -> str:
        found.append(message)
        return message

    replaced(source, note)
    return found


def _replaced(cell: Cell, replace: Replace) -> str:
    """Return the source of a cell with its messages replaced."""
    source = "".join(cell["source"])
    return _in_markdown(source, replace) if cell["cell_type"] == "markdown" else _in_code(source, replace)


def _in_markdown(text: str, replace: Replace) -> str:
    """Return a text with its messages replaced. The lines of a paragraph or list item are one message and one line."""
    lines, begin, paragraph, in_fence = list[str](), "", list[str](), False

    def end_paragraph() -> None:
        if paragraph:
            lines.append(begin + replace(" ".join(paragraph)))
            paragraph.clear()

    for line in text.split("\n"):
        is_fence = bool(_FENCE.fullmatch(line))
        in_fence ^= is_fence
        is_code = is_fence or in_fence or (line.startswith("    ") and not paragraph)
        has_text = not _NO_TEXT.fullmatch(line)
        kinds = (_IN_CODE, _REMARK) if is_code else (_ROW, _LINE)
        alone = has_text and (kinds[0].fullmatch(line) or kinds[1].fullmatch(line))
        if is_code or alone or not has_text:
            end_paragraph()
            lines.append(f"{alone[1]}{replace(alone[2])}{alone[3]}" if alone else line)
        elif item := _ITEM.fullmatch(line):
            end_paragraph()
            begin = item[1]
            paragraph.append(item[2])
        else:
            begin = begin if paragraph else ""
            paragraph.append(line.strip())
    end_paragraph()
    return "\n".join(lines)


def _in_code(source: str, replace: Replace) -> str:
    """Return code with its comments replaced."""
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and (mark := _COMMENT.match(token.string)):
            row, column = token.start[0] - 1, token.start[1]
            lines[row] = f"{lines[row][:column]}{mark[0]}{replace(token.string[mark.end() :])}"
    return "\n".join(lines)
