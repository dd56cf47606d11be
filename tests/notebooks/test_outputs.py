"""The committed notebooks: what a learner sees before running anything."""

import ast
import json
import re
from pathlib import Path

import pytest

from lab_lib.exercises import pictures
from lab_lib.exercises.copies import solved_notebooks as notebooks
from lab_lib.settings import DEFAULT_ACCOUNT, SETTINGS
from tests import documents

every_notebook = pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def test_every_output_is_the_committed_one_by_the_documented_command() -> None:
    *_, command = documents.commands("docs/instructors.md", "papermill and nbval")

    process = documents.begin(command, documents.ROOT)

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
    assert set(re.findall(r"(?<![\w.])\d{12}(?![\w.])", json.dumps(texts))) <= {DEFAULT_ACCOUNT}


@every_notebook
def test_the_settings_are_in_notebook_00_and_every_notebook_leads_to_the_next(path: Path) -> None:
    (cell,) = [cell for cell in cells(path, "code") if "parameters" in cell["metadata"].get("tags", [])]
    following = [*notebooks()[1:], notebooks()[0]][notebooks().index(path)]

    (assigned,) = ast.parse("".join(cell["source"])).body
    named = {*SETTINGS, "data_file"} if path.stem.startswith("00") else set()
    assert (assigned.target.id, ast.literal_eval(assigned.value).keys()) == ("settings", named)
    assert f"({following.name})" in "".join(cells(path, "markdown")[-1]["source"])


@every_notebook
def test_every_notebook_shows_the_chain_as_it_is_drawn_now(path: Path) -> None:
    (cell,) = [cell for cell in cells(path, "code") if pictures.PICTURE in cell["metadata"].get("tags", [])]
    (output,) = cell["outputs"]

    drawn = {kind: "".join(text) for kind, text in output["data"].items()}
    assert drawn == pictures.shown(path.stem[:2])
