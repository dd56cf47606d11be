"""Turn a student's notebook, which may hold anything, into cells that are safe to show.

HTML keeps only what is listed here, and no address in it is loaded. The pictures beside the notebooks are put into the
page, from the lab's own files.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from lab_lib.exercises import copies, edition

_LONGEST, _LARGEST = 20_000, 3_000_000  # characters of a text, and of HTML or an image
_MOST_TAGS = 3_000  # of a piece of HTML; the time of cleaning grows with their square if they are nested
_IMAGES = ("image/png", "image/jpeg")
_TAGS = (
    {"a", "b", "blockquote", "br", "caption", "code", "del", "details", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"hr", "i", "img", "li", "ol", "p", "pre", "span", "strong", "sub", "summary", "sup", "table", "tbody"}
    | {"td", "th", "thead", "tr", "u", "ul"}
)
_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # of a traceback


def runs(path: Path) -> list[tuple[bool, list[dict[str, Any]]]]:
    """Return the cells in runs: unchanged cells of the lab, which a page folds, or the student's own."""
    return [(is_ours, list(run)) for is_ours, run in groupby(_cells(path), key=lambda cell: cell["is_ours"])]


def _cells(path: Path) -> list[dict[str, Any]]:
    """Return each cell as a page shows it. A broken notebook has none."""
    pictures, ours = dict(_pictures()), _untouched().get(path.name, frozenset())
    shown, heading = list[dict[str, Any]](), ""
    try:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                heading = (edition.HEADING.findall(_text(cell["source"])) or [heading])[-1]
            shown.append(_cell(cell, pictures) | {"is_ours": _is_ours(cell, ours), "heading": heading})
        return shown
    except Exception:  # noqa: BLE001  # a student's notebook may hold anything
        return []


def _is_ours(cell: dict[str, Any], ours: frozenset[str]) -> bool:
    """Return whether a cell is as in the untouched edition, and raised no error. Settings were replaced, or ours."""
    if any(output["output_type"] == "error" for output in cell.get("outputs", [])):
        return False
    is_setting = {"parameters", "injected-parameters"} & {*cell.get("metadata", {}).get("tags", [])}
    return bool(is_setting) or _joined(cell["source"]) in ours


@cache
def _untouched() -> dict[str, frozenset[str]]:
    """Return the texts of the cells in the learner's edition, by notebook. A text outlives the ids of its cell."""
    editions = {path.name: edition.of_learner(json.loads(path.read_bytes())) for path in copies.solved_notebooks()}
    return {
        name: frozenset(_joined(cell["source"]) for cell in notebook["cells"]) for name, notebook in editions.items()
    }


def _cell(cell: dict[str, Any], pictures: dict[str, str]) -> dict[str, Any]:
    """Return the kind of a cell, its text, and its outputs."""
    text = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        return {"kind": "markdown", "text": _clean(_markdown()(text), pictures), "outputs": []}
    return {"kind": "code", "text": text, "outputs": [_output(output) for output in cell.get("outputs", [])]}


def _output(output: dict[str, Any]) -> tuple[str, str, str]:
    """Return how an output is shown, its content, and the words for an image."""
    if output["output_type"] == "stream":
        return "text", _text(output["text"]), ""
    if output["output_type"] == "error":
        return "error", _COLOURS.sub("", _text("\n".join(output["traceback"]))), ""
    data = output["data"]
    words = _text(data.get("text/plain", ""))
    for kind in _IMAGES:
        if kind in data and (image := _image(kind, data[kind])):
            return "image", image, words
    return ("html", _clean(_joined(data["text/html"]), {}), "") if "text/html" in data else ("text", words, "")


def _image(kind: str, data: Any) -> str:
    """Return the address of an image in the page itself; "" if it is none."""
    try:
        content = base64.b64decode(_joined(data)[:_LARGEST], validate=False)
    except (binascii.Error, ValueError):
        return ""
    return _in_page(kind, content)


def _in_page(kind: str, image: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"


@cache
def _pictures() -> dict[str, str]:
    """Return the address in the page itself of each of the lab's pictures, by its name."""
    return {path.name: _in_page("image/svg+xml", path.read_bytes()) for path in copies.pictures()}


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _text(text: Any) -> str:
    whole = _joined(text)
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}\n… and {len(whole) - _LONGEST:,} characters more"


def _clean(html: str, pictures: dict[str, str]) -> Markup:
    """Return the HTML with nothing but harmless tags, as text if it has too many; no address in it is loaded.

    A picture that is shown is removed from `pictures`. It is shown once, so that many names make no huge page.
    """
    if html.count("<") > _MOST_TAGS:
        return escape(_text(html))
    import nh3  # here, so that commands without a class need not wait for it

    kept = nh3.clean(
        html[:_LARGEST],
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_address, pictures),
        url_schemes={"http", "https", "data"},
    )
    return Markup(kept)  # noqa: S704  # cleaned


def _address(pictures: dict[str, str], tag: str, name: str, value: str) -> str | None:
    """Keep the address of an image in the page itself, and of a link to a web page. Put a picture into the page."""
    if name == "src":
        return value if value.startswith("data:image/") else pictures.pop(value, None)
    if name == "href":
        return value if value.startswith(("http://", "https://")) else None
    return value


@cache
def _markdown() -> Callable[[str], str]:
    import mistune

    return mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])  # type: ignore[return-value]
