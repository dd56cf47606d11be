"""Read notebooks that papermill has executed: how each ended, how long it took, and what it printed."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from lab_lib.errors import UsageError
from lab_lib.exercises import notebook_files
from lab_lib.exercises.notebook_files import Notebook
from lab_lib.language import _
from lab_lib.workspace.masking import without_people

_AGAIN = "Execute it again with papermill, or move it away."
_REGION = r"(?<![a-z0-9./-])([a-z]{2,}(?:-[a-z]+)+-\d+)(?![a-z0-9.-])"
# As a lab is printed in any language: its account, its Region and, as the last word, its prefix.
_LAB = re.compile(rf"^.*?([*\d]{{12}}).*?{_REGION}(?:.*?([A-Za-z][A-Za-z0-9-]*))?\W*$", re.MULTILINE)


class Step(NamedTuple):
    """One notebook that was run; `seen` is the text that its checkpoint printed."""

    notebook: str
    ok: bool
    seconds: float
    error: str | None
    seen: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"notebook": self.notebook, "ok": self.ok, "seconds": round(self.seconds, 2), "error": self.error}


def read(folder: Path) -> tuple[list[Step], dict[str, Any]]:
    """Return a step for each notebook in this folder, and the result: as of a run, and what each notebook printed.

    Private values are masked. UsageError if a notebook is damaged or was not executed, or they are of several labs.
    """
    notebooks = {path.stem: _executed(path) for path in sorted(folder.glob("*.ipynb"))}
    if not notebooks:
        raise UsageError(f"No notebook is in {folder}. Name the folder that papermill has written notebooks to.")
    steps = [_step(name, notebook) for name, notebook in notebooks.items()]
    result = {
        **_lab(notebooks),
        "ok": all(step.ok for step in steps),
        "seconds": round(sum(step.seconds for step in steps), 1),
        "steps": [step.as_dict() | {"printed": printed(notebooks[step.notebook])} for step in steps],
    }
    return steps, result


def printed(notebook: Notebook, tag: str = "") -> str:
    """Return what the cells with this tag have printed, or all cells."""
    outputs = [output for cell in _code(notebook, tag) for output in cell["outputs"] if output.get("name") == "stdout"]
    return without_people("".join(output["text"] for output in outputs)).strip()


def _executed(path: Path) -> Notebook:
    notebook = notebook_files.read(path, what_to_do=_AGAIN)
    record = notebook["metadata"].get("papermill")
    if not isinstance(record, dict) or "duration" not in record:
        raise UsageError(f"{path} was not executed by papermill. {_AGAIN}")
    return notebook


def _step(name: str, notebook: Notebook) -> Step:
    seconds, error = notebook["metadata"]["papermill"]["duration"], _error(notebook)
    is_number = isinstance(seconds, int | float)  # a killed papermill has written none
    return Step(name, error is None, seconds if is_number else 0.0, error, printed(notebook, "checkpoint"))


def _error(notebook: Notebook) -> str | None:
    """Return the first error, or that a cell has not run: papermill reports no error if it or its kernel was ended."""
    cells = _code(notebook)
    errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    if errors:
        return without_people(f"{errors[0]['ename']}: {errors[0]['evalue']}").removesuffix(": ")
    if any(cell["execution_count"] is None and cell["source"].strip() for cell in cells):
        return _("It did not come to its end: papermill or its kernel was stopped.")
    return None


def _lab(notebooks: dict[str, Notebook]) -> dict[str, str]:
    """Return the lab that the notebooks have printed, masked. UsageError if they are of several labs."""
    matches = {name: _LAB.search(printed(notebook, "setup")) for name, notebook in notebooks.items()}
    labs = {match.groups(""): name for name, match in matches.items() if match}
    if len(labs) > 1:
        names = " and ".join([*labs.values()][:2])
        raise UsageError(f"{names} have worked on different labs. Give all notebooks the same settings.")
    lab = next(iter(labs), ("", "", ""))
    return dict(zip(("account", "region", "prefix"), lab, strict=True))


def _code(notebook: Notebook, tag: str = "") -> list[dict[str, Any]]:
    """Return the code cells, or those with this tag."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in cells if not tag or tag in cell["metadata"].get("tags", [])]
