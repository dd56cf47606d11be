"""Open the lab in a notebook, and keep the settings of notebook 00 in the learner's copy, for the others.

A notebook runs in a copy if the working folder is one. Elsewhere, and in a headless run, nothing is kept. Where
`lab class grade` runs a copy headlessly, they are kept.
"""

import functools
import json
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab_lib import lab, resources
from lab_lib.aws import cleanup, functions
from lab_lib.checks import STEPS
from lab_lib.errors import BUILD_AGAIN, StepMissing, UsageError
from lab_lib.exercises.copies import data_file
from lab_lib.language import N_, _, sentences
from lab_lib.settings import SETTINGS
from lab_lib.workspace.places import STATE, WORKSPACE, is_copy, workspace
from lab_lib.workspace.private_files import exists, json_object, read_file, write_file

Settings = dict[str, Any]  # of a notebook, by name
HEADLESS = "LAB_HEADLESS"  # set in the kernels of `lab run`: a replay of the copy changes nothing in it
KEEPING = "keeping"  # the value of HEADLESS for which all is kept nevertheless
OF_NOTEBOOKS = (*SETTINGS, "data_file", "yes")  # the settings of every notebook, though 99 alone asks before it deletes


def open_lab(settings: Settings, step: str) -> lab.Lab:
    """Open the lab for the notebook of this step, and go to the folder for what the learner writes.

    A setting that is empty here is that of notebook 00, which keeps its own for the others.
    UsageError for a setting that cannot be meant, StepMissing if something is missing that an earlier notebook makes.
    """
    chosen = named_settings(settings)
    if step != "00":
        chosen = {**_kept(), **chosen}
    values = {name: chosen.get(name, "") for name in SETTINGS}
    opened = lab.open_lab(**values)
    file = Path(chosen.get("data_file") or data_file(Path.cwd()))
    opened = replace(opened, data_file=file.absolute())
    if step == "00":
        keep(chosen)
    os.environ.setdefault(WORKSPACE, str(workspace()))  # which may be known by the folder that is left now
    os.chdir(_copy() or _temporary().name)
    if step != "99":  # whatever is there is deleted
        earlier = [name for name in STEPS if name < step]
        require(opened, *earlier)
    return opened


def named_settings(settings: Settings) -> Settings:
    """Return the settings that are not empty. UsageError if one is unknown."""
    for name in settings:
        if name not in OF_NOTEBOOKS:
            names = _(", ").join(OF_NOTEBOOKS)
            raise UsageError("There is no setting {name!r}. The settings are {names}.", name=name, names=names)
    return {name: value for name, value in settings.items() if value != ""}


def require(lab: lab.Lab, *notebooks: str) -> None:
    """Raise StepMissing if a resource of these notebooks, such as "01", is not there; it names the first one.

    Raise it too if the threshold was changed in notebook 00, and TotalNotifier still has the old one.
    """
    for resource in resources.RESOURCES:
        if resource.cell.notebook in notebooks:
            _require(lab, resource)
    if "01" in notebooks:
        functions.require_threshold(lab)


def _require(lab: lab.Lab, resource: resources.Resource) -> None:
    """Raise StepMissing if the resource is not there. Without the bucket, the account may have been forgotten."""
    try:
        resources.require(cleanup.find(lab, resource.kind, resource.name), resource.kind, resource.name)
    except StepMissing as error:
        if resource.kind != "bucket" or lab.work() is None:
            raise
        since = _("Was it there before? The embedded AWS has stopped since.")
        raise StepMissing(sentences(str(error), since, _(BUILD_AGAIN))) from None


def keep(settings: Settings) -> None:
    """Keep the settings of notebook 00 in the copy, without the leave to delete."""
    kept = {name: value for name, value in settings.items() if name != "yes"}
    if copy := _copy():
        text = json.dumps(kept, default=str, ensure_ascii=False)
        write_file(
            copy / STATE / "settings.json", text, N_("Move it away, or free some space, then run the cell again.")
        )


def _kept() -> Settings:
    """Return the settings that notebook 00 has kept; {} where there are none."""
    copy = _copy()
    if not copy:
        return {}
    path = copy / STATE / "settings.json"
    if not exists(path):
        return {}
    return read_file(path, json_object, N_("Run notebook 00 again as far as “Open the lab”: it writes this file anew."))


def is_headless() -> bool:
    """Return True if nobody looks at the notebook while it runs: in `lab run`, and outside of a learner's copy."""
    return bool(os.environ.get(HEADLESS)) or not _copy()


def is_graded() -> bool:
    """Return True in a run of the grader."""
    return os.environ.get(HEADLESS) == KEEPING


def _copy() -> Path | None:
    """Return the learner's copy if this process runs in it, and may change it."""
    here = Path.cwd()
    may_change = os.environ.get(HEADLESS, KEEPING) == KEEPING
    return here if may_change and is_copy(here) else None


@functools.cache
def _temporary() -> "TemporaryDirectory[str]":
    """Return the folder of this process for what is written outside of a copy."""
    return TemporaryDirectory(prefix="lab-mine-")
