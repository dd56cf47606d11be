"""Every catalogue has all that is to be translated, nothing else, and nothing that was made from an older English."""

import ast
import csv
import json
import re
import shutil
import string
from itertools import chain

import pytest
from babel.messages.pofile import PoFileError

from docs import catalogues
from lab_lib import language
from lab_lib.exercises import copies, edition, texts, translation
from lab_lib.places import PACKAGE
from tests.artificial_language import digest

LANGUAGES = [language.LOCALE / name for name in language.names() if name != language.ENGLISH]
CHINESE = language.LOCALE / "zh_CN"
# What a translation must keep, in any order: code, addresses, images, hints, and the letters of answers to choose from.
KEPT = [re.compile(r"(?<!`)`[^`\n]+`(?!`)"), re.compile(r"\]\((?!#)[^)#]*"), re.compile(r'src="[^"]*"')]
KEPT += [re.compile("</?(?:details|summary)>"), re.compile(r"^- \*\*[a-z]\*\*", re.MULTILINE)]
KEPT += [re.compile(r"^(?:#+|-|\d+\.|\|)(?= )", re.MULTILINE)]
TRANSLATED = re.compile(r"\.[a-z]{2}(?=\.(?:md|svg))")  # in the names of a language's documents
# What no term is looked for in: code, also without marks around it, and addresses.
NO_TERM = re.compile(
    "|".join(
        (
            r"```.*?```|`[^`]*`|^    .*$|^# for example.*$|--\w+",  # code and commands
            r"\w+\([^()]*\)|\w*[._\[{]\w[\w.\[{}!:,\"]*|\"[^\"\n]{1,25}\"",  # calls, places and what has quotes
            r"\]\([^)]*\)|<(?!img)[^>]*>|src=\"[^\"]*\"",  # addresses and HTML
        )
    ),
    re.DOTALL | re.MULTILINE,
)
_PLACES = string.Formatter()


def stale(folder):
    """Return what is wrong with a language's catalogues, a line for each entry to look at."""
    catalogue = catalogues.updated(folder / "LC_MESSAGES" / "lab.po")
    lines = [
        f"lab.po has no translation of {message.id!r}" for message in catalogue if message.id and not is_shown(message)
    ]
    lines += [f"lab.po has {message.id!r}, which is nowhere marked" for message in catalogue.obsolete.values()]
    wanted = catalogues.in_language(folder)
    lines += [f"{path.name} is of no notebook" for path in folder.glob("notebooks/*") if path not in wanted]
    for markdown, english in wanted.items():
        there = language.entries(markdown)
        if not markdown.is_file() or markdown.read_text("utf-8") != catalogues.current(markdown, english):
            lines.append(f"{markdown.name} is not as `make catalogues` writes it")
        digests = {id: digest(text) for id, text in english.items()}
        lines += [f"{markdown.name} has no {id}" for id in english.keys() - there.keys()]
        lines += [f"{markdown.name} has {id}, which is not in the English" for id in there.keys() - english.keys()]
        lines += [
            f"{markdown.name}: {id} was made from another English. Look it over, then write {digests[id]} into its mark"
            for id in english.keys() & there.keys()
            if there[id][0] != digests[id]
        ]
    return lines


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


def messages(folder):
    """Yield each translated message: the English and the translation, of a number of things one form for each."""
    for message in catalogues.updated(folder / "LC_MESSAGES" / "lab.po"):
        if message.id and is_shown(message):
            english = message.id if isinstance(message.id, str) else message.id[-1]
            yield from ((english, form) for form in forms(message))


def places(text):
    return sorted((name, form, kind) for _, name, form, kind in _PLACES.parse(text) if name is not None)


@pytest.mark.parametrize("folder", LANGUAGES, ids=lambda folder: folder.name)
class TestALanguage:
    def test_nothing_is_missing_stale_or_unused(self, folder):
        assert not (lines := stale(folder)), "\n".join(lines)

    def test_each_message_has_its_places(self, folder):
        wrong = [english for english, text in messages(folder) if "{" in english + text and braces(english, text)]

        assert wrong == []

    def test_a_message_is_a_whole_sentence_where_the_english_is(self, folder):
        """A hint that is none is finished by the check."""
        stop = language.translations(folder.name).gettext(".")
        told = [(english, text) for english, text in messages(folder) if english.strip(". ")]
        wrong = [english for english, text in told if english.endswith(".") != text.endswith(stop)]

        assert wrong == []

    def test_each_text_keeps_its_code_links_pictures_hints_and_choices(self, folder):
        wrong = [
            (where, kept.pattern, sorted(map(str, set(one) ^ set(other))) or [len(one), len(other)])
            for where, english, text in translated(folder)
            for kept in KEPT
            if (one := sorted(kept.findall(TRANSLATED.sub("", english))))
            != (other := sorted(kept.findall(TRANSLATED.sub("", text))))
        ]

        assert wrong == []

    def test_code_is_the_same_but_for_comments(self, folder):
        for path in copies.solved_notebooks():
            english = json.loads(path.read_text("utf-8"))["cells"]
            for cell, other in zip(english, translation.notebook(path, folder.name)["cells"], strict=True):
                code, same = "".join(cell["source"]), "".join(other["source"])
                if cell["cell_type"] == "code":
                    assert without_comments(code) == without_comments(same), cell["id"]
                    assert (code == same) == (not translation.text_of(cell)), cell["id"]

    def test_links_lead_to_headings_that_are_there(self, folder):
        headings = {
            path.name: {heading.replace(" ", "-") for heading in headings_of(translation.notebook(path, folder.name))}
            for path in copies.solved_notebooks()
        }
        linked = [
            (where, name, anchor)
            for where, _, text in translated(folder)
            for name, anchor in re.findall(r"\]\(([\w.-]+\.ipynb)#([^)]+)\)", text)
        ]

        assert [link for link in linked if link[2] not in headings[link[1]]] == []

    def test_each_exercise_has_its_hints_and_choices(self, folder, monkeypatch):
        english = texts._all(language.ENGLISH)
        there = texts._all(folder.name)

        assert there.keys() == english.keys()
        for exercise, text in english.items():
            assert len(there[exercise].hints) == len(text.hints)
            assert there[exercise].options.keys() == text.options.keys()
            assert there[exercise].heading != text.heading


