"""Write the pictures of the chain: chain.svg for the README, and one beside each notebook: `make docs`.

A README in another language has a picture in that language, such as chain.zh_CN.svg.

lab_lib/pages/chain_picture.py draws them, and lab_lib/exercises/pictures.py says what each notebook lights.
"""

import json
import re
import textwrap
from html import escape
from pathlib import Path

from docs import catalogues
from lab_lib import language
from lab_lib.exercises import pictures
from lab_lib.exercises.copies import solved_notebooks
from lab_lib.pages import chain_picture
from lab_lib.pages.chain_parts import in_words

README, WIDEST = Path(__file__).parents[1] / "README.md", 120  # characters of a line there


def image(number: str) -> str:
    """Return the HTML image for a Markdown cell of the notebook with this number: a file beside the notebook."""
    return f'<img alt="{escape(pictures.describe(number))}" src="chain-{number}.svg">'


def plain() -> str:
    """Return the picture for the README, where nothing is lit."""
    return chain_picture.svg({}, in_words())


def place(path: Path) -> None:
    """Write the notebook's picture beside it, and name it where its first cell has one."""
    number = path.stem[:2]
    path.with_name(f"chain-{number}.svg").write_text(pictures.svg(number), encoding="utf-8")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = notebook["cells"][0]
    cell["source"] = [f"{image(number)}\n" if "<img " in line else line for line in cell["source"]]
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def with_image(readme: str) -> str:
    """Return the README with the picture in words as it is now."""
    words = textwrap.fill(f"![{in_words()}](docs/chain.svg)", WIDEST, break_long_words=False, break_on_hyphens=False)
    return re.sub(r"!\[[^]]*\]\(docs/chain\.svg\)", words, readme)


if __name__ == "__main__":
    for name in (*language.FINISHED, language.ENGLISH):  # which all below is in, too
        language.use(name)
        catalogues.named(Path(__file__).with_suffix(".svg"), name).write_text(plain(), encoding="utf-8")
    README.write_text(with_image(README.read_text(encoding="utf-8")), encoding="utf-8")
    for path in solved_notebooks():
        place(path)
