"""Write the picture of the chain: chain.svg for the README, and one in the first cell of each notebook: `make docs`."""

import json
from pathlib import Path

from lab_lib.run.headless import notebooks
from lab_lib.views import chain


def place(path: Path) -> None:
    """Put the notebook's picture where its first cell has one."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = notebook["cells"][0]
    cell["source"] = [f"{chain.image(path.stem[:2])}\n" if "<img " in line else line for line in cell["source"]]
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(chain.svg(), encoding="utf-8")
    for each in notebooks():
        place(each)
