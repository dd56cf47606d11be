"""The chain, drawn: as the checks find it, for every reader."""

import re
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab_lib import language
from lab_lib.checks.reports import Check, Report
from lab_lib.checks.rules import RULES, State
from lab_lib.exercises import pictures
from lab_lib.exercises.pictures import NOTEBOOKS
from lab_lib.pages import chain_picture
from lab_lib.pages.chain_picture import PARTS, Look, Picture, svg
from lab_lib.pages.colours import LOOKS

OK, NOT_YET, CANNOT_SEE, WAITS, COULD_BE = State.OK, State.NOT_YET, State.CANNOT_SEE, State.WAITS, State.COULD_BE


def report(**states):
    """Return a report of checks with these ids, which have _ for -."""
    rules = {RULES[id.replace("_", "-")]: state for id, state in states.items()}
    return Report([Check(rule.id, rule.step, rule.name, state, "", "", "") for rule, state in rules.items()])


def texts(drawn):
    return [element.text for element in ElementTree.fromstring(drawn).iter() if element.text]


@pytest.mark.parametrize(
    ("states", "look"),
    [
        ({}, Look()),
        ({"topic": OK}, Look("right", "✔ there")),
        ({"topic": OK, "other_subscriptions": NOT_YET}, Look("wrong", "✘ wrong")),
        ({"topic": NOT_YET, "other_subscriptions": WAITS}, Look("missing", "– not there")),
        ({"topic": CANNOT_SEE}, Look("unseen", "? cannot see")),
        ({"topic": OK, "topic_display_name": COULD_BE, "tls_topic": CANNOT_SEE}, Look("right", "✔ there")),
    ],
)
def test_a_part_is_drawn_as_the_checks_that_are_about_it_find_it(states, look):
    assert report(**states).picture().looks["HighBalanceAlert"] == look


def test_each_state_is_told_without_its_colour():
    style = Path(chain_picture.__file__).with_suffix(".css").read_text()
    told = dict(re.findall(r'^\.lab-chain \[data-state="(\w+)"\] {(.*)}$', style, re.MULTILINE))
    plain = {re.sub("#[0-9a-f]{6}", "", rule) for rule in told.values()}

    assert {look.drawn for look in LOOKS.values()} - {""} < told.keys()
    assert len(plain) == len(told)


def test_markup_in_a_word_is_shown_as_text():
    name = "<script>\"&'</script>"
    looks = {key: Look("wrong", name) for key in PARTS}

    assert texts(svg(looks)).count(name) > 10
    assert f'<img alt="{escape(Picture(looks).alt)}" src="' in Picture(looks)._repr_html_()


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_a_notebooks_picture_has_each_part_and_in_chinese_no_english_but_names(number, monkeypatch):
    monkeypatch.setenv(language.VARIABLE, "zh_CN")

    drawn = svg(pictures.picture(number).looks)

    written = [text for text in texts(drawn) if not text.startswith(".lab-chain")]
    assert {word for text in written for word in re.findall(r"\b[a-z][a-z.]+", text)} == {"transactions.txt"}
    assert all(drawn.count(f'data-part="{part}"') == 2 for part in PARTS)  # in a wide and in a narrow window


def test_the_readmes_picture_moves_without_a_script_and_only_for_who_wants_it():
    drawn = (Path(__file__).parents[2] / "docs" / "chain.svg").read_text("utf-8")
    motion = drawn.partition("(prefers-reduced-motion: no-preference) {\n.lab-chain .word")[2]

    assert len(drawn.encode()) <= 500_000
    assert "<script" not in drawn
    assert "@media (prefers-color-scheme: dark)" in drawn
    assert drawn.count("@keyframes") == motion.count("@keyframes") == len(set(re.findall(r'data-at="\d+"', drawn)))
    assert ">24 of 24<" in drawn
