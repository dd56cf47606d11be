"""Execute a notebook with papermill. It gives a Step."""

from pathlib import Path
from typing import Any, NamedTuple

from lab_lib.exercises.notebook_files import Notebook, without_slow_import
from lab_lib.exercises.workbook import NOT_RIGHT
from lab_lib.language import _
from lab_lib.run.kernels import Kernel

_LONGEST_START = 240  # seconds; a kernel starts in one


class Step(NamedTuple):
    """A notebook that was executed."""

    notebook: str  # its name
    content: Notebook  # with the outputs, and what papermill has noted
    error: str | None  # why it failed
    stopped: Exception | None = None  # what has ended it, if not the error of a cell: a kernel that died, for example

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return float(self.content["metadata"]["papermill"]["duration"])

    def printed(self, tag: str = "", stream: str = "stdout") -> str:
        """Return what the cells with this tag have printed, or all cells."""
        cells = [cell for cell in self.content["cells"] if not tag or tag in cell["metadata"].get("tags", [])]
        outputs = [output for cell in cells for output in cell.get("outputs", []) if output.get("name") == stream]
        return "".join("".join(output["text"]) for output in outputs).strip()

    def as_dict(self) -> dict[str, Any]:
        return {"notebook": self.notebook, "ok": self.ok, "seconds": round(self.seconds, 2), "error": self.error}


def load(path: Path, parameters: dict[str, Any] | None = None) -> Any:
    """Return a notebook as papermill prepares it, with a cell for the parameters, if there are any."""
    papermill = without_slow_import("papermill.execute")
    notebook = papermill.load_notebook_node(str(path))
    if parameters:
        notebook = papermill.parameterize_notebook(notebook, parameters, kernel_name="python3", language="python")
    return papermill.remove_error_markers(papermill.prepare_notebook_metadata(notebook, str(path), None))


def run(name: str, notebook: Notebook, kernel: Kernel, client: Any = None, **options: Any) -> Step:
    """Run a notebook from `load` in this kernel; it gets its outputs, also if Ctrl-C ends it.

    The first error of a cell ends it, unless `allow_errors` is among the options of papermill's `client`.
    """
    papermill = without_slow_import("papermill.engines")
    client = client or papermill.PapermillNotebookClient
    options |= {"startup_timeout": _LONGEST_START, "coalesce_streams": True, "log": papermill.logger}
    notes = papermill.NotebookExecutionManager(notebook, progress_bar=False)
    notes.notebook_start()
    try:
        client(notes, kernel, **options).execute()
    except Exception as stopped:  # noqa: BLE001  # whatever it was, the outputs until then count
        error = _("{error}. Run the notebook in JupyterLab to see where.", error=str(stopped).rstrip("."))
        return Step(name, notebook, error, stopped)
    finally:
        notes.notebook_complete()
    return Step(name, notebook, None if options.get("allow_errors") else _error_of_a_cell(notebook))


def _error_of_a_cell(notebook: Notebook) -> str | None:
    """Return the error that papermill finds, and let it put its mark above that cell.

    If an exercise was not right before that, it comes first: that may be why the cell failed.
    """
    papermill = without_slow_import("papermill.execute")
    try:
        papermill.raise_for_execution_errors(notebook, None)
    except papermill.PapermillExecutionError as error:
        told = f"{error.ename}: {error.evalue}".removesuffix(": ")
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        not_right = (output.get("metadata", {}).get(NOT_RIGHT) for output in outputs)
        first = next(filter(None, not_right), told)
        return told if first in told else _("{first} Later: {error}", first=first, error=told)
    return None
