"""Find the notebooks of a learner's copy, also those that the learner has renamed.

A renamed notebook has the ids that nbgrader gives its cells. Unlike Jupyter's own, no editor drops or changes them.
"""

from contextlib import suppress
from pathlib import Path

from lab_lib.errors import UsageError
from lab_lib.exercises import copies, notebook_files


def find() -> dict[str, Path]:
    """Return the learner's own file for each notebook of the lab, by the lab's name for it.

    UsageError if one is missing, if one is damaged, or if two renamed ones are the same notebook.
    """
    solved = copies.solved_notebooks()
    renamed = sorted({*copies.folder().glob("*.ipynb")} - {copies.folder() / path.name for path in solved})
    return {path.name: _own(path, renamed) for path in solved}


def _own(solved: Path, renamed: list[Path]) -> Path:
    """Return the file of this name or, without one, the renamed one that has more than half of its ids."""
    by_name, ids = copies.folder() / solved.name, _ids(solved)
    same = [] if by_name.exists() else [path for path in renamed if 2 * len(_ids(path) & ids) > len(ids)]
    if len(same) > 1:
        listed = " and ".join(path.name for path in same)
        raise UsageError(f"{listed} are both {solved.name}. Give that name to the one that you hand in.")
    return copies.existing(same[0].name if same else solved.name)


def _ids(path: Path) -> set[str]:
    """Return nbgrader's ids in a notebook; none if it cannot be read."""
    with suppress(UsageError):
        cells = notebook_files.read(path)["cells"]
        return {cell["metadata"]["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell["metadata"]}
    return set()
