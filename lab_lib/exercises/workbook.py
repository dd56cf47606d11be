"""Keep the settings of a learner's copy of the notebooks, for all of its notebooks, and what the lab has solved there.

A notebook runs in a copy if the working folder is one. Elsewhere, and in a headless run, nothing is kept. Where
`lab class grade` runs a copy headlessly, it is kept.

Every notebook takes the same settings: in `settings`, and by name from papermill, which puts a cell of its own after
the one with the parameters.
"""

import ast
import functools
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab_lib import lab
from lab_lib.errors import UsageError
from lab_lib.exercises.copies import data_file
from lab_lib.language import N_, _
from lab_lib.settings import SETTINGS as OF_LAB
from lab_lib.workspace.places import STATE, is_copy
from lab_lib.workspace.private_files import can_write_to, exists, json_object, open_file, read_file, write_file

Settings = dict[str, Any]  # of a notebook, by name
HEADLESS = "LAB_HEADLESS"  # set in the kernels of `lab run`: a replay of the copy changes nothing in it
ANSWERS = "answers.jsonl"
NOT_RIGHT = "lab_not_right"  # in the metadata of an output: what an exercise has not made right
_AGAIN = N_("Move it away, or free some space, then run the cell again.")
_OF_PAPERMILL = "# Parameters\n"  # begins its cell
_NOT_TEXT = ("threshold", "yes")
KEEPING = "keeping"  # the value of HEADLESS for which all is kept nevertheless
SETTINGS = (*OF_LAB, "data_file")
PARAMETERS = (*SETTINGS, "yes")  # of every notebook, though 99 alone asks before it deletes
MOST_PARTS, LONGEST_PART = 1_000, 2_000  # parts of an answer that are kept, and the characters of each


def keep(settings: Settings) -> None:
    """Keep the settings of notebook 00 in the copy. An empty one is still a default."""
    if copy := _copy():
        write_file(copy / STATE / "settings.json", json.dumps(settings, default=str, ensure_ascii=False), _AGAIN)


def merged_settings(settings: Settings, named: Settings | None = None) -> Settings:
    """Return the settings of this notebook that are not empty: papermill's, else one here, else one among named values.

    UsageError if one is unknown, or no text.
    """
    if not isinstance(settings, dict):
        raise UsageError(
            'settings is {found!r}; wanted names and values, such as {{"prefix": "ana-"}}.', found=settings
        )
    here = settings | {name: value for name, value in _injected().items() if name != "settings" and value != ""}
    if unknown := sorted({*here} - {*PARAMETERS}, key=str):
        raise UsageError(
            "There is no setting {name!r}. The settings are {names}.",
            name=unknown[0],
            names=_(", ").join(PARAMETERS),
        )
    if wrong := [name for name, value in here.items() if not isinstance(value, str) and name not in _NOT_TEXT]:
        raise UsageError(
            "{name} is {value!r}; wanted text: in quotes, or for papermill with -r instead of -p.",
            name=wrong[0],
            value=here[wrong[0]],
        )
    given = [*(named or {}).items(), *here.items()]
    return {name: value for name, value in given if name in PARAMETERS and value != ""}


def setting(name: str, settings: Settings) -> Any:
    """Return a setting of this notebook, or the one that notebook 00 has kept. There is always a data_file."""
    return _with_kept(settings).get(name, "")


def open_lab(settings: Settings, named: Settings | None = None) -> lab.Lab:
    """Open the lab of notebook 00. A setting that is here and not empty counts instead of the one there.

    Notebook 00 names all settings, among other names. They are kept for the others, and an empty one is a default.
    """
    chosen = _with_kept(settings) if named is None else merged_settings(settings, named)
    opened = lab.open_lab(**{name: chosen.get(name, "") for name in OF_LAB})
    if named is not None:
        keep({name: value for name, value in chosen.items() if name in SETTINGS})
    return opened


