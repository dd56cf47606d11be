"""Write the headings of the notebooks into the package, by the ids of the cells below them: `make docs`."""

import json

from lab_lib.exercises import copies, edition
from lab_lib.resources import HEADINGS


def headings() -> str:
    """Return the content of the file: the heading of each cell, by its id."""
    notebooks = (json.loads(path.read_text(encoding="utf-8")) for path in copies.solved_notebooks())
    by_cell = {id: heading for notebook in notebooks for id, heading in edition.headings(notebook).items()}
    return json.dumps(by_cell, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    HEADINGS.write_text(headings(), encoding="utf-8")
