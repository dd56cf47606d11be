"""Write the headings of the notebooks' cells into the package: `make docs`."""

import json

from lab_lib.exercises import copies, edition
from lab_lib.resources import HEADINGS


def headings() -> str:
    """Return the content of the file: by id, the heading of each code cell, and each notebook's title."""
    by_cell = {}
    for path in copies.solved_notebooks():
        notebook = json.loads(path.read_text(encoding="utf-8"))
        above = edition.headings(notebook)
        named = [cell["id"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
        by_cell |= {id: above[id] for id in [f"{path.stem[:2]}-01", *named]}
    return json.dumps(by_cell, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    HEADINGS.write_text(headings(), encoding="utf-8")
