"""Keep the catalogues of all languages up to date: `make catalogues`, and name what is to be done: `make lint`.

lab.po of a language has the messages of the package, of the notebooks and of DOCUMENTS. If the English of one changes,
its translation stays as fuzzy, with the English that it is of, and the English is shown until somebody has looked.
"""

import ast
import csv
import json
import re
import string
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import typer
from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import PoFileError, read_po, write_po

from lab_lib import checks, errors, language, settings, transactions
from lab_lib.calls import recent, waiting
from lab_lib.checks import facts, probe
from lab_lib.cli import command_line
from lab_lib.cli import main as commands
from lab_lib.exercises import copies, translation
from lab_lib.pages import chain_picture, colours, frames
from lab_lib.pages.wording import cut
from lab_lib.workspace.private_files import draft_of

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "docs/aws.md", "docs/instructors.md", "docs/site/index.md")
ONLY_ON_SITE = DOCUMENTS[-1]
# The places of the messages among the arguments of a call.
_MARKS = {"_": [0], "N_": [0], "ngettext": [0, 1], "case": [0], "check": [2], "Question": [2], "wait_until": [1]}
_MARKS |= {"read_file": [2], "make_folder": [1], "write_file": [2], "can_write_to": [1]}  # what to do if a file fails
_MARKS |= {kind.__name__: [0] for kind in vars(errors).values() if hasattr(kind, "_render_traceback_")}  # of the lab
# Texts that are translated where they are shown, by the file of their table.
TABLES = {
    "calls/recent.csv": [kind.what for kind in recent.KINDS],
    "calls/waiting.csv": [text for wait in waiting.WAITS.values() for text in (wait.what, wait.on_aws) if text],
    "checks": [rule.title for rule in checks.RULES.values()],
    f"checks/{facts.FILE.name}": [text for fact in facts.FACTS for text in fact.texts],
    f"checks/{probe.FILE.name}": [text for part in probe.PARTS for text in part.texts],
    "cli/command_line.py": [*command_line.WORDS.values(), *command_line.FAULTS.values()],
    "pages/chain_picture.py": chain_picture.KINDS,
    "pages/colours.py": colours.LOOKS,
    "pages/frames.py": frames.HEADINGS,
    "run/costs.json": ["runs", "GB-s", "write units", "read units", "s3 reads", "sns calls", "log KB"],
    "settings.toml": [setting.wanted for setting in settings.SETTINGS.values()],
    "transactions.py": transactions.REASONS.values(),
    "workspace/private_files.py": [  # why a file cannot be used, in the system's words
        "No such file or directory",
        "Permission denied",
        "Is a directory",
        "Not a directory",
        "No space left on device",
        "Read-only file system",
        "File exists",
    ],
}
_WIDTH = 1_000_000  # of a line in lab.po: Babel would break the previous English of a message within its quotes
# What a translation keeps, in any order: code, addresses, images, tags of hints, and the letters of answers.
_KEPT = re.compile(r"(?<!`)`[^`\n]+`(?!`)|\]\((?!#)[^)#]*|src=\"[^\"]*\"|</?(?:details|summary)>|^\*\*[a-z]\*\*(?= )")
_OF_LANGUAGE = re.compile(r"\.[a-z]{2}(?:_\w+)?(?=\.(?:md|svg))")  # in the name of a document or picture
_NO_WORDS = re.compile(rf"\{{[^{{}}]*\}}|{_KEPT.pattern}")
_TERM = r"(?<![\w.(\"#-]){}s?(?![\w([\"]|\.\w)"  # no name, option, call or anchor
_UNUSUAL = re.compile(r"[。，：；、？！”）] (?![ |<])|(?<![*\w`])\*(?=[^*\s][^*]*\*(?!\*))|：：|[\u4e00-\u9fff]: ")
_NO_TRANSLATION = "has no translation"
_PLACES = string.Formatter()


