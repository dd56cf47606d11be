"""Write the headings of the notebooks into the package, by the ids of the code cells below them: `make docs`.

Each has the id of the text that it stands in, by which a catalogue has it in another language.
"""

import json

from lab_lib.exercises import copies
from lab_lib.resources import HEADING, HEADINGS


def headings() -> str:
    """Return the content of the file: by notebook, each code cell with that id and the heading, in one text."""
    by_notebook = {}
    for path in copies.solved_notebooks():
        notebook = json.loads(path.read_text(encoding="utf-8"))
        above, below = "", {}
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                below[cell["id"]] = above
            elif found := HEADING.findall("".join(cell["source"])):
                above = f"{cell['id']} {found[-1]}"
        by_notebook[path.stem[:2]] = below
    return json.dumps(by_notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    HEADINGS.write_text(headings(), encoding="utf-8")
