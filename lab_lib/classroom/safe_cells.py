"""Turn a student's notebook, which may hold anything, into cells that are safe to show.

HTML keeps only the harmless tags of nh3's own list, and no address in it is loaded: a picture beside the notebooks is
shown by its words.
"""

import json
import re
from functools import cache
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import mistune
import nh3
from markupsafe import Markup

from lab_lib.classroom.lab_cells import course, is_settings
from lab_lib.exercises import copies
from lab_lib.exercises.notebook_files import Cell
from lab_lib.language import _
from lab_lib.pages.wording import visible
from lab_lib.resources import HEADING

_LONGEST = 20_000  # characters of a text; the sandbox bounds a whole notebook
_LONGEST_ERROR = 300  # characters
_IMAGES = ("image/png", "image/jpeg")
_MARKDOWN = mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # of a traceback


def runs(path: Path) -> list[tuple[bool, list[Cell]]]:
    """Return the cells in runs: unchanged cells of the lab, which a page folds, or the student's own."""
    folded = groupby(_cells(path), key=lambda cell: cell["is_as_in_lab"] and not cell["error"])
    return [(is_ours, list(run)) for is_ours, run in folded]


def errors(path: Path) -> list[str]:
    """Return a line for each error of a notebook's cells, without those of the lab's cells that follow from one."""
    found = list[str]()
    for cell in _cells(path):
        if cell["error"] and not (cell["is_as_in_lab"] and found):
            found.append(visible(_(": ").join([cell["heading"], cell["error"]]), _LONGEST_ERROR))
    return found


@cache  # a notebook that has run is read for its errors, then for the page
def _cells(path: Path) -> list[Cell]:
    """Return each cell as a page shows it. A broken notebook has none."""
    shown = []
    heading = ""
    try:
        texts = course(copies.NOTEBOOKS / path.name)["texts"]
        ours = {*chain(*texts.values())}  # a text outlives the ids of its cell
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            text = _joined(cell["source"])
            if cell["cell_type"] == "markdown":
                for found in HEADING.findall(text):  # the last one holds
                    heading = found
            # Settings were replaced, or are the lab's.
            is_as_in_lab = is_settings(cell) or text in ours
            shown.append(_shown(cell) | {"heading": heading, "is_as_in_lab": is_as_in_lab})
        return shown
    except Exception:  # noqa: BLE001  # a student's notebook may hold anything
        return []


def _shown(cell: Cell) -> Cell:
    """Return the text, the outputs and the error of a cell."""
    text = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        return {"is_markdown": True, "text": _clean(str(_MARKDOWN(text))), "outputs": [], "error": ""}
    outputs = cell.get("outputs", [])
    errors = [f"{output['ename']}: {output['evalue']}" for output in outputs if output["output_type"] == "error"]
    error = " ".join(errors[0].split()) if errors else ""
    return {"is_markdown": False, "text": text, "outputs": [*map(_output, outputs)], "error": error}


def _output(output: dict[str, Any]) -> tuple[str, str, str]:
    """Return how an output is shown, its content, and the words for an image."""
    if output["output_type"] == "stream":
        return "text", _text(output["text"]), ""
    if output["output_type"] == "error":
        return "error", _COLOURS.sub("", _text("\n".join(output["traceback"]))), ""
    data = output["data"]
    words = _text(data.get("text/plain", ""))
    for kind in _IMAGES:
        if kind in data:
            return "image", f"data:{kind};base64,{_joined(data[kind])}", words
    if "text/html" in data:
        return "html", _clean(_joined(data["text/html"])), ""
    return "text", words, ""


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _text(text: Any) -> str:
    whole = _joined(text)
    more = len(whole) - _LONGEST
    if more <= 0:
        return whole
    return whole[:_LONGEST] + "\n" + _("… and {count:,} characters more", count=more)


def _clean(html: str) -> Markup:
    """Return the HTML with nothing but harmless tags; no address in it is loaded."""
    kept = nh3.clean(html, attribute_filter=_address, url_schemes={"http", "https", "data"})
    return Markup(kept)  # noqa: S704  # cleaned


def _address(tag: str, name: str, value: str) -> str | None:
    """Keep the address of an image in the page itself, and of a link to a web page."""
    if name == "src":
        return value if value.startswith("data:image/") else None
    if name == "href":
        return value if value.startswith(("http://", "https://")) else None
    return value if name in ("alt", "colspan", "rowspan") else None