def messages() -> Catalog:
    """Return all English messages, with the files where they stand; in a notebook, the cells."""
    found = Catalog()
    for folder in ("lab_lib", "docs"):
        marked = [*extract_from_dir(ROOT / folder, [("**/templates/*", "jinja2")])]
        for path in (ROOT / folder).rglob("*.py"):
            marked += [(path.relative_to(ROOT / folder), *each) for each in _marked(path.read_text("utf-8"))]
        for name, _line, message, *_ in sorted(marked, key=lambda each: (str(each[0]), each[1])):
            found.add(message, locations=[(f"{folder}/{name}", 0)])
    for file, texts in TABLES.items():
        for text in texts:
            found.add(text, locations=[(f"lab_lib/{file}", 0)])
    for message in _messages(command_line.translated, typer.main.get_command(commands.app)):
        found.add(message, locations=[("lab_lib/cli", 0)])
    for path in copies.solved_notebooks():
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            shown = [output["data"] for output in cell.get("outputs", []) if "text/latex" in output.get("data", {})]
            texts = _messages(translation.replaced, cell)
            for source in shown:  # of a function of the lab
                texts += _messages(translation.in_code, "".join(source["text/plain"]))
            for message in texts:
                found.add(message, locations=[(f"notebooks/{path.name}:{cell['id']}", 0)])
    for name in DOCUMENTS:
        for message in messages_of_document((ROOT / name).read_text("utf-8")):
            found.add(message, locations=[(name, 0)])
    return found


def _marked(source: str) -> Iterator[tuple[int, str | tuple[str, ...]]]:
    """Yield the line and the text of each message in Python code.

    Babel finds none in the arguments of a call that is marked itself.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            arguments = [node.args[place] for place in _MARKS.get(name, []) if place < len(node.args)]
            texts = [text.value for text in arguments if isinstance(text, ast.Constant) and isinstance(text.value, str)]
            if any(texts):
                yield node.lineno, tuple(texts) if len(texts) > 1 else texts[0]


def messages_of_document(text: str) -> list[str]:
    """Return the messages of a document."""
    return _messages(translation.in_markdown, text)


def _messages(replaced: Callable[[T, translation.Replace], str], source: T) -> list[str]:
    found = list[str]()

    def note(message: str) -> str:
        found.append(message)
        return message

    replaced(source, note)
    return found


def read(po: Path) -> Catalog:
    """Return the messages of a language as they stand in this file. PoFileError, with the line, if it is damaged."""
    with po.open("rb") as file:
        return read_po(file, abort_invalid=True)


def update(po: Path, english: Catalog) -> None:
    """Bring a language's messages up to date: new ones are empty, changed ones fuzzy, and old ones stand at the end."""
    catalogue = read(po)
    for id in [*catalogue.obsolete]:
        catalogue[id] = catalogue.obsolete.pop(id)  # it may be wanted again
    catalogue.update(english, update_creation_date=False)
    for id in [id for id, message in catalogue.obsolete.items() if not message.string]:
        del catalogue.obsolete[id]
    with draft_of(po) as draft, draft.open("wb") as file:
        write_po(file, catalogue, width=_WIDTH, include_lineno=False, include_previous=True)


def begin(name: str) -> Path:
    """Make the file for the messages of a new language, such as es or pt_BR. One that is there stays as it is.

    ValueError if there is no such language.
    """
    try:
        language_team = Locale.parse(name).english_name
    except (UnknownLocaleError, ValueError):
        raise ValueError(f"There is no language {name!r}. Name one such as es or pt_BR.") from None
    header = {  # what gettext's own tools ask for
        "project": "serverless-lab-workbook",
        "version": "1.0",
        "header_comment": "# `make catalogues` brings this file up to date.",
        "msgid_bugs_address": "the lab's issues",
        "last_translator": "the lab's authors",
        "language_team": language_team,
        "revision_date": datetime.now(UTC),
    }
    if not (po := language.catalogue(name)).exists():
        po.parent.mkdir(parents=True)
        with po.open("wb") as file:
            write_po(file, Catalog(name, fuzzy=False, **header))
    return po


def named(english: Path, name: str) -> Path:
    """Return the document or picture that is in this language what an English one is, such as README.zh_CN.md."""
    return english if name == language.ENGLISH else english.with_name(f"{english.stem}.{name}{english.suffix}")


def document(text: str, name: str) -> str:
    """Return a document in the language of this name."""
    return text if name == language.ENGLISH else translation.in_markdown(text, language.translations(name).gettext)


def documents(name: str) -> dict[Path, str]:
    """Return the documents of a language that are kept beside the English ones, with their content."""
    texts = {}
    for path in [ROOT / document for document in DOCUMENTS if document != ONLY_ON_SITE]:
        note = f"<!-- `make catalogues` writes this, from {path.name} and lab.po. -->\n"
        texts[named(path, name)] = note + document(path.read_text("utf-8"), name)
    return texts


