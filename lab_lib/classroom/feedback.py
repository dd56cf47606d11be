"""Write a page of feedback for each student, to print or to read on a phone. It loads nothing, and runs no script.

The notebooks on it are the student's, and may hold anything. So they are rendered in the process that ran them, and
their HTML keeps only what is listed here. The pictures beside the notebooks are put into the page, from the lab's own
files.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from lab_lib.classroom import report
from lab_lib.exercises import copies, texts
from lab_lib.private_files import make_folder, write_file

FOLDER = "feedback"
_RENDERED = "notebooks.html"  # in the student's folder
_LONGEST, _LARGEST = 20_000, 3_000_000  # characters of a text, and of HTML or an image
_MOST_TAGS = 3_000  # of a piece of HTML; the time of cleaning grows with their square if they are nested
_IMAGES = ("image/png", "image/jpeg")
_TAGS = {
    *("a", "b", "blockquote", "br", "caption", "code", "del", "details", "div", "em", "h1", "h2", "h3", "h4", "h5"),
    *("h6", "hr", "i", "img", "li", "ol", "p", "pre", "span", "strong", "sub", "summary", "sup", "table", "tbody"),
    *("td", "th", "thead", "tr", "u", "ul"),
}
_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # of a traceback


def render(folder: Path) -> None:
    """Render the notebooks in this folder into one piece of HTML, beside them."""
    notebooks = [(path.stem, _cells(path)) for path in sorted(folder.glob("*.ipynb"))]
    if notebooks:
        write_file(folder / _RENDERED, report.template("notebooks.html.j2").render(notebooks=notebooks))


def write(out: Path, book: dict[str, Any]) -> None:
    """Write feedback/FOLDER.html for each student of the grade book who has results."""
    for student in book["students"]:
        if student["state"] in ("done", "failed"):
            make_folder(out / FOLDER)
            rendered = out / student["folder"] / _RENDERED
            notebooks = rendered.read_text(encoding="utf-8") if rendered.exists() else ""
            write_file(out / FOLDER / f"{student['folder']}.html", page(book, student, notebooks))


def page(book: dict[str, Any], student: dict[str, Any], notebooks: str = "") -> str:
    """Return the page of one student; `notebooks` is what `render` has written."""
    costly = [each for each in student["checks"] if each["weight"] and not each["right"]]
    wrong = [each for each in costly if not each["is_behind"]]
    answers = student.get("answers")
    style = "".join((report.TEMPLATES / f"{name}.css").read_text(encoding="utf-8") for name in ("report", "feedback"))
    return report.template("feedback.html.j2").render(
        columns=book["columns"],
        possible=book["possible"],
        student={"graded": "", "submitted": None, **student, "answers": answers and [*map(_titled, answers)]},
        trial=student.get("trial") or [],
        wrong=wrong,
        waiting=len(costly) - len(wrong),
        notebooks=Markup(notebooks),  # noqa: S704  # rendered by us, see above
        style=Markup(style),  # noqa: S704  # ours
    )


def _titled(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with the heading of its exercise in the place of its id."""
    return {**answer, "question": texts.of(answer["question"]).heading or answer["question"]}


def _cells(path: Path) -> list[dict[str, Any]]:
    """Return what to show of each cell: its kind, its text, and its outputs. A broken notebook has none."""
    pictures = dict(_pictures())
    try:
        return [_cell(cell, pictures) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    except Exception:  # noqa: BLE001  # a student's notebook may hold anything
        return []


def _cell(cell: dict[str, Any], pictures: dict[str, str]) -> dict[str, Any]:
    text = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        return {"kind": "markdown", "text": _clean(_markdown()(text), pictures), "outputs": []}
    return {"kind": "code", "text": text, "outputs": [_output(each) for each in cell.get("outputs", [])]}


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
