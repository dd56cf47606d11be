"""Make the learner's copy of the notebooks, and give a notebook anew.

The learner's edition of a notebook is made from the solved one, as `nbgrader generate_assignment` makes it with
docs/nbgrader_config.py. The copy is the folder my-lab of the workspace. Only its owner can read it. Its folder `.lab`
has its language, the id that its transactions are drawn from, and what workbook.py keeps. The files that the notebooks
tell the learner to read are in the folder data.
"""

import ast
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from lab_lib import language
from lab_lib.errors import UsageError
from lab_lib.exercises import translation
from lab_lib.exercises.notebook_files import Notebook, read
from lab_lib.exercises.pictures import PICTURE, shown
from lab_lib.language import N_, _
from lab_lib.settings import plain_text
from lab_lib.workspace import places
from lab_lib.workspace.places import DATA, STATE
from lab_lib.workspace.places import DATA_FILE as DATA_FILE
from lab_lib.workspace.places import NOTEBOOKS as NOTEBOOKS
from lab_lib.workspace.private_files import can_write_to, draft_of, exists, make_folder, read_file, write_file

folder = places.copy  # of the copy, which may not exist
# The files in `data` that a learner reads; the rest may be of teachers.
OF_LEARNERS = ("transactions.txt", "break-it.txt", "break-it-corrected.txt", "wrong")
_MAKE_ROOM = N_("Move it away, free some space, or name another folder with --workspace.")
_STUB = N_("Write your code here.")
_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)
_HIDDEN_TESTS = re.compile(r"\n?^[ \t]*### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS$", re.DOTALL | re.MULTILINE)


def solved_notebooks() -> list[Path]:
    """Return the lab's own notebooks, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))


def learners_edition(path: Path, name: str) -> Notebook:
    """Return what a learner gets of a solved notebook, in the language of this name.

    Solutions in code are stubs. Hidden tests are left out, and so are outputs, but for the notebook's picture.
    """
    notebook = translation.notebook(path, name)
    # A statement, since it may be all that an `if` has.
    stub = "pass  # " + language.translations(name).gettext(_STUB)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            code = _SOLUTION.sub(rf"\g<1>{stub}", cell["source"])
            cell["source"] = _HIDDEN_TESTS.sub("", code)
            cell["outputs"] = []
            cell["execution_count"] = None
        if PICTURE in cell["metadata"].get("tags", []):
            drawn = shown(path.stem[:2])
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": drawn}]
    return notebook


def complete(id: str = "") -> Path:
    """Make the copy, or add the notebooks and files that it lacks; return its folder. No notebook is overwritten.

    Its transactions are drawn from the id, as `give_data` says.
    If the copy is in another language than the one that is used, the learner's own cells stay as they are.
    """
    copy = folder()
    for place in (copy, copy / STATE):
        make_folder(place, _MAKE_ROOM)
    old = language.of_copy(copy)
    new = language.used()
    for path in solved_notebooks():
        if not exists(copy / path.name):
            _write(path.name, learners_edition(path, new))
        elif old != new:
            _translate(path, old, new)
    write_file(copy / language.SETTING, new, _MAKE_ROOM)
    give_data(id)
    return copy


def _translate(path: Path, old: str, new: str) -> None:
    """Put the new language into the cells of the copy's notebook that are as the lab has them in the old one."""
    cells = learners_edition(path, old)["cells"]
    translations = learners_edition(path, new)["cells"]
    texts = {}
    for cell, translated in zip(cells, translations, strict=True):
        texts[cell["source"]] = translated["source"]
    mine = read(folder() / path.name)
    for cell in mine["cells"]:
        cell["source"] = texts.get(cell["source"], cell["source"])
    _write(path.name, mine)


def _write(name: str, notebook: Notebook) -> None:
    write_file(folder() / name, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", _MAKE_ROOM)


def give_data(id: str = "") -> None:
    """Write the files that learners read into the copy's `data`, read-only. Notebook 05 uploads one of them.

    Its transactions are drawn from the id, which the copy keeps. Without any id they are the handout's, and notebook 05
    uploads the lab's own file. UsageError if the copy has another id.
    """
    kept = data_id(folder())
    id = id or kept
    if kept not in ("", id):
        raise UsageError(
            "The transactions in {copy} are drawn from the id {before!r}, not {id!r}. Go on without --id. To begin "
            "again with the other id, move the folder away, or name another one with --workspace.",
            copy=folder(),
            before=kept,
            id=id,
        )
    drawn = {}  # content by the file whose place it takes
    if id:
        from lab_lib.checks.bank import plain_file  # takes 0.2 s

        write_file(folder() / STATE / "id", plain_text("id", id), _MAKE_ROOM)
        drawn[DATA_FILE] = plain_file(id)
    for path in DATA.rglob("*"):
        name = path.relative_to(DATA)
        if path.is_file() and name.parts[0] in OF_LEARNERS:
            copied = folder() / "data" / name
            make_folder(copied.parent, _MAKE_ROOM)
            with can_write_to(copied, _MAKE_ROOM), draft_of(copied) as draft:
                draft.write_bytes(drawn.get(path) or path.read_bytes())
                draft.chmod(0o400)


def data_id(copy: Path) -> str:
    """Return the id that the transactions of a copy are drawn from; "" if they are the handout's."""
    path = copy / STATE / "id"
    if not exists(path):
        return ""
    return read_file(path, bytes.decode, "Delete it, and name your id to `lab open`.")


def data_file(copy: Path) -> Path:
    """Return the transactions file of this copy; the handout's if none was drawn for it."""
    return copy / "data" / DATA_FILE.name if data_id(copy) else DATA_FILE


def renew(number: str) -> Path:
    """Give a notebook such as "03" anew; return it. The old one stays beside it, with the time in its name.

    UsageError if no notebook has that number.
    """
    copies = {path.stem[:2]: folder() / path.name for path in solved_notebooks()}
    mine = copies.get(number.zfill(2))
    if not mine:
        raise UsageError("--fresh is {number!r}; wanted one of {numbers}.", number=number, numbers=_(", ").join(copies))
    if exists(mine):
        moment = f"{datetime.now():%Y-%m-%d-%H%M%S-%f}"  # to the microsecond, so that none is lost
        with can_write_to(mine.parent, _MAKE_ROOM):
            mine.rename(mine.with_suffix(f".{moment}{mine.suffix}"))
    complete()
    return mine


def existing(name: str) -> Path:
    """Return a notebook of the copy. UsageError if it is not there, or damaged."""
    path = folder() / name
    if not exists(path):
        raise UsageError("There is no {file}. `lab open` makes your own copy of the notebooks.", file=path)
    read(path)
    return path


def settings() -> dict[str, Any]:
    """Return the settings that stand in notebook 00 of the copy now. UsageError if they cannot be read."""
    first = existing(solved_notebooks()[0].name)
    try:
        [cell] = [cell for cell in read(first)["cells"] if "parameters" in cell["metadata"].get("tags", [])]
        [assignment] = ast.parse(cell["source"]).body
        values = dict(ast.literal_eval(assignment.value))
        file = values.get("data_file") or data_file(folder())
        values["data_file"] = str(folder() / file)
    except (AttributeError, SyntaxError, TypeError, ValueError):
        raise UsageError(
            'The settings in {file} cannot be read. Write each like this: `"prefix": "ana-",`.', file=first
        ) from None
    return values
