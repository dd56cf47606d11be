"""Write HTML: tables and images for a notebook, and the templates of pages that open from a folder.

Text in a notebook has no colour of its own: a dark theme has another. A page loads nothing, and runs only its own
script.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lab_lib.language import _, ngettext


def templates(folder: Path) -> Environment:
    """Return the templates of a folder. They escape the values that fill them, and the messages that they make."""
    loader = FileSystemLoader(folder)
    jinja = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    jinja.globals.update(_=_, ngettext=ngettext)
    return jinja


@cache
def style(*files: Path) -> Markup:
    """Return the style that the pages share, then those in these files."""
    shared = Path(__file__).with_suffix(".css")
    return Markup("".join(file.read_text("utf-8") for file in (shared, *files)))  # noqa: S704  # ours


def script(text: str) -> dict[str, str]:
    """Return a page's script, and the digest by which its Content-Security-Policy allows it, for its template."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"script": Markup(text), "script_hash": digest}  # noqa: S704  # ours


def table(rows: Iterable[Iterable[str]], titles: Iterable[str] = ()) -> str:
    """Return a table of these cells, which are HTML."""
    cell = '<td style="text-align:left;vertical-align:top">{}</td>'
    body = ""
    for row in rows:
        cells = "".join(map(cell.format, row))
        body += f"<tr>{cells}</tr>"
    head = "".join(f'<th scope="col" style="text-align:left;white-space:nowrap">{title}</th>' for title in titles)
    if head:
        head = f"<thead><tr>{head}</tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>"


def image(svg: bytes, alt: str, kind: str = "") -> str:
    """Return an SVG file as an image with its description in words, the only kind that JupyterLab reads out."""
    data = base64.b64encode(svg).decode()
    attribute = f'class="{kind}" ' if kind else ""
    return f'<img {attribute}alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'


def badge(text: str, colour: str) -> str:
    """Return the text in white on a label of this colour."""
    style = "color:white;padding:1px 6px;border-radius:3px;white-space:nowrap;background:"
    return f'<span style="{style}{colour}">{text}</span>'
