"""Write the pictures of the chain, in the README and at the top of each notebook: `make docs`.

The README's plays an upload as the chain has just taken it. One in another language has a picture in that language,
such as chain.zh_CN.svg.
"""

import json
import re
import textwrap
from pathlib import Path

from docs import catalogues
from lab_lib import language
from lab_lib.aws import buckets
from lab_lib.checks.chain import following
from lab_lib.exercises.copies import solved_notebooks
from lab_lib.exercises.pictures import PICTURE, shown
from lab_lib.lab import open_lab
from lab_lib.pages import chain_picture, live
from lab_lib.pages.chain_picture import in_words
from lab_lib.pages.live import Progress
from lab_lib.run.headless import DATA_FILE
from tests.lab.chains import Chain
from tests.own_aws import own_aws

README, WIDEST = Path(__file__).parents[1] / "README.md", 120  # characters of a line there
PLAYS, LENGTH, PACE, MOVES = 3, 10, 0.25, 0.5  # seconds: of a play, from part to part, and how long one is moving
WAITS = "--hue: currentColor; --wide-line: 1.2; --tint: .06; --shown: 0; color: var(--faint);"
MOVING = "--hue: #d97706; --wide-line: 3; --tint: .3; --shown: 0; color: inherit;"
SETTLES = "animation-timing-function: step-start;"  # at once it looks as it does without motion


def sent() -> Progress:
    """Build the lab, and return how its file came through."""
    looks = list[Progress]()
    with own_aws("docs"):
        lab = Chain(open_lab()).build().lab
        with following(lab, DATA_FILE, looks.append):
            buckets.upload(lab, DATA_FILE)
    return looks[-1]


def film(progress: Progress) -> str:
    """Return a picture in which a row comes from part to part, without a script. It ends as it is without motion."""
    looks = {name: look._replace(when=0) for name, look in live.picture(progress).looks.items()}
    drawn = chain_picture.svg(looks, in_words())
    moments = sorted({*re.findall(r'data-at="(\d+)"', drawn)}, key=int)
    rules = [".lab-chain .word { opacity: var(--shown, 1); }"]
    for place, moment in enumerate(moments, 1):
        begins = f"{100 * place * PACE / LENGTH:g}%"
        ends = f"{100 * (place * PACE + MOVES) / LENGTH:g}%"
        frames = f"from {{ {WAITS} }} {begins} {{ {MOVING} }} {ends} {{ {MOVING} {SETTLES} }}"
        rules.append(f"@keyframes part-{place} {{ {frames} }}")
        rules.append(f'[data-at="{moment}"] {{ animation: part-{place} {LENGTH}s step-end {PLAYS}; }}')
    motion = "\n".join(["@media (prefers-reduced-motion: no-preference) {", *rules, "}"])
    return drawn.replace("</style>", f"{motion}\n</style>", 1)


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
    progress = sent()
    for name in (*language.FINISHED, language.ENGLISH):  # which all below is in, too
        language.use(name)
        catalogues.named(Path(__file__).with_suffix(".svg"), name).write_text(film(progress), encoding="utf-8")
    README.write_text(with_image(README.read_text(encoding="utf-8")), encoding="utf-8")
    for path in solved_notebooks():
        place(path)
