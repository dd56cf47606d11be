"""`lab run`, against as many notebooks that only import what the lab's notebooks import."""

import statistics
import tempfile
from pathlib import Path
from unittest import mock

import nbformat

from lab_lib.lab import open_lab
from lab_lib.run import headless
from tests.bench import page
from tests.bench.cells import run_each

MOST = 1.6  # times the empty notebooks, without 06, whose faults have to be waited for


def measure():
    """Return the section's text."""
    without = [path for path in headless.notebooks() if not path.stem.startswith("06")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        headless.run({}, folder / "warm-up")
        all_of_them = compare(headless.notebooks(), folder)
        with mock.patch.object(headless, "notebooks", return_value=without):
            fewer = compare(without, folder)
    names = ["`lab run`", "its notebooks, empty"]
    lines = [
        [what, *(page.spread(each, ".1f") for each in found.values())]
        for what, found in (("all notebooks", all_of_them), ("without 06", fewer))
    ]
    run, empty = (statistics.median(each) for each in fewer.values())
    goal = f"without 06 at most {MOST} times its empty notebooks", f"{run / empty:.2f}", run <= MOST * empty
    text = "Seconds. The empty notebooks have the parameters and the imports only, and run in one kernel too."
    return "\n\n".join([page.table(["", *names], lines), text, page.goals(goal)])


def compare(paths, folder):
    """Time a run, and as many notebooks that only import."""
    (folder / "empty").mkdir(exist_ok=True)
    empty = [only_imports(path, folder / "empty") for path in paths]
    lab = open_lab()
    ways = {
        "lab run": lambda: headless.run({}, folder / "run"),
        "empty": lambda: run_each(empty, folder, lab),
    }
    return page.rounds({name: page.timed(way) for name, way in ways.items()}, longest=120)


def only_imports(path, folder):
    """Write a copy of the notebook that has its parameters and its imports only."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [line for cell in code for line in cell.source.splitlines() if line.startswith(("import ", "from "))]
    parameters = next(cell for cell in code if "parameters" in cell.metadata.get("tags", []))
    notebook.cells = [parameters, nbformat.v4.new_code_cell("\n".join(lines))]
    nbformat.write(notebook, folder / path.name)
    return folder / path.name
