"""Translate the lab's own notebooks: a message is a paragraph, heading, list item, table row or comment of code.

Code is no message, so it cannot differ between languages. What is not translated yet stays English.
"""

import io
import json
import re
import tokenize
from collections.abc import Callable
from pathlib import Path

from lab_lib import language
from lab_lib.exercises.notebook_files import Cell, Notebook

Replace = Callable[[str], str]  # a message by its translation
_NO_TEXT = re.compile(r"\s*|\|[\W\d]*\||<!--.*-->")  # also a row of figures
_LINE = re.compile(r"(\| |#+ |(?=<))(.+?)( \||)")  # a row, a heading, or HTML
_ITEM = re.compile(r"( *(?:-|\d+\.) )(.+)")
# Texts in code: what a command does, a title for the site, and a remark in a row of a file.
_IN_CODE = re.compile(r'( {4}\S.*? {2,}|:caption: | {4}[\w,.]+,"?(?=[A-Z][^"]*\.[",]))(.+?)("?,+\w*|)')
_COMMENT = re.compile(r"# *(?!#)(?=\S)")  # nbgrader's marks begin with ###


def notebook(path: Path, name: str = "") -> Notebook:
    """Return one of the lab's own notebooks, solved, in the language of this name, or in the one that is used."""
    english = json.loads(path.read_text("utf-8"))
    if (name := name or language.used()) == language.ENGLISH:
        return dict(english)
    translate = language.translations(name).gettext
    cells = [cell | {"source": replaced(cell, translate).splitlines(keepends=True)} for cell in english["cells"]]
    return {**english, "cells": cells}


def replaced(cell: Cell, replace: Replace) -> str:
    """Return the source of a cell with its messages replaced."""
    source = "".join(cell["source"])
    return in_markdown(source, replace) if cell["cell_type"] == "markdown" else _in_code(source, replace)


def in_markdown(text: str, replace: Replace) -> str:
    """Return a text with its messages replaced. The lines of a paragraph or list item are one message and one line."""
    lines, begin, paragraph, in_fence = list[str](), "", list[str](), False

    def end_paragraph() -> None:
        if paragraph:
            lines.append(begin + replace(" ".join(paragraph)))
            paragraph.clear()

    for line in text.split("\n"):
        is_fence = line.startswith("```")
        in_fence ^= is_fence
        is_code = is_fence or in_fence or (line.startswith("    ") and not paragraph)
        has_text = not _NO_TEXT.fullmatch(line)
        alone = has_text and (_IN_CODE if is_code else _LINE).fullmatch(line)
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
            text = replace(token.string[mark.end() :]).replace("\n", " ")  # stays a comment
            lines[row] = f"{lines[row][:column]}{mark[0]}{text}"
    return "\n".join(lines)