def open_lab_to_delete(
    account: str = "",
    profile: str = "",
    region: str = "",
    prefix: str = "",
    bucket: str = "",
    settings: Settings | None = None,
) -> lab.Lab:
    """Open the lab of notebook 00. UsageError if that is on AWS and account or profile is not given: both are named."""
    named = {"account": account, "profile": profile, "region": region, "prefix": prefix, "bucket": bucket}
    here, kept = merged_settings(settings or {}, named), _kept()
    account, profile = here.get("account", ""), here.get("profile", "")
    if kept.get("profile") and not (account and profile):
        raise UsageError(
            "Notebook 00 has built the lab in account {account} on AWS, with profile {profile}. What is deleted "
            "there is named: write account and profile into the settings above.",
            account=kept.get("account") or _("(not named)"),
            profile=kept["profile"],
        )
    chosen = _with_kept(here)
    if profile or os.environ.get("LAB_PROFILE") or os.environ.get("LAB_ROLE_ARN"):  # on AWS
        chosen |= {"account": account, "profile": profile}
    return lab.open_lab(**{name: chosen.get(name, "") for name in OF_LAB})


def is_headless() -> bool:
    """Return True if nobody looks at the notebook while it runs, as in `lab run`, or with papermill's settings."""
    return bool(os.environ.get(HEADLESS) or _injected())


def is_graded() -> bool:
    """Return True in a run of the grader."""
    return os.environ.get(HEADLESS) == KEEPING


def folder() -> Path:
    """Return the folder for what the learner writes: the copy, elsewhere a temporary one of this process."""
    return _copy() or Path(_temporary().name)


def record_solved(exercise: str) -> None:
    """Add an exercise that the lab has made to the copy's record, as a line of JSON."""
    if copy := _copy():
        path, entry = copy / STATE / ANSWERS, {"kind": "solved", "question": exercise}
        with can_write_to(path, _AGAIN), open_file(path, "ab") as file:
            file.write(f"{json.dumps(entry)}\n".encode())


def _copy() -> Path | None:
    """Return the learner's copy if this process runs in it."""
    here = Path.cwd()
    return here if is_copy(here) and os.environ.get(HEADLESS, KEEPING) == KEEPING else None


def _kept() -> Settings:
    path = copy / STATE / "settings.json" if (copy := _copy()) else None
    what_to_do = N_("Run notebook 00 again as far as “Open the lab”: it writes this file anew.")
    return read_file(path, json_object, what_to_do) if path and exists(path) else {}


def _with_kept(settings: Settings) -> Settings:
    """Return the settings of this notebook, with those of notebook 00 that it does not have, and the data file."""
    kept = {name: value for name, value in _kept().items() if value != ""}
    return {"data_file": str(data_file(Path.cwd())), **kept, **merged_settings(settings)}


def _injected() -> Settings:
    """Return what papermill's cell sets, by name, in the kernel of a notebook; {} elsewhere.

    It is the last cell that ran of those that begin as papermill's. Other cells may set any name. A value that is no
    literal, such as float('nan'), sets nothing.
    """
    ipython: Any = sys.modules.get("IPython")  # slow to load, and loaded already in a kernel
    shell = ipython and ipython.get_ipython()
    cells = [cell for cell in shell.history_manager.input_hist_raw if cell.startswith(_OF_PAPERMILL)] if shell else []
    with suppress(SyntaxError, ValueError):
        body = ast.parse(cells[-1] if cells else "").body
        assigned = [(node.targets[0], node.value) for node in body if isinstance(node, ast.Assign)]
        return {target.id: ast.literal_eval(value) for target, value in assigned if isinstance(target, ast.Name)}
    return {}


@functools.cache
def _temporary() -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix="lab-mine-")


def as_json(answer: Any) -> str:
    """Return the answer, as it is kept, in JSON; "" if it is None."""
    return "" if answer is None else json.dumps(_written(answer), ensure_ascii=False)


def _written(answer: Any) -> str | list[str]:
    """Return the answer as text or, if it has parts, as a list of texts; its type if it cannot be read."""
    try:
        if isinstance(answer, dict):
            answer = answer.values()
        if isinstance(answer, str) or not isinstance(answer, Iterable):
            return str(answer)[: 10 * LONGEST_PART]
        return [str(part)[:LONGEST_PART] for part in islice(answer, MOST_PARTS)]
    except Exception:  # noqa: BLE001  # an answer is any object, and may do anything when it is looked at
        return f"<{type(answer).__name__}>"
