"""Read a notebook that may be damaged, as the tools that take it later do: JupyterLab, papermill and the grader."""

import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from lab_lib.language import _
from lab_lib.workspace.private_files import json_object, read_file

Notebook = dict[str, Any]  # its JSON
Cell = dict[str, Any]


def read(path: Path) -> Notebook:
    """Return a notebook, of version 4, from its file. UsageError if it is damaged."""
    what_to_do = _("`lab open --fresh {number}` gives it anew, and keeps yours beside it.", number=path.name[:2])
    return read_file(path, _parse, what_to_do)


def _parse(content: bytes) -> Notebook:
    raw = json_object(content)
    if raw.get("nbformat") != 4:  # nbformat takes {} for a notebook of version 1
        raise ValueError(_("nbformat is {found!r}; wanted 4", found=raw.get("nbformat")))
    nbformat = without_slow_import("nbformat")
    notebook: Notebook = nbformat.reader.reads(content.decode())
    with warnings.catch_warnings(action="ignore"):  # of missing ids
        nbformat.validate(notebook, relax_add_props=True)
    return notebook


def without_slow_import(name: str) -> Any:
    """Import papermill, nbformat or JupyterLab without rfc3987-syntax, which builds a grammar for more than a second.

    jupyterlab installs that package, jsonschema imports it if it can, and nothing here checks such addresses.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # makes the import fail, as without it
    return import_module(name)
