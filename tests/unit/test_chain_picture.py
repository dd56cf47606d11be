"""The chain, drawn: as the checks find it, for every reader."""

import re
from html import escape
from xml.etree import ElementTree

import pytest

from lab_lib import language
from lab_lib.checks.reports import Check, Report
from lab_lib.checks.rules import RULES, State, part
from lab_lib.exercises import pictures
from lab_lib.exercises.pictures import NOTEBOOKS
from lab_lib.pages.chain_parts import PARTS
from lab_lib.pages.chain_picture import Look, Picture, svg
from lab_lib.pages.colours import LIT, MISSING, PLAIN, RIGHT, UNSEEN, WRONG

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
        ({}, Look(PLAIN)),
        ({"topic": OK}, Look(RIGHT, "✔ there")),
        ({"topic": OK, "other_subscriptions": NOT_YET}, Look(WRONG, "✘ wrong", "other subscriptions")),
        ({"topic": NOT_YET, "other_subscriptions": WAITS}, Look(MISSING, "– not there")),
        ({"topic": CANNOT_SEE}, Look(UNSEEN, "? cannot see", "topic HighBalanceAlert")),
        ({"topic": OK, "topic_display_name": COULD_BE, "tls_topic": CANNOT_SEE}, Look(RIGHT, "✔ there")),
    ],
)
def test_a_part_is_drawn_as_the_checks_that_are_about_it_find_it(states, look):
    assert report(**states).picture().looks["HighBalanceAlert"] == look


@pytest.mark.parametrize(("step", "word"), [("02", "– later"), ("03", "– not there")])
def test_what_a_later_notebook_makes_comes_later(step, word):
    assert report(topic=NOT_YET).picture(step).looks["HighBalanceAlert"].word == word


@pytest.mark.parametrize(("table", "style"), [(OK, RIGHT), (NOT_YET, MISSING), (CANNOT_SEE, PLAIN)])
def test_an_arrow_that_no_check_is_about_is_there_with_its_ends(table, style):
    picture = report(function_TransactionProcessor=OK, table_Customer=table).picture()

    assert picture.looks["TransactionProcessor→Customer"].style == style


def test_a_check_is_about_what_the_last_one_before_it_is_about():
    assert [part(id) for id in ("stream", "probe-totals", "probe-again")] == ["Transactions", "TransactionTotal", ""]


@pytest.mark.parametrize("name", ["TotalNotifier", "Transactions→TotalNotifier"])
def test_each_state_is_told_without_its_colour(name):
    drawn = [svg({name: Look(style)}) for style in (PLAIN, LIT, RIGHT, WRONG, MISSING, UNSEEN)]

    assert len({re.sub("#[0-9a-f]{6}", "", image) for image in drawn}) == len(drawn)


def test_markup_in_a_word_is_shown_as_text():
    name = "<script>\"&'</script>"
    looks = {key: Look(WRONG, name, name) for key in PARTS}

    assert texts(svg(looks)).count(name) > 10
    assert f'<img alt="{escape(Picture(looks).alt)}" src="' in Picture(looks).image


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_a_notebooks_picture_has_each_part_and_in_chinese_no_english_but_names(number, monkeypatch):
    monkeypatch.setenv(language.VARIABLE, "zh_CN")

    drawn = pictures.svg(number)

    assert {word for text in texts(drawn) for word in re.findall(r"\b[a-z][a-z.]+", text)} == {"transactions.txt"}
    assert {part for part in PARTS if f'data-part="{part}"' in drawn} == {*PARTS}
