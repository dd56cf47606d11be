"""Make characters visible that cannot be seen, or look like others: found and wanted must never look the same."""

import re

from lab_lib.pages.wording import cut

_CONFUSING = re.compile(
    r"[\uff0d\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"  # wide forms of -, digits and Latin letters
    r"|[\u2010-\u2015\u2212]"  # other dashes, and the minus sign
    r"|(?<=[A-Za-z])[\u0300-\u052f]+|[\u0300-\u052f]+(?=[A-Za-z])"  # marks, Greek and Cyrillic beside Latin letters
)


def visible(text: str, longest: int = 1_000) -> str:
    """Return the text, or its beginning, with the code of each odd character in its place, such as [U+0430].

    Odd are characters that cannot be seen, wide forms and other dashes of ASCII, and, beside Latin letters, those of
    Greek and Cyrillic. A word purely in another script stays as it is.
    """
    told = _CONFUSING.sub(lambda found: "".join(map(_code, found[0])), cut(text, longest))
    return "".join(character if character.isprintable() else _code(character) for character in told)


def _code(character: str) -> str:
    return f"[U+{ord(character):04X}]"
