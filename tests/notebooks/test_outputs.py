"""The committed notebooks: what a learner sees before running anything."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from lab_lib import chain_parts, chain_picture, resources
from lab_lib.embedded import server
from lab_lib.run.headless import notebooks
from lab_lib.settings import SETTINGS
from tests import readme

CHAIN = Path(__file__).parents[2] / "docs" / "chain.py"
PARAMETERS_OF = {
    "00-start-here": {*SETTINGS, "data_file"},
    "99-clean-up": {"account", "profile", "region", "prefix", "bucket", "yes"},  # it asks before it deletes
}  # beside "settings", which all have
every_notebook = pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def test_every_output_is_the_committed_one_by_the_readmes_command() -> None:
    *_, command = readme.commands("Run them with papermill, or nbval")

    process = readme.begin(command, readme.ROOT)

    print(process.communicate()[0])
    assert process.returncode == 0


@every_notebook
def test_every_code_cell_was_run_in_order_and_shows_no_error_path_or_account(path: Path) -> None:
    outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
    texts = [output.get("text") or output.get("data", {}).get("text/plain") for output in outputs]
    counts = [cell["execution_count"] for cell in cells(path, "code")]

    assert [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"] == []
    assert counts == list(range(1, len(counts) + 1))
    assert re.findall(r"/(?:home|root|Users|tmp|work|opt|usr|var)/\S*|[A-Z]:\\\\", json.dumps(outputs)) == []
    assert set(re.findall(r"(?<![\w.])\d{12}(?![\w.])", json.dumps(texts))) <= {server.ACCOUNT}


@every_notebook
def test_the_settings_are_in_notebook_00_and_every_notebook_leads_to_the_next(path: Path) -> None:
    (cell,) = [cell for cell in cells(path, "code") if "parameters" in cell["metadata"].get("tags", [])]
    following = [*notebooks()[1:], notebooks()[0]][notebooks().index(path)]

    names = set(re.findall(r"^(\w+)\s*:", "".join(cell["source"]), re.MULTILINE))
    assert names == PARAMETERS_OF.get(path.stem, set()) | {"settings"}
    assert f"({following.name})" in "".join(cells(path, "markdown")[-1]["source"])


@every_notebook
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(path: Path) -> None:
    text = "".join("".join(cell["source"]) for cell in cells(path, "markdown"))

    for name, _, heading in re.findall(r"\]\((?!http)([^)#]+)(#([^)]*))?\)", text):
        there = path.parent / name
        lines = "".join("".join(cell["source"]) + "\n" for cell in cells(there, "markdown")) if heading else ""
        headings = {line.lstrip("# ").replace(" ", "-") for line in lines.splitlines() if line.startswith("#")}
        assert there.is_file()
        assert heading in headings | {""}


@every_notebook
def test_every_notebook_shows_the_chain_as_it_is_drawn_now(path: Path) -> None:
    chain, number = runpy.run_path(str(CHAIN)), path.stem[:2]

    assert f"{chain['image'](number)}\n" in cells(path, "markdown")[0]["source"]
    drawn = path.with_name(f"chain-{number}.svg").read_text(encoding="utf-8")
    assert drawn == chain["svg"](chain["NOTEBOOKS"][number])


def test_the_readme_shows_the_chain_as_it_is_drawn_now() -> None:
    chain = runpy.run_path(str(CHAIN))

    assert CHAIN.with_suffix(".svg").read_text(encoding="utf-8") == chain["svg"]()
    assert f"![{chain['CHAIN']}](docs/chain.svg)" in " ".join(chain["README"].read_text(encoding="utf-8").split())


def test_one_more_queue_stands_below_the_others_and_is_lit_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    link, cell = resources.messages("OneMore"), resources.get("queue", "CreditCollection").cell
    more = [resources.Resource(kind, "OneMore", cell, link) for kind in ("queue", "subscription")]
    monkeypatch.setattr(resources, "RESOURCES", (*resources.RESOURCES, *more))
    for module in (chain_parts, chain_picture):  # they are imported anew, and put back
        monkeypatch.setattr(module.__name__, module)
        monkeypatch.delitem(sys.modules, module.__name__)

    chain, parts = runpy.run_path(str(CHAIN)), sys.modules[chain_parts.__name__]

    *_, above, lowest = [box for box in parts.BOXES.values() if box.service == "SQS"]
    assert (lowest.name, lowest.x, lowest.y > above.y + parts.TALL) == ("OneMore", above.x, True)
    assert lowest.y + parts.TALL < parts.HEIGHT
    to_queues = {"HighBalanceAlert→OneMore", "OneMore"}
    assert [number for number, lit in chain["NOTEBOOKS"].items() if to_queues <= lit.parts] == ["04", "05", "99"]
    assert f"{above.name} and OneMore." in chain["describe"]()
