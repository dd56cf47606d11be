"""Write the headings of the notebooks into the package, by the ids of the cells below them: `make docs`."""

import json

from lab_lib.exercises import copies, edition
from lab_lib.resources import HEADINGS


def headings() -> str:
    """Return the content of the file: by notebook, each code cell with the heading above it."""
    by_notebook = {}
    for path in copies.solved_notebooks():
        notebook = json.loads(path.read_text(encoding="utf-8"))
        above = {cell: heading for cell, (heading, _) in edition.cells(notebook).items()}
        code = [cell["id"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
        by_notebook[path.stem[:2]] = {cell: above[cell] for cell in code}
    return json.dumps(by_notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    HEADINGS.write_text(headings(), encoding="utf-8")
