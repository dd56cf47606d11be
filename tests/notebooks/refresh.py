"""Run the notebooks in order on an embedded AWS of their own, and keep their outputs: the tests compare with them.

Run by `make refresh`, after a change to a notebook or to what it shows. `make refresh ONLY=04` runs the notebooks up to
04, and writes 04. Look at the difference before you commit it.

Nothing is written if a cell fails. An output stays as it is in the file if nbval would call the new one equal: another
port or duration is no difference. A figure counts by its description; to draw it anew, clear its cell's output first.
"""

import copy
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbval.plugin import get_sanitize_patterns
from rich.console import Console
from rich.progress import Progress

from lab_lib.exercises.copies import solved_notebooks as notebooks
from lab_lib.run.execution import one_kernel
from tests.own_aws import own_aws

RULES = get_sanitize_patterns(Path(__file__).with_name("sanitize.cfg").read_text("utf-8"))


def main(*only: str) -> None:
    """Run all notebooks up to the last of these numbers, write those of these numbers, and print their paths."""
    numbers = {path.name[:2]: path for path in notebooks()}
    if unknown := {*only} - numbers.keys():
        sys.exit(f"There is no notebook {unknown.pop()}; wanted any of {', '.join(numbers)}.")
    chosen = [numbers[number] for number in sorted(only or numbers)]
    with own_aws("refresh"), Progress(console=Console(stderr=True)) as progress:
        until = [path for path in notebooks() if path <= chosen[-1]]
        ran = {path: run(path) for path in progress.track(until, description="refreshing")}
    for path in chosen:
        nbformat.write(ran[path], path)
    print(*[os.path.relpath(path) for path in chosen])


def run(path: Path) -> NotebookNode:
    """Return the notebook with the outputs of this run, or those of the file where both are equal."""
    notebook = nbformat.read(path, as_version=4)
    before = copy.deepcopy(notebook.cells)
    with one_kernel(path.parent, headless="") as kernel:  # people look at these outputs
        NotebookClient(notebook, kernel, record_timing=False, coalesce_streams=True).execute()
    for old, cell in zip(before, notebook.cells, strict=True):
        if cell.cell_type == "code":
            keep(old.outputs, cell)
    return notebook


def keep(old: list[NotebookNode], cell: NotebookNode) -> None:
    """Give a cell its old outputs back, where the new ones are equal."""
    for index, (before, now) in enumerate(zip(old, cell.outputs, strict=False)):
        if sanitized(before) == sanitized(now):
            cell.outputs[index] = before
    for output in cell.outputs:
        if "execution_count" in output:
            output.execution_count = cell.execution_count


def sanitized(value: Any) -> Any:
    """Return an output, or a part of it, without what may differ from run to run."""
    if isinstance(value, dict):
        return {key: sanitized(part) for key, part in value.items() if key != "execution_count"}
    if isinstance(value, str):
        for pattern, replacement in RULES:
            value = re.sub(pattern, replacement, value)
    return value


if __name__ == "__main__":
    main(*sys.argv[1:])
