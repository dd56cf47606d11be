"""What happens to a translation when the English changes, and what is told of it."""

import re

import pytest
from babel.messages import Catalog

from docs import catalogues
from lab_lib import language
from lab_lib.exercises import translation

MARKDOWN = """\
# A heading with `code`

A paragraph
of two lines.

<img alt="words" src="chain.svg">
- **a** an item
  of two lines
- another

1. first
<!-- a mark -->

| a | b |
|---|---|
| c | d, e |
| 00–99 | 0.33 |

    lab run       run it
    source it
    ana1,function,7.5,"Right, but slow.",,
```
not this
:caption: but this
```
The end.
"""
MESSAGES = [
    "A heading with `code`",
    "A paragraph of two lines.",
    '<img alt="words" src="chain.svg">',
    "**a** an item of two lines",
    "another",
    "first",
    "a | b",
    "c | d, e",
    "run it",
    "Right, but slow.",
    "but this",
    "The end.",
]
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
SAID = "The queue {name} is full."


@pytest.fixture(autouse=True)
def no_locale(tmp_path, monkeypatch):
    """Each test has no language but its own."""
    monkeypatch.setattr(language, "LOCALE", tmp_path)
    monkeypatch.setattr(language, "FINISHED", ())


def english(*messages):
    catalogue = Catalog()
    for message in messages:
        catalogue.add(message, locations=[("lab_lib/a.py", 0)])
    return catalogue


def po_of(name, **translations):
    po = language.catalogue(name)
    po.parent.mkdir(parents=True, exist_ok=True)
    entries = (f'msgid "{english}"\nmsgstr "{text}"\n\n' for english, text in translations.items())
    po.write_text(HEADER + "".join(entries), encoding="utf-8")
    po.parents[1].joinpath("glossary.csv").write_text("English,Spanish\nqueue,cola\n", encoding="utf-8")
    return po


def test_a_text_is_cut_into_messages_and_put_together_again():
    assert catalogues.messages_of_document(MARKDOWN) == MESSAGES
    assert "" not in catalogues.messages_of_document("# \n- \n|  |\n1. ")  # gettext has its header there
    loud = translation.in_markdown(MARKDOWN, str.upper)
    whole = MARKDOWN.replace("paragraph\nof", "paragraph of").replace("item\n  of", "item of")
    assert loud.lower() == whole.lower()
    assert "    lab run       RUN IT\n    source it\n" in loud
    assert "\nnot this\n:caption: BUT THIS\n" in loud


CODE = """\
%%writefile x.py
x = "# no"  # a remark
### BEGIN SOLUTION
def f(x):
    \"\"\"return x.

    More of it.
    \"\"\"
    return "a text"
print(f"kept: {x['key']}", *names or ["none"], ", ".join(x), x["name"], sep="and")
print("yes" if x == "no" else 'no', "…")
"""
TEXTS_OF_CODE = ["no", "yes", "none", "kept: {x['key']}", "return x.", "More of it.", "a remark"]


def test_of_code_comments_docstrings_and_printed_words_are_messages_and_names_are_not():
    found = list[str]()

    marked = translation.in_code(CODE, lambda text: found.append(text) or f"‹{text}›")

    assert found == TEXTS_OF_CODE
    assert re.sub("[‹›]", "", marked).replace('More of it."""', 'More of it.\n    """') == CODE
    assert translation.in_code("# a", "{}\nimport os".format) == "# a import os"


def test_a_changed_message_keeps_its_translation_as_fuzzy_and_an_old_one_stands_at_the_end(monkeypatch):
    po = po_of("es", **{SAID: "La cola {name} está llena.", "gone": "ido", "same": "igual"})

    catalogues.update(po, english("The queue {name} is full now.", "same", "brand-new"))

    text = po.read_text("utf-8")
    assert f'#, fuzzy, python-brace-format\n#| msgid "{SAID}"\nmsgid "The queue {{name}} is full now."' in text
    assert 'msgstr "La cola {name} está llena."' in text
    assert 'msgid "brand-new"\nmsgstr ""' in text
    assert text.rstrip().endswith('#~ msgid "gone"\n#~ msgstr "ido"')
    assert "is of another English" in next(catalogues.faults(po, english("The queue {name} is full now.")))
    catalogues.update(po, english("gone", "The queue {name} is full now.", "same", "brand-new"))
    assert '\nmsgid "gone"\nmsgstr "ido"' in po.read_text("utf-8")
    monkeypatch.setenv(language.VARIABLE, "es")
    language.translations.cache_clear()
    assert language._("The queue {name} is full now.", name="Q") == "The queue Q is full now."
    assert language._("same") == "igual"


WRONG = [
    (SAID, "", "has no translation"),
    (SAID, "La cola {nombre} está llena.", "has other places in its translation"),
    (SAID, "La cola {name} está llena", "must both end with a full stop"),
    ("run `lab run`", "ejecute `lab`", "must both have"),
    ("[here](a.md#b)", "[aquí](c.md#d)", "must both have"),
    ("the queues", "las filas", "has the term 'queue'; wanted cola"),
]


@pytest.mark.parametrize(("message", "text", "reason"), WRONG)
def test_what_is_wrong_with_a_translation_is_told_with_its_line(message, text, reason):
    po = po_of("es", right="bien", **{message: text})

    (fault,) = catalogues.faults(po, english("right", message))

    assert fault.startswith(f"{po}:7: {message!r} ")
    assert reason in fault


def test_a_message_that_is_missing_or_no_longer_there_asks_for_make_catalogues_and_a_damaged_file_names_its_line():
    po = po_of("es", old="viejo")

    missing, unused = catalogues.faults(po, english("new"))

    assert missing == f"{po}: 'new' is missing: run `make catalogues`"
    assert unused == f"{po}:4: 'old' is no longer in the English: run `make catalogues`"
    po.write_text(HEADER + 'msgid "x\n', encoding="utf-8")
    assert next(catalogues.faults(po, english("x"))).startswith(f"{po}:4: ")
