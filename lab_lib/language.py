"""Say things in the user's language, and in English what has no translation.

A language is the name of a folder in `locale`, such as zh_CN. It stands in the variable LAB_LANG, from which the
processes that a command starts have it too.
"""

import functools
import gettext
import io
import os
import re
from pathlib import Path

from rich.cells import cell_len

VARIABLE, ENGLISH = "LAB_LANG", "en"
FINISHED = ("zh_CN",)  # has pages of its own, and no message without its translation: `make lint` names each
LOCALE = Path(__file__).with_name("locale")
SETTING = Path(".lab", "language")  # in the learner's copy of the notebooks
_WORD = re.compile(r"\s*(?:[“（]*[⺀-\uffff][、，。；：？！”）…]*|[^\s⺀-\uffff]+[、，。；：？！”）]*)\s*")
_OF_COMPUTER = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # in the order of gettext


def use(name: str) -> None:
    """Use this language, one of `names()`, here and in the processes that this one starts."""
    os.environ[VARIABLE] = name


def names() -> list[str]:
    """Return the languages that the lab has, finished or not."""
    return _names_in(LOCALE)


@functools.cache
def _names_in(locale: Path) -> list[str]:
    return [ENGLISH, *sorted(po.parents[1].name for po in locale.glob("*/LC_MESSAGES/lab.po"))]


def of_copy(copy: Path) -> str:
    """Return the language of this copy of the notebooks. Before there is one, it is the computer's.

    Without catalogues, it is English.
    """
    setting = copy / SETTING
    if setting.parent.is_dir():
        name = setting.read_text("utf-8", "replace").strip() if setting.is_file() else ENGLISH
        return name if name in names() else ENGLISH
    values = [os.environ.get(variable, "") for variable in _OF_COMPUTER]
    of_computer = next(filter(None, values), "").replace("-", "_")  # the first that is set
    fitting = [name for name in names() if of_computer.startswith(name)]
    return max(fitting, key=len, default=ENGLISH)  # fr_CA, or the fr of all


def used(copy: Path | None = None) -> str:
    """Return the language that is used. If none was named, it is that of a copy, or of the current folder."""
    if os.environ.get(VARIABLE) not in names():
        use(of_copy(copy or Path.cwd()))
    return os.environ[VARIABLE]


def folder(name: str) -> Path | None:
    """Return the folder with the catalogue, the fonts and the settings of a language; None for English."""
    return None if name == ENGLISH else LOCALE / name


def _(message: str, /, **values: object) -> str:
    """Return a message in the user's language, with the values in its places."""
    text = translations(used()).gettext(message) if message else ""
    return _filled(text, message, values) if values else text


def ngettext(one: str, many: str, count: int, /, **values: object) -> str:
    """Return the form of a message for a number of things. The number is a value too: `count`."""
    text = translations(used()).ngettext(one, many, count)
    return _filled(text, one if count == 1 else many, {"count": count, **values})


def sentences(*texts: str) -> str:
    """Return the texts that are not empty as one: between two sentences, Chinese has no space."""
    space = _("{sentence} {sentence_after}", sentence="", sentence_after="")
    return space.join(filter(None, texts))


def line_breaks(text: str, columns: int) -> list[int]:
    """Return where the lines of a text begin, but for the first, if a line has so many columns.

    Chinese has no spaces: a line can end after each character, but not before a comma.
    """
    breaks = []
    used = 0
    for word in _WORD.finditer(text):
        if used and used + cell_len(word[0].rstrip()) > columns:
            breaks.append(word.start())
            used = 0
        used += cell_len(word[0])
        if used > columns + 1:  # a word that is longer than a line, such as an ARN, goes over several
            used %= columns
    return breaks


def N_(message: str) -> str:  # gettext's name
    """Mark a message that is made before the language is known. The code that shows it calls `_`."""
    return message


def _filled(text: str, english: str, values: dict[str, object]) -> str:
    """Return a text with the values in its places, or the English if it has other places, which the tests find."""
    try:
        return text.format(**values)
    except (AttributeError, LookupError, ValueError):
        return english.format(**values)


def catalogue(name: str) -> Path:
    """Return the file with the messages of a language, and of its notebooks and documents."""
    return LOCALE / name / "LC_MESSAGES" / "lab.po"


@functools.cache
def translations(name: str) -> gettext.NullTranslations:
    """Return the messages of the language of this name, as gettext has them."""
    if name == ENGLISH:
        return gettext.NullTranslations()
    from babel.messages import mofile, pofile

    compiled = io.BytesIO()
    with catalogue(name).open("rb") as file:
        mofile.write_mo(compiled, pofile.read_po(file))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
