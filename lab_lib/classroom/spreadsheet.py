"""Read a CSV file as a spreadsheet writes it: with commas, semicolons or tabs, a byte-order mark, and empty rows."""

import csv
import io
from pathlib import Path

from lab_lib.language import N_, _
from lab_lib.workspace.private_files import read_file

_REST = ""  # the name of columns without one, and of the cells after the last column
Row = tuple[int, dict[str, str]]  # the line where a row ends, and its cells by column, without the empty ones


def read(path: Path) -> tuple[list[str], list[Row]]:
    """Return the names of the columns, in lower case, and the rows. UsageError if the file is damaged."""
    return read_file(path, _parse, 'Save it as "CSV UTF-8", then run the command again.')


def _parse(content: bytes) -> tuple[list[str], list[Row]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(_("it is not UTF-8 text, but an Excel file (.xlsx), UTF-16 or an older encoding")) from None
    text = text.lstrip("\r\n")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, restkey=_REST, restval="")
    rows = []
    try:
        reader.fieldnames = [" ".join(name.split()).lower() for name in reader.fieldnames or []]
        for cells in reader:
            if "".join(cells.pop(_REST, "")).strip():
                told = N_("line {line} has more cells than the header; put a cell that holds a comma in quotes")
                raise ValueError(_(told, line=reader.line_num))
            row = {name: " ".join(cell.split()) for name, cell in cells.items() if cell.strip()}
            if row:
                rows.append((reader.line_num, row))
    except csv.Error as error:
        line = rows[-1][0] if rows else 1
        raise ValueError(_("the quotes do not match after line {line}: {error}", line=line, error=error)) from None
    return [name for name in reader.fieldnames if name], rows
