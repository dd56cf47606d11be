"""Fill the templates of pages that open from a folder: they load nothing, and run only their own script."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lab_lib.language import _, ngettext


def templates(folder: Path) -> Environment:
    """Return the templates of a folder. They escape the values that fill them, and the messages that they make."""
    loader = FileSystemLoader(folder)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals.update(_=_, ngettext=ngettext)
    return made


@cache
def style(*files: Path) -> Markup:
    """Return the style that the pages share, then those in these files."""
    shared = Path(__file__).with_suffix(".css")
    return Markup("".join(file.read_text("utf-8") for file in (shared, *files)))  # noqa: S704  # ours


def script(text: str) -> dict[str, str]:
    """Return a page's script, and the digest by which its Content-Security-Policy allows it, for its template."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"script": Markup(text), "script_hash": digest}  # noqa: S704  # ours