def test_what_is_stale_is_named_with_its_new_digest(tmp_path, monkeypatch):
    before, newer = stale(CHINESE), tmp_path / "03-create-topic.ipynb"
    notebook = json.loads((copies.NOTEBOOKS / newer.name).read_text("utf-8"))
    notebook["cells"][0]["source"] = ["# 03 · Create another topic"]
    newer.write_text(json.dumps(notebook), encoding="utf-8")
    paths = [path for path in copies.solved_notebooks() if path.name != newer.name]
    monkeypatch.setattr(copies, "solved_notebooks", lambda: [*paths, newer])

    lines = [line for line in stale(CHINESE) if line not in before]

    new = digest("# 03 · Create another topic")
    assert lines == [
        f"03-create-topic.md: {notebook['cells'][0]['id']} was made from another English. "
        f"Look it over, then write {new} into its mark"
    ]


def test_what_a_learner_would_read_in_english_or_never_is_named(tmp_path):
    folder = shutil.copytree(CHINESE, tmp_path / CHINESE.name)
    po, markdown = folder / "LC_MESSAGES" / "lab.po", folder / "notebooks" / "03-create-topic.md"
    text = po.read_text("utf-8").replace('msgid "Right."', '#, fuzzy\nmsgid "Right."')
    text = text.replace('msgid "Not yet."', 'msgid "Not right."')
    po.write_text(
        re.sub(r'(?<=msgid "\{count:,\} row"\n)(.*\n)msgstr\[0\].*', r'\1msgstr[0] ""', text), encoding="utf-8"
    )
    twice = markdown.read_text("utf-8")
    markdown.write_text(f"{twice}\n{twice}", encoding="utf-8")
    (folder / "notebooks" / "08-old.md").touch()

    assert sorted({*stale(folder)} - {*stale(CHINESE)}) == [
        "03-create-topic.md is not as `make catalogues` writes it",
        "08-old.md is of no notebook",
        "lab.po has 'Not right.', which is nowhere marked",
        "lab.po has no translation of 'Not yet.'",
        "lab.po has no translation of 'Right.'",
        "lab.po has no translation of ('{count:,} row', '{count:,} rows')",
    ]


def test_a_damaged_line_of_messages_is_an_error(tmp_path):
    (po := tmp_path / "lab.po").write_text("<<<<<<< HEAD\n")

    with pytest.raises(PoFileError):
        catalogues.updated(po)


def braces(english, text):
    """Return True if the places differ. A message without values may have a brace that opens no place."""
    try:
        return places(english) != places(text)
    except ValueError:
        return english.count("{") != text.count("{")


def without_comments(code):
    try:
        return ast.dump(ast.parse(code))
    except SyntaxError:  # of a magic
        return re.sub(r"(^|\s+)#.*", "", code)


def headings_of(notebook):
    return chain.from_iterable(edition.HEADING.findall("".join(cell["source"])) for cell in notebook["cells"])


def test_babel_reads_every_mark():
    """It does not read one inside another, nor, before Python 3.12, one inside an f-string."""
    read = {message.id if isinstance(message.id, str) else message.id[0] for message in catalogues.messages()}
    trees = [ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    marked = [call.args[0] for call in calls if getattr(call.func, "id", "") in ("_", "N_", "ngettext")]

    assert {text.value for text in marked if isinstance(text, ast.Constant)} - read == set()
    assert [ast.unparse(text) for text in marked if isinstance(text, ast.JoinedStr | ast.BinOp)] == []


@pytest.mark.parametrize("folder", LANGUAGES, ids=lambda folder: folder.name)
def test_each_term_of_the_glossary_is_translated_as_it_says(folder):
    """A longer term is found before one that it contains. Several translations are of several meanings."""
    with (folder / "glossary.csv").open(encoding="utf-8", newline="") as file:
        _head, *rows = csv.reader(file)
    terms = {english: translations.split("|") for english, translations in rows}
    plurals = {f"{term}{end}": term for term in terms for end in ("", "s", "es")}
    plurals |= {re.sub("y$", "ies", term): term for term in terms}
    found = re.compile(rf"\b({'|'.join(sorted(map(re.escape, plurals), key=len, reverse=True))})\b")

    wrong = [
        (term, where, terms[term])
        for where, english, text in [*translated(folder), *(("lab.po", *message) for message in messages(folder))]
        for term in {plurals[name] for name in found.findall(NO_TERM.sub(" ", english))}
        if not any(word in text for word in terms[term])
    ]

    assert wrong == []
