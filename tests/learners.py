"""A learner who fills in the solutions, and the functions that the learner writes in notebook 06."""

import functools
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat

from lab_lib.exercises import translation
from lab_lib.exercises.copies import learners_edition
from lab_lib.exercises.notebook_files import Notebook
from lab_lib.run.headless import notebooks


def solve(copy: Path) -> None:
    """Fill in the solutions in a copy of the notebooks."""
    for path in copy.glob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            marked = cell["metadata"].get("nbgrader", {})
            if marked.get("solution"):
                cell["source"] = solutions()[marked["grade_id"]]
        path.write_text(json.dumps(notebook), encoding="utf-8")


def written(number: str, edition: Callable[[Path, str], Notebook] = translation.notebook) -> list[tuple[str, str]]:
    """Return the files that the cells of a notebook write, in their order: name and text of each."""
    (path,) = (path for path in notebooks() if path.stem.startswith(number))
    sources = [cell["source"].partition("\n") for cell in edition(path, "en")["cells"]]
    return [(line.split()[1], f"{text}\n") for line, _, text in sources if line.startswith("%%writefile ")]


def my_notifiers() -> dict[str, dict[str, str]]:
    """Return the functions of notebook 06, as files by name: the naive one, with all steps left empty, the solution."""
    return {
        "naive": dict(written("06")[:1]),
        "left_empty": dict(written("06", learners_edition)),
        "solution": dict(written("06")),
    }


@functools.cache
def _cells() -> list[dict]:
    return [cell for path in notebooks() for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


def cell(id: str) -> str:
    """Return the source of a cell of the solved notebooks."""
    return next("".join(cell["source"]) for cell in _cells() if cell["id"] == id)


@functools.cache
def solutions() -> dict[str, str]:
    """Return the solved cell of each exercise, by its nbgrader id."""
    marked = {cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell["source"]) for cell in _cells()}
    return {exercise: source for exercise, source in marked.items() if exercise}


def write_notebook(path: Path, *codes: str) -> None:
    """Write a notebook that takes the settings, and runs this code, a cell each."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    settings = nbformat.v4.new_code_cell("settings = {}", metadata={"tags": ["parameters"]})
    cells = [settings, *map(nbformat.v4.new_code_cell, codes)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def hand_in(
    path: Path,
    name: str,
    left_out=(),
    written=None,
    notifier="solution",
    student_id="",
    comment="",
    emptied=(),
    has_ids=True,
    data_id="",
    last=None,
) -> None:
    """Write a submission: the exercises solved, some `left_out` (all if None), or with other code `written` by id.

    A `comment` is added to each cell, and to the function. The cells with the ids in `emptied` hold no code. The
    notebooks behind the `last` are missing.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for notebook in notebooks(last):
            solved = json.loads(notebook.read_text(encoding="utf-8"))
            copy = learners_edition(notebook, "en")
            for cell, solution in zip(copy["cells"], solved["cells"], strict=True):
                marked = cell["metadata"].get("nbgrader", {})
                if marked.get("solution") and left_out is not None and marked["grade_id"] not in left_out:
                    cell["source"] = (written or {}).get(marked["grade_id"], solution["source"])
                cell["source"] = "" if cell["id"] in emptied else "".join(cell["source"]) + comment
                if not has_ids:
                    del cell["id"]
            archive.writestr(notebook.name, json.dumps(copy))
        if notifier:
            for file, text in my_notifiers()[notifier].items():
                archive.writestr(file, text + comment)
        manifest = {"name": name, "id": student_id, "when": "2026-11-26 15:04", "data_id": data_id}
        archive.writestr("manifest.json", json.dumps(manifest))
