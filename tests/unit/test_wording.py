"""Characters that cannot be seen, or look like others, are shown by their codes."""

import pytest

from lab_lib.pages.wording import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Tot\u0430lNotifier", "Tot[U+0430]lNotifier"),  # a Cyrillic a
        ("C1\u200b, C2\ufeff", "C1[U+200B], C2[U+FEFF]"),
        ("a\u00a0b\tc\nd\0", "a[U+00A0]b[U+0009]c[U+000A]d[U+0000]"),
        ("lab\u2013x, \u22121", "lab[U+2013]x, [U+2212]1"),  # a dash, a minus sign
        ("e\u0301cole", "e[U+0301]cole"),
        *((text, text) for text in ["C1 598, C2 1750 …", "C1客户", "Москва", "محمد", "José: “a”", "✔ ok"]),
    ],
)
def test_an_odd_character_is_shown_by_its_code_and_any_script_as_it_is(text, shown):
    assert visible(text) == shown
