"""Write the pictures of the chain, in the README and at the top of each notebook: `make docs`.

A README in another language has a picture in that language, such as chain.zh_CN.svg.
"""

import json
import re
import textwrap
from pathlib import Path

from docs import catalogues
from lab_lib import language
from lab_lib.exercises.copies import solved_notebooks
from lab_lib.exercises.pictures import PICTURE, shown
from lab_lib.pages import chain_picture
from lab_lib.pages.chain_picture import in_words

README, WIDEST = Path(__file__).parents[1] / "README.md", 120  # characters of a line there


def with_image(readme: str) -> str:
    """Return the README with the picture in words as it is now."""
    words = textwrap.fill(f"![{in_words()}](docs/chain.svg)", WIDEST, break_long_words=False, break_on_hyphens=False)
    return re.sub(r"!\[[^]]*\]\(docs/chain\.svg\)", words, readme)


def place(path: Path) -> None:
    """Put the picture as it is drawn now into the output of the notebook's cell for it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if PICTURE in cell["metadata"].get("tags", [])]
    drawn = {kind: text.splitlines(keepends=True) for kind, text in shown(path.stem[:2]).items()}
    cell["outputs"][0]["data"] = drawn
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in (*language.FINISHED, language.ENGLISH):  # which all below is in, too
        language.use(name)
        drawn = chain_picture.svg({}, in_words())
        catalogues.named(Path(__file__).with_suffix(".svg"), name).write_text(drawn, encoding="utf-8")
    README.write_text(with_image(README.read_text(encoding="utf-8")), encoding="utf-8")
    for path in solved_notebooks():
        place(path)
