"""Translate the lab's own notebooks: their Markdown, and the comments of their code, from the catalogue of each.

The code of a cell is never in a catalogue, so it cannot differ between languages.
"""

import io
import json
import tokenize
from pathlib import Path

from lab_lib import language
from lab_lib.exercises.notebook_files import Cell, Notebook


def notebook(path: Path, name: str = "") -> Notebook:
    """Return one of the lab's own notebooks, solved, in the language of this name, or in the one that is used."""
    english = json.loads(path.read_text("utf-8"))
    if not (folder := language.folder(name or language.used())):
        return dict(english)
    translated = language.entries(folder / "notebooks" / f"{path.stem}.md")
    cells = [_translated(cell, translated.get(cell["id"], ("", ""))[1]) for cell in english["cells"]]
    return {**english, "cells": cells}


def text_of(cell: Cell) -> str:
    """Return what a catalogue translates of a cell: the Markdown, or the comments in its code, a line each."""
    source = "".join(cell["source"])
    return source if cell["cell_type"] == "markdown" else "\n".join(comment.string for comment in _comments(source))


def _translated(cell: Cell, text: str) -> Cell:
    if text and cell["cell_type"] == "code":
        text = _with_comments("".join(cell["source"]), text.splitlines())
    return {**cell, "source": text.splitlines(keepends=True)} if text else cell


def _with_comments(source: str, texts: list[str]) -> str:
    """Return the code with other comments. If their number differs, the English ones stay."""
    lines, comments = source.splitlines(), _comments(source)
    if len(comments) == len(texts):
        for comment, text in zip(comments, texts, strict=True):
            row, column = comment.start
            lines[row - 1] = f"{lines[row - 1][:column]}# {text.lstrip('# ')}"
    return "\n".join(lines)


def _comments(source: str) -> list[tokenize.TokenInfo]:
    """Return the comments of a cell without nbgrader's marks, which begin with ###."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token for token in tokens if token.type == tokenize.COMMENT and not token.string.startswith("###")]
