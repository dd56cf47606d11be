"""Write the site for those who only read, into the folder site/: `make site`. It needs no network.

Its pages are laid out in a temporary folder, where Sphinx takes them. A notebook is there as a learner has it, without
solutions. A cell has its output if it is tagged SHOWN; an output that answers a question must not be.

Each finished language has a site of its own, with the same pages, in a folder of the English one. What has no
translation is there in English, and says so: on the page, in its `lang`, and in the list of all pages.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from docs import catalogues
from docs.catalogues import DOCUMENTS
from lab_lib import language
from lab_lib.aws import buckets
from lab_lib.checks.chain import following
from lab_lib.exercises import copies
from lab_lib.lab import open_lab
from lab_lib.language import _
from tests.lab.chains import Chain
from tests.own_aws import own_aws

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
LANGUAGES = (language.ENGLISH, *language.FINISHED)
SHOWN = "output-on-site"
LEFT_OUT = ("permissions",)  # documents that answer exercises
LAB = [sys.executable, "-m", "lab_lib"]
SPHINX = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--conf-dir", str(HERE)]
TRACED = """customer_id|customer_address|trn_id|trn_date|trn_amount
Ana|3 River Road, Lima|A1|03/01/2017|900
Ana|3 River Road, Lima|A2|03/02/2017|700
"""
_LINK_TO_LEFT_OUT = re.compile(rf"\[([^]]*)\]\((?:docs/)?({'|'.join(LEFT_OUT)})\.md[^)]*\)")
_SAME_ELSEWHERE = re.compile(r"^\[[^]]+\]\(README[.\w]*\.md\)\n\n", re.MULTILINE)  # in the place of the site's switch
_HEADING_OF_TRANSLATED = re.compile(rf"({'|'.join(Path(name).name for name in DOCUMENTS)})#[^)]+")
_PAGE = re.compile(r"^(?:docs/)?[\w-]+$", re.MULTILINE)  # in index.md's list of all
_ONLY_ENGLISH = f"---\nlang: {language.ENGLISH}\n---\n"  # what the templates read as meta.lang
_HINT = re.compile(r"(<details><summary>.*?</summary>)(.*?)(</details>)", re.DOTALL)
_ANCHOR = re.compile(r"(?<=\.ipynb#)[^)]+")
_EMPTY_TITLE = re.compile(r"<th[^>]*></th>")


def main(site: Path) -> None:
    """Build the site in the place of the one that is there."""
    with own_aws("site") as folder:
        built = folder / "built"
        for name in language.FINISHED:  # for the outputs; the English ones are in the notebooks
            subprocess.run([*LAB, "run", "--lang", name, "--out", folder / "run" / name], stdout=DEVNULL, check=True)
        for name in LANGUAGES:
            source = folder / name
            lay(source, name, ROOT / "notebooks" if name == language.ENGLISH else folder / "run" / name)
            subprocess.run([*SPHINX, "--doctree-dir", folder / "doctrees" / name, source, built / name], check=True)
        send_traced(folder / "bank.txt")
        for name in LANGUAGES:
            trace = [*LAB, "trace", "Ana", "A2", "--lang", name, "--html", built / name / "trace.html"]
            subprocess.run(trace, stdout=DEVNULL, check=True)
        shutil.rmtree(site, ignore_errors=True)
        for name in LANGUAGES:
            shutil.copytree(built / name, site if name == language.ENGLISH else site / name)


def send_traced(file: Path) -> None:
    """Build the lab, and send the file with the transaction that the page of the trace follows through it."""
    file.write_text(TRACED, encoding="utf-8")
    lab = Chain(open_lab()).build().lab
    with following(lab, file):
        buckets.upload(lab, file)


def lay(source: Path, name: str, executed: Path) -> None:
    """Write the pages in a language into this folder, beside the files to which they lead.

    The outputs are those of the `executed` notebooks.
    """
    language.use(name)
    for part in ("data", "docs", "lab_lib"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("*.md", "site", "__pycache__"))
    (source / "notebooks").mkdir()
    for path in copies.solved_notebooks():
        page = notebook(
            copies.learners_edition(path, name), json.loads((executed / path.name).read_text(encoding="utf-8"))
        )
        (source / "notebooks" / path.name).write_text(json.dumps(page), encoding="utf-8")
    translated = [catalogues.named(ROOT / english, other) for english in DOCUMENTS for other in language.FINISHED]
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), HERE / "index.md"):
        if path.stem not in LEFT_OUT and path not in translated:
            written = source / (path.name if path.parent == HERE else path.relative_to(ROOT))
            written.write_text(document(path, name), encoding="utf-8")
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    (source / "LICENSE.md").write_text(in_english(f"# Licence\n\n{licence}", name), encoding="utf-8")
    index = source / "index.md"
    entries = _PAGE.sub(lambda page: entry(page[0], source), index.read_text(encoding="utf-8"))
    index.write_text(entries, encoding="utf-8")


def document(path: Path, name: str) -> str:
    """Return a document, translated if it can be. In place of a link to one that is left out, it names the file."""
    text = path.read_text(encoding="utf-8")
    if str(path.relative_to(ROOT)) in DOCUMENTS:
        text = catalogues.document(text, name).replace(f".{name}.md", ".md")  # a document has one name here
    else:
        text = in_english(text, name)
    text = _SAME_ELSEWHERE.sub("", text).replace("](LICENSE)", "](LICENSE.md)")
    return _LINK_TO_LEFT_OUT.sub(r"\1 (`docs/\2.md`)", text)


def in_english(text: str, name: str) -> str:
    """Return a document that has no translation. On a site in another language, it says so below its title."""
    if name == language.ENGLISH:
        return text
    title, _newline, rest = _HEADING_OF_TRANSLATED.sub(r"\1", text).partition("\n")
    note = _("This page is in English only.")
    lang = name.replace("_", "-")
    return f'{_ONLY_ENGLISH}{title}\n\n<p class="admonition" lang="{lang}">{note}</p>\n{rest}'


def entry(page: str, source: Path) -> str:
    """Return a line of the list of all pages. One in English, on a site in another language, has its English title."""
    _begin, is_english, text = (source / f"{page}.md").read_text(encoding="utf-8").rpartition(_ONLY_ENGLISH)
    if not is_english:
        return page
    title = text.partition("\n")[0].removeprefix("# ")
    return _("{title} (in English) <{page}>", title=title, page=page)


def notebook(page: dict[str, Any], executed: dict[str, Any]) -> dict[str, Any]:
    """Return the learner's edition of a notebook with the outputs that are shown."""
    outputs = {cell["id"]: cell["outputs"] for cell in executed["cells"] if SHOWN in cell["metadata"].get("tags", [])}
    for cell in page["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [output(shown) for shown in outputs.get(cell["id"], [])]
        else:
            cell["source"] = text(cell["source"])
    note = _("Only to read: outputs that answer a question are left out, and so are solutions.")
    page["cells"][0] = {**page["cells"][0], "source": f"{page['cells'][0]['source']}\n\n{note}"}
    return page


def text(markdown: str) -> str:
    """Return the text of a cell with its hints in Markdown, and with a site's anchors instead of JupyterLab's."""
    markdown = _HINT.sub(r"\1\n\n\2\n\n\3\n", markdown)
    return _ANCHOR.sub(lambda anchor: re.sub(r"[^\w-]", "", anchor[0].lower()), markdown)


def output(shown: dict[str, Any]) -> dict[str, Any]:
    """Return an output for both themes and for screen readers. Code, which has LaTeX too, gets the theme's colours."""
    data = shown.get("data", {})
    if "text/latex" in data:
        data = {"text/markdown": f"```python\n{''.join(data['text/plain'])}\n```"}
    elif "text/html" in data:
        data = {"text/html": _EMPTY_TITLE.sub("<td></td>", "".join(data["text/html"]))}
    return {**shown, "data": data} if data else shown


if __name__ == "__main__":
    main(Path(sys.argv[1]))
