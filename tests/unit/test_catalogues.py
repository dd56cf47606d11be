"""Every catalogue has all that is to be translated, nothing else, and nothing that was made from an older English."""

import ast
import json
import re
import string

import pytest

from docs import catalogues
from lab_lib import language
from lab_lib.exercises import copies, texts, translation
from tests.artificial_language import digest as digest_of

LANGUAGES = [name for name in language.names() if name != language.ENGLISH]
# What a translation must keep, in any order: code, addresses, images, hints, and the letters of answers to choose from.
KEPT = [re.compile(r"(?<!`)`[^`\n]+`(?!`)"), re.compile(r"\]\((?!#)[^)#]*"), re.compile(r'src="[^"]*"')]
KEPT += [re.compile("</?(?:details|summary)>"), re.compile(r"^- \*\*[a-z]\*\*", re.MULTILINE)]
KEPT += [re.compile(r"^(?:#+|-|\d+\.|\|)(?= )", re.MULTILINE)]
TRANSLATED = re.compile(r"\.[a-z]{2}(?=\.(?:md|svg))")  # in the names of a language's documents
_PLACES = string.Formatter()


@pytest.fixture(scope="module", params=LANGUAGES)
def folder(request):
    return language.LOCALE / request.param


@pytest.fixture(scope="module")
def catalogue(folder):
    """Return the messages of the language as they should be."""
    return catalogues.updated(folder / "LC_MESSAGES" / "lab.po")


def test_nothing_is_missing_stale_or_unused(folder, catalogue):
    """Each line names an entry to look at."""
    lines = [f"lab.po has no translation of {each.id!r}" for each in catalogue if each.id and not is_shown(each)]
    lines += [f"lab.po has {message.id!r}, which is nowhere marked" for message in catalogue.obsolete.values()]
    wanted = catalogues.in_language(folder)
    lines += [f"{path.name} is of no notebook" for path in folder.glob("notebooks/*") if path not in wanted]
    for markdown, english in wanted.items():
        there = language.entries(markdown)
        if not markdown.is_file() or markdown.read_text("utf-8") != catalogues.current(markdown, english):
            lines.append(f"{markdown.name} is not as `make catalogues` writes it")
        for id, text in english.items():
            if id not in there:
                lines.append(f"{markdown.name} has no {id}")
            elif there[id][0] != (digest := digest_of(text)):
                what_to_do = f"Look it over, then write {digest} into its mark"
                lines.append(f"{markdown.name}: {id} was made from another English. {what_to_do}")
        lines += [f"{markdown.name} has {id}, which is not in the English" for id in there.keys() - english.keys()]

    assert not lines, "\n".join(lines)


def is_shown(message):
    """Return True if a message has all its translations. A fuzzy one is shown in English."""
    return not message.fuzzy and all(forms(message))


def forms(message):
    """Return the translations of a message; of one that is new, an empty one."""
    string = message.string or ""
    return [string] if isinstance(string, str) else string


def translated(folder):
    """Yield each text of the Markdown catalogues: where it stands, the English and the translation."""
    for markdown, english in catalogues.in_language(folder).items():
        for id, (_digest, text) in language.entries(markdown).items():
            yield f"{markdown.name} {id}", english[id], text


def messages(catalogue):
    """Yield each translated message: the English and the translation, of a number of things one form for each."""
    for message in catalogue:
        if message.id and is_shown(message):
            english = message.id if isinstance(message.id, str) else message.id[-1]
            yield from ((english, form) for form in forms(message))


def places(text):
    return sorted((name, form, kind) for _, name, form, kind in _PLACES.parse(text) if name is not None)


def test_each_message_has_its_places(catalogue):
    assert [english for english, text in messages(catalogue) if braces(english, text)] == []


def test_a_message_is_a_whole_sentence_where_the_english_is(folder, catalogue):
    """A hint that is none is finished by the check."""
    stop = language.translations(folder.name).gettext(".")
    told = [(english, text) for english, text in messages(catalogue) if english.strip(". ")]

    assert [english for english, text in told if english.endswith(".") != text.endswith(stop)] == []


def test_each_text_keeps_its_code_links_pictures_hints_and_choices(folder):
    wrong = [
        (where, kept.pattern, sorted(map(str, set(one) ^ set(other))) or [len(one), len(other)])
        for where, english, text in translated(folder)
        for kept in KEPT
        if (one := sorted(kept.findall(TRANSLATED.sub("", english))))
        != (other := sorted(kept.findall(TRANSLATED.sub("", text))))
    ]

    assert wrong == []


def test_code_is_the_same_but_for_comments(folder):
    for path in copies.solved_notebooks():
        english = json.loads(path.read_text("utf-8"))["cells"]
        for cell, other in zip(english, translation.notebook(path, folder.name)["cells"], strict=True):
            if cell["cell_type"] == "code":
                assert without_comments(cell) == without_comments(other), cell["id"]


def test_each_exercise_has_its_hints_and_choices(folder):
    english = texts._all(language.ENGLISH)
    there = texts._all(folder.name)

    assert there.keys() == english.keys()
    for exercise, text in english.items():
        assert len(there[exercise].hints) == len(text.hints)
        assert there[exercise].options.keys() == text.options.keys()
        assert there[exercise].heading != text.heading


def braces(english, text):
    """Return True if the places differ. A message without values may have a brace that opens no place."""
    try:
        return places(english) != places(text)
    except ValueError:
        return english.count("{") != text.count("{")


def without_comments(cell):
    code = "".join(cell["source"])
    try:
        return ast.dump(ast.parse(code))
    except SyntaxError:  # of a magic
        return re.sub(r"(^|\s+)#.*", "", code)