def faults(po: Path, english: Catalog) -> Iterator[str]:
    """Yield a line for each message of a language that is to be looked at: file, line, message and reason."""
    try:
        catalogue = read(po)
    except PoFileError as error:
        yield f"{po}:{error.lineno + 1}: {error}"
        return
    there = {message.id: message for message in catalogue if message.id}
    wanted = {message.id for message in english if message.id}
    yield from (f"{po}: {id!r} is missing: run `make catalogues`" for id in wanted - there.keys())
    stop, terms = (there["."].string if "." in there else "") or ".", _terms(po.parents[1] / "glossary.csv")
    for id, message in there.items():
        unused = [] if id in wanted else ["is no longer in the English: run `make catalogues`"]
        for reason in unused or _wrong(message, stop, terms):
            yield f"{po}:{message.lineno}: {cut(str(id), 80)!r} {reason}"


def _wrong(message: Message, stop: str, terms: dict[str, list[str]]) -> Iterator[str]:
    """Yield why a translation is not shown, or what is wrong with it."""
    english = message.id if isinstance(message.id, str) else message.id[-1]
    texts = [message.string] if isinstance(message.string, str) else [*(message.string or [""])]
    if message.fuzzy:
        yield "is of another English: look it over, and take the mark `fuzzy` away"
        return
    if not all(texts):
        yield _NO_TRANSLATION
        return
    for text in texts:
        if _places(english) != _places(text):
            yield "has other places in its translation"
        if english.strip(". ") and english.endswith(".") != text.endswith(stop):
            yield f"and its translation must both end with a full stop ({stop}), or neither"
        if different := (_kept(english) - _kept(text)) | (_kept(text) - _kept(english)):
            yield f"and its translation must both have, equally often, {', '.join(different)}"
        if stop != "." and (unusual := _UNUSUAL.search(text)):
            yield f"has {unusual[0]!r}; Chinese has no italics, one kind of colon, and no space behind its signs"
        words = _NO_WORDS.sub(" ", english)
        for term, translations in terms.items():
            if re.search(_TERM.format(re.escape(term)), words) and not any(one in text for one in translations):
                yield f"has the term {term!r}; wanted {' or '.join(translations)}"


def _kept(text: str) -> Counter[str]:
    return Counter(_KEPT.findall(_OF_LANGUAGE.sub("", text)))


def _places(text: str) -> list[tuple[str, ...]]:
    """Return the places of a message. One without values may have a brace that opens none."""
    try:
        return sorted(place[1:] for place in _PLACES.parse(text) if place[1] is not None)
    except ValueError:
        return [("{",)] * text.count("{")


def _terms(table: Path) -> dict[str, list[str]]:
    """Return the terms of a language, each with its translations; none if it has no table."""
    if not table.exists():
        return {}
    with table.open(encoding="utf-8", newline="") as file:
        _header, *rows = csv.reader(file)
    return {term: translations.split("|") for term, translations in rows}


def main(argument: str = "") -> None:
    """Update all catalogues; begin the one of a language that is named; or check them, for "--check"."""
    english = messages()
    if argument == "--check":
        sys.exit(check(english))
    if argument:
        try:
            new = begin(argument)
        except ValueError as error:
            sys.exit(str(error))
        update(new, english)
        print(new.relative_to(ROOT))
    for name in language.names()[1:]:
        update(language.catalogue(name), english)
    for name in language.FINISHED:
        for path, text in documents(name).items():
            path.write_text(text, encoding="utf-8")


def check(english: Catalog) -> bool:
    """Print what is to be done in each language. Return True if that is anything in a finished one."""
    is_red = False
    for name in language.names()[1:]:
        lines = [*faults(language.catalogue(name), english)]
        if name in language.FINISHED:
            stale = [path for path, text in documents(name).items() if path.read_text("utf-8") != text]
            lines += [f"{path} is not as `make catalogues` writes it" for path in stale]
            is_red |= bool(lines)
        elif waiting := [line for line in lines if line.endswith(_NO_TRANSLATION)]:
            others = [line for line in lines if not line.endswith(_NO_TRANSLATION)]
            lines = [f"{waiting[0]}, nor have {len(waiting) - 1:,} more", *others]
        print("\n".join(line.removeprefix(f"{ROOT}/") for line in lines) or f"{name}: all is translated")
    return is_red


if __name__ == "__main__":
    main(*sys.argv[1:])
