"""nbgrader's settings for this lab. Copy this file into the folder of your course; instructors.md says the rest."""

import os
import secrets
from pathlib import Path
from typing import Any

from nbgrader.converters import Autograde
from nbgrader.preprocessors import NbGraderPreprocessor

c = get_config()  # type: ignore[name-defined]  # noqa: F821, nbgrader defines it


class OwnSettings(NbGraderPreprocessor):
    """Replaces a student's settings by empty ones: an account of the student's own cannot be reached from here."""

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += "\nsettings = {}"
        return cell, resources


def use_an_empty_account(**_: Any) -> None:
    """Grade each student in an account of the embedded AWS in which nothing was made before."""
    os.environ["LAB_ACCOUNT"] = f"{secrets.randbelow(10**12):012}"


os.environ["LAB_HEADLESS"] = "1"  # nobody looks at the trial in notebook 06, which gives no points
os.environ.setdefault("LAB_WORKSPACE", str(Path.cwd()))  # one embedded AWS, though each submission has a folder


def default(converter: Any, name: str) -> list[Any]:
    return list(converter.class_traits()[name].default())


c.ClearSolutions.code_stub = {"python": "pass  # Write your code here."}
c.Autograde.sanitize_preprocessors = [*default(Autograde, "sanitize_preprocessors"), OwnSettings]
c.Autograde.pre_convert_hook = use_an_empty_account
c.Execute.timeout = 600  # seconds a cell; most of them take less than one
c.KernelManager.transport_encryption = "auto"  # no other user of this computer can listen in
