"""Make the learner's copy of the notebooks, and give a notebook anew.

The copy is the folder my-lab of the workspace. Only its owner can read it. Its folder `.lab` has its language, the id
that its transactions are drawn from, and what workbook.py keeps. The files that the notebooks tell the learner to read
are in the folder data.
"""

import ast
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from lab_lib import language
from lab_lib.errors import UsageError
from lab_lib.exercises import edition, notebook_files, translation
from lab_lib.exercises.pictures import PICTURE, shown
from lab_lib.language import N_, _
from lab_lib.settings import plain_text
from lab_lib.workspace import places
from lab_lib.workspace.places import DATA, STATE
from lab_lib.workspace.places import DATA_FILE as DATA_FILE
from lab_lib.workspace.places import NOTEBOOKS as NOTEBOOKS
from lab_lib.workspace.private_files import can_write_to, draft_of, exists, make_folder, read_file, write_file

folder = places.copy  # of the copy, which may not exist
_MAKE_ROOM = N_("Move it away, free some space, or name another folder with --workspace.")
# The files in `data` that a learner reads; the rest may be of teachers.
OF_LEARNERS = ("transactions.txt", "break-it.txt", "break-it-corrected.txt", "wrong")


def state(copy: Path) -> Path:
    """Return the folder `.lab` of a copy, which may not exist. UsageError if something else has its name."""
    if exists(path := copy / STATE):
        make_folder(path, _MAKE_ROOM)
    return path


def solved_notebooks() -> list[Path]:
    """Return the lab's own notebooks, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))


def data_id(copy: Path) -> str:
    """Return the id that the transactions of a copy are drawn from; "" if they are the handout's."""
    path = copy / STATE / "id"
    return read_file(path, bytes.decode, "Delete it, and name your id to `lab open`.") if exists(path) else ""


def data_file(copy: Path) -> Path:
    """Return the transactions file of this copy; the handout's if none was drawn for it."""
    return copy / "data" / DATA_FILE.name if data_id(copy) else DATA_FILE


def complete(id: str = "") -> Path:
    """Make the copy, or add the notebooks and files that it lacks; return its folder. No notebook is overwritten.

    Its transactions are drawn from the id, as `give_data` says.
    If the copy is in another language than the one that is used, the learner's own cells stay as they are.
    """
    for place in (folder(), folder() / STATE):
        make_folder(place, _MAKE_ROOM)
    setting, before = folder() / language.SETTING, language.of_copy(folder())
    is_translated = exists(setting) and before == language.used()
    for path in solved_notebooks():
        if not exists(folder() / path.name):
            _write(path.name, learners_edition(path))
        elif not is_translated:
            _translate(path, [*language.names(), before])  # that of the copy may be elsewhere
    write_file(setting, language.used(), _MAKE_ROOM)
    give_data(id)
    return folder()


def renew(number: str) -> Path:
    """Give a notebook such as "03" anew; return it. The old one stays beside it, with the time in its name.

    UsageError if no notebook has that number.
    """
    numbers = {path.stem[:2]: path for path in solved_notebooks()}
    if not (path := numbers.get(number.zfill(2))):
        raise UsageError(
            "--fresh is {number!r}; wanted one of {numbers}.", number=number, numbers=_(", ").join(numbers)
        )
    if exists(mine := folder() / path.name):
        with can_write_to(mine.parent, _MAKE_ROOM):  # to the microsecond, so that none is lost
            mine.rename(mine.with_suffix(f".{datetime.now():%Y-%m-%d-%H%M%S-%f}{mine.suffix}"))
    return complete() / path.name


def damaged() -> list[str]:
    """Return a line for each notebook of the copy that cannot be read: why, and what to do."""
    lines = []
    for path in solved_notebooks():
        try:
            existing(path.name)
        except UsageError as error:
            lines.append(str(error))
    return lines


def settings() -> dict[str, Any]:
    """Return the settings that stand in notebook 00 of the copy now. UsageError if they cannot be read."""
    first = existing(solved_notebooks()[0].name)
    cells = [cell for cell in notebook_files.read(first)["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    try:
        (assignment,) = ast.parse(cells[0]["source"]).body
        values = dict(ast.literal_eval(assignment.value))
        values["data_file"] = str(folder() / (values.get("data_file") or data_file(folder())))
    except (AttributeError, IndexError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        raise UsageError(
            'The settings in {file} cannot be read. Write each like this: `"prefix": "ana-",`.', file=first
        ) from None
    return values


def existing(name: str) -> Path:
    """Return a notebook of the copy. UsageError if it is not there, or damaged."""
    if not exists(path := folder() / name):
        raise UsageError("There is no {file}. `lab open` makes your own copy of the notebooks.", file=path)
    notebook_files.read(path)
    return path


def _translate(path: Path, names: Iterable[str]) -> None:
    """Put the language that is used into the cells of a notebook that are as the lab has them in one of these.

    A notebook that cannot be read stays as it is.
    """
    new, *others = (learners_edition(path, name) for name in (language.used(), *names))
    pairs = chain.from_iterable(zip(one["cells"], new["cells"], strict=True) for one in (*others, new))
    texts = {"".join(cell["source"]): "".join(to["source"]) for cell, to in pairs}
    with suppress(UsageError):
        mine = notebook_files.read(folder() / path.name)
        sources = [cell["source"] for cell in mine["cells"]]
        for cell in mine["cells"]:
            cell["source"] = texts.get(cell["source"], cell["source"])
        if sources != [cell["source"] for cell in mine["cells"]]:
            _write(path.name, mine)


def _write(name: str, notebook: notebook_files.Notebook) -> None:
    write_file(folder() / name, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", _MAKE_ROOM)


def give_data(id: str = "") -> None:
    """Write the files that learners read into the copy's `data`, read-only. Notebook 05 uploads one of them.

    Its transactions are drawn from the id, which the copy keeps. Without any id they are the handout's, and notebook 05
    uploads the lab's own file. UsageError if the copy has another id.
    """
    before = data_id(folder())
    if id and before not in ("", id):
        raise UsageError(
            "The transactions in {copy} are drawn from the id {before!r}, not {id!r}. Go on without --id. To begin "
            "again with the other id, move the folder away, or name another one with --workspace.",
            copy=folder(),
            before=before,
            id=id,
        )
    drawn = dict[Path, bytes]()
    if id := id or before:
        from lab_lib.checks.bank import plain_file  # takes 0.2 s

        write_file(state(folder()) / "id", plain_text("id", id), _MAKE_ROOM)
        drawn[DATA_FILE] = plain_file(id)
    for path in DATA.rglob("*"):
        name = path.relative_to(DATA)
        if path.is_file() and name.parts[0] in OF_LEARNERS:
            make_folder((copied := folder() / "data" / name).parent, _MAKE_ROOM)
            with can_write_to(copied, _MAKE_ROOM), draft_of(copied) as draft:
                draft.write_bytes(drawn.get(path) or path.read_bytes())
                draft.chmod(0o400)


def learners_edition(path: Path, name: str = "") -> notebook_files.Notebook:
    """Return what a learner gets of one of the lab's own notebooks, in the language of this name, or the one used.

    Its only output is its picture.
    """
    notebook = edition.of_learner(translation.notebook(path, name), name)
    for cell in notebook["cells"]:
        if PICTURE in cell["metadata"].get("tags", []):
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": shown(path.stem[:2])}]
    return notebook
