"""Make the learner's copy of the notebooks, give a notebook anew, and tell what has changed since it was copied.

The copy is the folder my-lab of the workspace. Only its owner can read it. Its folder `.lab` has edition.json, with the
cells of each notebook as they were copied, and what workbook.py keeps. The notebooks' pictures are files beside them,
and the files that they tell the learner to read are in the folder data.
"""

import ast
import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from lab_lib import language, places
from lab_lib.errors import UsageError
from lab_lib.exercises import edition, notebook_files, translation
from lab_lib.exercises.pictures import svg
from lab_lib.places import DATA, STATE
from lab_lib.places import NOTEBOOKS as NOTEBOOKS
from lab_lib.private_files import can_write_to, draft_of, exists, json_object, make_folder, read_file, write_file

EDITION = "edition.json"
folder = places.copy  # of the copy, which may not exist
_MAKE_ROOM = "Move it away, free some space, or name another folder with --workspace."
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


def pictures() -> list[Path]:
    """Return the pictures that the notebooks show, such as chain-03.svg."""
    return sorted(NOTEBOOKS.glob("chain-[0-9][0-9].svg"))


def give_pictures(place: Path) -> None:
    """Draw the pictures beside notebooks in this folder. Another file of such a name is replaced."""
    for path in pictures():
        write_file(place / path.name, drawn(path))


def drawn(picture: Path) -> str:
    """Return the text of one of the pictures, in the language that is used."""
    return svg(picture.stem.removeprefix("chain-"))


def complete() -> Path:
    """Make the copy, or add the notebooks and files that it lacks; return its folder. No notebook is overwritten.

    If the copy is in another language than the one that is used, the learner's own cells stay as they are. Without its
    setting, it may have been translated in part.
    """
    for place in (folder(), folder() / STATE):
        make_folder(place, _MAKE_ROOM)
    setting, before = folder() / language.SETTING, language.of_copy(folder())
    is_translated = exists(setting) and before == language.used()
    if not is_translated:
        with can_write_to(setting, _MAKE_ROOM):
            setting.unlink(missing_ok=True)
    for path in solved_notebooks():
        if not exists(folder() / path.name):
            _give(path)
        elif not is_translated:
            _translate(path, [*language.names(), before])  # that of the copy may be elsewhere
    write_file(setting, language.used(), _MAKE_ROOM)
    give_pictures(folder())
    _give_data(folder())
    return folder()


def renew(number: str) -> Path:
    """Give a notebook such as "03" anew; return it. The old one stays beside it, with the time in its name.

    UsageError if no notebook has that number.
    """
    numbers = {path.stem[:2]: path for path in solved_notebooks()}
    if not (path := numbers.get(number.zfill(2))):
        raise UsageError(f"--fresh is {number!r}; wanted one of {', '.join(numbers)}.")
    _set_aside(folder() / path.name)
    return complete() / path.name


