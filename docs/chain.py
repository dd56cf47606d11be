"""Write the picture of the chain for the README: `make docs`.

A README in another language has a picture in that language, such as chain.zh_CN.svg.
"""

import re
import textwrap
from pathlib import Path

from docs import catalogues
from lab_lib import language
from lab_lib.pages import chain_picture
from lab_lib.pages.chain_parts import in_words

README, WIDEST = Path(__file__).parents[1] / "README.md", 120  # characters of a line there


def with_image(readme: str) -> str:
    """Return the README with the picture in words as it is now."""
    words = textwrap.fill(f"![{in_words()}](docs/chain.svg)", WIDEST, break_long_words=False, break_on_hyphens=False)
    return re.sub(r"!\[[^]]*\]\(docs/chain\.svg\)", words, readme)


if __name__ == "__main__":
    for name in (*language.FINISHED, language.ENGLISH):  # which all below is in, too
        language.use(name)
        drawn = chain_picture.svg({}, in_words())
        catalogues.named(Path(__file__).with_suffix(".svg"), name).write_text(drawn, encoding="utf-8")
    README.write_text(with_image(README.read_text(encoding="utf-8")), encoding="utf-8")
