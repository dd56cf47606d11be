"""Write the site for those who only read, into the folder site/: `make site`. It needs no network.

Its pages are laid out in a temporary folder, where Sphinx takes them. A notebook is there as a learner has it, without
solutions. A cell has its output if it is tagged SHOWN; an output that answers a question must not be.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab_lib.exercises import edition
from tests.own_aws import own_aws

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
SHOWN = "output-on-site"
LEFT_OUT = ("checks", "permissions")  # documents that answer exercises
LAB = [sys.executable, "-m", "lab_lib"]
SPHINX = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--conf-dir", str(HERE)]
TRACED = """customer_id|customer_address|trn_id|trn_date|trn_amount
Ana|3 River Road, Lima|A1|03/01/2017|900
Ana|3 River Road, Lima|A2|03/02/2017|700
"""
NOTE = "*Only to read: outputs that answer a question are left out, and so are solutions.*"
_LINK_TO_LEFT_OUT = re.compile(rf"\[([^]]*)\]\((?:docs/)?({'|'.join(LEFT_OUT)})\.md[^)]*\)")
_HINT = re.compile(r"(<details><summary>.*?</summary>)(.*?)(</details>)", re.DOTALL)
_ANCHOR = re.compile(r"(?<=\.ipynb#)[^)]+")
_EMPTY_TITLE = re.compile(r"<th[^>]*></th>")


def main(site: Path) -> None:
    """Build the site in the place of the one that is there. A trace needs a lab, which is built meanwhile."""
    with own_aws("site") as folder:
        source, built, data = folder / "source", folder / "site", folder / "bank.txt"
        data.write_text(TRACED, encoding="utf-8")
        with subprocess.Popen([*LAB, "run", "--data", data, "--until", "05"], stdout=subprocess.DEVNULL) as lab:
            lay(source)
            subprocess.run([*SPHINX, "--doctree-dir", folder / "doctrees", source, built], check=True)
        if lab.returncode:
            sys.exit("The lab for the page of the trace has failed, for the reason above. The site is as it was.")
        trace = [*LAB, "trace", "Ana", "A2", "--html", built / "trace.html"]
        subprocess.run(trace, stdout=subprocess.DEVNULL, check=True)
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(built, site)


def lay(source: Path) -> None:
    """Write the pages into this folder, beside the files to which they lead."""
    for name in ("data", "docs", "lab_lib"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("*.md", "site", "__pycache__"))
    (source / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("chain-*.svg"):
        shutil.copy(path, source / "notebooks")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        page = notebook(json.loads(path.read_text(encoding="utf-8")))
        (source / "notebooks" / path.name).write_text(json.dumps(page), encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        if path.stem not in LEFT_OUT:
            (source / path.relative_to(ROOT)).write_text(document(path), encoding="utf-8")
    shutil.copy(HERE / "index.md", source)
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    (source / "LICENSE.md").write_text(f"# Licence\n\n{licence}", encoding="utf-8")


def document(path: Path) -> str:
    """Return a document. In the place of a link to one that is left out, it names the file.

    Where GitHub builds the site, links to the repository lead there.
    """
    text = path.read_text(encoding="utf-8").replace("](LICENSE)", "](LICENSE.md)")
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        text = text.replace("OWNER/serverless-lab-workbook", repository).replace(
            " For OWNER, put the owner of the repository", ""
        )
    return _LINK_TO_LEFT_OUT.sub(r"\1 (`docs/\2.md`)", text)


def notebook(solved: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook as a learner has it, with the outputs that are shown."""
    outputs = {cell["id"]: cell["outputs"] for cell in solved["cells"] if SHOWN in cell["metadata"].get("tags", [])}
    page = edition.of_learner(solved)
    for cell in page["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [output(shown) for shown in outputs.get(cell["id"], [])]
        else:
            cell["source"] = text("".join(cell["source"]))
    page["cells"][0] = {**page["cells"][0], "source": f"{page['cells'][0]['source']}\n\n{NOTE}"}
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
