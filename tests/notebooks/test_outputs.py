"""The committed notebooks: what a learner sees before running anything."""

import json
import re
from pathlib import Path

import pytest

from lab_lib.embedded import server
from lab_lib.run.headless import notebooks

WHERE = {"account", "profile", "region", "prefix"}
PARAMETERS = WHERE | {"threshold", "email", "phone", "data_file"}
PARAMETERS_OF = {"99-clean-up": WHERE | {"yes"}}  # it makes nothing, and asks before it deletes
every_notebook = pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def outputs(path: Path) -> list[dict]:
    return [output for cell in cells(path, "code") for output in cell["outputs"]]


def source(cell: dict) -> str:
    return "".join(cell["source"])


@every_notebook
def test_the_committed_outputs_have_no_error(path: Path) -> None:
    assert [output for output in outputs(path) if output["output_type"] == "error"] == []
    assert [output for output in outputs(path) if output.get("name") == "stderr"] == []


@every_notebook
def test_every_code_cell_was_run_and_in_order(path: Path) -> None:
    counts = [cell["execution_count"] for cell in cells(path, "code")]

    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_the_committed_outputs_name_no_path_of_a_machine(path: Path) -> None:
    shown = json.dumps(outputs(path))

    assert re.findall(r"/(?:home|root|Users|tmp|work|opt|usr|var)/\S*|[A-Z]:\\\\", shown) == []


@every_notebook
def test_the_committed_outputs_name_no_account_but_the_samples(path: Path) -> None:
    shown = json.dumps([output.get("text") or output.get("data", {}).get("text/plain") for output in outputs(path)])

    assert set(re.findall(r"(?<![\w.])\d{12}(?![\w.])", shown)) <= {server.ACCOUNT}


@every_notebook
def test_every_notebook_takes_the_same_parameters_but_the_one_that_cleans_up(path: Path) -> None:
    (cell,) = [cell for cell in cells(path, "code") if "parameters" in cell["metadata"].get("tags", [])]

    assert set(re.findall(r"^(\w+)\s*:", source(cell), re.MULTILINE)) == PARAMETERS_OF.get(path.stem, PARAMETERS)


@every_notebook
def test_every_notebook_leads_to_the_next(path: Path) -> None:
    following = [*notebooks()[1:], notebooks()[0]][notebooks().index(path)]

    assert f"({following.name})" in source(cells(path, "markdown")[-1])
