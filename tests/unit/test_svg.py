"""Texts of pictures, measured."""

import pytest

from lab_lib.pages.svg import cut, text, width
from lab_lib.pages.wording import aligned


@pytest.mark.parametrize(
    ("words", "wide"),
    [
        ("", 0),
        ("il", 4.44),
        ("WM", 17.77),
        ("链路", 20),
        ("e\u0301", 5.56),
        ("😀", 10),
    ],
)
def test_each_character_has_its_width(words, wide):
    assert width(words, 10) == pytest.approx(wide)


@pytest.mark.parametrize(("room", "length"), [(100, 42), (30, 30)])
def test_a_text_keeps_its_width_in_every_font_and_never_needs_more_than_its_room(room, length):
    drawn = text(1, 2, "<链路>链", 10, room, font_weight="bold")

    assert drawn.startswith('<text x="1" y="2" font-size="10" font-weight="bold" textLength=')
    assert f'textLength="{length}"' in drawn
    assert drawn.endswith(">&lt;链路&gt;链</text>")


@pytest.mark.parametrize(
    ("words", "shown"), [("链路链路", "链路…"), ("链路", "链路"), ("", ""), ("iiiiiiiiiiiiii", "iiiiiiiii…")]
)
def test_a_text_is_cut_where_its_room_ends(words, shown):
    assert cut(words, 10, 25.8) == shown


def test_columns_have_the_width_that_a_terminal_gives_their_characters():
    assert aligned([("✔ 正常", "主题", "a"), ("✘ not yet", "topic", "bc")]) == [
        "✔ 正常     主题   a",
        "✘ not yet  topic  bc",
    ]
    assert aligned([]) == []
