"""Read a CSV file as a spreadsheet writes it: with commas, semicolons or tabs, a byte-order mark, and empty rows."""

import csv
import io
from itertools import zip_longest
from pathlib import Path

from lab_lib.language import N_, _
from lab_lib.workspace.private_files import read_file

Row = tuple[int, dict[str, str]]  # the line where a row ends, and its cells by column, without the empty ones


def read(path: Path) -> tuple[list[str], list[Row]]:
    """Return the names of the columns, in lower case, and the rows. UsageError if the file is damaged."""
    return read_file(path, _parse, 'Save it as "CSV UTF-8", then run the command again.')


def _parse(content: bytes) -> tuple[list[str], list[Row]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        told = N_("it is UTF-16 or in an older encoding, not UTF-8 text")
        if content.startswith(b"PK"):
            told = N_("it is an Excel file (.xlsx), not UTF-8 text")
        raise ValueError(_(told)) from None
    delimiter = max(",;\t", key=text.lstrip().partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns, rows = list[str](), list[Row]()
    try:
        for cells in reader:
            words = [" ".join(cell.split()) for cell in cells]
            if any(words) and columns:
                rows.append((reader.line_num, _row(reader.line_num, columns, words)))
            elif any(words):
                columns = [word.lower() for word in words]
    except csv.Error as error:
        raise ValueError(
            _("the quotes do not match after line {line}: {error}", line=rows[-1][0] if rows else 1, error=error)
        ) from None
    named = [name for name in columns if name]
    if len({*named}) < len(named):
        raise ValueError(_("line 1 has a column twice"))
    return named, rows


def _row(line: int, columns: list[str], words: list[str]) -> dict[str, str]:
    row = {name: word for name, word in zip_longest(columns, words, fillvalue="") if word}
    if "" in row:
        raise ValueError(
            _("line {line} has more cells than the header; put a cell that holds a comma in quotes", line=line)
        )
    return row
