"""Write the headings of the notebooks' cells into the package: `make docs`."""

import json

from lab_lib.exercises import copies
from lab_lib.resources import HEADING, HEADINGS


def headings() -> str:
    """Return the content of the file: by id, the heading of each code cell, and each notebook's title."""
    by_cell = {}
    for path in copies.solved_notebooks():
        title, heading = f"{path.stem[:2]}-01", ""
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                heading = (HEADING.findall("".join(cell["source"])) or [heading])[-1]
            if cell["cell_type"] == "code" or cell["id"] == title:
                by_cell[cell["id"]] = heading
    return json.dumps(by_cell, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    HEADINGS.write_text(headings(), encoding="utf-8")
