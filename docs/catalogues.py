"""Bring the catalogues of all languages up to date: `make catalogues`.

A message that is new stands in lab.po without a translation, a new text of a notebook or document in English, with the
digest of nothing. A text whose English has changed keeps its old digest. The tests name them all.
"""

import io
import json
import re
from operator import itemgetter
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_keywords
from babel.messages.pofile import read_po, write_po

from lab_lib import language
from lab_lib.exercises import copies, translation

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "docs/instructors.md", "docs/site/index.md")
NOT_YET = "0" * 16
_METHODS = [("**.py", "python"), ("**/templates/*", "jinja2")]
_BY_ARGUMENT = ["check:3", "Question:2", "case:2", "wait_until:2", "counted:2"]
_MARKS = parse_keywords(["_", "N_", "ngettext:1,2", *_BY_ARGUMENT])
_HEADING = re.compile(r"^(?=#{1,2} )", re.MULTILINE)
_WIDTH = 110  # characters of a line in lab.po


def messages() -> Catalog:
    """Return the messages that are marked in the package and for the site, with their files."""
    found = Catalog()
    for folder in ("lab_lib", "docs"):
        marked = extract_from_dir(ROOT / folder, _METHODS, keywords=_MARKS)
        for name, _line, message, *_ in sorted(marked, key=itemgetter(0, 1)):
            found.add(message, locations=[(f"{folder}/{name}", 0)])
    return found


def updated(po: Path) -> Catalog:
    """Return the messages of a language as they should stand in this file. PoFileError for a line that is none."""
    with po.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    catalogue.update(messages(), no_fuzzy_matching=True, update_creation_date=False)
    return catalogue


def cells(path: Path) -> dict[str, str]:
    """Return what is to be translated of a notebook, by the ids of its cells."""
    texts = {cell["id"]: translation.text_of(cell) for cell in json.loads(path.read_text("utf-8"))["cells"]}
    return {id: text for id, text in texts.items() if text}


def sections(path: Path) -> dict[str, str]:
    """Return the sections of a document, by their headings."""
    parts = [part.strip() for part in _HEADING.split(path.read_text("utf-8")) if part.strip()]
    return {re.sub(r"[^a-z0-9]+", "-", part.splitlines()[0].lower()).strip("-"): part for part in parts}


def named(english: Path, name: str) -> Path:
    """Return the document or picture that is in this language what an English one is, such as README.zh.md."""
    end = "" if name == language.ENGLISH else f".{name.split('_')[0]}"
    return english.with_name(f"{english.stem}{end}{english.suffix}")


def in_language(folder: Path) -> dict[Path, dict[str, str]]:
    """Return the Markdown catalogues of a language, each with the English that it translates."""
    notebooks = {folder / "notebooks" / f"{path.stem}.md": cells(path) for path in copies.solved_notebooks()}
    documents = {named(ROOT / name, folder.name): sections(ROOT / name) for name in DOCUMENTS}
    return notebooks | documents


def current(catalogue: Path, english: dict[str, str]) -> str:
    """Return the content of a Markdown catalogue, with an entry for each text."""
    there, parts = language.entries(catalogue), list[str]()
    for id, text in english.items():
        digest, translated = there.get(id, (NOT_YET, text))
        parts.append(f"<!-- {id} {digest} -->\n{translated}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    for folder in (path for path in language.LOCALE.iterdir() if path.is_dir()):
        po, written = folder / "LC_MESSAGES" / "lab.po", io.BytesIO()
        write_po(written, updated(po), width=_WIDTH, omit_header=True, ignore_obsolete=True, include_lineno=False)
        header = po.read_text("utf-8").partition("\n\n")[0].strip()
        po.write_text(f"{header}\n\n{written.getvalue().decode()}", encoding="utf-8")
        for markdown, english in in_language(folder).items():
            markdown.parent.mkdir(exist_ok=True)
            markdown.write_text(current(markdown, english), encoding="utf-8")
