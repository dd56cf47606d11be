"""Fill the templates of pages that open from a folder: they load nothing, and run only their own script."""

import base64
import hashlib
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


def style(*files: Path) -> Markup:
    """Return the style that the pages share, then those in these files."""
    shared = Path(__file__).with_suffix(".css")
    return Markup("".join(file.read_text(encoding="utf-8") for file in (shared, *files)))  # noqa: S704  # ours


def digest(script: str) -> str:
    """Return the digest by which the page's Content-Security-Policy allows its script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