def changes() -> str:
    """Return what has changed in the lab since its notebooks were copied, and what to do; "" if nothing has.

    If it cannot be told, the reason is there instead.
    """
    try:
        copied = _edition()
    except UsageError as error:
        return f"{error}\n"
    name = language.of_copy(folder())
    now = {path.name: edition.cells(learners_edition(path, name)) for path in solved_notebooks()}
    changed = {name: edition.changes(copied[name], cells) for name, cells in now.items() if name in copied}
    lines = [f"  {Path(name).stem}: {', '.join(headings)}\n" for name, headings in changed.items() if headings]
    if not lines:
        return ""
    first = lines[0].strip()[:2]
    what_to_do = f"`lab open --fresh {first}` gives you notebook {first} anew, and keeps yours beside it."
    return f"The lab is newer than your copy. These sections have changed:\n{''.join(lines)}{what_to_do}\n"


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
    cells = notebook_files.read(first)["cells"]
    cells = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    try:
        body = ast.parse(cells[0]["source"]).body
        values = {line.target.id: ast.literal_eval(line.value) for line in body}
        values |= values.pop("settings", {})
        if values.get("data_file"):
            values["data_file"] = str(folder() / values["data_file"])
    except (AttributeError, IndexError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        raise UsageError(f'The settings in {first} cannot be read. Write each like this: prefix: str = "ana"') from None
    return values


def existing(name: str) -> Path:
    """Return a notebook of the copy. UsageError if it is not there, or damaged."""
    if not exists(path := folder() / name):
        raise UsageError(f"There is no {path}. `lab open` makes your own copy of the notebooks.")
    notebook_files.read(path)
    return path


def _set_aside(path: Path) -> None:
    """Move a file, if it is there, out of the way. Its new name has the time, to the microsecond: none is lost."""
    if exists(path):
        with can_write_to(path.parent, _MAKE_ROOM):
            path.rename(path.with_suffix(f".{datetime.now():%Y-%m-%d-%H%M%S-%f}{path.suffix}"))


def _give(path: Path) -> None:
    """Note the cells of a learner's edition, then write it: an interrupted one is written again."""
    notebook = learners_edition(path)
    try:
        copied = _edition()
    except UsageError:
        _set_aside(state(folder()) / EDITION)
        copied = {}
    _note(copied | {path.name: edition.cells(notebook)})
    _write(path.name, notebook)


def _translate(path: Path, names: Iterable[str]) -> None:
    """Put the language that is used into the cells of a notebook that are as the lab has them in one of these.

    Of the notebook and the file with what was copied, one that cannot be read stays as it is.
    """
    new, *others = (learners_edition(path, name) for name in (language.used(), *names))
    now, was = edition.cells(new), [*map(edition.cells, others)]
    with suppress(UsageError):
        if path.name in (copied := _edition()):
            noted = copied[path.name].items()
            given = {id: now[id] if seen in [cells.get(id) for cells in was] else seen for id, seen in noted}
            _note(copied | {path.name: given})
    pairs = chain.from_iterable(zip(one["cells"], new["cells"], strict=True) for one in (*others, new))
    texts = {"".join(cell["source"]): "".join(to["source"]) for cell, to in pairs}
    with suppress(UsageError):
        mine = notebook_files.read(folder() / path.name)
        sources = [cell["source"] for cell in mine["cells"]]
        for cell in mine["cells"]:
            cell["source"] = texts.get(cell["source"], cell["source"])
        if sources != [cell["source"] for cell in mine["cells"]]:
            _write(path.name, mine)


def _note(copied: dict[str, edition.Cells]) -> None:
    write_file(state(folder()) / EDITION, json.dumps(copied), _MAKE_ROOM)


def _write(name: str, notebook: dict[str, Any]) -> None:
    write_file(folder() / name, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", _MAKE_ROOM)


def _give_data(place: Path) -> None:
    """Write the files that learners read into this folder's `data`, read-only: notebook 05 uploads the lab's own."""
    for path in DATA.rglob("*"):
        name = path.relative_to(DATA)
        if path.is_file() and name.parts[0] in OF_LEARNERS:
            make_folder((copied := place / "data" / name).parent, _MAKE_ROOM)
            with can_write_to(copied, _MAKE_ROOM), draft_of(copied) as draft:
                shutil.copyfile(path, draft)
                draft.chmod(0o400)


def _edition() -> dict[str, edition.Cells]:
    """Return the cells of the notebooks as they were copied. UsageError if the file with them is damaged."""
    path = state(folder()) / EDITION
    what_to_do = "Your notebooks are not touched by that. `lab open --fresh 00` makes this file anew."
    return read_file(path, _noted_cells, what_to_do) if exists(path) else {}


def _noted_cells(content: bytes) -> dict[str, edition.Cells]:
    noted = json_object(content).items()
    return {name: {id: (str(heading), str(digest)) for id, (heading, digest) in cells.items()} for name, cells in noted}


def learners_edition(path: Path, name: str = "") -> dict[str, Any]:
    """Return what a learner gets of one of the lab's own notebooks, in the language of this name, or the one used."""
    return edition.of_learner(translation.notebook(path, name), name)
