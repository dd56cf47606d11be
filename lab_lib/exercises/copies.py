"""Make the learner's copy of the notebooks, give a notebook anew, and tell what has changed since it was copied.

The copy is the folder my-lab, or the one that LAB_COPY names. Only its owner can read it. Its folder `.lab` has
edition.json, with the cells of each notebook as they were copied, and what workbook.py keeps.
"""

import ast
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from lab_lib.errors import UsageError
from lab_lib.exercises import edition
from lab_lib.private_files import make_folder, write_file

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
STATE = ".lab"
EDITION = "edition.json"


def folder() -> Path:
    """Return the folder of the copy, which may not exist."""
    return Path(os.environ.get("LAB_COPY") or ROOT / "my-lab").resolve()


def solved() -> list[Path]:
    """Return the lab's own notebooks, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))


def complete() -> Path:
    """Make the copy, or add the notebooks that it lacks; return its folder. No notebook there is overwritten."""
    for each in (folder(), folder() / STATE):
        make_folder(each)
    for path in solved():
        if not (folder() / path.name).exists():
            _give(path)
    return folder()


def renew(number: str) -> Path:
    """Give a notebook such as "03" anew; return it. The old one stays beside it, with the time in its name.

    UsageError if no notebook has that number.
    """
    numbers = {path.stem[:2]: path for path in solved()}
    if not (path := numbers.get(number.zfill(2))):
        raise UsageError(f"--fresh is {number!r}; wanted one of {', '.join(numbers)}.")
    here = folder() / path.name
    if here.exists():
        here.rename(here.with_suffix(f".{datetime.now():%Y-%m-%d-%H%M%S}.ipynb"))
    return complete() / path.name


def changes() -> str:
    """Return what has changed in the lab since its notebooks were copied, and what to do; "" if nothing has."""
    copied, now = _edition(), {path.name: edition.cells(_learners(path)) for path in solved()}
    changed = {name: edition.changes(copied[name], cells) for name, cells in now.items() if name in copied}
    lines = [f"  {Path(name).stem}: {', '.join(headings)}\n" for name, headings in changed.items() if headings]
    if not lines:
        return ""
    first = lines[0].strip()[:2]
    what_to_do = f"`lab open --fresh {first}` gives you notebook {first} anew, and keeps yours beside it."
    return f"The lab is newer than your copy. These sections have changed:\n{''.join(lines)}{what_to_do}\n"


def settings() -> dict[str, Any]:
    """Return the settings that stand in notebook 00 of the copy now. UsageError if they cannot be read."""
    first = existing(solved()[0].name)
    cells = [cell for cell in _read(first)["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    try:
        body = ast.parse("".join(cells[0]["source"])).body
        found = {each.target.id: ast.literal_eval(each.value) for each in body}  # type: ignore[attr-defined]
    except (AttributeError, IndexError, SyntaxError, TypeError, ValueError):
        raise UsageError(f'The settings in {first} cannot be read. Write each like this: prefix: str = "ana"') from None
    if found.get("data_file"):
        found["data_file"] = str(folder() / found["data_file"])
    return found


def existing(name: str) -> Path:
    """Return a notebook of the copy. UsageError if it is not there."""
    path = folder() / name
    if not path.exists():
        raise UsageError(f"There is no {path}. `lab open` makes your own copy of the notebooks.")
    return path


def _give(path: Path) -> None:
    """Write the learner's edition of a notebook, after its cells: what is cut off in between is done again."""
    notebook = _learners(path)
    write_file(folder() / STATE / EDITION, json.dumps(_edition() | {path.name: edition.cells(notebook)}))
    write_file(folder() / path.name, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def _edition() -> dict[str, edition.Cells]:
    path = folder() / STATE / EDITION
    return _read(path) if path.exists() else {}


def _learners(path: Path) -> dict[str, Any]:
    return edition.of_learner(_read(path))


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
